"""Who reads files: this process, or several that read ahead of the one writer where a load is large.

The writer takes the items of each file in its own order, so a load that is read by many processes is the load that one
would have made. What a process has read waits in a spool file, so that memory stays flat however far it is ahead.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

from core.issues import BadInput, Issue
from core.schema import CANONICAL
from core.settings import settings
from loaders import drift
from loaders.contract import NO, Item, Loader
from loaders.reading.source import Source
from loaders.registry import Saved, by_name, detect, loaders

_LARGE = 8 * 1024**2  # bytes of several files from which starting processes costs less than it saves
_DENSE = {".pdf", ".xlsx", ".xlsb", ".xls", ".ods"}  # their bytes take some twenty times the work
_AHEAD = 3  # files that each process may be ahead of the writer
_LONG = 64 * 1024**2  # bytes of a file that the writer reads itself, as it writes: nothing of it has to wait
_TICK = 0.5  # seconds


@dataclass(slots=True)
class Looked:
    """What is known of a file before it is read; `issues` refuse it.

    `stage` orders files (see :func:`loaders.load.load_paths`), `shape` are its columns by part, `digest` its content.
    """

    format: str | None = None
    layout: str | None = None
    stage: int = 100
    digest: str = ""
    warnings: list[str] = field(default_factory=list)
    shape: dict[str, list[str]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


class Reader:
    """Looks at files and reads them in this process."""

    def __init__(self, saved: Saved, format: str | None) -> None:
        """`saved`: what the store's user defined, see :func:`loaders.registry.saved_in`.

        Raises:
            BadInput: for an unknown format, or a definition that cannot be read.
        """
        self.saved, self.format = saved, format
        self.candidates = loaders(saved)
        self.forced = by_name(format, self.candidates) if format else None

    def loader(self, name: str) -> Loader:
        """The loader of that name."""
        return by_name(name, self.candidates)

    def look(self, source: Source) -> Looked:
        """Format, layout, warnings, or why the file is refused; never raises for what the file holds."""
        looked = Looked()
        try:
            if self.forced is not None and source.size == 0:
                raise source.refused("is empty", "a file with content")
            if self.forced is not None:
                _ = source.members
                _check_named(self.forced, source, self.candidates)
            loader = self.forced or detect(source, self.candidates)
            looked.format = loader.name
            layout = getattr(loader, "layout", None)
            looked.layout = layout(source) if layout else None
            check = getattr(loader, "check", None)
            if check is not None:
                looked.warnings += check(source)
            stage = getattr(loader, "stage", None)
            looked.stage = stage(source) if stage else looked.stage
            looked.shape = drift.shape(loader, source)
            looked.digest = source.sha256
        except BadInput as problem:
            looked.issues = list(problem.issues)
        except (OSError, UnicodeError) as error:
            looked.issues = [Issue(file=source.label, message=f"cannot be read: {error}")]
        return looked

    def items(self, source: Source, format: str) -> Iterator[Item]:
        """What the file holds.

        Raises:
            BadInput: if it proves unusable while it is read.
        """
        try:
            yield from self.loader(format).read(source)
        except (OSError, UnicodeError) as error:
            raise source.refused(f"cannot be read: {error}") from error

    def look_at(self, sources: Sequence[Source], tick: Callable[[int], None]) -> Iterator[Looked]:
        """:meth:`look` at each; `tick` is called with how many are done, and may raise to end it."""
        for done, source in enumerate(sources):
            tick(done)
            yield self.look(source)

    def expect(self, files: Sequence[tuple[Source, str]], tick: Callable[[], None]) -> None:
        """These files (with their formats) will be read, in this order; `tick` is called while one is waited for."""


class ReadAhead(Reader):
    """Looks at files and reads them in several processes; a process that dies costs the file that it had, no other."""

    def __init__(self, here: Reader, processes: int) -> None:
        """As many processes as said, that know what the reader `here` knows."""
        super().__init__(here.saved, here.format)
        self._start = ("start", here.saved, here.format, settings().load_memory_mb)
        self._processes = processes
        self._threads = ThreadPoolExecutor(processes)  # each waits for a process of its own
        self._mine = threading.local()
        self._children: set[_Child] = set()
        self._closed = False
        self._spools = tempfile.TemporaryDirectory(prefix="tem-load-")
        self._waiting: list[tuple[Source, str]] = []
        self._reading: dict[Source, Future[Path]] = {}
        self._tick: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in list(self._children):
            child.kill()
        self._threads.shutdown(wait=True)
        self._spools.cleanup()

    def look_at(self, sources: Sequence[Source], tick: Callable[[int], None]) -> Iterator[Looked]:
        """As in one process, in the same order."""
        futures = [self._threads.submit(self._look, source) for source in sources]
        for done, future in enumerate(futures):
            yield _result(future, partial(tick, done))

    def _look(self, source: Source) -> Looked:
        try:
            looked: Looked = self._ask(source, "look")
        except BadInput as problem:
            return Looked(issues=list(problem.issues))
        return looked

    def expect(self, files: Sequence[tuple[Source, str]], tick: Callable[[], None]) -> None:
        """Begin to read them."""
        self._waiting = [file for file in reversed(files) if file[0].size < _LONG]
        self._tick = tick
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and len(self._reading) < self._processes * _AHEAD:
            source, format = self._waiting.pop()
            spool = Path(self._spools.name) / f"{len(self._waiting)}.items"
            self._reading[source] = self._threads.submit(self._read, source, format, spool)

    def _read(self, source: Source, format: str, spool: Path) -> Path:
        self._ask(source, "read", format, spool)
        return spool

    def items(self, source: Source, format: str) -> Iterator[Item]:
        """What a process has read of the file; what is not expected is read here."""
        future = self._reading.get(source)
        if future is None:
            yield from super().items(source, format)
            return
        try:
            spool = _result(future, self._tick)
            with spool.open("rb") as handle:
                while (item := pickle.load(handle)) is not None:  # noqa: S301  written by the process started here
                    if isinstance(item, BadInput):
                        raise item
                    yield item
            spool.unlink()
        finally:
            del self._reading[source]
            self._go_on()

    def _ask(self, source: Source, what: str, *more: Any) -> Any:
        child: _Child | None = getattr(self._mine, "child", None)
        if child is None:
            child = self._mine.child = _Child(self._start)
            self._children.add(child)
            if self._closed:
                child.kill()
        try:
            kind, value = child.ask((what, source.path, source.label, *more))
        except (EOFError, OSError, pickle.UnpicklingError):
            child.kill()
            self._children.discard(child)
            self._mine.child = None
            raise source.refused(
                f"ended the process that read it (code {child.code})", f"at most {self._start[-1]} MB of memory"
            ) from None
        if kind == "failed":
            raise RuntimeError(f"{source.label} cannot be read: {value}")
        return value


def _check_named(named: Loader, source: Source, candidates: Sequence[Loader]) -> None:
    """Refuse a file in which the loader that the user named knows nothing, and another one its own format."""
    with contextlib.suppress(BadInput):
        if named.sniff(source) > NO:
            return
    try:
        other = detect(source, candidates)
    except BadInput:
        return
    if other is not named:
        raise source.refused(f"is no {named.title}", f"a file of format {named.name}; this is {other.name}")


def _result(future: Future[Any], tick: Callable[[], None]) -> Any:
    while True:
        tick()
        with contextlib.suppress(TimeoutError):
            return future.result(timeout=_TICK)


class _Child:
    """One process, see :mod:`loaders.reader_child`."""

    def __init__(self, start: tuple[Any, ...]) -> None:
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loaders.reader_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        )
        self._first: tuple[Any, ...] | None = start

    def ask(self, request: tuple[Any, ...]) -> tuple[str, Any]:
        """One request and its answer; EOFError or OSError where the process is gone."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        for document in (self._first, request):
            if document is not None:
                pickle.dump(document, stdin)
        self._first = None
        stdin.flush()
        answer: tuple[str, Any] = pickle.load(stdout)  # noqa: S301  from the process started here
        return answer

    @property
    def code(self) -> int:
        """How it ended: below 0 the signal that ended it."""
        return self.process.wait()

    def kill(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()


@contextlib.contextmanager
def reader_for(sources: Sequence[Source], here: Reader) -> Iterator[Reader]:
    """The reader `here` for a small load or a single file, several processes for a large one.

    `TEM_LOAD_PROCESSES` may say how many.
    """
    large = sum(map(_work, sources)) >= _LARGE
    processes = min(settings().load_processes or (_cores() if large else 1), len(sources))
    if processes < 2:
        yield here
        return
    with ReadAhead(here, processes) as ahead:
        yield ahead


def _work(source: Source) -> int:
    if source.stem in CANONICAL:  # the writer reads these, at array speed
        return 0
    try:
        return source.size * (20 if source.suffix in _DENSE else 1)
    except OSError:  # said when it is looked at
        return 0


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
