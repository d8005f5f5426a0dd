"""The model: the raw size of every signal of every line-month, against its own past and its peers."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly import baseline, hurdle
from anomaly.baseline import Heard, Level
from anomaly.calibrate import surprise_of
from anomaly.estate import BOOL
from anomaly.features import VOLUME_UNITS, Panel, level
from anomaly.hurdle import Presence, Rare
from anomaly.kernels import in_parallel
from anomaly.registry import CONTEXT, DEFAULT_CONTEXT, SIGNALS
from anomaly.sparse import Sparse

#: Volumes that a signal looks for drift and shifts in.
TRENDED = frozenset(signal.source for signal in SIGNALS if signal.how in {"drift", "shift"})


@dataclass(frozen=True)
class Evidence:
    """What the model saw: the calibrated `nats` of each signal, and the baselines that explanations quote.

    Of a signal only the line-months are kept in which it speaks. Arrays have shape (services, months).
    """

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
    levels, heard = _levels(panel)
    rares = _rares(panel)
    for signal in SIGNALS:
        if signal.how == "rare":
            held = rares[signal.source]
            heard[signal.id] = Heard(_expected_trips(held, trips) if signal.family == "roaming" else held.surprise)
    nats: dict[str, Sparse] = {signal.id: heard[signal.id].cells for signal in SIGNALS}

    def calibrated(name: str) -> None:
        raw = heard.pop(name)
        # Those without enough history are no reference for those with it.
        inside = panel.scored if raw.measured is None else panel.scored & raw.measured
        nats[name] = surprise_of(raw.cells, inside, confirmed=confirmed, extended=True)

    in_parallel(calibrated, list(nats))
    return Evidence(nats, levels, rares, history_months(panel.scored), booked)


def _levels(panel: Panel) -> tuple[dict[str, Level], dict[str, Heard]]:
    """The baselines of every volume, and what the signals about them say."""
    room = baseline.Room(panel.scored.shape)
    found: dict[str, Level] = {}
    heard: dict[str, Heard] = {}
    for name, unit in VOLUME_UNITS.items():
        found[name], said = baseline.levels(
            panel.volumes[name],
            panel.known,
            panel.groups,
            partial=panel.partial,
            trend=name in TRENDED,
            scale=functools.partial(level, unit=unit),
            room=room,
        )
        heard |= {signal.id: said[signal.how] for signal in SIGNALS if signal.source == name}
    return found, heard


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
