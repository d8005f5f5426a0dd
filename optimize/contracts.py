"""What a contract does to its monthly spend S: tier discounts and commitment, as one piecewise linear function.

`charged(S)` = S - discount(S) + shortfall(S). The pieces are exact fractions; the models use them as segments with a
binary each, or without binaries where the function is convex (interfaces.md section 4, items 19-21).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from optimize.frames import Frames, rows
from optimize.scenario import Scenario
from optimize.scope import Setting

_MILLION = 10**6


def in_force(start: str | None, term: int | None, renewal: str | None, months: Sequence[str]) -> bool:
    """Whether a contract is in force in the range of months (item 20)."""
    if start is None:
        return True
    if start[:7] > months[-1]:
        return False
    if renewal != "express" or term is None:
        return True
    first = int(start[:4]) * 12 + int(start[5:7])
    return first + term - 1 >= int(months[0][:4]) * 12 + int(months[0][5:7])


@dataclass(frozen=True)
class Segment:
    """On `low <= S < high` (high None = no end) the contract charges `fixed + slope x S`."""

    low: Fraction
    high: Fraction | None
    fixed: Fraction
    slope: Fraction


@dataclass(frozen=True)
class Contract:
    """The terms of one contract in force, amounts a month."""

    contract_id: str
    carrier_id: str
    tiers: tuple[tuple[Fraction, Fraction], ...]
    all_units: bool
    commitment: Fraction
    net: bool
    shortfall_rate: Fraction

    @property
    def has_terms(self) -> bool:
        """Whether its spend costs anything but itself."""
        return any(rate for _, rate in self.tiers) or bool(self.commitment and self.shortfall_rate)

    def _discount_pieces(self) -> list[Segment]:
        pieces = []
        starts = [Fraction(0), *(start for start, _ in self.tiers if start > 0)]
        so_far = Fraction(0)
        for n, low in enumerate(starts):
            high = starts[n + 1] if n + 1 < len(starts) else None
            rate = next((r for start, r in reversed(self.tiers) if start <= low), Fraction(0))
            pieces.append(
                Segment(low, high, Fraction(0), rate)
                if self.all_units
                else Segment(low, high, so_far - rate * low, rate)
            )
            if high is not None:
                so_far += rate * (high - low)
        return pieces

    def segments(self) -> list[Segment]:
        """`charged(S)` on S >= 0 as pieces in order; neighbours with the same formula are one piece."""
        found: list[Segment] = []
        for piece in self._discount_pieces():
            net_fixed, net_slope = -piece.fixed, 1 - piece.slope
            reach_fixed, reach_slope = (net_fixed, net_slope) if self.net else (Fraction(0), Fraction(1))
            below = Segment(
                piece.low,
                piece.high,
                net_fixed + self.shortfall_rate * (self.commitment - reach_fixed),
                net_slope - self.shortfall_rate * reach_slope,
            )
            above = Segment(piece.low, piece.high, net_fixed, net_slope)
            if reach_slope == 0:
                found.append(below if reach_fixed < self.commitment else above)
                continue
            turn = (self.commitment - reach_fixed) / reach_slope
            if turn <= piece.low:
                found.append(above)
            elif piece.high is not None and turn >= piece.high:
                found.append(below)
            else:
                found.append(Segment(piece.low, turn, below.fixed, below.slope))
                found.append(Segment(turn, piece.high, above.fixed, above.slope))
        merged: list[Segment] = []
        for segment in found:
            if merged and (merged[-1].fixed, merged[-1].slope) == (segment.fixed, segment.slope):
                merged[-1] = Segment(merged[-1].low, segment.high, segment.fixed, segment.slope)
            else:
                merged.append(segment)
        return merged

    def charged(self, spend: Fraction) -> Fraction:
        """S - discount + shortfall at S = `spend`."""
        for segment in self.segments():
            if segment.high is None or spend < segment.high:
                return segment.fixed + segment.slope * spend
        raise AssertionError("the last segment has no end")


def is_monotone(segments: Sequence[Segment]) -> bool:
    """Whether more spend never costs less: then overage priced too high never pays."""
    if any(segment.slope < 0 for segment in segments):
        return False
    pairs = pairwise(segments)
    return all(a.fixed + a.slope * b.low <= b.fixed + b.slope * b.low for a, b in pairs)


def is_convex(segments: Sequence[Segment]) -> bool:
    """Whether the function is continuous with growing slopes: then it is the maximum of its lines."""
    pairs = list(pairwise(segments))
    continuous = all(a.fixed + a.slope * b.low == b.fixed + b.slope * b.low for a, b in pairs)
    return continuous and all(a.slope <= b.slope for a, b in pairs)


def read_contracts(frames: Frames, scenario: Scenario, setting: Setting) -> list[Contract]:
    """The contracts in force in the range, by contract_id."""
    tiers: dict[str, list[tuple[Fraction, Fraction, str]]] = defaultdict(list)
    names = ("contract_id", "spend_from", "discount_rate", "mode")
    for contract_id, start, rate, mode in rows(frames, "contract_tiers", *names):
        tiers[contract_id].append((Fraction(start, _MILLION), Fraction(rate, _MILLION), mode or "all_units"))
    found = []
    for row in rows(
        *(frames, "contracts", "contract_id", "carrier_id", "currency", "start_date", "initial_term_months"),
        *("renewal_type", "commitment_amount", "commitment_period", "commitment_basis", "shortfall_rate"),
    ):
        contract_id, carrier, currency, start, term, renewal, amount, period, basis, rate = row
        if not in_force(start, term, renewal, setting.months):
            continue
        if scenario.other_currencies == "leave_out" and currency not in (None, setting.currency):
            continue
        months = {"quarter": 3, "year": 12, "term": term or 1}.get(period or "month", 1)
        steps = sorted(tiers[contract_id])
        found.append(
            Contract(
                contract_id=contract_id,
                carrier_id=carrier,
                tiers=tuple((start, rate) for start, rate, _ in steps),
                all_units=not steps or steps[0][2] == "all_units",
                commitment=Fraction(amount or 0, _MILLION) / months,
                net=basis == "net",
                shortfall_rate=Fraction(1) if rate is None else Fraction(rate, _MILLION),
            )
        )
    return sorted(found, key=lambda c: c.contract_id)
