"""One reporting currency: amounts are converted at a rate that the page names, never added up without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import pandas as pd

from app import formats
from core.money import SCALE, round_half_up
from core.store import Store


@dataclass(slots=True)
class Exchange:
    """Converts micros of any currency into `target` at the last rate known on `day`.

    `used` collects the rates that were needed, `left_out` the currencies without a rate: a page says both.
    """

    target: str | None
    rates: dict[str, tuple[Fraction, str]]
    convert: bool = True
    used: dict[str, tuple[Fraction, str]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)

    def amount(self, micros: object, currency: object) -> int | None:
        """`micros` in the target currency; None without a rate or where other currencies are not wanted."""
        if formats.missing(micros):
            return None
        if formats.missing(currency) or currency == self.target or self.target is None:
            return int(micros)  # type: ignore[call-overload]
        code = str(currency)
        if not self.convert:
            self.left_out.add(code)
            return None
        if code not in self.rates:
            self.left_out.add(code)
            return None
        self.used[code] = self.rates[code]
        return round_half_up(Fraction(int(micros)) * self.rates[code][0])  # type: ignore[call-overload]

    def frame(self, frame: pd.DataFrame, columns: tuple[str, ...] = ("amount",)) -> pd.DataFrame:
        """`frame` with `columns` in the target currency; rows that cannot be converted are left out."""
        if frame.empty:
            return frame.assign(currency=self.target) if "currency" in frame else frame
        result = frame.copy()
        codes = (
            result["currency"] if "currency" in result else pd.Series([self.target] * len(result), index=result.index)
        )
        for name in columns:
            result[name] = pd.array(
                [self.amount(value, code) for value, code in zip(result[name], codes, strict=True)], dtype="Int64"
            )
        kept = result.dropna(subset=list(columns))
        return kept.assign(currency=self.target)

    def sentence(self) -> str:
        """What a reader has to know about currencies: the rates used and what is not included; blank if nothing."""
        parts = []
        if self.used:
            told = ", ".join(
                f"{code} at {float(rate):.4f} ({formats.day(day)})" for code, (rate, day) in sorted(self.used.items())
            )
            parts.append(f"Converted into {self.target}: {told}.")
        if self.left_out:
            why = "no exchange rate is loaded" if self.convert else "other currencies are hidden"
            parts.append(f"Not included: {', '.join(sorted(self.left_out))} ({why}).")
        return " ".join(parts)


def exchange(store: Store, target: str | None, day: str | None, *, convert: bool = True) -> Exchange:
    """An :class:`Exchange` with the newest rate of each currency on or before `day` (else the oldest there is)."""
    rates: dict[str, tuple[Fraction, str]] = {}
    table = store.frame("fx_rates")
    if target and len(table):
        for row in table.sort_values("day").itertuples(index=False):
            rate = Fraction(int(row.rate), SCALE)
            if row.to_currency == target:
                code, value = str(row.from_currency), rate
            elif row.from_currency == target and rate:
                code, value = str(row.to_currency), 1 / rate
            else:
                continue
            if code not in rates or day is None or str(row.day) <= day:
                rates[code] = (value, str(row.day))
    return Exchange(target, rates, convert)
