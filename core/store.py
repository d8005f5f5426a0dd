"""One store for every engine: read a select into a frame, append rows, all in transactions.

Changing the store is changing its URL: embedded SQLite (WAL, STRICT tables, one writer at a time through
`BEGIN IMMEDIATE`) or PostgreSQL. Nothing outside `core` sees the database library.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Connection, Dialect, Engine, Integer, Select, Table, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from core.issues import BadInput, Issue
from core.migrations import bring_up_to_date
from core.schema import TABLES
from core.schema.work import meta
from core.settings import settings

if TYPE_CHECKING:
    import pandas as pd

_BUSY_MS = 30_000
_CHUNK = 20_000
_PLAIN = (str, int, type(None))  # what every driver takes as it stands

#: Which counter a written table bumps. Rollups and logs bump none: they change nothing that a page could cache wrongly.
_COUNTERS = {"dimension": "data_version", "fact": "data_version", "data": "data_version", "work": "work_version"}


def now() -> str:
    """The present moment in UTC, as ISO text to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class StoreError(Exception):
    """The database refused a write (a value outside the schema, a missing row, a lost connection)."""


class Reader:
    """Reads through one open connection; see :class:`Store` for what the frames look like."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def read(self, statement: Select[Any] | Table, **params: Any) -> pd.DataFrame:
        """Rows of a select (or a whole table) as a frame; whole numbers are Int64, text is str, missing is NA."""
        query = select(statement) if isinstance(statement, Table) else statement
        result = self.connection.execute(query, params)
        columns = {column.name: _whole(column) for column in query.selected_columns}
        from core import frames

        return frames.of_rows(result.fetchall(), columns)

    def read_coded(self, statement: Select[Any]) -> pd.DataFrame:
        """:meth:`read` for millions of rows: text as categories, read in parts, so that no value is held twice."""
        columns = {column.name: _whole(column) for column in statement.selected_columns}
        cursor: Any = self.connection.execute(statement).cursor  # the driver's own tuples: half the time of rows
        from core import frames

        return frames.of_parts(iter(lambda: cursor.fetchmany(_CHUNK), []), columns)

    def scalar(self, statement: Any, **params: Any) -> Any:
        """The single value a select gives, None without a row."""
        return self.connection.execute(statement, params).scalar()


def _whole(column: Any) -> bool:
    return isinstance(column.type, Integer | BigInteger)


def _columns(rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    if isinstance(rows, Sequence):
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {name: [row.get(name) for row in rows] for name in names}
        if all(type(value) in _PLAIN for values in columns.values() for value in values):
            return columns
    import pandas as pd

    from core import frames

    return frames.columns_of(rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows), dtype=object))


class Txn(Reader):
    """An open write transaction: everything in it is committed together or not at all."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._touched: set[str] = set()

    def append(self, table: str, rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> int:
        """Add rows to a table and return how many; columns that are absent stay NULL.

        `rows` is a frame or a list of mappings with the table's column names; NA, NaN and None become NULL.
        """
        if len(rows) == 0:
            return 0
        columns = _columns(rows)
        unknown = [name for name in columns if name not in TABLES[table].c]
        if unknown:
            raise ValueError(f"table {table} has no column {', '.join(unknown)}")
        return self.append_tuples(table, list(columns), zip(*columns.values(), strict=True))

    def append_tuples(self, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """The fast path: add rows given as tuples in the order of `names` (python ints, str or None)."""
        target = TABLES[table]
        self.touch(table)
        count = 0
        stream = iter(rows)
        while batch := list(islice(stream, _CHUNK)):
            count += self._write(target, names, batch)
        return count

    def _write(self, target: Table, names: Sequence[str], rows: list[Sequence[Any]]) -> int:
        dialect = self.connection.dialect
        quote = dialect.identifier_preparer.quote
        listed = ", ".join(quote(name) for name in names)
        if dialect.name == "postgresql":
            cursor = self.connection.connection.cursor()
            with cursor.copy(f"COPY {quote(target.name)} ({listed}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.close()
        else:
            marks = ", ".join("?" * len(names))
            self.connection.exec_driver_sql(
                f"INSERT INTO {quote(target.name)} ({listed}) VALUES ({marks})",  # noqa: S608  names come from the schema
                [tuple(row) for row in rows],
            )
        return len(rows)

    def insert(self, table: str, row: Mapping[str, Any]) -> Any:
        """Add one row and return its primary key (the first column of it)."""
        self.touch(table)
        result = self.connection.execute(TABLES[table].insert().values(**row))
        return result.inserted_primary_key[0] if result.inserted_primary_key else None

    def execute(self, statement: Any, params: Any = None) -> int:
        """Run an insert, update or delete of the Core; returns the number of rows it touched."""
        table = getattr(statement, "table", None)
        if isinstance(table, Table):
            self.touch(table.name)
        return self.connection.execute(statement, params or {}).rowcount

    def update(self, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Set `values` in the rows whose columns equal `key`; returns how many there were."""
        target = TABLES[table]
        return self.execute(target.update().where(*(target.c[n] == v for n, v in key.items())).values(**values))

    def delete(self, table: str, key: Mapping[str, Any] | None = None) -> int:
        """Delete the rows whose columns equal `key` (a list means any of them); all rows without a key."""
        target = TABLES[table]
        statement = target.delete()
        for name, value in (key or {}).items():
            many = isinstance(value, list | tuple | set | frozenset)
            statement = statement.where(target.c[name].in_(list(value)) if many else target.c[name] == value)
        return self.execute(statement)

    @contextlib.contextmanager
    def part(self) -> Iterator[None]:
        """A part of the transaction: when it raises, it alone is taken back, and the transaction goes on.

        Raises:
            StoreError: if the database refuses what is written.
        """
        touched = set(self._touched)
        try:
            with _refusals(self.connection.dialect), self.connection.begin_nested():
                yield
        except BaseException:
            self._touched = touched
            raise

    def touch(self, table: str) -> None:
        """Note that a table changes, so that the right version counter is bumped when the transaction commits."""
        counter = _COUNTERS.get(TABLES[table].info["role"])
        if counter:
            self._touched.add(counter)

    def close(self) -> None:
        """Bump the counters of what was touched; called by :meth:`Store.transaction` before the commit."""
        for counter in sorted(self._touched):
            current = int(self.scalar(select(meta.c.value).where(meta.c.name == counter)) or 0)
            self.connection.execute(meta.update().where(meta.c.name == counter).values(value=str(current + 1)))


@contextlib.contextmanager
def _refusals(dialect: Dialect) -> Iterator[None]:
    """What the database refuses, by its driver or before, as :class:`StoreError`."""
    driver = dialect.dbapi
    refused: tuple[type[Exception], ...] = (DBAPIError, driver.Error) if driver else (DBAPIError,)
    try:
        yield
    except refused as error:
        raise StoreError(str(getattr(error, "orig", None) or error).splitlines()[0]) from error


class Store:
    """The normalized store behind a URL.

    Use :meth:`open`; a missing or older schema is created or migrated there. Reading gives frames in which whole
    numbers (counts and millionths) are `Int64`, everything else is `str`, missing values are NA.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str | None = None, *, create: bool = True) -> Store:
        """Open the store at `url` (default: the setting `TEM_STORE_URL`).

        Raises:
            BadInput: if the URL cannot be used, the server does not answer, or the file is no store.
        """
        url = url or settings().store_url
        try:
            engine = _engine(url, create=create)
            bring_up_to_date(engine)
        except (ArgumentError, DBAPIError, sqlite3.Error, ModuleNotFoundError, OSError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise BadInput(Issue(message=f"the store {_safe(url)} cannot be opened: {reason}")) from error
        return cls(engine)

    @property
    def url(self) -> str:
        """The store's URL, without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def full_url(self) -> str:
        """The store's URL for a child process that opens it too."""
        return self.engine.url.render_as_string(hide_password=False)

    @property
    def path(self) -> Path | None:
        """The file of an embedded store."""
        name = self.engine.url.database
        return Path(name) if self.engine.dialect.name == "sqlite" and name else None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reader]:
        """Several reads that all see one state of the store."""
        with self.engine.connect() as connection, connection.begin():
            yield Reader(connection)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Txn]:
        """A write transaction: waits for its turn, commits at the end, rolls back on an exception.

        Raises:
            StoreError: if the database refuses what is written.
        """
        with (
            _refusals(self.engine.dialect),
            self.engine.connect().execution_options(tem_write=True) as connection,
            connection.begin(),
        ):
            txn = Txn(connection)
            yield txn
            txn.close()

    def read(self, statement: Select[Any] | Table, **params: Any) -> pd.DataFrame:
        """Rows of one select, or of a whole table, as a frame."""
        with self.reading() as reader:
            return reader.read(statement, **params)

    def frame(
        self, table: str, columns: Sequence[str] | None = None, *, order: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """A whole table (or some of its columns), ordered by `order`, by default by its primary key."""
        target = TABLES[table]
        chosen = [target.c[name] for name in columns] if columns else list(target.c)
        keys = [target.c[name] for name in order] if order else list(target.primary_key.columns)
        return self.read(select(*chosen).order_by(*keys))

    def frames(self, *tables: str, coded: Mapping[str, Sequence[str]] | None = None) -> dict[str, pd.DataFrame]:
        """Several whole tables as they stood at one moment; of those in `coded` only these columns, text as categories.

        The second way is for tables of millions of rows.
        """

        def ordered(name: str, columns: Sequence[Any]) -> Select[Any]:
            return select(*columns).order_by(*TABLES[name].primary_key.columns)

        with self.reading() as reader:
            found = {name: reader.read(ordered(name, list(TABLES[name].c))) for name in tables}
            for name, columns in (coded or {}).items():
                found[name] = reader.read_coded(ordered(name, [TABLES[name].c[column] for column in columns]))
            return found

    def scalar(self, statement: Any, **params: Any) -> Any:
        """The single value a select gives."""
        with self.reading() as reader:
            return reader.scalar(statement, **params)

    def has_rows(self, table: str) -> bool:
        """Whether the table holds anything at all: an empty table means that its facts are unknown."""
        target = TABLES[table]
        return self.scalar(select(next(iter(target.primary_key.columns))).limit(1)) is not None

    def count(self, table: str) -> int:
        """How many rows a table has."""
        from sqlalchemy import func

        return int(self.scalar(select(func.count()).select_from(TABLES[table])) or 0)

    @property
    def data_version(self) -> int:
        """Grows with every change of loaded data; analyses and jobs are keyed on it."""
        return self._counter("data_version")

    @property
    def work_version(self) -> int:
        """Grows with every change of findings, disputes, scenarios and results."""
        return self._counter("work_version")

    @property
    def version(self) -> str:
        """Both versions in one text: what a page may cache."""
        return f"{self.data_version}.{self.work_version}"

    def _counter(self, name: str) -> int:
        return int(self.scalar(select(meta.c.value).where(meta.c.name == name)) or 0)

    def backup(self, path: Path) -> None:
        """Copy an embedded store to `path` through SQLite's backup API (a file copy of a live store is no backup).

        Raises:
            BadInput: if the store is not embedded or the file exists.
        """
        source = self._embedded("backed up")
        if path.exists():
            raise BadInput(Issue(file=str(path), message="exists already; a backup never overwrites"))
        try:
            with contextlib.closing(sqlite3.connect(source)) as live, contextlib.closing(sqlite3.connect(path)) as copy:
                live.backup(copy)
        except sqlite3.Error as error:
            raise BadInput(Issue(file=str(path), message=f"cannot be written: {error}")) from error

    def restore(self, path: Path) -> None:
        """Replace the content of an embedded store by a backup, after checking that it is a sound store.

        Raises:
            BadInput: if the file is missing, damaged or no store; the store then stays as it was.
        """
        target = self._embedded("restored")
        if not path.is_file():
            raise BadInput(Issue(file=str(path), message="no such file"))
        try:
            with contextlib.closing(sqlite3.connect(path)) as copy:
                sound = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
                known = copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
                if not (sound and known):
                    raise BadInput(Issue(file=str(path), message="is damaged or no store of OpenTEM"))
                self.engine.dispose()
                with contextlib.closing(sqlite3.connect(target)) as live:
                    copy.backup(live)
        except sqlite3.Error as error:
            raise BadInput(Issue(file=str(path), message=f"is no store of OpenTEM: {error}")) from error
        bring_up_to_date(self.engine)

    def _embedded(self, done: str) -> Path:
        if self.path is None:
            raise BadInput(
                Issue(message=f"only an embedded store is {done} here; use the server's own tools for {self.url}")
            )
        return self.path

    def integrity(self) -> list[str]:
        """What the engine itself finds wrong with its file; empty when sound."""
        if self.engine.dialect.name != "sqlite":
            return []
        with self.engine.connect() as connection:
            found = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            keys = [
                f"{row[0]} row {row[1]} names a missing {row[2]}"
                for row in connection.exec_driver_sql("PRAGMA foreign_key_check")
            ]
        return [line for line in found if line != "ok"] + keys

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def attributes_of(value: Any) -> dict[str, Any]:
    """The unknown extra columns of a loaded row, from its `attributes` text."""
    return json.loads(value) if isinstance(value, str) and value else {}


def _safe(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _engine(url: str, *, create: bool) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.get_backend_name() != "sqlite":
        raise BadInput(Issue(message=f"a store is sqlite or postgresql, not {parsed.get_backend_name()}"))
    if not parsed.database or parsed.database == ":memory:":
        raise BadInput(Issue(message="an embedded store needs a file", hint="for example sqlite:///tem.db"))
    path = Path(parsed.database)
    if not create and not path.exists():
        raise BadInput(Issue(file=str(path), message="no such store", hint="load data first, or try `tem demo`"))
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": _BUSY_MS / 1000})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_MS}",
        "cache_size=-65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("tem_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
