"""Templates of PDF invoices: where a carrier's layout prints what, as YAML that its user can edit.

Header fields are found by the label beside or above them, charges in tables by the columns under their headings. The
printed total decides: an invoice whose charges do not sum to it is refused as a whole.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from loaders import definitions
from loaders.definitions import Strict
from loaders.profiles.profile import check_name
from loaders.profiles.targets import BILL, fields
from loaders.reading.conventions import Conventions
from loaders.taxonomy import CATEGORIES, Pattern

HEADER_FIELDS = (
    *("account_number", "account_name", "invoice_number", "issued_on", "period_start", "period_end", "due_on"),
    *("currency", "total", "previous_balance", "payments"),
)
ROW_FIELDS = (
    *("number", "user_name", "cost_center", "category", "item_code", "description", "quantity", "unit", "unit_rate"),
    *("charge_start", "charge_end", "amount"),
)
_NEEDED = ("account_number", "issued_on", "total")


def kind_of(name: str) -> str:
    """text, micro or day."""
    return "micro" if name == "total" else fields(BILL)[name].kind


class Anchor(Strict):
    """A value found by its label: `right_of` it, `below` it, or one `value` for all invoices.

    `pattern` is a regular expression that picks a part of the text (its first group, else all of it). A plain text in
    place of the mapping is `right_of`.
    """

    right_of: str | None = None
    below: str | None = None
    value: str | None = None
    pattern: Pattern = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"right_of": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one(self) -> Anchor:
        if sum(x is not None for x in (self.right_of, self.below, self.value)) != 1:
            raise ValueError("one of right_of, below and value")
        return self

    def part(self, text: str) -> str | None:
        """What the pattern picks of a text; None if it does not fit."""
        if self.pattern is None:
            return text
        found = re.search(self.pattern, text, re.IGNORECASE)
        return None if found is None else found[1] if found.re.groups else found[0]


class Column(Strict):
    """A column by its `heading`, or from `left` to `right` in points; `align` says which edge lines up.

    A plain text in place of the mapping is the heading.
    """

    heading: str | None = None
    left: float | None = None
    right: float | None = None
    align: Literal["left", "right", "center"] | None = None
    values: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"heading": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one(self) -> Column:
        ranged = self.left is not None and self.right is not None
        if (self.heading is None) == (not ranged) or (self.heading is not None and (self.left or self.right)):
            raise ValueError("either a heading, or left and right")
        return self


class Table(Strict):
    """A table of charges.

    It begins below the line with all headings (on each page again), or below a line that begins with `begins`, and
    ends at a line that begins with one of `ends`. `group` is a regular expression with named groups (such as
    `(?P<number>...)`) for heading lines whose values hold for the rows below. Lines that fit `ignore` (subtotals, page
    feet) are left out; a line that bears only text continues the description above it.
    """

    columns: dict[str, Column]
    begins: str | None = None
    ends: list[str] = Field(default_factory=list)
    group: list[Pattern] = Field(default_factory=list)
    ignore: list[Pattern] = Field(default_factory=list)
    category: Literal[CATEGORIES] | None = None  # type: ignore[valid-type]

    @field_validator("group", "ignore", "ends", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @model_validator(mode="after")
    def _known(self) -> Table:
        unknown = sorted(set(self.columns) - set(ROW_FIELDS))
        if unknown:
            raise ValueError(f"a table has no column {', '.join(unknown)}; it has {', '.join(ROW_FIELDS)}")
        if "amount" not in self.columns:
            raise ValueError("a table needs the column amount")
        if self.begins is None and not any(column.heading for column in self.columns.values()):
            raise ValueError("a table needs headings, or `begins`")
        names = {name for pattern in self.group if pattern for name in re.compile(pattern).groupindex}
        wrong = sorted(names - set(ROW_FIELDS) - {"section"})
        if wrong:
            raise ValueError(f"a group cannot name {', '.join(wrong)}")
        return self


class Extra(Strict):
    """An amount of the invoice that stands outside the tables, such as its tax."""

    amount: Anchor
    category: Literal[CATEGORIES] | None = None  # type: ignore[valid-type]
    description: str | None = None
    optional: bool = False


class Template(Conventions):
    """One layout. `recognise`: texts that all stand on the first page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    name: str
    recognise: list[str] = Field(min_length=1)
    carrier_id: str
    carrier_name: str | None = None
    country: str | None = None
    currency: str | None = None
    fields: dict[str, Anchor]
    tables: list[Table] = Field(default_factory=list)
    charges: list[Extra] = Field(default_factory=list)

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        return check_name(value)

    @model_validator(mode="after")
    def _complete(self) -> Template:
        unknown = sorted(set(self.fields) - set(HEADER_FIELDS))
        if unknown:
            raise ValueError(f"an invoice has no field {', '.join(unknown)}; it has {', '.join(HEADER_FIELDS)}")
        missing = [name for name in _NEEDED if name not in self.fields]
        if self.currency is None and "currency" not in self.fields:
            missing.append("currency")
        if missing:
            raise ValueError(f"fields needs {', '.join(missing)}")
        if not self.tables and not self.charges:
            raise ValueError("either tables or charges")
        return self


def parse_template(text: str, name: str = "template") -> Template:
    """A template from YAML text.

    Raises:
        BadInput: with one issue for each field that is wrong.
    """
    return definitions.parse(Template, text, name)
