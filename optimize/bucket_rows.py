"""Buckets in the integer model: one whole column per pool and size, and what keeps counts possible."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from optimize.buckets import most_brought
from optimize.ir import Model
from optimize.problem import MICRO, Pool


@dataclass(frozen=True)
class BucketColumns:
    """The columns of a pool's buckets: how many of each size, what one brings and costs a month (millionths)."""

    columns: NDArray[np.int64]
    allowance: list[int]
    mrc: list[float]
    """Currency a month."""
    most: int
    """The most allowance they can bring together, millionths."""

    @property
    def step(self) -> int:
        """Every allowance that they can bring is a multiple of this."""
        return gcd(*self.allowance)

    @property
    def brought(self) -> NDArray[np.float64]:
        """What one of each brings, MB or minutes."""
        return np.array(self.allowance, dtype=np.float64) / MICRO


def bucket_columns(model: Model, g: int, pool: Pool, share: float, *, one: bool) -> BucketColumns:
    """Columns for the buckets of pool g, `share` of whose MRC is in the objective; of one size at most with `one`."""
    columns = [
        model.column(f"bucket_{g}_{b}", share * size.mrc / MICRO, 0, size.most, whole=True)
        for b, size in enumerate(pool.buckets)
    ]
    exclusive = one and len(columns) > 1
    if exclusive and all(size.most == 1 for size in pool.buckets):
        model.row(f"bucket_one_{g}", "bucket", columns, [1.0] * len(columns), high=1)
    elif exclusive:
        chosen = []
        for b, (size, j) in enumerate(zip(pool.buckets, columns, strict=True)):
            y = model.column(f"bucket_size_{g}_{b}", 0, 0, 1, whole=True)
            model.row(f"bucket_of_{g}_{b}", "bucket", [j, y], [1.0, -float(size.most)], high=0)
            chosen.append(y)
        model.row(f"bucket_one_{g}", "bucket", chosen, [1.0] * len(chosen), high=1)
    return BucketColumns(
        np.array(columns, dtype=np.int64),
        [size.allowance for size in pool.buckets],
        [size.mrc / MICRO for size in pool.buckets],
        most_brought(((size.allowance, size.most) for size in pool.buckets), one=one),
    )


def need_members(model: Model, g: int, pool: Pool, bought: BucketColumns, members: NDArray[np.int64]) -> None:
    """No bucket while none of the columns `members` is used."""
    for b, (size, j) in enumerate(zip(pool.buckets, bought.columns.tolist(), strict=True)):
        values = np.append(np.full(len(members), -float(size.most)), 1.0)
        model.row(f"bucket_needs_{g}_{b}", "bucket", np.append(members, j), values, high=0)
