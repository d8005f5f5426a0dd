"""Column and table builders: every column knows what its values are, so that loaders, checks and exports agree.

`column.info["kind"]` is one of text, day, month, stamp, micro, integer, flag, json. Days, months and stamps are ISO
text, micros are whole millionths (see :mod:`core.money`); both engines store them alike and compare them alike.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, Table, Text

from core.money import MAX_MICROS

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)

BIGINT = BigInteger().with_variant(Integer(), "sqlite")


def _column(name: str, kind: str, type_: Any, *args: Any, key: bool, required: bool, **info: Any) -> Column[Any]:
    return Column(name, type_, *args, primary_key=key, nullable=not (key or required), info={"kind": kind, **info})


def text(name: str, *, key: bool = False, required: bool = False, to: str | None = None) -> Column[Any]:
    """Text; `to` names the column of another table that it must exist in (facts only)."""
    return _column(name, "text", Text(), *([ForeignKey(to)] if to else []), key=key, required=required)


def choice(name: str, *values: str, key: bool = False, required: bool = False) -> Column[Any]:
    """Text out of a fixed list."""
    quoted = ", ".join(f"'{value}'" for value in values)
    check = CheckConstraint(f"{name} IN ({quoted})", name=name)
    return _column(name, "text", Text(), check, key=key, required=required, choices=values)


def day(name: str, *, key: bool = False, required: bool = False) -> Column[Any]:
    """A calendar day, `YYYY-MM-DD`."""
    check = CheckConstraint(f"length({name}) = 10", name=name)
    return _column(name, "day", Text(), check, key=key, required=required)


def month(name: str, *, key: bool = False, required: bool = False) -> Column[Any]:
    """A calendar month, `YYYY-MM`."""
    check = CheckConstraint(f"length({name}) = 7", name=name)
    return _column(name, "month", Text(), check, key=key, required=required)


def stamp(name: str, *, required: bool = False) -> Column[Any]:
    """An ISO timestamp."""
    return _column(name, "stamp", Text(), key=False, required=required)


def micro(
    name: str, *, key: bool = False, required: bool = False, low: int | None = None, high: int | None = None
) -> Column[Any]:
    """Money, a rate, a price or a quantity in millionths; `low` and `high` are the allowed range in micros."""
    low, high = (-MAX_MICROS if low is None else low), (MAX_MICROS if high is None else high)
    check = CheckConstraint(f"{name} BETWEEN {low} AND {high}", name=name)
    return _column(name, "micro", BIGINT, check, key=key, required=required, low=low, high=high)


def integer(
    name: str, *, key: bool = False, required: bool = False, low: int = 0, high: int = 2**31 - 1
) -> Column[Any]:
    """A plain count within `low`..`high`."""
    check = CheckConstraint(f"{name} BETWEEN {low} AND {high}", name=name)
    return _column(name, "integer", BIGINT, check, key=key, required=required, low=low, high=high)


def flag(name: str, *, required: bool = False) -> Column[Any]:
    """0 or 1."""
    check = CheckConstraint(f"{name} IN (0, 1)", name=name)
    return _column(name, "flag", Integer(), check, key=False, required=required)


def json_text(name: str, *, required: bool = False) -> Column[Any]:
    """A JSON document as text."""
    return _column(name, "json", Text(), key=False, required=required)


def serial(name: str) -> Column[Any]:
    """A surrogate key counted by the database."""
    return Column(name, BIGINT, primary_key=True, autoincrement=True, info={"kind": "serial"})


def canonical(
    name: str,
    *columns: Column[Any],
    role: str,
    natural_key: tuple[str, ...] = (),
    indexes: tuple[tuple[str, ...], ...] = (),
) -> Table:
    """A table users can load (`interfaces.md` section 2).

    Role "dimension": a loaded row updates the row with the same natural key, the older one is kept as history.
    Role "fact": rows are only added. A table without a natural key of its own gets the surrogate `row_id`.
    """
    keyed = any(column.primary_key for column in columns)
    surrogate = [] if keyed else [serial("row_id")]
    key = natural_key or tuple(column.name for column in columns if column.primary_key)
    batch = Column(
        "batch_id", BIGINT, ForeignKey("batches.batch_id"), nullable=True, info={"kind": "serial", "system": True}
    )
    attributes = Column("attributes", Text(), nullable=True, info={"kind": "json", "system": True})
    info = {
        "role": role,
        "canonical": True,
        "natural_key": key,
        "columns": tuple(column.name for column in columns),
    }
    return _table(name, [*surrogate, *columns, batch, attributes], info, (*indexes, ("batch_id",)))


def system(name: str, *columns: Column[Any], role: str = "work", indexes: tuple[tuple[str, ...], ...] = ()) -> Table:
    """A table the product keeps for itself. Writing role "work" bumps the work version, "rollup" and "log" do not."""
    return _table(name, list(columns), {"role": role, "canonical": False}, indexes)


def _table(name: str, columns: list[Column[Any]], info: dict[str, Any], indexes: tuple[tuple[str, ...], ...]) -> Table:
    table = Table(name, metadata, *columns, info=info, sqlite_strict=True)
    for names in indexes:
        Index(None, *(table.c[column] for column in names))
    return table
