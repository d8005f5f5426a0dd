"""Spend that moved: accounts, carriers, cost centers and categories against their own months, with what drove it.

A series is the spend of one account, carrier, cost center, or category of an account, in one currency, tax left out. It
is compared with the middle one of its last three billed months; what is usual is the median absolute deviation of the
series from such a middle month so far. A month is listed when it lies at least :data:`Z` such deviations away, by
:data:`RELATIVE` of the expected and by :data:`UNITS` fleet units, and the same month of the year before was not alike.
Series are fine enough that a rise and a fall inside one account are two findings, not none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pandas as pd

from anomaly import repeats
from anomaly.explain import money_text, month_name
from anomaly.units import fleet_units
from core import findings, periods
from core.findings import Finding
from core.money import SCALE, minor_places, round_half_up, to_rounded_text, to_text
from core.queries import anomaly as lines
from core.queries import spend as queries
from core.store import Store

Z = 3.5
RELATIVE = 0.05
UNITS = 5
#: Months of a series before it is judged, and months that the expected one is chosen from.
HISTORY, CHOSEN_FROM = 4, 3
#: A part that makes up this share of a whole's difference tells the whole's story: the whole is not listed again.
EXPLAINS = 0.8
#: The least spread that is believed, as a share of the expected spend.
LEAST_SPREAD = 0.01

Level = Literal["account", "carrier", "cost_center", "category"]
LEVELS: dict[Level, tuple[str, ...]] = {
    "account": ("account_id",),
    "carrier": ("carrier_id",),
    "cost_center": ("cost_center_id",),
    "category": ("account_id", "category"),
}
TITLES = {
    "spend.account": "Spend of an account moved",
    "spend.carrier": "Spend with a carrier moved",
    "spend.cost_center": "Spend of a cost center moved",
}
#: Charges that split into price, volume and mix; everything else moves as a whole.
SPLIT = ("mrc", "usage", "occ", "third_party")
#: Drivers that a finding keeps, and their figures.
MOST_DRIVERS = 50
DRIVER_AMOUNTS = ("before", "after", "amount", "price", "volume", "mix", "other")
#: Categories that an account has every month once it has them at all.
STEADY = ("mrc", "usage", "occ", "credit")


@dataclass(frozen=True)
class Driver:
    """One item of a move (micros): `price` at today's quantity, `volume` at the family's old mean price, `mix` the rest
    of the quantity's effect, `other` what has no price (fees, credits, one-off charges). They add up to `amount`."""

    category: str
    item: str
    before: int
    after: int
    price: int
    volume: int
    mix: int
    other: int

    @property
    def amount(self) -> int:
        """What the item added (or took off)."""
        return self.after - self.before

    @property
    def cause(self) -> str:
        """The largest part in one word; an item that came or went is `new` or `gone`."""
        if self.category in SPLIT and not (self.before and self.after):
            return "gone" if self.before else "new"
        return next(iter(self.effects), "other")

    @property
    def effects(self) -> dict[str, int]:
        """The parts that are not zero, the largest first."""
        parts = {"price": self.price, "volume": self.volume, "mix": self.mix, "other": self.other}
        return {name: part for name, part in sorted(parts.items(), key=lambda p: -abs(p[1])) if part}


@dataclass(frozen=True)
class Move:
    """A month of a series that is out of the usual (money in micros); `base` is the month it is compared with.

    `unit` is the fleet unit of the month. `missing` says that nothing was billed at all. `up` and `down` are the sums
    of the drivers by sign, never netted.
    """

    level: Level
    key: tuple[str, ...]
    currency: str
    month: str
    base: str
    actual: int
    expected: int
    low: int
    high: int
    z: float
    score: float
    months: int
    missing: bool
    unit: int
    carrier: str | None = None
    drivers: tuple[Driver, ...] = ()

    @property
    def difference(self) -> int:
        """Actual less expected."""
        return self.actual - self.expected

    @property
    def up(self) -> int:
        """What the dearer items added together."""
        return sum(d.amount for d in self.drivers if d.amount > 0)

    @property
    def down(self) -> int:
        """What the cheaper items took off together (below zero)."""
        return sum(d.amount for d in self.drivers if d.amount < 0)


def moves(store: Store, *, first: str | None = None, last: str | None = None) -> list[Move]:
    """What moved in the months `first`..`last`, the largest difference first within each currency.

    Only months up to the one judged are looked at. The drivers are read for what is listed only.
    """
    table = queries.spend(store, by=("month", "account_id", "carrier_id", "cost_center_id", "category"))
    table = table[(table["category"] != "tax") & table["currency"].notna()]
    if table.empty:
        return []
    months = periods.months_between(str(table["month"].min()), str(table["month"].max()))
    units = fleet_units(lines.line_spend(store), months)
    found = [move for level in LEVELS for move in _level(table, level, months, units)]
    found = [m for m in found if (not first or m.month >= first) and (not last or m.month <= last)]
    owner = {str(a): str(c) for a, c in zip(table["account_id"], table["carrier_id"], strict=True)}
    kept = [replace(m, carrier=_carrier(m, owner)) for m in _narrowest(found, owner)]
    items = _Items(store)
    told = [move if move.missing else replace(move, drivers=items.drivers(move)) for move in kept]
    return sorted(told, key=lambda m: (m.currency, -abs(m.difference), m.level, m.key, m.month))


def _carrier(move: Move, owner: Mapping[str, str]) -> str | None:
    return move.key[0] if move.level == "carrier" else owner.get(move.key[0]) if move.level != "cost_center" else None


def _level(table: pd.DataFrame, level: Level, months: list[str], units: Mapping[tuple[str, str], int]) -> list[Move]:
    keys = list(LEVELS[level])
    rows = table.dropna(subset=keys)
    if level == "category":
        rows = rows[rows["category"] != "surcharge"]
    sums = rows.groupby([*keys, "currency", "month"])["amount"].sum()
    billed: dict[str, set[str]] = {}
    for account, month in table[["account_id", "month"]].dropna().drop_duplicates().itertuples(index=False):
        billed.setdefault(str(account), set()).add(str(month))
    judged: list[tuple[Move, bool]] = []
    for name, series in sums.groupby(level=[*keys, "currency"]):
        *key, currency = name
        there = series.index.get_level_values("month")
        values = {str(month): int(amount) for month, amount in zip(there, series, strict=True)}
        if level == "category" and key[1] in STEADY:
            # The account was billed without this category: that is nothing, not unknown.
            values = {m: values.get(m, 0) for m in sorted(billed[str(key[0])]) if m >= min(values)}
        unit = {month: units.get((str(currency), month), SCALE) for month in months}
        judged += _series(level, tuple(map(str, key)), str(currency), values, unit)
    scores = _surprise([move for move, _ in judged])
    return [replace(m, score=s) for (m, listed), s in zip(judged, scores, strict=True) if listed]


def _series(
    level: Level, key: tuple[str, ...], currency: str, values: Mapping[str, int], units: Mapping[str, int]
) -> list[tuple[Move, bool]]:
    """Every judged month of one series, and whether it is out of the usual; `units`: the fleet unit of each month."""
    begun = min(values)
    ended = max(values)
    result: list[tuple[Move, bool]] = []
    past: list[str] = []
    residuals: list[int] = []
    for month, unit in units.items():
        if month < begun or month > periods.shift(ended, 1):
            continue
        billed = month in values
        actual = values.get(month, 0)
        recent = past[-CHOSEN_FROM:]
        if len(past) >= HISTORY - 1:
            base = sorted(recent, key=lambda m: (values[m], m))[(len(recent) - 1) // 2]
            expected = values[base]
            usual = float(np.median(np.abs(residuals))) if residuals else 0.0
            spread = max(1.4826 * usual, LEAST_SPREAD * abs(expected), float(SCALE))
            z = (actual - expected) / spread
            missing = not billed and level == "account" and periods.shift(month, -1) in values
            far = abs(z) >= Z and abs(actual - expected) >= max(RELATIVE * abs(expected), UNITS * unit)
            yearly = values.get(periods.shift(month, -12))
            seasonal = yearly is not None and abs(actual - yearly) <= Z * spread
            band = round(Z * spread)
            move = Move(
                *(level, key, currency, month, base, actual, expected, expected - band, expected + band),
                *(z, 0.0, len(past), missing, unit),
            )
            listed = (far and not seasonal) if billed else missing and abs(expected) >= UNITS * unit
            result.append((move, listed))
            if billed:
                residuals.append(actual - expected)
        if billed:
            past.append(month)
    return result


def _surprise(judged: Sequence[Move]) -> list[float]:
    """-ln of the share of months judged so far, of all series, that lay at least as far away."""
    by_month: dict[str, list[int]] = {}
    for place, move in enumerate(judged):
        by_month.setdefault(move.month, []).append(place)
    seen: list[float] = []
    result = [0.0] * len(judged)
    for month in sorted(by_month):
        seen = sorted([*seen, *(abs(judged[place].z) for place in by_month[month])])
        ordered = np.asarray(seen)
        for place in by_month[month]:
            reached = len(ordered) - int(np.searchsorted(ordered, abs(judged[place].z), side="left"))
            result[place] = float(-np.log(reached / (len(ordered) + 1)))
    return result


def _narrowest(found: list[Move], owner: Mapping[str, str]) -> list[Move]:
    """Without the wholes whose story one of their listed parts tells already: category < account < carrier."""
    parts: dict[tuple[str, str, str, str], list[int]] = {}
    for move in found:
        where = (move.month, move.currency)
        if move.level == "category":
            parts.setdefault((*where, "account", move.key[0]), []).append(move.difference)
        if move.level in {"account", "category"}:
            parts.setdefault((*where, "carrier", str(owner.get(move.key[0]))), []).append(move.difference)

    def told(move: Move) -> bool:
        inside = parts.get((move.month, move.currency, move.level, move.key[0]), [])
        return any(part * move.difference > 0 and abs(part) >= EXPLAINS * abs(move.difference) for part in inside)

    absent = {(m.month, m.currency, m.key[0]) for m in found if m.missing}
    return [m for m in found if not told(m) and (m.missing or (m.month, m.currency, m.key[0]) not in absent)]


class _Items:
    """Items billed in a month, read once for each month."""

    def __init__(self, store: Store) -> None:
        self._store, self._months = store, dict[str, pd.DataFrame]()

    def drivers(self, move: Move) -> tuple[Driver, ...]:
        sides = []
        for month in (move.base, move.month):
            if month not in self._months:
                self._months[month] = queries.items_of_month(self._store, month)
            rows = self._months[month]
            rows = rows[(rows["currency"] == move.currency) & (rows["category"] != "tax")]
            for name, value in zip(LEVELS[move.level], move.key, strict=True):
                rows = rows[rows[name] == value]
            sides.append(rows)
        return decompose(sides[0], sides[1], move.currency)


def decompose(before: pd.DataFrame, after: pd.DataFrame, currency: str | None = None) -> tuple[Driver, ...]:
    """What each item added between two months, the largest first; the parts add up to the difference exactly.

    Frames of :func:`core.queries.spend.items_of_month`. For an item billed in both months with quantities q and mean
    prices p, and the family's (category and unit) old mean price P: price = (p1 - p0) q1, volume = P (q1 - q0), mix =
    (p0 - P)(q1 - q0). A new or gone item is volume at P, the rest of it mix.
    """
    old, new = _sums(before), _sums(after)
    families: dict[tuple[str, str], tuple[Fraction, Fraction]] = {}
    for (category, _, unit), (amount, quantity) in old.items():
        total = families.get((category, unit), (Fraction(0), Fraction(0)))
        families[category, unit] = total[0] + amount, total[1] + quantity
    unit_of_money = 10 ** (6 - minor_places(currency))
    listed = []
    for key in sorted(old.keys() | new.keys()):
        category, item, unit = key
        a0, q0 = old.get(key, (Fraction(0), Fraction(0)))
        a1, q1 = new.get(key, (Fraction(0), Fraction(0)))
        if a0 == a1:
            continue
        family = families.get((category, unit), (Fraction(0), Fraction(0)))
        price = volume = Fraction(0)
        if category in SPLIT:
            mean = family[0] / family[1] if family[1] else (a1 / q1 if q1 else Fraction(0))
            if q0 and q1:
                price = a1 - q1 * a0 / q0
            volume = mean * (q1 - q0)
        delta = int(a1 - a0)
        rounded = round_half_up(price, unit_of_money), round_half_up(volume, unit_of_money)
        rest = delta - sum(rounded)
        split = category in SPLIT
        listed.append(Driver(category, item, int(a0), int(a1), *rounded, rest if split else 0, 0 if split else rest))
    return tuple(sorted(listed, key=lambda d: (-abs(d.amount), d.category, d.item)))


def _sums(frame: pd.DataFrame) -> dict[tuple[str, str, str], tuple[Fraction, Fraction]]:
    """(amount, quantity) by category, item and unit; where nothing is counted the number of charges stands for it."""
    result: dict[tuple[str, str, str], tuple[Fraction, Fraction]] = {}
    for row in frame.itertuples(index=False):
        item = next((str(v) for v in (row.item_code, row.description) if isinstance(v, str) and v), "no item")
        unit = str(row.unit) if isinstance(row.unit, str) and row.category == "usage" else ""
        quantity = Fraction(int(row.quantity), SCALE) if row.quantity > 0 else Fraction(int(row.charges))
        key = (str(row.category), item, unit)
        amount, counted = result.get(key, (Fraction(0), Fraction(0)))
        result[key] = amount + int(row.amount), counted + quantity
    return result


def as_findings(store: Store, listed: Iterable[Move]) -> list[Finding]:
    """Moves as findings of the queue `spend`, with what earlier decisions say about them.

    Rules are `spend.account`, `spend.carrier`, `spend.cost_center`, `spend.CATEGORY`; `detail` is :func:`document`.
    """
    names = labels(store)
    made = [_finding(move, names) for move in listed]
    return repeats.keep_back(made, repeats.reviewed(store, "spend", _size), _size)


def _size(amount: int, _: Mapping[str, Any]) -> float:
    return float(amount)


def _finding(move: Move, names: Mapping[str, str]) -> Finding:
    rule = f"spend.{move.key[1]}" if move.level == "category" else f"spend.{move.level}"
    about = "account" if move.level == "category" else move.level
    evidence = [
        {
            "table": "charges",
            "key": driver.item,
            "month": move.month,
            "field": f"{driver.category} {effect}",
            "value": to_rounded_text(part),
            "note": f"{to_rounded_text(driver.before)} in {move.base}, {to_rounded_text(driver.after)} in {move.month}",
        }
        for driver in move.drivers[:10]
        for effect, part in driver.effects.items()
    ]
    return Finding(
        queue="spend",
        rule=rule,
        family="spend",
        kind="drop" if move.difference < 0 else "level_shift" if move.level != "category" else "spike",
        subject_type=about,
        subject_id=move.key[0],
        account_id=move.key[0] if about == "account" else None,
        carrier_id=move.carrier,
        month=move.month,
        occasion=move.currency,
        episode_id=findings.episode_id("spend", rule, move.key[0], move.month),
        amount_at_stake=move.difference,
        currency=move.currency,
        direction="over" if move.difference > 0 else "under",
        claim="informative",
        severity=findings.severity_for(move.difference, move.unit),
        score=move.score,
        expected={
            "value": to_rounded_text(move.expected),
            "low": to_rounded_text(move.low),
            "high": to_rounded_text(move.high),
            "unit": move.currency,
        },
        actual={"value": to_rounded_text(move.actual), "unit": move.currency},
        evidence=evidence,
        explanation=sentence(move, names),
        history_months=move.months,
        detail=document(move),
    )


def labels(store: Store) -> dict[str, str]:
    """Names of accounts (their number), carriers and cost centers by id, for sentences."""
    result: dict[str, str] = {}
    named = (("cost_centers", "cost_center_id", "name"), ("carriers", "carrier_id", "name"))
    for table, key, name in (*named, ("accounts", "account_id", "number")):
        frame = store.frame(table, [key, name])
        result |= {str(k): str(v) for k, v in zip(frame[key], frame[name], strict=True) if isinstance(v, str) and v}
    return result


def subject(level: Level, key: Sequence[str], names: Mapping[str, str] | None = None) -> str:
    """What a move is about, in words: `Account 4711, usage`."""
    label = (names or {}).get(key[0], key[0])
    about = {"account": "Account", "carrier": "Carrier", "cost_center": "Cost center", "category": "Account"}[level]
    return f"{about} {label}" + (f", {key[1].replace('_', ' ')}" if level == "category" else "")


def sentence(move: Move, names: Mapping[str, str] | None = None) -> str:
    """The move in one to three plain sentences, rises and falls apart."""
    who = subject(move.level, move.key, names)
    expected = money_text(move.expected, move.currency)
    if move.missing:
        return f"{who}: no bill has come for {month_name(move.month)}; about {expected} was expected."
    way = "more" if move.difference > 0 else "less"
    text = (
        f"{who}: {money_text(move.actual, move.currency)} in {month_name(move.month)}, "
        f"{money_text(abs(move.difference), move.currency)} {way} than in {month_name(move.base)}."
    )
    first = [f"{d.item} {_signed(d.amount)} ({d.cause})" for d in move.drivers[:3]]
    if first:
        text += f" Most of it: {', '.join(first)}."
    if move.up and move.down:
        text += f" Rises {_signed(move.up)}, falls {_signed(move.down)}."
    return text


def _signed(amount: int) -> str:
    return f"{'+' if amount > 0 else ''}{to_rounded_text(amount)}"


def document(move: Move) -> dict[str, Any]:
    """A move as plain JSON: money as exact text; the largest :data:`MOST_DRIVERS` drivers."""
    return {
        "level": move.level,
        "key": list(move.key),
        "currency": move.currency,
        "month": move.month,
        "compared_with": move.base,
        "expected": to_text(move.expected),
        "actual": to_text(move.actual),
        "difference": to_text(move.difference),
        "missing": move.missing,
        "up": to_text(move.up),
        "down": to_text(move.down),
        "drivers": [
            {
                "category": d.category,
                "item": d.item,
                "cause": d.cause,
                **{name: to_text(getattr(d, name)) for name in DRIVER_AMOUNTS},
            }
            for d in move.drivers[:MOST_DRIVERS]
        ],
    }
