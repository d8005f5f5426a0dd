"""Loads the compiled kernels beside the run that needs them, so that it can be stopped meanwhile.

The first use on a machine compiles them (seconds); later ones read them from the cache beside the code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from optimize.decomposition import kernels
from optimize.decomposition.arrays import Estate
from optimize.decomposition.columns import Engine
from optimize.decomposition.rounding import pieces_of, search

_TICK = 0.05
_loaded: set[tuple[np.dtype[np.generic], ...]] = set()


def load(estate: Estate, stop: Callable[[], bool]) -> bool:
    """Have the kernels ready for estates of this kind of figures; False if `stop` said so before they were."""
    kind = (estate.charge.dtype, estate.exit_fee.dtype, estate.data.dtype, estate.voice.dtype)
    if kind in _loaded or not estate.lines:
        return True
    worker = threading.Thread(target=_use_all, args=(estate.part(np.zeros(1, dtype=np.int64), 1.0),))
    worker.start()
    while worker.is_alive():
        if stop():
            return False
        worker.join(_TICK)
    _loaded.add(kind)
    return True


def _use_all(line: Estate) -> None:
    """Every kernel once, on a single line."""
    engine = Engine(line)
    found = engine.price(engine.neutral(), engine.root())
    kernels.spread(engine.block, np.array([0, 1]), np.ones(1))
    near = kernels.near(engine.packed, engine.prices(found.duals, engine.root()), np.zeros(1, dtype=np.int64), np.inf)
    for pairs in (False, True):
        search(engine, found.choice, near[:2], pieces_of(line), pairs=pairs)
