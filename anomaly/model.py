"""The model: the raw size of every signal of every line-month, against its own past and its peers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly import baseline, hurdle
from anomaly.baseline import Level
from anomaly.calibrate import surprise_of
from anomaly.estate import BOOL
from anomaly.features import VOLUME_UNITS, Panel, level
from anomaly.hurdle import Presence, Rare
from anomaly.kernels import in_parallel
from anomaly.registry import CONTEXT, DEFAULT_CONTEXT, SIGNALS, Signal
from anomaly.sparse import Sparse

#: A residual below this many spreads, and a rare event below this many nats, says nothing.
SPEAKS = {"up": 1.0, "down": 1.5, "drift": 1.0, "shift": 0.5, "rare": 0.0}
#: Volumes that a signal looks for drift and shifts in.
TRENDED = frozenset(signal.source for signal in SIGNALS if signal.how in {"drift", "shift"})
STAYS_DOWN = 3.0  # a month as far below as this many spreads, after another one, is no new drop


@dataclass(frozen=True)
class Evidence:
    """What the model saw: `raw` size and calibrated `nats` of each signal, and the baselines that explanations quote.

    Of a signal only the line-months are kept in which it speaks. Arrays have shape (services, months).
    """

    raw: dict[str, Sparse]
    nats: dict[str, Sparse]
    levels: dict[str, Level]
    rares: dict[str, Rare]
    history: NDArray[np.int16]
    travelled: BOOL


def history_months(scored: BOOL) -> NDArray[np.int16]:
    """How many earlier line-months each line has."""
    return np.asarray(np.cumsum(scored, axis=1, dtype=np.int16) - scored)


def assess(
    panel: Panel,
    *,
    travelled: BOOL | None = None,
    gathered: BOOL | None = None,
    confirmed: BOOL | None = None,
) -> Evidence:
    """Judge every line-month by its own past and its peers.

    `travelled` marks line-months whose holder has a travel record for the country: roaming is then expected to happen.
    `gathered` marks roaming in a country that many lines go to at once: expected in the same way.
    `confirmed` marks line-months that a person confirmed: later months are not calibrated against them.
    """
    booked = np.zeros(panel.scored.shape, dtype=bool) if travelled is None else travelled
    trips = booked if gathered is None else booked | gathered
    raw: dict[str, Sparse] = {}
    measured: dict[str, BOOL] = {}
    levels = {name: _levels(panel, name, raw, measured) for name in VOLUME_UNITS}
    rares = _rares(panel)
    for signal in SIGNALS:
        if signal.how == "rare":
            held = rares[signal.source]
            raw[signal.id] = _expected_trips(held, trips) if signal.family == "roaming" else held.surprise
    nats: dict[str, Sparse] = dict(raw)

    def calibrated(name: str) -> None:
        nats[name] = surprise_of(raw[name], measured.get(name, panel.scored), confirmed=confirmed, extended=True)

    in_parallel(calibrated, raw)
    return Evidence(raw, nats, levels, rares, history_months(panel.scored), booked)


def _levels(panel: Panel, name: str, raw: dict[str, Sparse], measured: dict[str, BOOL]) -> Level:
    """The baselines of a volume; what its signals say goes into `raw`, the line-months that can tell into `measured`:
    those without enough history are no reference for those with it."""
    volume = level(panel.volumes[name], VOLUME_UNITS[name])
    found = baseline.levels(volume, panel.known, panel.groups, partial=panel.partial, trend=name in TRENDED)
    for signal in SIGNALS:
        if signal.source == name:
            grid = said(signal, found, panel)
            raw[signal.id] = Sparse.above(grid, SPEAKS[signal.how])
            if signal.how in {"drift", "shift"}:
                measured[signal.id] = panel.scored & np.isfinite(grid)
    return found.packed()


def said(signal: Signal, found: Level, panel: Panel) -> NDArray[Any]:
    """What a signal about a volume is taken from, also where it says nothing; shape (services, months)."""
    if signal.how == "down":
        return np.where(panel.partial, 0.0, _onset(-found.z))
    return {"up": found.z, "drift": found.drift, "shift": found.shift}[signal.how]


def _rares(panel: Panel) -> dict[str, Rare]:
    """The rare events of every source, each against its own model."""
    presence = {True: Presence(panel.scored, panel.groups), False: Presence(panel.known, panel.groups)}
    sources = list(dict.fromkeys(signal.source for signal in SIGNALS if signal.how == "rare"))
    rares: dict[str, Rare] = {}

    def judged(source: str) -> None:
        in_money = source in panel.money
        amount = panel.money[source] if in_money else panel.counts[source]
        if in_money:
            # The place is divided so that equal ratios stay equal whatever the currency's scale.
            amount = amount.with_values(amount.value / panel.unit[amount.service, amount.month])
        context = CONTEXT.get(source, DEFAULT_CONTEXT)
        rares[source] = hurdle.rare(amount, presence[in_money], context=context, money=in_money)

    in_parallel(judged, sources)
    return {source: rares[source] for source in sources}


def _expected_trips(events: Rare, travelled: BOOL) -> Sparse:
    """Surprise of roaming where a travel record or a gathering makes it as likely as not that it happens."""
    held = events.surprise
    easier = np.log(events.chance / np.maximum(events.chance, 0.5))
    return held.with_values(held.value + np.where(travelled[held.service, held.month], easier, 0.0))


def _onset(low: NDArray[Any]) -> NDArray[Any]:
    """Only the month in which something fell: a line that stays down says nothing new."""
    result = low.copy()
    result[:, 1:] = np.where(low[:, :-1] >= STAYS_DOWN, 0.0, low[:, 1:])
    return result
