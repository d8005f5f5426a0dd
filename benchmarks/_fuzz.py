"""Mutation fuzzing of every loader: golden files are injured and loaded; the suite runs 500, the benchmark 10,000."""

from __future__ import annotations

import io
import random
import signal
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import loaders
from core.store import Store

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "loaders" / "golden"
LIMIT_SECONDS = 5.0
_NASTY = (
    *(b"NaN", b"1e999", b"\x00", b"\xff\xfe", b'"', b"\r", b"\n", b",", b"\t", b";", b"-", b"(", b"~", b"*", b"|"),
    *(b"9" * 50, b"\xef\xbb\xbf", "é".encode(), b"2026-02-30", b"=1+1", b"'; DROP TABLE charges; --", b"\xed\xa0\x80"),
    *(b"3.5E+14", b"0" * 400, b"\x1a", b"ISA*00*", b"{}", b"<a>", b"&#0;", b"- *x", b"!!python/object:os.system"),
)
_ENCODINGS = ("utf-16", "utf-16-le", "cp1252", "latin-1", "utf-8-sig", "cp037")


@dataclass
class Outcome:
    """What the mutated files did; `problems` should stay empty. `codes` counts exit codes, `slowest` is in seconds."""

    files: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    slowest: float = 0.0


def seeds(folder: Path = GOLDEN) -> list[Path]:
    """Every golden file of every format; a new format joins by putting its samples into `golden/FORMAT/`."""
    return sorted(
        path
        for path in folder.glob("*/**/*")
        if path.is_file() and path.suffix not in {".json", ".md"} and not path.name.startswith(".")
    )


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One to four random injuries; half of the archives are injured inside and packed again."""
    if data.startswith(b"PK\x03\x04") and chance.random() < 0.5:
        return _inside(data, chance)
    for _ in range(chance.randint(1, 4)):
        data = _injure(data, chance)
    return data


def _inside(data: bytes, chance: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        hurt = chance.choice(names)
        for name in names:
            if name == hurt and chance.random() < 0.1:
                continue
            content = old.read(name)
            new.writestr(name, mutate(content, chance) if name == hurt else content)
    return out.getvalue()


def _injure(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    kind = chance.randrange(9)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + chance.choice(_NASTY) + data[at:]
    if kind == 2:
        return data[:at] + data[min(len(data), at + chance.randrange(40)) :]
    if kind == 3 and data:
        at = min(at, len(data) - 1)
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    if kind == 4:
        lines = data.split(b"\n")
        chance.shuffle(lines)
        return b"\n".join(lines)
    if kind == 5:
        return data + data[at : at + 200]
    if kind == 6:
        lines = data.split(b"\n")
        twice = chance.randrange(len(lines))
        return b"\n".join([*lines[:twice], *lines[twice : twice + 1] * chance.choice((2, 2, 50)), *lines[twice + 1 :]])
    if kind == 7:
        text = data.decode("utf-8", "replace")
        return text.encode(chance.choice(_ENCODINGS), "replace")
    return data.replace(chance.choice((b",", b"*", b"\n", b"0", b".")), chance.choice(_NASTY))


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raises TimeoutError after so many seconds of this process's own time."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def fuzz(store: Store, folder: Path, count: int, seed: int = 20260930) -> Outcome:
    """Load `count` mutated files into the store, about half of them for good, each seed about as often as the others.

    A problem is an exception, more than five seconds, a row that is neither loaded nor quarantined, a message of
    more than one line, or a change of the store by a file that was refused or only tried.
    """
    chance = random.Random(seed)
    outcome = Outcome()
    order: list[Path] = []
    while outcome.files < count:
        if not order:
            order = seeds()
            chance.shuffle(order)
        source = order.pop()
        path = folder / source.name
        path.write_bytes(mutate(source.read_bytes(), chance))
        _load(store, path, source, chance, outcome)
        path.unlink()
    return outcome


def _load(store: Store, path: Path, source: Path, chance: random.Random, outcome: Outcome) -> None:
    name = f"{source.parent.name}/{source.name}, file {outcome.files}"
    outcome.files += 1
    version = store.version
    trial = chance.random() < 0.5
    start = time.process_time()
    try:
        with cpu_limit(LIMIT_SECONDS):
            report = loaders.load_paths(store, [path], supersede=chance.random() < 0.2, dry_run=trial)
    except Exception as error:
        outcome.problems.append(f"{name}: {type(error).__name__}: {error}")
        return
    outcome.slowest = max(outcome.slowest, time.process_time() - start)
    outcome.codes[report.exit_code] += 1
    for file in report.files:
        outcome.formats[file.format or "refused"] += 1
        if file.rows_in != file.rows_loaded + file.rows_quarantined:
            outcome.problems.append(f"{name}: {file.rows_in} rows in, {file.rows_loaded}+{file.rows_quarantined} out")
        if file.error and (file.rows_in or file.batch_id is not None):
            outcome.problems.append(f"{name}: refused, yet rows were loaded")
        if (file.error or trial) and store.version != version:
            outcome.problems.append(f"{name}: the store changed")
    if any("\n" in str(issue) for issue in report.issues):
        outcome.problems.append(f"{name}: a message of several lines")
