"""A mapping profile: how one unknown table is read, as its user confirmed it once.

A profile names the target (`bill` or a canonical table), where each field comes from, and how the file writes numbers
and dates. It is kept in the store and recognises its file by the header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from loaders import definitions
from loaders.definitions import Strict
from loaders.profiles.targets import AMOUNTS, BILL, LINE_USAGE, TARGETS, USED, fields
from loaders.reading.conventions import Conventions

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,60}", re.ASCII)


def check_name(value: str) -> str:
    """A name of a profile or template: small letters, digits, `-`, `_`, `.`.

    Raises:
        ValueError: for any other.
    """
    if not _NAME.fullmatch(value):
        raise ValueError("small letters, digits, - and _, such as telco-monthly-bill")
    return value


class FieldMap(Strict):
    """Where a field comes from: a `column` of the file, or one `value` for all rows.

    `values` translates what the file says into what the field may hold; `repeat` carries the last value down over
    blank cells, as in grouped reports. A plain text in place of the mapping is a column.
    """

    column: str | None = None
    value: str | None = None
    values: dict[str, str] = Field(default_factory=dict)
    repeat: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one(self) -> FieldMap:
        if (self.column is None) == (self.value is None):
            raise ValueError("either a column or a value")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> Any:
        plain = self.column is not None and not self.values and not self.repeat
        return self.column if plain else handler(self)


class TotalRow(Strict):
    """Rows that print a total instead of a charge: those whose `column` begins with `starts` (case does not count)."""

    column: str
    starts: str = Field(min_length=2)


class Profile(Conventions):
    """A confirmed mapping; `header` are all columns that the file had then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    name: str
    table: str
    sheet: str | None = None
    header: list[str] = Field(default_factory=list)
    fields: dict[str, FieldMap]
    total_row: TotalRow | None = None

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        return check_name(value)

    @field_validator("table")
    @classmethod
    def _known_table(cls, value: str) -> str:
        if value not in TARGETS:
            raise ValueError(f"one of {', '.join(TARGETS)}")
        return value

    @model_validator(mode="after")
    def _known_fields(self) -> Profile:
        known = fields(self.table)
        unknown = sorted(set(self.fields) - set(known))
        if unknown:
            raise ValueError(f"{self.table} has no field {', '.join(unknown)}; it has {', '.join(known)}")
        missing = missing_fields(self.table, self.fields)
        if missing:
            raise ValueError(f"{self.table} needs {', '.join(missing)}")
        if not self.columns:
            raise ValueError("no field is mapped to a column")
        return self

    @property
    def columns(self) -> list[str]:
        """The file's columns that the profile reads."""
        names = [mapped.column for mapped in self.fields.values() if mapped.column is not None]
        if self.total_row is not None:
            names.append(self.total_row.column)
        return list(dict.fromkeys(names))


def missing_fields(table: str, mapped: Mapping[str, Any]) -> list[str]:
    """Fields that a target needs and the mapping lacks."""
    missing = [name for name, target in fields(table).items() if target.required and name not in mapped]
    if table == BILL and not any(name in mapped for name in AMOUNTS):
        missing.append("amount (or one amount per category)")
    if table == LINE_USAGE and not any(name in mapped for name in USED):
        missing.append("a quantity (data, minutes or messages)")
    return missing


def parse_profile(text: str, name: str = "profile") -> Profile:
    """A profile from YAML text.

    Raises:
        BadInput: with one issue for each field that is wrong.
    """
    return definitions.parse(Profile, text, name)
