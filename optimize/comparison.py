"""What a comparison of offers stands on: the scenario's key `comparison` with discount rate, taxes and scorecard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from core.issues import Issue

MOST_CRITERIA = 20
#: Scores go from 0 (unusable) to this (as good as it can be).
BEST = 10
_MICRO = 10**6


class Reader(Protocol):
    """What reads and collects problems; see :mod:`optimize.scenario`."""

    file: str | None
    issues: list[Issue]

    def bad(self, key: str, found: object, expected: str, hint: str | None = None) -> None:
        """Note a problem."""
        ...

    def micros(self, key: str, value: Any, low: int = ..., high: int = ...) -> int | None:
        """A number in millionths, None where it cannot be read."""
        ...

    def pairs(self, key: str, value: Any, convert: Any) -> dict[str, Any]:
        """A mapping with its values converted."""
        ...


@dataclass(frozen=True)
class Criterion:
    """Something beside cost that counts: its weight, and the score of each offer from 0 to :data:`BEST`."""

    name: str
    weight: Fraction
    scores: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """`discount_rate`: interest a year, for net present values; `taxes`: what comes on top of a carrier's charges, as a
    share, by carrier_id; `cost_weight`: the weight of cost beside `criteria`."""

    discount_rate: Fraction = Fraction(0)
    taxes: Mapping[str, Fraction] = field(default_factory=dict)
    cost_weight: Fraction = Fraction(60)
    criteria: tuple[Criterion, ...] = ()


def read_comparison(reader: Reader, value: Any) -> Comparison:
    """The key `comparison`; problems are noted at `reader`."""
    if not isinstance(value, Mapping):
        reader.bad("comparison", value, "{discount_rate, taxes, cost_weight, criteria}")
        return Comparison()
    found: dict[str, Any] = {}
    for key, part in value.items():
        name = f"comparison.{key}"
        if key == "discount_rate":
            found[key] = Fraction(reader.micros(name, part, high=_MICRO) or 0, _MICRO)
        elif key == "cost_weight":
            found[key] = Fraction(reader.micros(name, part, high=1000 * _MICRO) or 0, _MICRO)
        elif key == "taxes":
            shares = reader.pairs(name, part, lambda k, v: reader.micros(k, v, high=_MICRO))
            found[key] = {carrier: Fraction(share, _MICRO) for carrier, share in shares.items()}
        elif key == "criteria":
            found[key] = _criteria(reader, name, part)
        else:
            known = "discount_rate, taxes, cost_weight, criteria"
            reader.issues.append(Issue(file=reader.file, field=name, message="unknown key", hint=known))
    return Comparison(**found)


def _criteria(reader: Reader, key: str, value: Any) -> tuple[Criterion, ...]:
    if not isinstance(value, Mapping) or len(value) > MOST_CRITERIA:
        reader.bad(key, value, f"a mapping of at most {MOST_CRITERIA} names to {{weight, scores}}")
        return ()
    found = []
    for name, part in value.items():
        here = f"{key}.{name}"
        if not isinstance(part, Mapping) or set(part) - {"weight", "scores"} or "weight" not in part:
            reader.bad(here, part, "{weight, scores}")
            continue
        weight = reader.micros(f"{here}.weight", part["weight"], high=1000 * _MICRO)
        scores = reader.pairs(
            f"{here}.scores", part.get("scores") or {}, lambda k, v: reader.micros(k, v, high=BEST * _MICRO)
        )
        told = {offer: Fraction(score, _MICRO) for offer, score in scores.items()}
        found.append(Criterion(str(name).strip(), Fraction(weight or 0, _MICRO), told))
    return tuple(found)
