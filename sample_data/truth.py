"""The truth table: what each planted thing should be found as, and what follows from the rules' exact conditions.

Zero use and the policy hits are derived here from the finished world by the words of `interfaces.md` section 5, so that
overlaps (a leaver's silent line is also a zero-use line) are listed too.
"""

from __future__ import annotations

from pathlib import Path

from sample_data import draw, usage
from sample_data.contracts import rate_on
from sample_data.catalogue import ITEMS, item_of
from sample_data.world import Charge, Invoice, Service, World
from sample_data.writers_canonical import write_rows

COLUMNS = ("plant_id queue rule kind subject_type subject_id service_id account_id invoice month amount currency note "
           "charge_id billed_number").split()
EXEMPT = {"standby", "emergency", "backup"}


def collect(world: World) -> list[dict[str, object]]:
    """All expected findings, sorted; amounts in cents."""
    rows = list(world.expected)
    for invoice in world.invoices:
        for charge in invoice.charges:
            rows += [_of_charge(world, invoice, charge, item) for item in charge.truths]
            rows += _premium_charge(world, invoice, charge)
    for service in world.services.values():
        rows += _zero_use(world, service)
        rows += _policy(world, service)
    return sorted(rows, key=lambda r: (str(r["queue"]), str(r["rule"]), str(r["plant_id"]), str(r["month"]),
                                       str(r["subject_id"]), str(r.get("charge_id", ""))))


def write(world: World, folder: Path) -> None:
    """Write planted.csv and its README."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{**row, "amount": draw.money(int(str(row["amount"])))} for row in world.truth]
    write_rows(folder / "planted.csv", COLUMNS, rows)
    (folder / "README.md").write_text(README, encoding="utf-8")


def _row(world: World, service: Service, queue: str, rule: str, kind: str, month: str, amount: int,
         note: str = "") -> dict[str, object]:
    return {"plant_id": service.plant or "accidental", "queue": queue, "rule": rule, "kind": kind,
            "subject_type": "service", "subject_id": service.service_id, "service_id": service.service_id,
            "account_id": service.now.account_id, "invoice": "", "month": month, "amount": amount,
            "currency": usage.currency_of(world, service), "note": note}


def _of_charge(world: World, invoice: Invoice, charge: Charge, item: dict[str, object]) -> dict[str, object]:
    account = world.accounts[invoice.account_id]
    in_files = account["carrier_id"] in {"verizon", "att"}
    return {"queue": "audit", **item, "subject_id": "" if in_files else charge.charge_id,
            "charge_id": "" if in_files else charge.charge_id, "service_id": charge.service_id,
            "account_id": invoice.account_id, "invoice": "" if account["carrier_id"] == "att" else invoice.number,
            "month": charge.period_start[:7], "currency": account["currency"], "billed_number": charge.billed_number}


def _premium_charge(world: World, invoice: Invoice, charge: Charge) -> list[dict[str, object]]:
    if charge.zone != "premium" or charge.category != "usage":
        return []
    plant = world.services[charge.service_id].plant
    return [_of_charge(world, invoice, charge, {"plant_id": plant, "rule": "U7", "kind": "premium",
                                                "amount": charge.amount, "subject_type": "charge", "note": ""})]


def quantity(world: World, service: Service, month: str) -> float:
    """All use of a service in a month, whatever its type."""
    return sum(use.quantity for use in world.usage.get((service.service_id, month), []))


def _zero_use(world: World, service: Service) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    if service.kind not in {"mobile", "iot"} or service.purpose in EXEMPT:
        return rows
    for before, month in zip(world.months, world.months[1:], strict=False):
        whole = all(service.active_whole(draw.day(m, 1), draw.last_day(m)) for m in (before, month))
        if whole and not quantity(world, service, before) and not quantity(world, service, month):
            state = service.state(draw.last_day(month))
            assert state is not None
            rate = rate_on(world, service.contract_id, item_of(world, state.plan_id), draw.day(month, 1))
            if service.device_kind in {"phone", "tablet", "hotspot"}:
                rows.append(_row(world, service, "audit", "U1", "zero_use", month, rate))
            rows.append(_row(world, service, "policy", "zero_use", "zero_use", month,
                             int(str(world.plans[state.plan_id]["mrc"]))))
    return rows


def _policy(world: World, service: Service) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    countries = {code: str(c) for code, _, _, nature, _, _, _, c, *_ in ITEMS if nature == "roaming_pack"}
    for month in world.months:
        uses = world.usage.get((service.service_id, month), [])
        _, span = usage.active_share(service, month)
        if span is None or not uses:
            continue
        holder = world.employees.get(span.employee_id)
        cost = sum(use.cost for use in uses)
        if holder and holder.left_on and holder.left_on[:7] < month and quantity(world, service, month):
            mrc = int(str(world.plans[span.plan_id]["mrc"])) if span.plan_id else 0
            rows.append(_row(world, service, "policy", "use_after_leaving", "use_after_leaving", month, mrc + cost))
        premium = sum(use.cost for use in uses if use.zone == "premium")
        if premium:
            rows.append(_row(world, service, "policy", "premium_use", "premium", month, premium))
        roaming = [use for use in uses if use.zone == "roaming"]
        covered = str(world.plans[span.plan_id]["roaming_countries"]).split("|") if span.plan_id else []
        packs = service.quirks.get("packs", {})
        assert isinstance(packs, dict)
        covered += [c for when, code in packs if when == month for c in countries[code].split("|")]
        bare = sum(u.cost for u in roaming if u.country not in covered and "*" not in covered)
        if bare:
            rows.append(_row(world, service, "policy", "roam_no_bundle", "roaming_unbundled", month, bare))
        trips = {c for c, first, last in (holder.travels if holder else [])
                 if first <= draw.last_day(month) and last >= draw.day(month, 1)}
        alone = [u for u in roaming if u.country not in trips]
        if alone:
            rows.append(_row(world, service, "policy", "roam_no_travel", "roaming_no_travel", month,
                             sum(u.cost for u in alone)))
    return rows


def summarize(world: World) -> dict[str, object]:
    """Key figures: spend, unused capacity, share of spend touched by billing errors."""
    to_usd = {"USD": 1.0, "EUR": 1.08, "GBP": 1.27}
    spend = touched = 0.0
    for invoice in world.invoices:
        factor = to_usd[str(world.accounts[invoice.account_id]["currency"])]
        spend += invoice.total * factor
        errors = {str(item["rule"]) for charge in invoice.charges for item in charge.truths}
        touched += factor * sum(abs(c.amount) for c in invoice.charges if c.truths)
        if any(row["rule"] == "C1" and row["invoice"] == invoice.number for row in world.expected):
            touched += factor * invoice.total
        elif "C7" in errors:
            touched += 0
    bought = used = 0.0
    for (service_id, month), uses in world.usage.items():
        service = world.services[service_id]
        _, span = usage.active_share(service, month)
        size = world.plans[span.plan_id]["data_mb"] if span and span.plan_id else None
        if size:
            bought += float(str(size))
            used += min(float(str(size)), sum(u.quantity for u in uses if u.usage_type == "data" and u.zone == "home"))
    for service in world.services.values():
        silent = service.quirks.get("silent", ())
        assert isinstance(silent, tuple)
        if service.now.plan_id and world.plans[service.now.plan_id]["data_mb"]:
            bought += len(silent) * float(str(world.plans[service.now.plan_id]["data_mb"]))
    months = len(world.months)
    return {
        "services": len(world.services), "employees": len(world.employees), "months": months,
        "invoices": len(world.invoices), "charges": sum(len(i.charges) for i in world.invoices),
        "usage_rows": sum(map(len, world.usage.values())), "events": len(world.events),
        "spend_per_month_usd": round(spend / 100 / months), "unused_capacity": round(1 - used / bought, 4),
        "spend_touched_by_errors": round(touched / spend, 4), "truth_rows": len(world.truth),
        "plants": len({row["plant_id"] for row in world.truth}),
    }


README = """# What was planted

`planted.csv` holds one row per finding that should come out of `tem audit` and `tem flag` on this data, outside the
folders that are loaded. The same cause shares `plant_id`; a row is one (rule, subject, month).

- `queue`: audit, policy or anomaly. `rule`: the code of the audit rule, the id of the policy rule, or
  `anomaly.line_month`. `kind`: what was done.
- `subject_type`, `subject_id`: the narrowest thing that is wrong. For bills that come as Verizon or AT&T files the
  charge ids are made by the loader: `subject_id` is blank there; match by service (or `billed_number`) and month.
- `amount`: money at stake of that month, net of tax, positive where the customer lost it; in `currency`.

## Billing errors (queue audit)
| rule | planted |
|---|---|
| R1 | billed rate above (`rate_above`) or below (`rate_below`) the contract's |
| R2 | list price billed, the discount is missing |
| R3 | volume discount at a lower tier than the month's spend earned |
| R4 | contract expired, rack rate since |
| R6 | promotional credit stopped early or runs on after its end |
| I1 | a number nobody has in the inventory |
| I2 | billed after the disconnection, from its month on (in mid-month: the part after it) |
| I3 | active all month, never billed |
| I4 | holder left in an earlier month |
| I5 | site closed |
| I6 | no owner, or a closed cost center |
| I7 | billed in two accounts |
| I8 | device wiped, retired or unseen for 60 days (listed for the last month only) |
| I10 | suspended, billed in full |
| U1 | no use for two cycles and more |
| U7 | premium or third-party charge |
| C1 | duplicate invoice under another number |
| C2 | the same charge twice |
| C3 | late fee; once although paid in time, once after a late payment |
| C5 | one-off charge without an order |
| C7 | wrong tax rate, tax on an exempt account |
| C9 | a part of a month billed in full |
| C11 | quantity x rate is not the amount; total is not the sum |
| C12 | an invoice never came |
| C14 | promised credit never came or fell short |

## Policy and anomalies
`zero_use`, `use_after_leaving`, `roam_no_bundle`, `roam_no_travel` and `premium_use` rows are all hits that exist, by
the rules' exact conditions. Anomaly kinds: roaming_unbundled, roaming_no_travel, premium, third_party, short_calls,
international_burst, many_destinations, device_change, spike, drift (from its third month), level_shift (its first three
months), drop.

## Look-alikes, not findings
Correct prorations (activation, plan change, disconnection and account moves in mid-month), seasonal suspensions at the
agreed rate, duplicates already credited (`ok-credited`), the Vodafone amendment's new prices, one-off charges with their
order, used roaming passes, one month without use (`ok-quiet-month`), standby, emergency and backup lines without use,
promotions that end as agreed (`ok-promo`), a promised credit that came (`ok-credit`), the sales meeting in Lisbon with
many roamers, and one department's new phones.
"""
