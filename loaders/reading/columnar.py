"""A Parquet file as rows of text, some at a time: its row groups are never held as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pyarrow import ArrowException, parquet

from loaders.reading.sheets import cell_text
from loaders.reading.source import Source
from loaders.reading.text import CHUNK_ROWS, Block, joined


def is_parquet(source: Source) -> bool:
    """By its first bytes."""
    return source.head.startswith(b"PAR1")


def header(source: Source) -> list[str] | None:
    """The names of the columns, None where the file cannot be read."""
    try:
        return list(parquet.ParquetFile(source.path).schema_arrow.names)
    except (ArrowException, OSError, ValueError):
        return None


def blocks(source: Source, size: int = CHUNK_ROWS) -> Iterator[Block]:
    """The header as a block of its own (line 0), then the rows, counted from 1.

    Raises:
        BadInput: if the file proves damaged.
    """
    try:
        with parquet.ParquetFile(source.path) as file:
            names = list(file.schema_arrow.names)
            yield Block([0], [names], [joined(names)])
            line = 1
            for batch in file.iter_batches(size):
                columns = [[_text(value) for value in column.to_pylist()] for column in batch.columns]
                rows = [list(row) for row in zip(*columns, strict=True)]
                yield Block(list(range(line, line + len(rows))), rows, [joined(row) for row in rows])
                line += len(rows)
    except (ArrowException, OSError, ValueError) as error:
        raise source.refused(f"cannot be read: {str(error)[:200]}", "a complete file") from error


def _text(value: Any) -> str:
    """A typed cell as text; maps and structures as JSON, figures with all their digits."""
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    if isinstance(value, list):
        pairs = all(isinstance(item, tuple) and len(item) == 2 for item in value)
        return json.dumps(dict(value) if pairs else value, default=str)
    if isinstance(value, float):
        return repr(value)
    return cell_text(value)
