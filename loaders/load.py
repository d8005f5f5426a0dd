"""Load files and folders: detect, read, normalize, validate, reconcile, commit; each batch wholly or not at all.

Canonical tables given in one call are one batch, in dependency order, and come first; every other file is its own
batch, inventory and people before the bills that name them. A file that is refused does not stop the others. Nothing
of a refused file stays in the store. Large loads are read by several processes and written by this one, see
:mod:`loaders.reader`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from core import rollups
from core.issues import BadInput, Issue
from core.queries import loading
from core.schema import CANONICAL, TABLES
from core.store import Store, StoreError, Txn
from loaders import archives, dimensions, drift, matching
from loaders.batch import Batch, FileState
from loaders.bills import Bills
from loaders.built_in import CANONICAL_LOADER
from loaders.contract import Bill, Chunk, Item, LineReport, LineUsage, Loader, Records, Rejected
from loaders.facts import Facts
from loaders.line_reports import LineReports
from loaders.reader import Looked, Reader, reader_for
from loaders.reading.source import Source
from loaders.registry import saved_in
from loaders.report import FileReport, InvoiceReport, LoadReport
from loaders.values import Converter, Typed

Progress = Callable[[float, str], None]
_COMMIT_AFTER = 5.0  # seconds
_TYPICAL_ROW = 120  # bytes
_TABLE_SUFFIXES = {".csv", ".tsv", ".parquet"}


@dataclass(slots=True)
class Unit:
    """One file on its way."""

    source: Source
    report: FileReport
    loader: Loader | None = None
    looked: Looked = field(default_factory=Looked)


class _Undone(Exception):
    """Ends a transaction that is not to be kept."""


class _Unchanged(_Undone):
    """A file was read again in the hope that more of it is usable now, and none is."""


class _Refused(Exception):
    """A file proved unusable while it was read; the batch starts again without it."""

    def __init__(self, unit: Unit, problem: BadInput) -> None:
        super().__init__(str(problem))
        self.unit = unit
        self.problem = problem


def load_paths(
    store: Store,
    paths: Sequence[Path | str],
    *,
    format: str | None = None,
    dry_run: bool = False,
    supersede: bool = False,
    progress: Progress | None = None,
) -> LoadReport:
    """Load files and folders (recursively) into the store.

    `format` names the loader instead of detecting it. With `dry_run` everything is done and nothing kept.
    `supersede` lets a re-issued invoice replace the older one. `progress` is called with a fraction and a note.

    Raises:
        BadInput: for an unknown format or a path that does not exist. Problems of files are in the report.
    """
    sources = _gather(paths)
    if not sources:
        raise BadInput(Issue(message="there is no file to load", found=", ".join(map(str, paths))))
    here = Reader(saved_in(store), format)
    candidates = [here.forced] if here.forced else here.candidates
    with tempfile.TemporaryDirectory(prefix="opentem-") as folder:
        opened = [
            inside
            for place, source in enumerate(sources)
            for inside in archives.unpacked(source, candidates, Path(folder, str(place)))
        ]
        with reader_for(opened, here) as reader:
            return _load(store, opened, reader, dry_run=dry_run, supersede=supersede, progress=progress)


def _load(
    store: Store,
    sources: Sequence[Source],
    reader: Reader,
    *,
    dry_run: bool,
    supersede: bool,
    progress: Progress | None,
) -> LoadReport:
    units = [Unit(source, FileReport(source.label)) for source in sources]
    report = LoadReport([unit.report for unit in units], dry_run)
    steps = _Steps(progress)
    for unit, looked in zip(units, reader.look_at(sources, steps.looking), strict=True):
        _take(unit, looked, reader)
    canonical = [unit for unit in units if unit.loader is CANONICAL_LOADER]
    if canonical:
        _skip_unknown_tables(units)
    others = [unit for unit in sorted(units, key=lambda unit: unit.looked.stage) if unit.loader]
    others = [unit for unit in others if unit.loader is not CANONICAL_LOADER]
    steps.begin([*canonical, *others])
    reader.expect(_unknown(store, others), steps.waiting)
    groups = [canonical] if canonical else []
    groups += [[unit] for unit in others]
    _load_groups(store, groups, reader, steps, dry_run=dry_run, supersede=supersede)
    return report


def _take(unit: Unit, looked: Looked, reader: Reader) -> None:
    unit.looked = looked
    unit.report.format, unit.report.layout = looked.format, looked.layout
    unit.report.warnings += looked.warnings
    if looked.issues:
        _refuse(unit, looked.issues)
    elif looked.format is not None:
        unit.loader = reader.loader(looked.format)


def _unknown(store: Store, units: Sequence[Unit]) -> list[tuple[Source, str]]:
    """The files whose content no batch holds, each content once: these will certainly be read."""
    fresh = {unit.looked.digest: unit for unit in reversed(units)}
    with store.reading() as reading:
        known = loading.file_batches(reading, list(fresh))
    return [
        (unit.source, str(unit.looked.format))
        for unit in units
        if unit.looked.digest not in known and fresh[unit.looked.digest] is unit
    ]


def _gather(paths: Sequence[Path | str]) -> list[Source]:
    sources: list[Source] = []
    seen: set[Path] = set()
    missing: list[Issue] = []
    for given in map(Path, paths):
        if given.is_dir():
            inside = sorted(p for p in given.rglob("*") if p.is_file())
            files = [(p, str(p.relative_to(given))) for p in inside if not archives.hidden(p.relative_to(given))]
        elif given.is_file():
            files = [(given, given.name)]
        else:
            missing.append(Issue(file=str(given), message="no such file or folder"))
            continue
        for path, label in files:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                sources.append(Source(path, label))
    if missing:
        raise BadInput(missing)
    return sources


def _refuse(unit: Unit, issues: Iterable[Issue]) -> None:
    report = unit.report
    report.issues = list(issues)
    report.error = "; ".join(str(issue) for issue in report.issues)
    report.rows_in = report.rows_loaded = report.rows_quarantined = 0
    report.batch_id, report.invoices = None, []
    unit.loader = None


def _skip_unknown_tables(units: list[Unit]) -> None:
    """A table that is not canonical, next to canonical ones, is skipped with a warning."""
    for unit in units:
        report = unit.report
        if report.error and report.format is None and unit.source.suffix in _TABLE_SUFFIXES and unit.source.size:
            table = f"{unit.source.stem} is no canonical table and was skipped"
            report.warnings.append(f"{table}; map its columns on the imports page, or see `tem profile propose`")
            report.error, report.issues, report.skipped = None, [], True


class _Steps:
    """Progress by the size of the files, and inside a file by its rows, as many as its beginning lets expect."""

    def __init__(self, progress: Progress | None) -> None:
        self._whole = 1
        self._done = 0
        self._size = 0
        self._expected = 1.0
        self._in_file = 0
        self._rows = 0
        self._note = ""
        self._progress = progress

    def looking(self, done: int) -> None:
        """So many files were looked at."""
        if self._progress:
            self._progress(0.0, f"{done} files looked at")

    def begin(self, units: Sequence[Unit]) -> None:
        """These files are to be loaded."""
        self._whole = max(sum(unit.source.size for unit in units), 1)

    def waiting(self) -> None:
        """Nothing new: a file is still being read."""
        self._say()

    def file(self, unit: Unit) -> None:
        """A file begins."""
        self._done += self._size
        self._note, self._size, self._in_file = unit.report.file, unit.source.size, 0
        self._expected = _expected_rows(unit.source) if self._progress else 1.0
        self._say()

    def rows(self, count: int) -> None:
        """So many rows more were dealt with."""
        self._rows += count
        self._in_file += count
        self._say()

    def finished(self, units: Sequence[Unit], size_before: int) -> None:
        """A group of files is done."""
        self._done = size_before + sum(unit.source.size for unit in units)
        self._size = 0
        self._say()

    @property
    def done(self) -> int:
        """Bytes of the files before the present group."""
        return self._done

    def _say(self) -> None:
        if self._progress:
            inside = self._size * min(self._in_file / self._expected, 0.98)
            self._progress(min((self._done + inside) / self._whole, 1.0), f"{self._note}: {self._rows:,} rows")


def _expected_rows(source: Source) -> float:
    """A guess from the length of the first lines; archives and binary formats unpack to about five times their size."""
    if source.head_text is None or source.is_archive:
        return max(source.size * 5 / _TYPICAL_ROW, 1.0)
    lines = max(source.head.count(b"\n"), source.head.count(b"\r"), 1)
    return max(source.size * lines / max(len(source.head), 1), 1.0)


def _load_groups(
    store: Store, groups: list[list[Unit]], reader: Reader, steps: _Steps, *, dry_run: bool, supersede: bool
) -> None:
    """Each group is loaded wholly or not at all; those of a few seconds share one commit and its rollups.

    Whoever ends the load, or whatever breaks it, keeps the groups that were done.
    """
    left = list(reversed(groups))
    while left:
        together: list[Unit] = []
        stopped: BaseException | None = None
        try:
            with store.transaction() as txn:
                changed: set[str] | None = set()
                begun = time.monotonic()
                while left and stopped is None and (not together or time.monotonic() - begun < _COMMIT_AFTER):
                    group = left.pop()
                    together += group
                    try:
                        months = _load_group(txn, group, reader, steps, dry_run=dry_run, supersede=supersede)
                    except (Exception, KeyboardInterrupt) as error:
                        stopped, months = error, None  # it may have been done already, but for telling so
                    changed = None if changed is None or months is None else changed | months
                rollups.refresh(txn, changed)
        except StoreError as error:
            for unit in together:
                _refuse(unit, [Issue(file=unit.report.file, message=f"the store refused it: {error}")])
        if stopped is not None:
            raise stopped


def _load_group(
    txn: Txn, group: list[Unit], reader: Reader, steps: _Steps, *, dry_run: bool, supersede: bool
) -> set[str] | None:
    """Returns the months whose rollups change, None for all of them."""
    left = list(group)
    before = steps.done
    months: set[str] | None = set()
    while left:
        fresh = [(replace(u.report, warnings=list(u.report.warnings), invoices=[], issues=[]), u) for u in left]
        try:
            with txn.part():
                units = [replace(unit, report=report) for report, unit in fresh]
                changed = _run(txn, units, reader, steps, supersede=supersede)
                if dry_run or all(report.duplicate_of is not None for report, _ in fresh):
                    raise _Undone
                months = changed
        except _Undone:
            pass
        except _Refused as refused:
            gone = next(u for u in left if u.source is refused.unit.source)
            _refuse(gone, refused.problem.issues)
            left.remove(gone)
            continue
        except StoreError as error:
            for unit in left:
                _refuse(unit, [Issue(file=unit.report.file, message=f"the store refused it: {error}")])
            break
        for report, unit in fresh:
            _copy(report, unit.report)
            if dry_run:
                unit.report.batch_id = None
        break
    steps.finished(group, before)
    return months


def _copy(new: FileReport, old: FileReport) -> None:
    for name in FileReport.__slots__:
        setattr(old, name, getattr(new, name))


def _run(txn: Txn, units: list[Unit], reader: Reader, steps: _Steps, *, supersede: bool) -> set[str] | None:
    known = loading.file_batches(txn, [unit.looked.digest for unit in units])
    first: dict[str, Unit] = {}
    repeats: list[tuple[Unit, Unit]] = []
    todo: list[Unit] = []
    again: dict[str, list[loading.Row]] = {}
    for unit in units:
        digest = unit.looked.digest
        if digest in known and digest not in again and (aside := _worth_again(txn, known[digest], supersede)):
            again[digest] = aside
            first[digest] = unit
            todo.append(unit)
        elif digest in known and digest not in again:
            _repeat(unit, int(known[digest]["batch_id"]), known[digest]["file"])
        elif digest in first:
            repeats.append((unit, first[digest]))
        else:
            first[digest] = unit
            todo.append(unit)
    if not todo:
        return set()
    label = todo[0].report.file if len(todo) == 1 else f"{len(todo)} tables"
    assert todo[0].loader is not None
    batch = Batch(txn, label, todo[0].loader.name, [unit.looked.digest for unit in todo], supersede)
    batch.progress = steps.rows
    batch.files = [FileState(unit.looked.digest, unit.report) for unit in todo]
    facts = Facts(batch)
    bills = Bills(batch, facts)
    for unit, file in zip(todo, batch.files, strict=True):
        drift.columns(batch, file, unit.looked.shape)
    _read_all(batch, todo, reader, facts, bills, steps)
    facts.settle()
    for unit, file in zip(todo, batch.files, strict=True):
        if not file.report.rows_in and unit.loader is not CANONICAL_LOADER:
            batch.warn(file, "it holds no row that could be loaded")
    if len(again) == len(todo) and all(u.report.rows_quarantined >= len(again[u.looked.digest]) for u in todo):
        for unit in todo:
            _reset(unit)
            _repeat(unit, int(known[unit.looked.digest]["batch_id"]), known[unit.looked.digest]["file"])
        for unit, original in repeats:
            _repeat(unit, int(original.report.duplicate_of or 0), original.report.file)
        raise _Unchanged
    for aside in again.values():
        txn.delete("quarantine", {"row_id": [row["row_id"] for row in aside]})
    if batch.services_changed:
        matching.rematch(batch)
    _report_invoices(facts)
    drift.codes(batch)
    batch.finish()
    for unit, original in repeats:
        _repeat(unit, batch.batch_id, original.report.file)
    return None if batch.dimensions_changed else batch.months | loading.fact_months(txn, batch.batch_id)


def _worth_again(txn: Txn, file: loading.Row, supersede: bool) -> list[loading.Row]:
    """What an earlier load of the same content set aside, if it may be accepted now.

    Rows whose invoice or service was unknown then may be known by now; a re-issue is accepted with `supersede`.
    """
    if not file["rows_quarantined"]:
        return []
    aside = loading.set_aside(txn, int(file["batch_id"]), file["file"])
    hopeful = [
        row
        for row in aside
        if row["reason"].endswith("is unknown") or (supersede and row["reason"].startswith("re-issue of"))
    ]
    return aside if hopeful else []


def _reset(unit: Unit) -> None:
    report = unit.report
    report.rows_in = report.rows_loaded = report.rows_quarantined = 0
    report.warnings, report.issues, report.invoices = [], [], []


def _repeat(unit: Unit, batch_id: int, file: str) -> None:
    unit.report.duplicate_of = batch_id
    if file != unit.report.file:
        unit.report.warnings.append(f"has the same content as {file} of batch {batch_id}; nothing changed")


def _read_all(batch: Batch, units: list[Unit], reader: Reader, facts: Facts, bills: Bills, steps: _Steps) -> None:
    if units[0].loader is not CANONICAL_LOADER:
        for unit, file in zip(units, batch.files, strict=True):
            steps.file(unit)
            _consume(batch, unit, file, reader.items(unit.source, str(unit.looked.format)), facts, bills)
        return
    parts = [
        (CANONICAL.index(table), index, table, sheet)
        for index, unit in enumerate(units)
        for table, sheet in CANONICAL_LOADER.tables(unit.source)
    ]
    for _, index, table, sheet in sorted(parts, key=lambda part: part[:2]):
        unit, file = units[index], batch.files[index]
        steps.file(unit)
        _consume(batch, unit, file, CANONICAL_LOADER.read_table(unit.source, table, sheet), facts, bills)


def _consume(
    batch: Batch, unit: Unit, file: FileState, items: Iterable[Item | Typed], facts: Facts, bills: Bills
) -> None:
    converters: dict[str, Converter] = {}
    lines = LineReports(batch, facts)
    stream = iter(items)
    while True:
        try:
            item = next(stream, None)
        except BadInput as problem:
            raise _Refused(unit, problem) from problem
        except (OSError, UnicodeError) as error:
            raise _Refused(unit, unit.source.refused(f"cannot be read: {error}")) from error
        if item is None:
            facts.desk.finish(file)
            lines.finish(file)
            return
        if isinstance(item, Chunk | Typed):
            if isinstance(item, Typed):
                typed = item
            else:
                if item.table not in converters:
                    converters[item.table] = Converter(item.table)
                converter = converters[item.table]
                typed, rejected = converter.convert(item)
                batch.reject(file, rejected)
            if TABLES[item.table].info["role"] == "dimension":
                dimensions.apply(batch, file, typed)
                facts.forget()
            else:
                facts.apply(file, typed)
        elif isinstance(item, Bill):
            bills.apply(file, item)
        elif isinstance(item, Records):
            facts.desk.apply(file, item)
        elif isinstance(item, LineReport):
            lines.add(item)
        elif isinstance(item, LineUsage):
            bills.apply_usage(file, item)
        elif isinstance(item, Rejected):
            batch.reject(file, [item])
        else:
            batch.warn(file, item.message or str(item))


def _report_invoices(facts: Facts) -> None:
    """Tie each touched invoice: do its charges sum to its total?"""
    rows = {row["invoice_id"]: row for row in loading.rows_by(facts.txn, "invoices", "invoice_id", facts.touched)}
    sums = loading.charge_sums(facts.txn, facts.touched)
    accounts = {row["account_id"]: row for row in loading.all_rows(facts.txn, "accounts")}
    for invoice_id, file in sorted(facts.touched.items()):
        row = rows.get(invoice_id)
        if row is None:
            continue
        account = accounts.get(row["account_id"], {})
        file.report.invoices.append(
            InvoiceReport(
                invoice_id,
                row["number"],
                account.get("number") or row["account_id"],
                row["total"],
                sums.get(invoice_id, 0),
                row["currency"] or account.get("currency"),
            )
        )
    drift.lines(facts, rows)
    for file in facts.batch.files:
        wrong = [invoice for invoice in file.report.invoices if not invoice.balanced]
        if wrong:
            drift.totals(facts, {invoice.invoice_id: invoice.charges_total for invoice in wrong})
            first = wrong[0]
            facts.batch.warn(
                file,
                f"{len(wrong)} of {len(file.report.invoices)} invoices are out of balance "
                f"(first: {first.number or first.invoice_id})",
            )
