"""What the organization did about errors and waste in the past: disputes with their credits, lines it cancelled.

A dispute concerns the errors of one bill of one service. Most are answered by credits on a later bill that name the
charges in question; some were declined, some wait to this day. The errors themselves stay in the truth: they were
billed.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from sample_data import draw
from sample_data.world import Charge, Invoice, Service, World

if TYPE_CHECKING:
    from sample_data.plants import Picker

#: Carriers that credit what was disputed, with the item their credits are billed as.
ITEM = {"tmobile": "TM-DISPUTE", "colt": "COLT-DISPUTE", "ringcentral": "RC-DISPUTE"}
RULES = {"R1", "R2", "I2", "C2"}
#: Share of the window (as months) whose errors were noticed and disputed at the time.
SPAN = (0.2, 0.62)
#: A bill is disputed on this day of the month after it; the credit is on the bill of so many months after it.
FILED_DAY = 20
ANSWER = 3
#: Shares of disputes that were filed at all, and of those that were answered.
NOTICED, ANSWERED = 0.75, 0.7
#: Lines cancelled for want of use (for 2,500 services), so many months after the last use.
CANCELLED = (("verizon", 8), ("att", 6), ("tmobile", 4), ("vodafone", 3))
AFTER = 4
#: The first so many months whose claims the carriers declined, as far as they were not answered, on this day of the
#: month of the answer.
DECLINED_MONTHS, DECLINED_DAY = 2, 12
COLUMNS = ("filed_on", "rule", "service_id", "month", "declined_on")
_SHORTEST = 12  # months; a shorter window leaves no time for answers


def choose(picker: Picker) -> None:
    """Choose lines that nobody used, and that were cancelled some months later."""
    world = picker.world
    if len(world.months) < _SHORTEST:
        return

    def unused(service: Service) -> bool:
        pooled = bool(service.now.plan_id) and bool(world.plans[service.now.plan_id]["pool_group"])
        return picker.calm(service) and service.kind == "mobile" and pooled

    for carrier, count in CANCELLED:
        for service in picker.pick("U1-ended", carrier, count, unused):
            first = picker.start(0.1, 0.4)
            service.quirks["silent"] = tuple(world.months[first:])
            service.disconnected_on = draw.day(world.months[first + AFTER], 1)
            world.cancelled.append(service.service_id)


def answer(world: World, drafts: list[Invoice]) -> None:
    """Add the credits that the bills of this month hold for errors on bills of :data:`ANSWER` months before."""
    if len(world.months) < _SHORTEST:
        return
    month = drafts[0].month
    billed = draw.shift_month(month, -ANSWER)
    if billed not in _noticed(world):
        return
    earlier = {invoice.account_id: invoice for invoice in world.invoices if invoice.month == billed}
    for invoice in drafts:
        carrier = str(world.accounts[invoice.account_id]["carrier_id"])
        if carrier not in ITEM or invoice.account_id not in earlier:
            continue
        for wrong in earlier[invoice.account_id].charges:
            found = _claim(wrong)
            if not found or not _drawn(world, wrong, "noticed", NOTICED):
                continue
            rule, amount = found
            answered = _drawn(world, wrong, "answered", ANSWERED)
            declined = not answered and billed in _noticed(world)[:DECLINED_MONTHS]
            world.disputed.append(
                {
                    "filed_on": draw.day(draw.shift_month(billed, 1), FILED_DAY),
                    "rule": rule,
                    "service_id": wrong.service_id,
                    "month": billed,
                    "declined_on": draw.day(month, DECLINED_DAY) if declined else "",
                }
            )
            if answered:
                invoice.charges.append(
                    Charge(
                        "credit",
                        ITEM[carrier],
                        f"Credit for bill {earlier[invoice.account_id].number}",
                        -amount,
                        draw.day(month, 1),
                        draw.last_day(month),
                        wrong.service_id,
                        wrong.billed_number,
                        provider=carrier,
                        related=wrong,
                    )
                )


def items(world: World) -> None:
    """Add the items of these credits to the catalogue."""
    if len(world.months) >= _SHORTEST:
        for carrier, code in ITEM.items():
            world.add(
                "items",
                carrier_id=carrier,
                item_code=code,
                description="Credit for a dispute",
                category="credit",
                nature="other",
            )


def write(world: World, folder: Path) -> None:
    """Write disputes.csv and cancelled.csv, where there is anything to write.

    disputes.csv has a row for each (rule, service, month) that was disputed, with the day and, where the carrier
    declined, that day too; cancelled.csv a row for each line that was ended because nobody used it.
    """
    rows = {tuple(row[name] for name in COLUMNS): row for row in world.disputed}
    for name, columns, lines in (
        ("disputes", COLUMNS, [rows[key] for key in sorted(rows)]),
        ("cancelled", ("service_id",), [{"service_id": key} for key in sorted(world.cancelled)]),
    ):
        if lines:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(lines)


def _noticed(world: World) -> list[str]:
    low, high = (world.month_at(share) for share in SPAN)
    return world.months[low : high + 1]


def _claim(charge: Charge) -> tuple[str, int] | None:
    for expected in charge.truths:
        amount = int(str(expected["amount"]))
        if expected["rule"] in RULES and amount > 0:
            return str(expected["rule"]), amount
    return None


def _drawn(world: World, charge: Charge, what: str, share: float) -> bool:
    return draw.stream(world.seed, "settled", what, charge.service_id).random() < share
