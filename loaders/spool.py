"""More rows than memory should hold: written to a temporary file in blocks, read back as often as wanted, in order."""

from __future__ import annotations

import os
import pickle
import tempfile
import weakref
from collections.abc import Collection, Iterator
from typing import Any

Row = dict[str, Any]


class Spool(Collection[Row]):
    """A growing collection of rows; the newest block is in memory, the others in a file that goes with the object."""

    def __init__(self, block: int = 1_000) -> None:
        self._block = block
        self._newest: list[Row] = []
        self._length = 0
        self._path: str | None = None

    def append(self, row: Row) -> None:
        """Add a row."""
        self._newest.append(row)
        self._length += 1
        if len(self._newest) >= self._block:
            self._write(pickle.dumps(self._newest, pickle.HIGHEST_PROTOCOL))
            self._newest = []

    def _write(self, content: bytes) -> None:
        if self._path is None:
            handle, self._path = tempfile.mkstemp(prefix="tem-spool-")
            os.close(handle)
            weakref.finalize(self, os.unlink, self._path)
        with open(self._path, "ab") as file:
            file.write(content)

    def _content(self) -> bytes:
        if self._path is None:
            return b""
        with open(self._path, "rb") as file:
            return file.read()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Row]:
        if self._path is not None:
            with open(self._path, "rb") as file:
                for _ in range((self._length - len(self._newest)) // self._block):
                    yield from pickle.load(file)  # noqa: S301  written above
        yield from self._newest

    def __contains__(self, row: object) -> bool:
        return any(row == own for own in self)

    def __getstate__(self) -> tuple[int, list[Row], int, bytes]:
        return self._block, self._newest, self._length, self._content()

    def __setstate__(self, state: tuple[int, list[Row], int, bytes]) -> None:
        self._block, self._newest, self._length, content = state
        self._path = None
        if content:
            self._write(content)
