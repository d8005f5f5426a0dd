"""The dispute pack: what a carrier needs to check and credit each claim, line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from app import formats
from app.reports.executive import rule_title
from audit import disputes
from audit.disputes import Dispute
from core import findings
from core.contract_register import plain
from core.issues import BadInput, Issue
from core.queries import workflow
from core.store import Store


def content(
    store: Store, as_of: str | None = None, *, carrier_id: str | None = None, dispute_id: str | None = None
) -> dict[str, Any]:
    """The pack for one dispute, or for all of a carrier (of all carriers) that are open and in time on `as_of`.

    Raises:
        BadInput: if there is no such dispute, or nothing to claim.
    """
    day = as_of or workflow.today(store)
    chosen = [d for d in disputes.disputes(store, day, only_open=True) if carrier_id in (None, d.carrier_id)]
    if dispute_id is not None:
        chosen = [d for d in chosen if d.dispute_id == dispute_id]
        if not chosen:
            raise BadInput(Issue(field="--dispute", found=dispute_id, expected="the id of an open dispute"))
    else:
        chosen = [d for d in chosen if d.may_file(day)]
    if not chosen:
        raise BadInput(Issue(message="there is no open claim in its window", hint="see `tem disputes`"))
    chosen.sort(key=lambda d: (d.carrier_id or "", d.file_by or "9999", d.dispute_id))
    frames = store.frames("carriers", "accounts", "invoices")
    names = {r["carrier_id"]: plain(r["name"]) or r["carrier_id"] for r in frames["carriers"].to_dict("records")}
    accounts = frames["accounts"].set_index("account_id")
    invoices = frames["invoices"].set_index("invoice_id")
    rows = findings.load(store, current=False).set_index("finding_id")
    lines = workflow.charges_named(store, [key for d in chosen for key in d.stakes]).set_index("charge_id")
    services = store.frame("services", ["service_id", "number"]).set_index("service_id")["number"]
    parties = sorted({names.get(d.carrier_id or "", d.carrier_id or "") for d in chosen})
    credited = _sums(chosen, lambda d: d.credited)
    first = min((d.file_by for d in chosen if d.file_by and d.state == "identified"), default=None)
    who = parties[0] if len(parties) == 1 else f"{len(parties)} carriers"
    return {
        "kind": "Notice of billing dispute",
        "title": f"{who}: {' and '.join(_sums(chosen, lambda d: d.disputed - d.credited))} in dispute",
        "sentence": f"{formats.plural(len(chosen), 'invoice')} with claims that contract, inventory or use support."
        + (f" The first window closes on {formats.day(first)}." if first else ""),
        "kpis": [
            {
                "label": "In question",
                "value": " + ".join(_sums(chosen, lambda d: d.disputed)),
                "delta": f"{' + '.join(credited)} credited so far" if any(d.credited for d in chosen) else None,
                "tone": "neutral",
            },
            {"label": "Invoices", "value": formats.count(len(chosen)), "delta": None, "tone": "neutral"},
            {
                "label": "Lines",
                "value": formats.count(sum(len(d.stakes) for d in chosen)),
                "delta": None,
                "tone": "neutral",
            },
            {"label": "File by", "value": formats.day(first) if first else "Filed", "delta": None, "tone": "neutral"},
        ],
        "disputes": [_part(d, day, names, accounts, invoices, rows, lines, services) for d in chosen],
        "notes": [
            "Credit the amounts in question on the next invoice, each naming its line, and correct the cause.",
            "Until then the undisputed part of each invoice is paid when due; where a withholding right is shown, "
            "the amount in question is held back.",
            "Tax billed on the amounts in question is claimed with them.",
        ],
        "foot": f"OpenTEM · as of {formats.day(day)}",
    }


def period(first: str | None, last: str | None) -> str:
    """Two days as short as they can be read: `1–31 Jul 2026`, `25 Jun – 24 Jul 2026`."""
    if first is None or last is None or first == last:
        return formats.day(first or last)
    if first[:7] == last[:7]:
        return f"{int(first[8:])}\N{EN DASH}{formats.day(last)}"
    start = formats.day(first) if first[:4] != last[:4] else formats.day(first)[:-5]
    return f"{start} \N{EN DASH} {formats.day(last)}"


def _sums(items: list[Dispute], amount: Callable[[Dispute], int]) -> list[str]:
    sums: dict[str, int] = {}
    for item in items:
        sums[item.currency or ""] = sums.get(item.currency or "", 0) + amount(item)
    return [formats.cents(value, code or None) for code, value in sorted(sums.items(), key=lambda i: (-i[1], i[0]))]


def _part(
    item: Dispute, day: str, names: dict[str, str], accounts: Any, invoices: Any, rows: Any, lines: Any, services: Any
) -> dict[str, Any]:
    invoice = invoices.loc[item.invoice_id]
    number = plain(invoice["number"]) or item.invoice_id
    ban = plain(accounts.loc[item.account_id, "number"]) if item.account_id in accounts.index else None
    hold = formats.day(item.withhold_by) if item.withhold_by else formats.UNKNOWN
    facts = [
        ["Billing account", ban or item.account_id or formats.UNKNOWN],
        ["Bill date", formats.day(plain(invoice["issued_on"]))],
        ["In question", formats.cents(item.disputed, item.currency)],
        ["Billed on these lines", formats.cents(item.billed, item.currency)],
        ["File by", formats.day(item.file_by)],
        ["Withhold if filed by", hold + (" (open)" if item.may_withhold(day) and item.withhold_by else "")],
        ["State", formats.words(item.state)],
        ["Reference", item.dispute_id],
    ]
    reasons: dict[str, str] = {}
    extra = []
    for key in item.finding_ids:
        row = rows.loc[key]
        text = plain(row["default_reason"]) or rule_title(str(row["rule"]))
        text = f"{text}. {plain(row['explanation']) or ''}".strip()
        stakes = [entry["charge_id"] for entry in json.loads(plain(row["charge_stakes"]) or "[]")]
        for charge in stakes:
            reasons[charge] = f"{reasons[charge]} {text}" if charge in reasons else text
        if not stakes:
            extra.append(
                [
                    "",
                    "",
                    formats.month(row["month"]),
                    "",
                    formats.cents(int(row["amount_counted"]), item.currency),
                    text,
                ]
            )
    table = []
    for charge, stake in sorted(item.stakes.items()):
        if charge not in lines.index:
            continue
        row = lines.loc[charge]
        service = plain(row["service_id"])
        line = (plain(services.get(service)) if service else None) or plain(row["billed_number"]) or service
        table.append(
            [
                line or "account",
                plain(row["item_code"]) or plain(row["description"]) or formats.words(row["category"]),
                period(plain(row["day"]), plain(row["period_end"])),
                formats.cents(int(row["amount"]), item.currency),
                formats.cents(stake, item.currency),
                reasons.get(charge, ""),
            ]
        )
    carrier = names.get(item.carrier_id or "", item.carrier_id or "")
    return {"heading": f"{carrier}, invoice {number}", "facts": facts, "lines": table + extra}
