"""Problems in a user's data are values: collected, reported all at once, one line each.

Bugs are exceptions. :class:`BadInput` carries issues to the command line, which prints them and exits with 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_SHOWN = 80


def clip(value: object, limit: int = _SHOWN) -> str:
    """`value` as one printable line of at most `limit` characters."""
    text = str(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem in a file, a row or a field.

    `row` counts the lines of the file from 1, the header included; `found` is what stands there, `expected` what
    should; `message` says it in words where found/expected do not; `hint` names the way out.
    """

    file: str | None = None
    row: int | None = None
    field: str | None = None
    found: str | None = None
    expected: str | None = None
    message: str | None = None
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = [clip(self.file, 200)] if self.file else []
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.field:
            place.append(f"field {clip(self.field)}")
        said = [clip(self.message, 600)] if self.message else []
        if self.found is not None:
            said.append(f'found "{clip(self.found)}"')
        if self.expected:
            said.append(f"expected {clip(self.expected, 300)}")
        if self.hint:
            said.append(clip(self.hint, 300))
        line = ": ".join(part for part in (", ".join(place), "; ".join(said)) if part)
        return f"warning: {line}" if self.severity == "warning" else line


class BadInput(Exception):
    """The user's input cannot be used; nothing was changed. Shown as one line per issue, exit code 2."""

    def __init__(self, issues: Issue | str | Iterable[Issue]) -> None:
        if isinstance(issues, str):
            issues = Issue(message=issues)
        self.issues: list[Issue] = [issues] if isinstance(issues, Issue) else list(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))
