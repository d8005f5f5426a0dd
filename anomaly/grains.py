"""What a row of facts can stand for (`over` of a rule), with the facts there are at each grain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from anomaly import call_facts, charge_facts, facts
from anomaly.estate import Estate
from anomaly.facts import Facts

_STATE = {name: facts.LINE_FACTS[name] for name in facts.STATE_FACTS}
TEXT_FACTS = frozenset({*facts.STATE_FACTS, *charge_facts.TEXT, "number"})
FLAG_FACTS = frozenset(
    {
        *("active_whole_two_months", "suspended", "carrier_has_usage", "used", "premium_block", "sim_ordered"),
        *("impossible_use", "travel_covers", "bundle_covers", "asset_known", "roamed", "has_holder"),
        *("night_or_weekend", "new_destination"),
        *charge_facts.FLAGS,
    }
)


@dataclass(frozen=True)
class Grain:
    """`facts`: name -> meaning; `stakes`: what of a row can be at stake; `seen_in`: the table evidence points to."""

    title: str
    facts: Mapping[str, str]
    build: Callable[[Estate], Facts]
    stakes: tuple[str, ...]
    seen_in: str


GRAINS: dict[str, Grain] = {
    "line_month": Grain(
        "a line in a month",
        facts.LINE_FACTS,
        facts.line_facts,
        (
            *("none", "mrc", "mrc_and_usage", "premium_cost", "above_cap", "international_cost", "roaming_cost"),
            "usage_cost",
        ),
        "usage",
    ),
    "roaming_country": Grain(
        "a country in which a line roamed in a month",
        _STATE | facts.ROAMING_FACTS,
        facts.roaming_facts,
        ("none", "cost", "data_voice_cost"),
        "usage",
    ),
    "call_burst": Grain(
        "a burst of calls abroad",
        _STATE | call_facts.BURST_FACTS,
        call_facts.burst_facts,
        ("none", "call_cost"),
        "usage_events",
    ),
    "called_number": Grain(
        "a number abroad or in a premium range that a line called in a month",
        _STATE | call_facts.NUMBER_FACTS,
        call_facts.number_facts,
        ("none", "call_cost"),
        "usage_events",
    ),
    "charged_item": Grain(
        "an item billed on a line in a month",
        _STATE | charge_facts.ITEM_FACTS,
        charge_facts.item_facts,
        ("none", "amount"),
        "charges",
    ),
}


def is_money(name: str) -> bool:
    """Whether a fact is money: a rule writes it in currency units, facts hold micros."""
    return name in {"cost", "amount"} or name.endswith("_cost")
