"""The model: the raw size of every signal of every line-month, against its own past and its peers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomaly import baseline, hurdle
from anomaly.baseline import Level
from anomaly.calibrate import surprise
from anomaly.estate import BOOL, REAL
from anomaly.features import VOLUME_UNITS, Panel, level
from anomaly.hurdle import Presence, Rare
from anomaly.registry import CONTEXT, DEFAULT_CONTEXT, SIGNALS

#: A residual below this many spreads, and a rare event below this many nats, says nothing.
SPEAKS = {"up": 1.0, "down": 1.5, "drift": 1.0, "shift": 0.5, "rare": 0.0}
#: Volumes that a signal looks for drift and shifts in.
TRENDED = frozenset(signal.source for signal in SIGNALS if signal.how in {"drift", "shift"})
STAYS_DOWN = 3.0  # a month as far below as this many spreads, after another one, is no new drop


@dataclass(frozen=True)
class Evidence:
    """What the model saw: `raw` size and calibrated `nats` of each signal, and the baselines that explanations quote.

    Arrays have shape (services, months).
    """

    raw: dict[str, REAL]
    nats: dict[str, REAL]
    levels: dict[str, Level]
    rares: dict[str, Rare]
    history: REAL
    travelled: BOOL


def history_months(scored: BOOL) -> REAL:
    """How many earlier line-months each line has."""
    return np.cumsum(scored, axis=1) - scored


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
    levels = {
        name: baseline.levels(
            level(panel.volumes[name], unit),
            panel.known,
            panel.groups,
            partial=panel.partial,
            trend=name in TRENDED,
        )
        for name, unit in VOLUME_UNITS.items()
    }
    rares: dict[str, Rare] = {}
    presence = {True: Presence(panel.scored, panel.groups), False: Presence(panel.known, panel.groups)}
    raw: dict[str, REAL] = {}
    booked = np.zeros(panel.scored.shape, dtype=bool) if travelled is None else travelled
    trips = booked if gathered is None else booked | gathered
    for signal in SIGNALS:
        if signal.how == "rare" and signal.source not in rares:
            in_money = signal.source in panel.money
            # The place is divided so that equal ratios stay equal whatever the currency's scale.
            amount = panel.money[signal.source] / panel.unit if in_money else panel.counts[signal.source]
            rares[signal.source] = hurdle.rare(
                amount,
                presence[in_money],
                context=CONTEXT.get(signal.source, DEFAULT_CONTEXT),
                money=in_money,
            )
        if signal.how == "rare":
            values = rares[signal.source].surprise
            if signal.family == "roaming":
                values = _expected_trips(rares[signal.source], trips)
            raw[signal.id] = values
        elif signal.how == "up":
            raw[signal.id] = levels[signal.source].z
        elif signal.how == "down":
            raw[signal.id] = np.where(panel.partial, 0.0, _onset(-levels[signal.source].z))
        elif signal.how == "drift":
            raw[signal.id] = levels[signal.source].drift
        elif signal.how == "shift":
            raw[signal.id] = levels[signal.source].shift
    nats: dict[str, REAL] = {}
    for signal in SIGNALS:
        measured = panel.scored
        if signal.how in {"drift", "shift"}:  # line-months without enough history are no reference for those with it
            measured = panel.scored & np.isfinite(raw[signal.id])
            raw[signal.id] = np.nan_to_num(raw[signal.id])
        nats[signal.id] = surprise(
            raw[signal.id], measured, floor=SPEAKS[signal.how], confirmed=confirmed, extended=True
        )
    return Evidence(raw, nats, levels, rares, history_months(panel.scored), booked)


def _expected_trips(events: Rare, travelled: BOOL) -> REAL:
    """Surprise of roaming where a travel record or a gathering makes it as likely as not that it happens."""
    values = events.surprise.copy(order="F")
    month, service = np.divmod(events.keys, values.shape[0])
    easier = np.where(travelled[service, month], np.log(events.chance / np.maximum(events.chance, 0.5)), 0.0)
    values[service, month] += easier
    return values


def _onset(low: REAL) -> REAL:
    """Only the month in which something fell: a line that stays down says nothing new."""
    result = low.copy()
    result[:, 1:] = np.where(low[:, :-1] >= STAYS_DOWN, 0.0, low[:, 1:])
    return result
