"""Every signal of the model and every policy rule: id, title, what it means, and the test that proves it.

A test walks this list: an entry without a test or without a line in docs/anomaly.md fails the build.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from anomaly import policy

KINDS = (
    *("zero_use", "roaming_unbundled", "roaming_no_travel", "roaming_excess", "premium", "third_party"),
    *("international_burst", "many_destinations", "short_calls", "device_change", "use_after_leaving", "spike"),
    *("drift", "level_shift", "drop", "new_charge", "rate_change", "data_problem", "other"),
)


@dataclass(frozen=True)
class Signal:
    """One thing the model looks at. `family`: signals of one family are one piece of evidence, the strongest counts.

    `how`: up / down = standardized residual of a volume; drift = a steady trend;
    shift = three months in a row above all before; rare = hurdle model.
    `weight` scales its nats in the sum.
    """

    id: str
    family: str
    kind: str
    how: Literal["up", "down", "drift", "shift", "rare"]
    source: str
    unit: str
    title: str
    description: str
    money: str | None = None
    weight: float = 1.0
    test: str = "tests/anomaly/test_detector.py::test_every_signal_speaks"


_PERSON = ("cost_center_id", "site_id")
SIGNALS: tuple[Signal, ...] = (
    Signal("data_up", "data", "spike", "up", "home_data", "MB", "More data at home", "home data above its baseline"),
    Signal("voice_up", "voice", "spike", "up", "home_voice", "min", "More calls", "home voice above its baseline"),
    Signal("sms_up", "sms", "spike", "up", "home_sms", "msg", "More messages", "home messages above the baseline"),
    Signal(
        *(
            "data_down",
            "data",
            "drop",
            "down",
            "home_data",
            "MB",
            "Less data",
            "home data far below its baseline for the first month",
        ),
        weight=0.75,
    ),
    Signal(
        *(
            "voice_down",
            "voice",
            "drop",
            "down",
            "home_voice",
            "min",
            "Fewer calls",
            "home voice far below its baseline for the first month",
        ),
        weight=0.75,
    ),
    Signal(
        *("data_shift", "data", "level_shift", "shift", "home_data", "MB", "Data on a new level"),
        "three months of home data in a row above all before them",
    ),
    Signal(
        *("voice_shift", "voice", "level_shift", "shift", "home_voice", "min", "Calls on a new level"),
        "three months of home voice in a row above all before them",
    ),
    Signal(
        *("data_drift", "data", "drift", "drift", "home_data", "MB", "Data creeping up"),
        "a steady rise of home data over six months",
    ),
    Signal(
        *("voice_drift", "voice", "drift", "drift", "home_voice", "min", "Calls creeping up"),
        "a steady rise of home voice over six months",
    ),
    Signal(
        *("overage", "home_cost", "spike", "rare", "home_cost", "money", "Cost of home use"),
        "use at home billed beyond the plan",
        money="home_cost",
    ),
    Signal(
        *("roaming_cost", "roaming", "roaming_excess", "rare", "roam_cost", "money", "Roaming cost"),
        "roaming that cost something, by chance and size",
        money="roam_cost",
    ),
    Signal(
        *("roaming_data", "roaming", "roaming_excess", "rare", "roam_data", "MB", "Roaming data"),
        "roaming data, by chance and size",
        money="roam_cost",
    ),
    Signal(
        *("roaming_voice", "roaming", "roaming_excess", "rare", "roam_voice", "min", "Roaming calls"),
        "roaming voice, by chance and size",
        money="roam_cost",
    ),
    Signal(
        *("international_cost", "international", "international_burst", "rare", "intl_cost", "money"),
        *("International cost", "calls to other countries that cost something, by chance and size"),
        money="intl_cost",
    ),
    Signal(
        *("international_voice", "international", "international_burst", "rare", "intl_voice", "min"),
        *("International calls", "minutes to other countries, by chance and size"),
        money="intl_cost",
    ),
    Signal(
        *("many_destinations", "international", "many_destinations", "rare", "destinations", "countries"),
        *("Many countries called", "more than 2 countries called in the month, from call details"),
        money="intl_cost",
    ),
    Signal(
        *("short_calls", "international", "short_calls", "rare", "short_calls", "calls"),
        *("Short calls abroad", "more than 4 calls to other countries of at most 60 seconds, from call details"),
        money="intl_cost",
    ),
    Signal(
        *("premium_cost", "premium", "premium", "rare", "premium_cost", "money", "Premium-rate cost"),
        "premium-rate numbers and services, by chance and size",
        money="premium_cost",
    ),
    Signal(
        *("directory_cost", "directory", "other", "rare", "directory_cost", "money", "Directory enquiries"),
        "directory enquiries that cost something",
        money="directory_cost",
    ),
    Signal(
        *("third_party", "charges", "third_party", "rare", "third_party", "money", "Third-party charges"),
        "charges that other firms put on the bill",
        money="third_party",
    ),
    Signal(
        *("new_charge", "charges", "new_charge", "rare", "new_charge", "money", "New item on the bill"),
        "an item never billed on the line before and not subscribed to, on an unchanged plan",
        money="new_charge",
    ),
    Signal(
        *("one_off", "one_off", "other", "rare", "one_off", "money", "One-off charges"),
        "installation, equipment, fees and adjustments without an order in the last months",
        money="one_off",
    ),
    Signal(
        *("rate_change", "rate", "rate_change", "rare", "rate_change", "money", "Recurring charge rose"),
        "a recurring charge more than 1 % above the month before, on an unchanged plan",
        money="rate_change",
    ),
    Signal(
        *("device_change", "device", "device_change", "rare", "device_change", "devices", "Other equipment"),
        "the SIM appears in equipment it was never seen in before",
        weight=0.75,
    ),
    Signal(
        *("sim_swap", "device", "device_change", "rare", "sim_swap", "SIM cards", "Another SIM in other equipment"),
        "a SIM card and equipment that were both never seen on the line before",
    ),
)

#: The groups whose shared events excuse a line, by signal source.
CONTEXT: dict[str, tuple[str, ...]] = {
    "rate_change": ("plan_id", *_PERSON),
    "new_charge": ("plan_id", *_PERSON),
    "third_party": ("plan_id", *_PERSON),
    "one_off": ("plan_id", *_PERSON),
    "device_change": ("plan_id", *_PERSON),
    "sim_swap": ("plan_id", *_PERSON),
}
DEFAULT_CONTEXT = _PERSON
ANOMALY_RULE = "anomaly.line_month"

#: Rules whose every hit `interfaces.md` fixes.
EXACT_RULES = ("zero_use", "roam_no_bundle", "use_after_leaving", "roam_no_travel", "premium_use")
_EXACT, _LIBRARY = "tests/anomaly/test_policy_rules.py", "tests/anomaly/test_starter_library.py"


@dataclass(frozen=True)
class Entry:
    """One line of the register."""

    id: str
    title: str
    description: str
    test: str


def entries() -> list[Entry]:
    """All signals and all policy rules."""
    listed = [Entry(f"signal.{s.id}", s.title, s.description, s.test) for s in SIGNALS]
    listed += [
        Entry(rule.id, rule.title, " ".join(rule.message.split()), _EXACT if rule.id in EXACT_RULES else _LIBRARY)
        for rule in policy.load_rules()
    ]
    return listed
