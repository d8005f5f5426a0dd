"""Lines and their use as the evaluator reads them from the canonical tables: whole millionths in arrays, no prices.

The solver reads the tables on its own (`optimize.build`), so that a mistake in one reading shows as a contradiction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimize.scenario import Scenario
from optimize.scenario_set import ScenarioSet

MICRO = 10**6
KINDS = ("data", "voice", "sms")
_SPLIT = 32


def records(frames: Mapping[str, pd.DataFrame], table: str) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries, blank values as None."""
    frame = frames.get(table)
    if frame is None or frame.empty:
        return []
    clean = frame.astype(object).where(frame.notna(), None)
    return [{str(k): (None if v == "" else v) for k, v in row.items()} for row in clean.to_dict("records")]


def exact_sums(codes: NDArray[Any], values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The codes that occur, and for each the sums of `values` along axis 0, as Python integers that cannot overflow."""
    if not len(codes):
        return np.zeros(0, dtype=np.int64), np.zeros((0, *values.shape[1:]), dtype=object)
    order = np.argsort(codes, kind="stable")
    found, first = np.unique(codes[order], return_index=True)
    if values.dtype == object:
        return found, np.add.reduceat(values[order], first, axis=0)
    taken = values[order].astype(np.int64)
    high = np.add.reduceat(taken >> _SPLIT, first, axis=0)
    low = np.add.reduceat(taken & ((1 << _SPLIT) - 1), first, axis=0)
    return found, high.astype(object) * (1 << _SPLIT) + low.astype(object)


def exact_total(values: NDArray[Any]) -> NDArray[Any]:
    """Sums along axis 0 as Python integers."""
    if not len(values):
        return np.zeros(values.shape[1:], dtype=object)
    return exact_sums(np.zeros(len(values), dtype=np.int64), values)[1][0]


def weighted(values: NDArray[Any], weights: list[int]) -> NDArray[Any]:
    """Sums over months (columns), each times its weight, as Python integers."""
    many = np.array(weights, dtype=object)[:, None]
    return exact_total(values.T * many if max(weights) > 1 else values.T)


@dataclass(frozen=True)
class RawLines:
    """The N services that are priced, in order of service_id, and their use in S scenario months (millionths, N x S).

    Use and costs are 0 in months in which a service is not active.
    """

    rows: dict[str, dict[str, Any]]
    """By service_id the row of the services table, with `n` (its number), `selected`, `months` (active, by weight)."""
    active: NDArray[np.bool_]
    selected: NDArray[np.bool_]
    quiet: NDArray[np.int64]
    """In how many of the range's last months in a row it was active without any use, of any type and zone."""
    home: dict[str, NDArray[Any]]
    roaming: dict[str, NDArray[Any]]
    roaming_cost: dict[str, NDArray[Any]]
    other_cost: NDArray[Any]

    @property
    def wide(self) -> bool:
        """Whether a figure is too large for 64 bits."""
        arrays = (self.other_cost, *self.home.values(), *self.roaming.values(), *self.roaming_cost.values())
        return any(values.dtype == object for values in arrays)


def read_lines(
    frames: Mapping[str, pd.DataFrame],
    scenario: Scenario,
    months: list[str],
    drawn: ScenarioSet,
    plans: Mapping[str, Mapping[str, Any]],
    currency: str,
) -> RawLines:
    """The services of a scenario (interfaces.md section 4, items 1-3) and their use."""
    rows: dict[str, dict[str, Any]] = {}
    active: list[list[bool]] = []
    for row in sorted(records(frames, "services"), key=lambda r: r["service_id"]):
        plan = plans.get(row.get("plan_id"))  # type: ignore[arg-type]
        start, end, status = row.get("activated_on"), row.get("disconnected_on"), row.get("status")
        if plan is None or status == "ordered" or (status == "disconnected" and end is None):
            continue
        if plan.get("currency") not in (None, currency) and scenario.other_currencies == "leave_out":
            continue
        here = [(start is None or start[:7] <= m) and (end is None or m <= end[:7]) for m in months]
        if not any(here):
            continue
        selected = True
        for name, wanted in scenario.services.items():
            value = row.get(name)
            selected = selected and ("" if value is None else str(value)) in wanted
        weight = sum(m.weight for m in drawn.months if here[m.source])
        rows[row["service_id"]] = {**row, "n": len(rows), "selected": selected, "months": weight}
        active.append(here)
    mask = np.array(active, dtype=bool).reshape(len(rows), len(months))
    chosen = np.array([row["selected"] for row in rows.values()], dtype=bool)
    return _with_use(frames, scenario, months, drawn, rows, mask, chosen)


def _with_use(
    frames: Mapping[str, pd.DataFrame],
    scenario: Scenario,
    months: list[str],
    drawn: ScenarioSet,
    rows: dict[str, dict[str, Any]],
    active: NDArray[np.bool_],
    selected: NDArray[np.bool_],
) -> RawLines:
    shape = active.shape
    frame = frames.get("usage")
    if frame is None or frame.empty:
        none = np.zeros((shape[0], len(drawn.months)), dtype=np.int64)
        zero = {name: dict.fromkeys(KINDS, none) for name in ("home", "roaming", "cost")}
        quiet = _streak(active)
        return RawLines(
            rows, active[:, drawn.sources], selected, quiet, zero["home"], zero["roaming"], zero["cost"], none
        )
    line = _placed(frame["service_id"], {service_id: row["n"] for service_id, row in rows.items()})
    month = _placed(frame["month"], {name: n for n, name in enumerate(months)})
    good = (line >= 0) & (month >= 0)
    good[good] = active[line[good], month[good]]
    place = line[good] * shape[1] + month[good]
    kind = _placed(frame["usage_type"], {name: n for n, name in enumerate(KINDS)})[good]
    zones = {"": 0, "home": 0, "roaming": 1}
    zone = _placed(frame["zone"], zones, blank=0)[good] if "zone" in frame else np.zeros(len(place), dtype=np.int64)
    quantity, cost = _whole(frame, "quantity")[good], _whole(frame, "cost")[good]

    def added(mask: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[Any]:
        """What was used in the source of each scenario month."""
        found, sums = exact_sums(place[mask], values[mask])
        small = all(-(2**62) < int(v) < 2**62 for v in (sums.max(initial=0), sums.min(initial=0)))
        result = np.zeros(shape, dtype=np.int64 if small else object)
        result.ravel()[found] = sums.astype(np.int64) if small else sums
        return result if drawn.is_range else result[:, drawn.sources]

    home = {k: added((zone == 0) & (kind == n), quantity) for n, k in enumerate(KINDS)}
    for name, values in home.items():
        growth = Fraction(MICRO + scenario.growth.get(name, 0), MICRO) ** len(months)
        if not drawn.is_range:
            by_month = zip(values.T, drawn.factors(name), strict=True)
            scaled = [v if growth == factor == 1 else _grown(v, growth * factor) for v, factor in by_month]
            home[name] = np.stack(scaled, axis=1)
        elif growth != 1:
            home[name] = _grown(values, growth)
    abroad = {k: (zone == 1) & (kind == n) for n, k in enumerate(KINDS)}
    used = np.zeros(shape, dtype=bool)
    used.ravel()[place[quantity > 0]] = True
    return RawLines(
        rows=rows,
        active=active if drawn.is_range else active[:, drawn.sources],
        selected=selected,
        quiet=_streak(active & ~used),
        home=home,
        roaming={k: added(mask, quantity) for k, mask in abroad.items()},
        roaming_cost={k: added(mask, cost) for k, mask in abroad.items()},
        other_cost=added((zone != 0) & ~((zone == 1) & (kind >= 0)), cost),
    )


def _streak(quiet: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of the last columns in a row are true."""
    return np.cumprod(quiet[:, ::-1], axis=1, dtype=np.int8).sum(axis=1, dtype=np.int64)


def _placed(series: pd.Series, places: Mapping[str, int], blank: int = -1) -> NDArray[np.int64]:
    """Each value's place; -1 where it has none, `blank` where it is missing."""
    codes, values = pd.factorize(series)
    table = np.array([*(places.get(str(v), -1) for v in values), blank], dtype=np.int64)
    return table[codes]


def _whole(frame: pd.DataFrame, name: str) -> NDArray[np.int64]:
    """A column of millionths, missing = 0."""
    if name not in frame:
        return np.zeros(len(frame), dtype=np.int64)
    series = frame[name]
    if series.dtype == object:
        return np.array([0 if pd.isna(v) else int(v) for v in series], dtype=np.int64)
    return series.fillna(0).to_numpy(dtype=np.int64)


def _grown(values: NDArray[Any], factor: Fraction) -> NDArray[Any]:
    """Quantities x factor, rounded half up to 4 decimals, in micros."""
    old, place = np.unique(values, return_inverse=True)
    exact = [int(v) * factor / 100 for v in old]
    new = [100 * ((2 * e.numerator + e.denominator) // (2 * e.denominator)) for e in exact]
    small = all(abs(v) < 2**62 for v in new)
    return np.array(new, dtype=np.int64 if small else object)[place].reshape(values.shape)
