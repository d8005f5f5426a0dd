"""Which model, configuration and data an alert comes from: the same four values always give the same alert."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from anomaly import baseline, hurdle, policy, score
from anomaly.estate import Estate
from anomaly.features import Panel
from anomaly.registry import SIGNALS

#: Raised when the same data and feedback can give another score than before.
MODEL_VERSION = "3"
#: The seed of everything that is drawn at random.
SEED = 7


def config_hash(rules: Sequence[policy.Rule]) -> str:
    """A short hash of the signals, their weights and thresholds, and of every policy rule."""
    constants = {
        module.__name__: {
            name: value
            for name, value in sorted(vars(module).items())
            if name.strip("_").isupper() and isinstance(value, int | float | str | tuple | dict)
        }
        for module in (baseline, hurdle, score)
    }
    said = json.dumps([[asdict(signal) for signal in SIGNALS], constants, policy.rules_hash(rules)], default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def data_hashes(estate: Estate, panel: Panel) -> list[str]:
    """For each month a short hash of the features of all line-months up to and including it."""
    ids = estate.services["service_id"].astype(str).to_numpy()
    sparse = [*panel.counts.items(), *panel.money.items()]
    running = hashlib.blake2b(digest_size=6)
    result = []
    for t, month in enumerate(estate.months):
        rows = panel.scored[:, t]
        running.update("\n".join([month, *ids[rows]]).encode())
        for name, grid in panel.volumes.items():
            running.update(name.encode())
            running.update(grid[rows, t].tobytes())
        place = np.cumsum(rows) - 1
        for name, events in sparse:
            service, value = events.column(t)
            inside = rows[service]
            running.update(name.encode())
            running.update(place[service[inside]].tobytes())
            running.update(value[inside].tobytes())
        result.append(running.copy().hexdigest())
    return result


def stamp(config: str, data: str) -> dict[str, Any]:
    """The four values as they stand on an alert."""
    return {"version": MODEL_VERSION, "config_hash": config, "data_hash": data, "seed": SEED}
