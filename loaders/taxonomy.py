"""The category of a charge from its carrier's words, by rules that a user can extend.

Order: rules the user saved (they also overrule what a format says), then the format's own category, then the
built-in rules of `charge_rules.yaml`, then `occ`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.queries import formats
from core.schema.billing import charges
from core.store import Reader, Store
from loaders import definitions

CATEGORIES: tuple[str, ...] = charges.c.category.info["choices"]
_BUILT_IN = Path(__file__).with_name("charge_rules.yaml")
#: The name under which the user's own rules are saved.
OWN = "own"


def _category(value: str) -> str:
    if value not in CATEGORIES:
        raise ValueError(f"one of {', '.join(CATEGORIES)}")
    return value


def _pattern(value: str | None) -> str | None:
    if value is not None:
        try:
            re.compile(value, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"a regular expression ({error})") from error
    return value or None


Pattern = Annotated[str | None, AfterValidator(_pattern)]


class Rule(BaseModel):
    """One rule: all conditions that are given must hold; `text` is searched in description, code and section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    category: Annotated[str, AfterValidator(_category)]
    text: Pattern = None
    item_code: Pattern = None
    carrier: str | None = None
    sign: Literal["negative", "positive"] | None = None

    def fits(self, carrier: str, words: str, item_code: str, amount: int) -> bool:
        """Whether a charge of this carrier meets every condition."""
        if self.carrier and self.carrier != carrier:
            return False
        if self.sign and (self.sign == "negative") != (amount < 0):
            return False
        if self.item_code and not _compiled(self.item_code).search(item_code):
            return False
        return not self.text or bool(_compiled(self.text).search(words))


class Rules(BaseModel):
    """A file of rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    rules: list[Rule] = Field(default_factory=list)


@lru_cache(maxsize=2_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def parse_rules(text: str, name: str = "charge rules") -> Rules:
    """Rules from YAML text.

    Raises:
        BadInput: with one issue for each thing that is wrong.
    """
    return definitions.parse(Rules, text, name)


@lru_cache(maxsize=1)
def built_in() -> Rules:
    """The rules that come with the product."""
    return parse_rules(_BUILT_IN.read_text(encoding="utf-8"), _BUILT_IN.name)


class Taxonomy:
    """Decides on categories with the user's rules and the built-in ones."""

    def __init__(self, own: Sequence[Rule] = ()) -> None:
        self.own = tuple(own)

    @classmethod
    def of(cls, store: Store | Reader) -> Taxonomy:
        """With the rules that are saved in the store."""
        saved = formats.saved(store, "charge_rules")
        return cls([rule for name, text in saved.items() for rule in parse_rules(text, f"charge rules {name}").rules])

    def category(self, carrier: str, given: str | None, charge: dict[str, Any]) -> str:
        """The category of a charge (`description`, `item_code`, `section`, `amount` in micros)."""
        words = " ".join(str(charge.get(key) or "") for key in ("description", "item_code", "section"))
        code, amount = str(charge.get("item_code") or ""), int(charge.get("amount") or 0)
        for rule in self.own:
            if rule.fits(carrier, words, code, amount):
                return rule.category
        if given:
            return given
        for rule in built_in().rules:
            if rule.fits(carrier, words, code, amount):
                return rule.category
        return "occ"
