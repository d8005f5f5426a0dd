"""Price limits for a brief: where to aim, what to accept, when to walk away; only what proven results carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app import formats
from app.views import results, worth
from core.store import Store

_PLANS_SHOWN, _PRICES_SHOWN = 4, 6


@dataclass(frozen=True)
class Limit:
    """One price limit: its figure as text, or `n/a`, and why."""

    name: str
    value: str
    why: str


def limits(store: Store, carrier_id: str, name: str, currency: str) -> tuple[Limit, ...]:
    """Walk-away, acceptable and target as far as stored results carry them; never guessed.

    Walk-away: the discount on the plan cost of this carrier's lines at which staying costs what the best proven
    alternative costs. Acceptable: what today's catalogue already saves without leaving. Target and commitment: from the
    studies of `tem worth`, where there are any on today's data.
    """
    moved = stayed = None
    for item in results.outcomes(store):
        if item.cost is None or item.stale or item.currency != currency:
            continue
        rows = [r for r in item.document.get("recommendations") or [] if r.get("current_carrier_id") == carrier_id]
        away = [r for r in rows if r.get("action") == "port"]
        base = _plan_cost(item, carrier_id)
        if not base:
            continue
        if away and moved is None:
            moved = (item, sum(results.micros(r["monthly_saving"]) or 0 for r in away), base, len(away))
        at_home = [r for r in rows if r.get("action") in {"change_plan", "suspend"}]
        if at_home and stayed is None:
            stayed = (item, sum(results.micros(r["monthly_saving"]) or 0 for r in at_home), base, len(at_home))
    result = [_target(store, carrier_id, currency)]
    if stayed is None:
        result.append(Limit("Acceptable", "n/a", f"No stored result changes a plan at {name} on today's data."))
    else:
        item, saving, base, count = stayed
        result.append(
            Limit(
                "Acceptable",
                f"{formats.money(saving, currency)} a month less",
                f"What {formats.plural(count, 'change')} at {name} save without any concession "
                f"({formats.percent(saving, base)} of {formats.money(base, currency)}), from “{item.name}”: "
                "a deal has to beat it.",
            )
        )
    if moved is None:
        result.append(
            Limit("Walk-away", "n/a", f"No stored result moves a line away from {name}; run one with an offer.")
        )
    else:
        item, saving, base, count = moved
        result.append(
            Limit(
                "Walk-away",
                f"{formats.percent(saving, base)} off",
                f"“{item.name}” moves {formats.plural(count, 'line')} and saves {formats.money(saving, currency)} "
                f"a month, fees for leaving counted; less off {formats.money(base, currency)} a month is worse than "
                "going. Savings of lines that share a pool are summed one by one.",
            )
        )
    return (*result, *_first_moves(store, carrier_id, currency), *_committed(store, carrier_id, currency))


def _target(store: Store, carrier_id: str, currency: str) -> Limit:
    """The price at which the carrier earns most from us on an offered plan: what a seller can be brought to."""
    document = worth.newest(store, "break_even", currency)
    plans = worth.demands(document["studies"]["break_even"], results.plan_names(store), currency) if document else ()
    best: tuple[int, worth.Demand, tuple[int, int, int]] | None = None
    for demand in plans:
        point = worth.best_price(demand) if demand.carrier_id == carrier_id else None
        if point is not None and (best is None or point[2] > best[0]):
            best = (point[2], demand, point)
    if best is None or document is None:
        why = "No break-even price of a plan of this carrier is computed on today's data; check its offer under Offers."
        return Limit("Target", "n/a", why)
    revenue, demand, (price, lines, _) = best
    lowest = (
        " It is the lowest price solved: lower ones may pay as well." if price == demand.points["price"].min() else ""
    )
    return Limit(
        "Target",
        f"{demand.plan} at {formats.cents(price, currency)}",
        f"Of the prices solved, the one at which the carrier earns most from us: {formats.plural(lines, 'line')}, "
        f"{formats.money(revenue, currency)} a month (list price {formats.cents(demand.listed, currency)}).{lowest} "
        f"{demand.sentence} {worth.proof([document], currency)}",
    )


def _committed(store: Store, carrier_id: str, currency: str) -> list[Limit]:
    """How much may be committed to the carrier for nothing, and what today's commitment costs."""
    document = worth.newest(store, "commitments", currency)
    found = []
    for row in document["studies"]["commitments"]["commitments"] if document else ():
        if row["carrier_id"] != carrier_id:
            continue
        free = formats.money(results.micros(row["free_up_to"]), currency)
        now = formats.money(results.micros(row["current"]), currency)
        extra = next((lv["extra"] for lv in row["levels"] if lv["commitment"] == row["current"]), None)
        costs = (
            "" if extra is None else f"; today's {now} cost {formats.money(results.micros(extra), currency)} a month"
        )
        found.append(
            Limit(
                "Commitment",
                f"at most {free} a month",
                f"The spend with the best plans if nothing were committed under {row['contract_id']}: up to there a "
                f"commitment costs nothing{costs}. {worth.proof([document or {}], currency)}",
            )
        )
    return found


def _plan_cost(item: results.Outcome, carrier_id: str) -> int | None:
    """What the carrier's lines cost a month on today's plans, in micros; None where the result does not say."""
    rows = item.document.get("by_carrier") or []
    return next((results.micros(row.get("baseline_cost")) for row in rows if row["carrier_id"] == carrier_id), None)


def _first_moves(store: Store, carrier_id: str, currency: str) -> list[Limit]:
    """The price of each offered plan of the carrier at which the first line moves to it."""
    return [
        Limit("Break-even", f"{demand.plan} at {formats.cents(demand.even, currency)}", demand.sentence)
        for demand in _demands(store, carrier_id, currency)
        if demand.even is not None
    ]


def _demands(store: Store, carrier_id: str, currency: str) -> tuple[worth.Demand, ...]:
    document = worth.newest(store, "break_even", currency)
    told = worth.demands(document["studies"]["break_even"], results.plan_names(store), currency) if document else ()
    return tuple(demand for demand in told if demand.carrier_id == carrier_id)[:_PLANS_SHOWN]


def demand_rows(store: Store, carrier_id: str, currency: str) -> list[list[str]]:
    """The demand curves of the carrier's offered plans: plan, price, lines, what it earns, what we save; a month."""
    rows = []
    for demand in _demands(store, carrier_id, currency):
        wanted = demand.points[demand.points["lines"] > 0]
        step = max(1, -(-len(wanted) // _PRICES_SHOWN))
        for point in wanted.iloc[::step].itertuples(index=False):
            listed = " (list)" if point.price == demand.listed else ""
            rows.append(
                [
                    demand.plan,
                    formats.cents(int(point.price), currency) + listed,
                    formats.count(int(point.lines)),
                    formats.money(int(point.carrier_revenue), currency),
                    formats.money(int(point.saving), currency),
                    worth.range_told(int(point.low), int(point.high), currency),
                ]
            )
    return rows


def sweep_rows(store: Store, carrier_id: str, currency: str) -> list[list[str]]:
    """The commitment sweep: contract, level, what it costs against none, expected spend, chance of missing it."""
    document = worth.newest(store, "commitments", currency)
    rows = []
    for sweep in document["studies"]["commitments"]["commitments"] if document else ():
        if sweep["carrier_id"] != carrier_id:
            continue
        for level in sweep["levels"]:
            chance = level["probability"]
            today = " (today)" if level["commitment"] == sweep["current"] else ""
            rows.append(
                [
                    sweep["contract_id"],
                    _money(level["commitment"], currency) + today,
                    _money(level["extra"], currency),
                    _money(level["spend"], currency),
                    formats.UNKNOWN if chance is None else formats.percent(chance, 1, 0),
                ]
            )
    return rows


def offer_rows(store: Store, currency: str) -> list[list[str]]:
    """The counter-offer check of every offer: promised and real saving a month, proven range, lines, fees, payback."""
    document = worth.newest(store, "offers", currency)
    names = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"].to_dict()
    return [
        [
            row["offer_id"],
            str(names.get(row["carrier_id"]) or row["carrier_id"]),
            _money(row["promised"], currency),
            _money(row["real"], currency),
            worth.range_told(results.micros(row["low"]), results.micros(row["high"]), currency),
            formats.count(row["lines"]),
            _money(row["one_off"], currency),
            _payback(row),
        ]
        for row in (document["studies"]["offers"]["offers"] if document else ())
    ]


def _payback(row: Mapping[str, Any]) -> str:
    if row["payback_months"] is not None:
        return f"{row['payback_months']:,.1f} months"
    return "nothing to pay" if row["one_off"] <= 0 else "never"


def _money(value: Any, currency: str) -> str:
    return formats.money(results.micros(value), currency)
