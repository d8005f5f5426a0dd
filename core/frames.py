"""Rows of the store as frames and back: whole numbers are `Int64`, text is `str`, missing values are NA.

Apart from :mod:`core.store`, so that what reads and writes no frame (a load, the start of a command) imports no pandas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd


def of_rows(rows: Sequence[Sequence[Any]], columns: Mapping[str, bool]) -> pd.DataFrame:
    """A frame of rows; `columns` says of each column, in their order, whether it holds whole numbers."""
    data = {name: _array([row[n] for row in rows], whole) for n, (name, whole) in enumerate(columns.items())}
    return pd.DataFrame(data, columns=list(columns))


def of_parts(parts: Iterable[Sequence[Sequence[Any]]], columns: Mapping[str, bool]) -> pd.DataFrame:
    """:func:`of_rows` for millions of rows that come in parts: text as categories, so that no value is held twice."""
    whole = list(columns.values())
    known: list[dict[Any, int]] = [{} for _ in whole]
    read: list[list[Any]] = [[] for _ in whole]
    for rows in parts:
        for n, values in enumerate(zip(*rows, strict=True)):
            read[n].append(_array(list(values), True) if whole[n] else _codes(values, known[n]))
    data: dict[str, Any] = {}
    for n, name in enumerate(columns):
        if whole[n]:
            data[name] = pd.concat([pd.Series(part) for part in read[n]]).array if read[n] else _array([], True)
        else:
            codes = np.concatenate(read[n]) if read[n] else np.zeros(0, dtype=np.int32)
            data[name] = pd.Categorical.from_codes(codes, categories=list(known[n]))
        read[n] = []
    return pd.DataFrame(data, columns=list(columns))


def columns_of(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns of a frame as the store takes them: python ints, text or None.

    Raises:
        TypeError: if a column holds floats.
    """
    return {str(name): _values(frame[name]) for name in frame.columns}


def _codes(values: Iterable[Any], known: dict[Any, int]) -> Any:
    """Each value's number in `known`, which grows; None is -1."""
    number = known.setdefault
    return np.array([-1 if v is None else number(v, len(known)) for v in values], dtype=np.int32)


def _array(values: list[Any], whole: bool) -> Any:
    if not whole:
        return pd.array(values, dtype=pd.StringDtype(na_value=np.nan))
    if None not in values:
        return pd.arrays.IntegerArray(np.array(values, dtype=np.int64), np.zeros(len(values), dtype=bool))
    missing = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    filled = np.fromiter((0 if value is None else int(value) for value in values), dtype=np.int64, count=len(values))
    return pd.arrays.IntegerArray(filled, missing)


def _values(series: pd.Series[Any]) -> list[Any]:
    missing = series.isna()
    if pd.api.types.is_float_dtype(series.dtype) and not missing.all():
        raise TypeError(f"column {series.name} holds floats; the store keeps whole numbers and text")
    items = series.astype(object).where(~missing, None).tolist()
    return [item.item() if isinstance(item, np.generic) else item for item in items]
