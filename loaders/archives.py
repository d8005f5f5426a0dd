"""A ZIP that no format reads as a whole is read like a folder: each of its files is a file of its own."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from core.issues import BadInput
from loaders.contract import Loader
from loaders.reading.source import Source


def unpacked(source: Source, candidates: Sequence[Loader], folder: Path) -> list[Source]:
    """The files inside, written below `folder`; the archive itself where a loader knows it, or it cannot be read.

    A damaged or unsafe archive stays whole: whoever detects its format refuses it with the reason.
    """
    try:
        members = [name for name in source.members if not hidden(name)]
        if source.is_workbook or not members or any(_knows(loader, source) for loader in candidates):
            return [source]
        return [_written(source, name, folder / str(place)) for place, name in enumerate(members)]
    except BadInput:
        return [source]


def hidden(path: Path | str) -> bool:
    """Whether a path is one of those that systems leave beside the files people mean."""
    parts = PurePosixPath(path).parts
    return any(part.startswith((".", "~$", "__MACOSX")) for part in parts) or parts[-1:] == ("Thumbs.db",)


def _knows(loader: Loader, source: Source) -> bool:
    with contextlib.suppress(BadInput):
        return loader.sniff(source) > 0
    return False


def _written(source: Source, member: str, folder: Path) -> Source:
    folder.mkdir(parents=True)
    target = folder / (PurePosixPath(member.replace("\\", "/")).name[-100:] or "file")
    with source.open(member) as packed, target.open("wb") as handle:
        shutil.copyfileobj(packed, handle)
    return Source(target, f"{source.label}/{member}")
