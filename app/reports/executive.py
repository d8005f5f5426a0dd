"""What the monthly executive report says: the overview's figures as texts, ready for PDF, slides and workbook."""

from __future__ import annotations

from typing import Any

import pandas as pd

from app import formats
from app.views import found, overview, renewals
from app.views.exchange import exchange
from app.views.freshness import sentence
from app.views.parts import Kpi
from app.views.selection import Filters, settled
from audit.registry import RULES
from core.contract_register import contract_register
from core.issues import BadInput, Issue
from core.money import SCALE, parse_micros
from core.store import Store

KIND = "Telecom expense report"
_FINDINGS_SHOWN = 10


def content(store: Store, filters: Filters | None = None) -> dict[str, Any]:
    """Texts and figures of the report for a month (default: the newest complete one), in the reporting currency.

    Raises:
        BadInput: if the store has no bill.
    """
    chosen = settled(store, filters or Filters())
    if chosen.month is None:
        raise BadInput(Issue(message="there is no bill to report on", hint="load bills first"))
    page = overview.view(store, chosen)
    currency, month = page.currency, page.month
    money = exchange(store, currency, page.as_of, convert=chosen.convert)
    problems = found.findings_of(store, chosen, money)
    names = list(page.by_carrier)
    sums = [sum(page.by_carrier[name][n] for name in names) for n in range(len(page.months))]
    return {
        "kind": f"{KIND} · {formats.month(month)}",
        "title": page.title,
        "sentence": f"{page.sentence} {page.coming}".strip(),
        "month": month,
        "currency": currency,
        "kpis": [_kpi(k) for k in page.kpis],
        "year": [_kpi(k) for k in page.year],
        "trend_title": f"Spend by carrier, {formats.month(page.months[0])} to {formats.month(month)}",
        "trend": {
            "labels": [formats.month_short(m) for m in page.months],
            "names": names,
            "values": [[v / SCALE for v in page.by_carrier[name]] for name in names],
            "tops": [formats.short(value, currency) for value in sums],
        },
        "steps_title": f"Why {formats.month(month)} differs from {formats.month(page.compare)}",
        "steps": _waterfall(page.steps, currency),
        "ladder": [
            {"label": name, "size": max(amount, 0) / SCALE, "text": formats.money(amount, currency)}
            for name, amount in page.ladder
        ],
        "ladder_note": "Each saving counts once, at the stage it has reached. Realized means that a bill proves it.",
        "actions": [[a.what, a.why, f"{a.saving} {a.period}".strip(), a.confidence] for a in page.actions],
        "contracts": _contracts(store, page.as_of, month, money),
        "findings": _findings(problems, currency),
        "notes": [
            f"All amounts are in {currency}, before any payment, for the month of use. {page.note}".strip(),
            "Errors are what the bills charge against contract, inventory and usage; waste is what nobody uses. "
            "No cent of a charge is counted twice.",
            sentence(store),
        ],
        "foot": f"OpenTEM · figures as of {formats.day(page.as_of)}",
    }


def _kpi(item: Kpi) -> dict[str, Any]:
    """A figure for paper, where the sign says what the arrow says on the page."""
    sign = {"up": "+", "down": formats.MINUS}.get(item.direction, "") if item.delta else ""
    return {
        "label": item.label,
        "value": item.value,
        "delta": f"{sign}{item.delta}" if item.delta else None,
        "tone": _tone(item.tone),
    }


def _tone(tone: str) -> str:
    return tone if tone in ("good", "bad") else "warn" if tone == "attention" else "neutral"


def _waterfall(steps: tuple[Any, ...], currency: str | None) -> list[dict[str, Any]]:
    """Steps as bars between 0 and 1; the axis starts where the smallest total still leaves room to see the changes."""
    bars, level = [], 0
    for step in steps:
        low, high = (0, step.amount) if step.kind == "total" else sorted((level, level + step.amount))
        level = step.amount if step.kind == "total" else level + step.amount
        bars.append((step, low, high))
    if not bars:
        return []
    top = max(high for *_, high in bars)
    floor = min(low for step, low, _ in bars if step.kind != "total") if len(bars) > 2 else 0
    base = max(0, floor - (top - floor))
    span = max(top - base, 1)
    result = []
    for step, low, high in bars:
        total = step.kind == "total"
        text = formats.short(step.amount, currency) if total else formats.short(step.amount, currency, sign=True)
        kind = "total" if total else "none" if step.amount == 0 else "down" if step.amount < 0 else "up"
        low_share = max(low - base, 0) / span if not total else 0
        result.append(
            {"label": step.label, "text": text, "low": low_share, "high": max(high - base, 0) / span, "kind": kind}
        )
    return result


def _contracts(store: Store, as_of: str, month: str, money: Any) -> list[list[str]]:
    register = contract_register(store, as_of)
    exposure = renewals.exposure_of(store, register, month, money)
    alive = [row for row in register if row["state"] not in (None, "expired", "terminated")]
    alive.sort(key=lambda row: (row["next_notice_by"] or "9999", row["contract_id"]))
    return [
        [
            row["name"] or row["contract_id"],
            state(row),
            formats.day(row["next_notice_by"]),
            formats.day(row["term_end"]),
            fee(row),
            formats.money(exposure.get(str(row["contract_id"])), money.target),
        ]
        for row in alive
    ]


def state(row: dict[str, Any]) -> str:
    """The state of a contract, and whether its notice date was missed."""
    return formats.words(row["state"]) + (", notice missed" if renewals.missed([row]) else "")


def fee(row: dict[str, Any]) -> str:
    """What leaving a contract today costs, as text."""
    amount = parse_micros(row["etf"]["amount"])
    return "nothing" if amount == 0 else formats.money(amount, row["etf"]["currency"])


def _findings(problems: pd.DataFrame, currency: str | None) -> list[list[str]]:
    audited = problems[(problems["queue"] == "audit") & (problems["amount"] > 0)] if len(problems) else problems
    if audited.empty:
        return []
    rows = []
    for rule, part in audited.groupby("rule"):
        waiting = part[part["state"].isin(["new", "triaged"])]
        rows.append((int(part["amount"].sum()), str(rule), len(part), int(waiting["amount"].sum())))
    rows.sort(key=lambda row: (-row[0], row[1]))
    return [
        [rule, rule_title(rule), f"{number:,}", formats.money(amount, currency), formats.money(waiting, currency)]
        for amount, rule, number, waiting in rows[:_FINDINGS_SHOWN]
    ]


def rule_title(rule: str) -> str:
    """The title of an audit rule, the code itself for any other."""
    return RULES[rule].title if rule in RULES else rule
