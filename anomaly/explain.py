"""Plain sentences and evidence: what was expected, what happened, who the peers are, what it costs."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from typing import Any

import numpy as np

from anomaly.estate import REAL, Estate
from anomaly.features import VOLUME_UNITS, Panel, unlevel
from anomaly.model import Evidence
from anomaly.policy import Hits, Rule
from anomaly.registry import SIGNALS, Signal
from anomaly.sparse import Sparse
from core.findings import Severity
from core.money import to_rounded_text

#: Two-sided interval that explanations quote: about 90 % of a line's usual months.
INTERVAL = 1.645
#: Months of a line's own past that an alert shows, and the fewest peers it is compared with.
OWN_MONTHS, LEAST_PEERS = 12, 8
LEVELS: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
PEER_MARKS = (10, 25, 50, 75, 90)
_BY_ID = {signal.id: signal for signal in SIGNALS}


@dataclass(frozen=True)
class Action:
    """What to do about an alert: a code for programs, and a sentence part that follows "Suggested:"."""

    code: str
    text: str


_ASK = Action("ask_user", "ask the holder what happened")
ACTIONS: dict[str, Action] = {
    "zero_use": Action("suspend", "ask the holder, then suspend or cancel the line"),
    "roaming_unbundled": Action("add_travel_pack", "add a roaming pack before the next trip"),
    "roaming_no_travel": Action("ask_user", "ask the holder about the trip"),
    "roaming_excess": Action("add_travel_pack", "add a roaming pack or set a roaming limit"),
    "premium": Action("block_premium", "block premium-rate numbers on the line"),
    "third_party": Action("dispute", "dispute the charge and block third-party billing"),
    "international_burst": Action("block_international", "ask the holder, and block international calls if not known"),
    "many_destinations": Action("block_international", "block international calls and look at the call details"),
    "short_calls": Action("block_international", "block international calls and report the numbers to the carrier"),
    "device_change": Action("verify_sim", "confirm with the holder that the equipment is theirs"),
    "use_after_leaving": Action("suspend", "suspend the line and find out who uses it"),
    "spike": Action("ask_user", "ask the holder, and check whether the plan still fits"),
    "drift": Action("review_plan", "ask the holder what grows, and compare with a larger plan"),
    "level_shift": Action("review_plan", "check whether the line has a new purpose and needs another plan"),
    "drop": Action("ask_user", "ask whether the line is still needed"),
    "new_charge": Action("dispute", "ask the carrier who ordered it, and dispute it if nobody did"),
    "rate_change": Action("dispute", "compare the charge with the contract, and dispute it if it is not agreed"),
    "data_problem": Action("check_data", "check the source file with the carrier"),
    "other": _ASK,
}


def action_for(kind: str, rule: Rule | None) -> Action:
    """The action for a kind of alert; a policy rule that decided the kind brings its own words."""
    action = ACTIONS.get(kind, _ASK)
    if rule is not None and rule.kind == kind and rule.action:
        words = " ".join(rule.action.split()).rstrip(".")
        return Action(action.code, words[0].lower() + words[1:])
    return action


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
    if signal.how != "rare":
        return _tell_level(signal, nats, panel, evidence, service, month)
    rare = evidence.rares[signal.source]
    chance, usual = rare.at(service, month)
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
        sentence = f"{signal.title}: a steady rise over half a year or more; now {actual} {signal.unit}."
    elif signal.how == "shift":
        sentence = (
            f"{signal.title}: {actual} {signal.unit}, the third month in a row above all before; peers had {peers}."
        )
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


def rule_sentence(hit: Hits, position: int, estate: Estate, currency: str | None) -> str:
    """A rule's message with the facts of one hit."""
    service, month = int(hit.service[position]), int(hit.month[position])
    text = hit.rule.message.format(
        month=month_name(estate.months[month]),
        stake=money_text(int(hit.stake[position]), currency),
        countries=", ".join(hit.countries[position]) or "no named country",
        left_on=estate.state["left_on"].text(service, month) or "an unknown day",
        what=_listed(hit.what[position]) or "it",
    )
    return " ".join(text.split())


def policy_sentence(hit: Hits, position: int, estate: Estate, currency: str | None) -> str:
    """A rule's message with the facts of one hit, and its action."""
    return f"{rule_sentence(hit, position, estate, currency)} {hit.rule.action}".strip()


def probability(nats: float) -> str:
    """exp(-nats) as short decimal text."""
    return np.format_float_positional(float(np.exp(-nats)), precision=2, fractional=False, trim="-")


def closing(nats: float, action: Action) -> str:
    """How rare a line-month is among all so far, and what to do."""
    one_in = round(float(np.exp(nats)))
    if one_in < 2:
        return f"Most line-months so far were as surprising; suggested: {action.text}."
    return f"About 1 in {one_in:,} line-months so far was as surprising; suggested: {action.text}."


def _grid(signal: Signal, panel: Panel) -> tuple[REAL | Sparse, bool]:
    if signal.source in panel.money:
        return panel.money[signal.source], True
    if signal.source in panel.volumes:
        return panel.volumes[signal.source], False
    return panel.counts[signal.source], False


def _text(value: float, in_money: bool) -> str:
    return to_rounded_text(round(value)) if in_money else number(value)


def own_months(signal: Signal, panel: Panel, estate: Estate, service: int, month: int) -> list[dict[str, str | None]]:
    """The line's own figure in the month and up to twelve before it; null where nothing is known."""
    grid, in_money = _grid(signal, panel)
    known = panel.scored if in_money else panel.known
    return [
        {
            "month": estate.months[t],
            "value": _text(float(grid[service, t]), in_money) if known[service, t] else None,
        }
        for t in range(max(0, month - OWN_MONTHS), month + 1)
    ]


class Peers:
    """The same figure of other lines in the same month; sorted columns are kept, since many alerts share them."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._kept: dict[tuple[str, str, int, int], tuple[REAL, dict[str, str]]] = {}

    def _column(self, signal: Signal, group: str, code: int, month: int) -> tuple[REAL, dict[str, str]]:
        key = (signal.source, group, code, month)
        if key not in self._kept:
            grid, in_money = _grid(signal, self._panel)
            known = self._panel.scored if in_money else self._panel.known
            inside = known[:, month] & (self._panel.groups[group][:, month] == code)
            column, marks = np.sort(grid[inside, month]), {}
            if len(column) > LEAST_PEERS:
                values = np.quantile(column, [mark / 100 for mark in PEER_MARKS], method="inverted_cdf")
                marks = {f"p{mark}": _text(float(v), in_money) for mark, v in zip(PEER_MARKS, values, strict=True)}
            self._kept[key] = column, marks
        return self._kept[key]

    def of(self, signal: Signal, service: int, month: int) -> dict[str, Any] | None:
        """Who the peers are, how many, their 10 / 25 / 50 / 75 / 90 percentiles, and the share of them below the line.

        Lines of the same kind, device and plan, or of the same kind and device where those are fewer than eight; None
        where there are no eight either.
        """
        own = float(_grid(signal, self._panel)[0][service, month])
        for group, who in (("plan", "lines of the same kind and plan"), ("kind", "lines of the same kind")):
            code = int(self._panel.groups[group][service, month])
            column, marks = self._column(signal, group, code, month)
            if marks:
                below = int(np.searchsorted(column, own, side="left"))
                return {"group": who, "lines": len(column) - 1, **marks, "share_below": f"{below / len(column):.3f}"}
        return None


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
