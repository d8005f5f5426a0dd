"""Facts about calls to other countries and premium numbers: bursts of calls, and single numbers called.

The patterns behind them are those of revenue-share fraud (IRSF: many long or parallel calls to paid ranges, mostly at
night and on weekends) and of Wangiri (a short ring from abroad that invites a call back). Calls are counted; numbers
are never shown in full.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly.estate import Coded, Estate
from anomaly.facts import KNOWN_MONTHS, Column, Facts, Values, state_makers
from core.money import SCALE
from core.queries.anomaly import SHORT_CALL_S

#: Calls of a line whose starts lie at most this far apart are one burst.
BURST_GAP_S = 15 * 60
#: An incoming call of at most so many seconds only rang.
RANG_S = 5
#: A call back counts as one within this time of the ring.
CALL_BACK_S = 24 * 3600
#: Night begins and ends at these hours of the line's own clock.
NIGHT = (20, 6)

BURST_FACTS = {
    "calls": f"outgoing calls abroad or to premium numbers, each at most {BURST_GAP_S // 60} min after the one before",
    "short_calls": f"those of them that lasted at most {SHORT_CALL_S} seconds",
    "minutes": "minutes of the burst's calls together",
    "parallel": "most of its calls that went on at the same time",
    "numbers": "different numbers called in the burst",
    "destinations": "different countries called in the burst",
    "night_or_weekend": "the burst began at night (20 to 6 h) or on a Saturday or Sunday",
    "new_destination": "a country the line had called in no earlier month, once it has been seen for two months",
    "cost": "cost of the burst's calls",
}
NUMBER_FACTS = {
    "number": "the number called, with its country prefix",
    "calls": "calls to the number in the month",
    "minutes": "minutes of these calls",
    "rang_before": f"calls that followed a ring of at most {RANG_S} seconds from the same number within 24 hours",
    "cost": "cost of these calls",
}


def _calls(estate: Estate) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outgoing and incoming calls of known lines, with `service`, `at` (month index) and `when` (seconds)."""
    rows = estate.detail("calls")
    if rows.empty:
        return rows, rows
    service, month = estate.rows_of(rows)
    when = pd.to_datetime(rows["started_at"].str[:19], format="ISO8601", errors="coerce")
    keep = (service >= 0) & (month >= 0) & when.notna().to_numpy()
    keep[keep] &= ~estate.impossible[service[keep], month[keep]]
    rows = rows.assign(service=service, at=month, when=when.astype("datetime64[s]").astype("int64"))[keep]
    rows = rows.sort_values(["service", "when", "peer_number"], kind="stable")
    outgoing = rows["direction"] == "out"
    return rows[outgoing].reset_index(drop=True), rows[~outgoing].reset_index(drop=True)


def burst_facts(estate: Estate) -> Facts:
    """One row for each burst of calls; it belongs to the month in which it began."""
    calls, _ = _calls(estate)
    if calls.empty:
        return _nothing(estate, BURST_FACTS)
    service, when = calls["service"].to_numpy(), calls["when"].to_numpy()
    begins = np.ones(len(calls), dtype=bool)
    begins[1:] = (service[1:] != service[:-1]) | (when[1:] - when[:-1] > BURST_GAP_S)
    burst = np.cumsum(begins) - 1
    count, first = int(burst[-1]) + 1, np.flatnonzero(begins)
    line, month = service[first], calls["at"].to_numpy()[first]
    length = calls["duration_s"].to_numpy() / SCALE

    def total(values: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(burst, weights=values.astype(float), minlength=count), dtype=float)

    def distinct(name: str) -> NDArray[np.float64]:
        pairs = pd.DataFrame({"burst": burst, "value": calls[name]}).dropna().drop_duplicates()
        return np.asarray(np.bincount(pairs["burst"], minlength=count), dtype=float)

    makers: dict[str, Callable[[], Column]] = {
        "calls": lambda: total(np.ones(len(calls))),
        "short_calls": lambda: total((length > 0) & (length <= SHORT_CALL_S)),
        "minutes": lambda: total(length / 60),
        "parallel": lambda: _parallel(burst, when, length, count),
        "numbers": lambda: distinct("peer_number"),
        "destinations": lambda: distinct("peer_country"),
        "night_or_weekend": lambda: _night(when[first]),
        "new_destination": lambda: total(_new_country(calls, estate)) > 0,
        "cost": lambda: total(calls["cost"].to_numpy()),
    }
    label = _countries(calls["peer_country"], burst, count)
    return Facts(line, month, Values(state_makers(estate, line, month) | makers), label=label, began=when[first])


def _parallel(
    burst: NDArray[np.intp], when: NDArray[np.int64], length: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Most calls of a burst that went on at one moment; a call that ends as another begins is over."""
    group, time = np.concatenate([burst, burst]), np.concatenate([when.astype(float), when + length])
    step = np.repeat([1, -1], len(burst))
    order = np.lexsort((step, time, group))
    going = np.cumsum(step[order])  # every burst ends with none, so the sum starts at 0 in each
    result = np.zeros(count)
    np.maximum.at(result, group[order], going)
    return np.maximum(result, 1.0)


def _night(when: NDArray[np.int64]) -> NDArray[np.bool_]:
    begun = pd.DatetimeIndex(when.astype("datetime64[s]"))
    return np.asarray((begun.dayofweek >= 5) | (begun.hour >= NIGHT[0]) | (begun.hour < NIGHT[1]))


def _new_country(calls: pd.DataFrame, estate: Estate) -> NDArray[np.bool_]:
    first = calls.groupby(["service", "peer_country"], dropna=False)["at"].transform("min").to_numpy()
    at, service = calls["at"].to_numpy(), calls["service"].to_numpy()
    seen = np.cumsum(estate.scored, axis=1)[service, at]
    return (first == at) & (seen > KNOWN_MONTHS) & calls["peer_country"].notna().to_numpy()


def _countries(values: pd.Series[str], group: NDArray[np.intp], count: int) -> NDArray[np.object_]:
    listed: list[set[str]] = [set() for _ in range(count)]
    for place, value in zip(group, values, strict=True):
        if isinstance(value, str):
            listed[place].add(value)
    return np.array([", ".join(sorted(names)) or "an unnamed country" for names in listed], dtype=object)


def number_facts(estate: Estate) -> Facts:
    """One row for each line, month and number called abroad or in a premium range."""
    calls, came = _calls(estate)
    calls = calls[calls["peer_number"].notna()] if len(calls) else calls
    if calls.empty:
        return _nothing(estate, NUMBER_FACTS)
    calls = calls.assign(number=_numbers(calls["peer_number"]), called=1)
    calls["back"] = _called_back(calls, came)
    rows = calls.groupby(["service", "at", "number"], as_index=False, sort=True).agg(
        calls=("called", "sum"), back=("back", "sum"), cost=("cost", "sum"), seconds=("duration_s", "sum"),
        country=("peer_country", "first"),
    )  # fmt: skip
    line, month = rows["service"].to_numpy(), rows["at"].to_numpy()
    codes, numbers = pd.factorize(rows["number"])
    makers: dict[str, Callable[[], Column]] = {
        "number": lambda: Coded(codes.astype(np.int32)[:, None], np.asarray(numbers, dtype=object)),
        "calls": lambda: rows["calls"].to_numpy(dtype=float),
        "minutes": lambda: rows["seconds"].to_numpy(dtype=float) / SCALE / 60,
        "rang_before": lambda: rows["back"].to_numpy(dtype=float),
        "cost": lambda: rows["cost"].to_numpy(dtype=float),
    }
    label = np.array(
        [c if isinstance(c, str) else f"{n[:4]}..." for c, n in zip(rows["country"], rows["number"], strict=True)],
        dtype=object,
    )
    return Facts(line, month, Values(state_makers(estate, line, month) | makers), label=label)


def _called_back(calls: pd.DataFrame, came: pd.DataFrame) -> NDArray[np.int64]:
    """1 for a call that follows a short ring from the same number within :data:`CALL_BACK_S`."""
    rings = came[came["duration_s"] <= RANG_S * SCALE] if len(came) else came
    if rings.empty:
        return np.zeros(len(calls), dtype=np.int64)
    rings = rings.assign(number=_numbers(rings["peer_number"]), rang=rings["when"])
    left = calls[["service", "number", "when"]].assign(place=np.arange(len(calls))).sort_values("when")
    joined = pd.merge_asof(
        left,
        rings[["service", "number", "when", "rang"]].sort_values("when"),
        on="when",
        by=["service", "number"],
        tolerance=CALL_BACK_S,
    )
    result = np.zeros(len(calls), dtype=np.int64)
    result[joined["place"].to_numpy()] = joined["rang"].notna().to_numpy()
    return result


def _numbers(written: pd.Series[str]) -> pd.Series[str]:
    return written.map({text: e164(text) for text in written.unique()})


def e164(text: str) -> str:
    """A number without blanks and signs, `00` as `+`: what a prefix is compared with."""
    digits = re.sub(r"[^0-9+]", "", text)
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _nothing(estate: Estate, names: dict[str, str]) -> Facts:
    none = np.zeros(0, dtype=np.intp)
    text = Coded(np.zeros((0, 1), dtype=np.int32), np.zeros(0, dtype=object))

    def empty(name: str) -> Callable[[], Column]:
        flag = name in {"night_or_weekend", "new_destination"}
        return lambda: text if name == "number" else np.zeros(0, dtype=bool if flag else float)

    makers = state_makers(estate, none, none) | {name: empty(name) for name in names}
    return Facts(none, none, Values(makers), label=np.zeros(0, dtype=object), began=np.zeros(0, dtype=np.int64))
