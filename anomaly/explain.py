"""Plain sentences and evidence: what was expected, what happened, who the peers are, what it costs."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from typing import Any

import numpy as np

from anomaly.estate import Estate
from anomaly.features import VOLUME_UNITS, Panel, unlevel
from anomaly.model import Evidence
from anomaly.policy import Hits, Rule
from anomaly.registry import SIGNALS, Signal
from core.findings import Severity
from core.money import to_rounded_text

#: Two-sided interval that explanations quote: about 90 % of a line's usual months.
INTERVAL = 1.645
LEVELS: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
_BY_ID = {signal.id: signal for signal in SIGNALS}


@dataclass(frozen=True)
class Told:
    """One signal of one line-month in a reader's units; money as text with two decimals."""

    signal: Signal
    nats: float
    actual: str
    expected: str
    low: str
    high: str
    unit: str
    peers: str | None
    sentence: str


def number(value: float) -> str:
    """A quantity as short plain decimal text."""
    rounded = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return rounded.removesuffix(".0").replace("-0", "0") if abs(float(rounded)) < 0.05 else rounded.removesuffix(".0")


def month_name(month: str) -> str:
    """`2026-03` as `March 2026`."""
    return f"{calendar.month_name[int(month[5:7])]} {month[:4]}"


def money_text(amount: int, currency: str | None) -> str:
    """An amount in micros as `12.30 USD`."""
    return f"{to_rounded_text(amount)} {currency or ''}".strip()


def tell(signal_id: str, panel: Panel, evidence: Evidence, estate: Estate, service: int, month: int) -> Told:
    """What one signal says about one line-month."""
    signal = _BY_ID[signal_id]
    nats = float(evidence.nats[signal_id][service, month])
    currency = str(panel.currency[service]) or None
    if signal.how in {"up", "down", "drift"}:
        return _tell_level(signal, nats, panel, evidence, service, month)
    if signal.how == "joint":
        sentence = "The combination of this line's signals is unusual."
        return Told(signal, nats, f"{nats:.1f}", "0", "0", "3", "nats", None, sentence)
    rare = evidence.rares[signal.source]
    chance = min(float(rare.chance[service, month]), 1.0)
    usual = float(np.nan_to_num(rare.usual[service, month]))
    in_money = signal.source in panel.money
    if in_money:
        unit = float(panel.unit[service, month])
        value = float(panel.money[signal.source][service, month])
        actual, high = to_rounded_text(round(value)), to_rounded_text(round(usual * unit))
        unit_name = currency or "money"
    else:
        value = float(panel.counts[signal.source][service, month])
        actual, high, unit_name = number(value), number(usual), signal.unit
    often = "almost never" if chance < 0.005 else f"in about {max(round(100 * chance), 1)} of 100 months"
    sentence = f"{signal.title}: {actual} {unit_name}; for this line and its peers that happens {often}"
    sentence += f", then usually around {high} {unit_name}." if usual > 0 else "."
    high = high if chance >= 0.05 else ("0.00" if in_money else "0")
    return Told(signal, nats, actual, "0.00" if in_money else "0", "0", high, unit_name, None, sentence)


def _tell_level(signal: Signal, nats: float, panel: Panel, evidence: Evidence, service: int, month: int) -> Told:
    base = evidence.levels[signal.source]
    unit = VOLUME_UNITS[signal.source]
    middle, wide = float(base.center[service, month]), float(base.spread[service, month])
    actual = number(float(panel.volumes[signal.source][service, month]))
    expected = number(unlevel(middle, unit))
    low, high = (number(unlevel(middle + side * INTERVAL * wide, unit)) for side in (-1, 1))
    peers = number(unlevel(float(np.nan_to_num(base.peer[service, month])), unit))
    months = int(base.history[service, month])
    basis = f"from {months} own months and its peers" if months else "from its peers alone, it has no history"
    sentence = (
        f"{signal.title}: {actual} {signal.unit}, expected about {expected} "
        f"({low} to {high}, {basis}); peers on the same plan had {peers}."
    )
    if signal.how == "drift":
        sentence = f"{signal.title}: the last three months lie above the five before them; now {actual} {signal.unit}."
    return Told(signal, nats, actual, expected, low, high, signal.unit, peers, sentence)


def evidence_row(told: Told, service_id: str, month: str) -> dict[str, Any]:
    """A signal as a row of a finding's evidence."""
    table = "charges" if told.signal.family in {"charges", "one_off", "rate"} else "usage"
    peers = f"; peers {told.peers}" if told.peers is not None else ""
    note = f"expected {told.expected} ({told.low} to {told.high}) {told.unit}{peers}; {told.nats:.2f} nats"
    return {
        "table": table,
        "key": service_id,
        "month": month,
        "field": told.signal.id,
        "value": told.actual,
        "note": f"{told.signal.title}: {note}",
    }


def policy_sentence(hit: Hits, position: int, estate: Estate, currency: str | None) -> str:
    """A rule's message with the facts of one hit, its action and its reason to be careful."""
    service, month = int(hit.service[position]), int(hit.month[position])
    text = hit.rule.message.format(
        month=month_name(estate.months[month]),
        stake=money_text(int(hit.stake[position]), currency),
        countries=", ".join(hit.countries[position]) or "no named country",
        left_on=estate.state["left_on"].text(service, month) or "an unknown day",
        what=_listed(hit.what[position]) or "it",
    )
    return f"{' '.join(text.split())} {hit.rule.action}".strip()


def _listed(names: tuple[str, ...], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def department_sentence(rule: Rule, month: str) -> str:
    """A rule's message about a department."""
    text = rule.message.format(month=month_name(month), stake="0.00", countries="", left_on="", what="")
    return f"{' '.join(text.split())} {rule.action}".strip()


def at_most(level: Severity, limit: str) -> Severity:
    """A severity by money, lowered to the highest that the rule allows (`by_money`: no limit)."""
    return level if limit not in LEVELS or LEVELS.index(level) <= LEVELS.index(limit) else LEVELS[LEVELS.index(limit)]
