"""The process that looks at files and reads them for :class:`loaders.reader.ReadAhead`; asked through stdin.

Each answer is `("done", value)`, or `("failed", traceback)` for a fault of a loader. Items of a file go into its spool
file, then None, or the :class:`core.issues.BadInput` that refused it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from core.issues import BadInput
from loaders.reader import Reader
from loaders.reading.source import Source


def main() -> None:
    """Answer until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    questions = sys.stdin.buffer
    _, saved, format, megabytes = pickle.load(questions)  # noqa: S301  from the parent
    _limit(megabytes * 1024**2)
    reader = Reader(saved, format)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            answer = _answer(reader, pickle.load(questions))  # noqa: S301  from the parent
            pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()


def _limit(size: int) -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(reader: Reader, question: tuple[Any, ...]) -> tuple[str, Any]:
    what, path, label, *more = question
    source = Source(path, label)
    try:
        if what == "look":
            return "done", reader.look(source)
        _read(reader, source, *more)
        return "done", None
    except MemoryError:
        os._exit(1)
    except Exception:
        return "failed", traceback.format_exc()


def _read(reader: Reader, source: Source, format: str, spool: Path) -> None:
    with spool.open("wb") as handle:
        try:
            for item in reader.items(source, format):
                pickle.dump(item, handle, pickle.HIGHEST_PROTOCOL)
        except BadInput as problem:
            pickle.dump(problem, handle)
        else:
            pickle.dump(None, handle)


if __name__ == "__main__":
    main()
