"""Co-terminus: on which day all lines of a carrier should end together, and what that costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pandas as pd

from app import formats
from core import coterminus
from core.money import SCALE
from core.queries import workflow
from core.store import Store

#: How much below current prices a new agreement is taken to be, per cent, until the reader says otherwise.
CHEAPER = 10.0


@dataclass(frozen=True)
class Coterminus:
    """`choices`: carriers (with currency) whose lines end on several days; `days`: a row for each day they could end on
    together, money in micros; `ends`: lines by the month in which their term ends today."""

    sentence: str
    choices: dict[str, str] = field(default_factory=dict)
    chosen: str | None = None
    currency: str | None = None
    cheaper: float = CHEAPER
    days: pd.DataFrame = field(default_factory=pd.DataFrame)
    ends: pd.DataFrame = field(default_factory=pd.DataFrame)
    best: str | None = None
    unknown: int = 0


def view(store: Store, *, carrier: str | None = None, cheaper: float = CHEAPER) -> Coterminus:
    """The planner for a carrier (a key of `choices`), by default the one with most different ends."""
    as_of = workflow.today(store)
    lines = {
        key: found
        for key, found in coterminus.bound_lines(store, as_of).items()
        if len({some.term_end for some in found}) > 1
    }
    if not lines:
        return Coterminus("No carrier has lines that end on different days: there is nothing to align.")
    names = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"]
    keys = {f"{one}:{code or ''}": (one, code) for one, code in lines}
    choices = {
        key: f"{one if formats.missing(names.get(one)) else names[one]}{f' ({code})' if code else ''}"
        for key, (one, code) in sorted(keys.items())
    }
    widest = max(choices, key=lambda key: (len({some.term_end for some in lines[keys[key]]}), key))
    chosen = carrier if carrier in choices else widest
    mine, currency = lines[keys[chosen]], keys[chosen][1]
    share = round(cheaper / 100 * SCALE)
    found = [coterminus.align(mine, day, share) for day in coterminus.days(mine, as_of)]
    top = coterminus.best(found)
    days = pd.DataFrame(
        {
            **{name: [getattr(one, name) for one in found] for name in ("day", "early", "extended", "fees")},
            **{name: [getattr(one, name) for one in found] for name in ("extension", "above", "below", "cost")},
        }
    )
    months: Counter[str] = Counter()
    for some in mine:
        months[some.term_end[:7]] += some.lines
    ends = pd.DataFrame(sorted(months.items()), columns=["month", "lines"])
    return Coterminus(
        _words(mine, top, cheaper, currency), choices, chosen, currency, cheaper, days, ends, top.day, top.unknown
    )


def _words(bound: list[coterminus.Bound], top: coterminus.Alignment, cheaper: float, currency: str | None) -> str:
    ends = len({some.term_end for some in bound})
    told = f"{formats.plural(sum(some.lines for some in bound), 'line')} end on {ends:,} different days. "
    if top.cost <= 0:
        price = f"saves {formats.money(-top.cost, currency)}" if top.cost else "costs nothing"
    else:
        price = f"costs {formats.money(top.cost, currency)}"
    return (
        f"{told}Cheapest together on {formats.day(top.day)}: that {price} if a new agreement is {cheaper:g} % below "
        f"current prices: {formats.plural(top.early, 'line')} ended early for {formats.money(top.fees, currency)} in "
        f"fees, {formats.plural(top.extended, 'line')} extended."
    )
