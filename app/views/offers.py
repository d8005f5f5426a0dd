"""A carrier's offer: what the price sheet promises, and what the whole estate really saves under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from app import formats
from app.views import results, studio, worth
from app.views.parts import Kpi
from app.views.results import Outcome
from app.views.selection import Filters
from core.store import Store


@dataclass(frozen=True)
class Offers:
    """`choices`: offers by id; `plans` of the one shown; `sheet` and `real`: monthly savings in micros of `currency`,
    None while not computed; `lines` that move to the offer; `runs`: the scenarios to run for the real saving.

    `asked`: the scenario whose worth is asked for; `check`: the counter-offer check; `demands`: prices and lines;
    `award`: who gets how many lines if all offers are accepted, and what each adds (micros); `proof`: what they stand
    on. None and empty while not computed.
    """

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    choices: dict[str, str]
    offer: str | None
    plans: pd.DataFrame
    sheet: int | None
    real: int | None
    currency: str | None
    with_offer: Outcome | None
    without: Outcome | None
    lines: pd.DataFrame
    moving: pd.DataFrame
    runs: tuple[tuple[str, str], ...]
    note: str
    asked: str = ""
    check: dict[str, str] | None = None
    demands: tuple[worth.Demand, ...] = ()
    proof: str = ""
    award: pd.DataFrame = field(default_factory=pd.DataFrame)
    award_told: str = ""


def view(store: Store, filters: Filters, *, offer: str | None = None) -> Offers:
    """The offer of that id, by default the first in order of id."""
    choices = studio.options(store).offers
    shown = offer if offer in choices else next(iter(choices), None)
    empty = pd.DataFrame()
    if shown is None:
        return Offers(
            "No offer is in the catalogue",
            "Load plans with an offer_id: the whole estate is then priced under them.",
            (),
            choices,
            None,
            empty,
            None,
            None,
            None,
            None,
            None,
            empty,
            empty,
            (),
            "",
        )
    every = store.frame("plans")
    plans = every[every["offer_id"] == shown].sort_values(["mrc", "plan_id"]).reset_index(drop=True)
    currency = next((str(code) for code in plans["currency"].dropna()), None)
    sheet, candidates = price_sheet(store, every, plans, currency)
    found = results.outcomes(store)
    under, beside = pair(found, shown)
    real = None
    if under is not None and beside is not None and under.cost is not None and beside.cost is not None:
        real = beside.cost - under.cost
    lines = results.changes(store, under) if under is not None else empty
    mine = lines[lines["plan_id"].isin(set(plans["plan_id"]))].reset_index(drop=True) if len(lines) else empty
    title, sentence = _words(shown, sheet, real, len(mine), currency)
    kpis = (
        Kpi(
            "Price sheet promises",
            formats.money(sheet, currency),
            f"a month on {formats.plural(candidates, 'line')}",
            help="Each line's price today against the cheapest plan of the offer with at least its allowances; no use, "
            "no pools, no fees: what a sales sheet shows.",
        ),
        Kpi(
            "Really saved by the offer",
            formats.money(real, currency),
            "a month, beyond what today's catalogue saves" if real is not None else "not computed yet",
            "good" if real else "neutral",
        ),
        Kpi(
            "All changes together",
            formats.money(under.saving if under else None, currency),
            "a month under the offer" if under else "not computed yet",
        ),
        Kpi(
            "Without the offer",
            formats.money(beside.saving if beside else None, currency),
            "a month, today's catalogue only" if beside else "not computed yet",
        ),
        Kpi(
            "Lines that move to it",
            formats.count(len(mine)) if under else formats.UNKNOWN,
            "with fees for leaving counted" if under else "not computed yet",
        ),
    )
    scenarios = runs(store, shown, currency, under)
    asked = under.yaml if under is not None else scenarios[0][1]
    answers = worth.found(store, asked)
    prices = answers.get("break_even")
    return Offers(
        title,
        sentence,
        kpis,
        choices,
        shown,
        plans,
        sheet,
        real,
        currency,
        under,
        beside,
        mine,
        results.moves(store, under) if under is not None else empty,
        scenarios,
        under.proof if under is not None else "",
        asked,
        check(answers["offers"][0], shown, currency) if "offers" in answers else None,
        worth.demands(prices[0], results.plan_names(store), currency) if prices else (),
        worth.proof([document for _, document in answers.values()], currency),
        *award(answers["offers"][0] if "offers" in answers else {}, choices, currency),
    )


def award(part: worth.Part, names: Mapping[str, str], currency: str | None) -> tuple[pd.DataFrame, str]:
    """Several offers accepted together: a row for each, and in words what that saves; empty for a single offer."""
    columns = ["offer", "lines", "adds", "low", "high"]
    told = part.get("award")
    if not told or len(told["shares"]) < 2 or told["cost"] is None:
        return pd.DataFrame(columns=columns), ""
    rows = [
        {
            "offer": names.get(row["offer_id"], row["offer_id"]),
            "lines": row["lines"],
            **{name: results.micros(row[name]) for name in ("adds", "low", "high")},
        }
        for row in told["shares"]
    ]
    gains = results.micros(told["split_gains"]["value"]) or 0
    single = names.get(told["best_single"]["offer_id"], told["best_single"]["offer_id"])
    saved = formats.money(results.micros(told["real"]), currency)
    more = f"{formats.money(gains, currency)} more than {single} alone" if gains else f"no more than {single} alone"
    return pd.DataFrame(rows, columns=columns), f"All offers together save {saved} a month, {more}."


def check(part: worth.Part, offer: str, currency: str | None) -> dict[str, str] | None:
    """The counter-offer check in words; None where the study does not know the offer."""
    row = next((r for r in part["offers"] if r["offer_id"] == offer), None)
    if row is None:
        return None

    def told(key: str) -> str:
        return formats.money(results.micros(row[key]), currency)

    fees = results.micros(row["one_off"]) or 0
    back = "nothing to pay back" if fees <= 0 else "never"
    if row["payback_months"] is not None:
        back = f"{row['payback_months']:,.1f} months"
    saved = (results.micros(row["cost_without"]) or 0) - (results.micros(row["cost_with"]) or 0)
    ranged = "Proven range" if saved == results.micros(row["real"]) else "Proven, least saving per change counted"
    return {
        "Saved a month": formats.money(saved, currency),
        ranged: worth.range_told(results.micros(row["low"]), results.micros(row["high"]), currency),
        "Lines that move": formats.count(row["lines"]),
        "More one-off fees": told("one_off"),
        "Paid back after": back,
        "More shortfall elsewhere": f"{told('new_shortfall')} a month",
        "Estate with and without": f"{told('cost_with')} and {told('cost_without')} a month",
    }


def price_sheet(store: Store, every: pd.DataFrame, plans: pd.DataFrame, currency: str | None) -> tuple[int, int]:
    """(monthly saving in micros, lines): every line's MRC against the cheapest offered plan that gives as much."""
    current = {str(row.plan_id): row for row in every.itertuples(index=False)}
    services = store.frame("services", ["service_id", "kind", "plan_id", "status"])
    live = services[~services["status"].isin(["ordered", "disconnected"])].dropna(subset=["plan_id"])
    saved = lines = 0
    for (plan_id, kind), group in live.groupby(["plan_id", "kind"], sort=True):
        now = current.get(str(plan_id))
        if now is None or not formats.missing(now.offer_id) or now.currency != currency:
            continue
        fits = [
            int(plan.mrc)
            for plan in plans.itertuples(index=False)
            if (formats.missing(plan.service_kind) or plan.service_kind == kind)
            and all(_covers(getattr(plan, name), getattr(now, name)) for name in ("data_mb", "voice_min", "sms"))
        ]
        if fits and min(fits) < int(now.mrc):
            saved += (int(now.mrc) - min(fits)) * len(group)
            lines += len(group)
    return saved, lines


def _covers(offered: Any, held: Any) -> bool:
    """Whether an allowance is at least another one; blank is unlimited."""
    if formats.missing(offered):
        return True
    return not formats.missing(held) and int(offered) >= int(held)


def _stripped(text: str) -> dict[str, Any] | None:
    document = studio.scenario_of(text)
    return {k: v for k, v in document.items() if k not in {"name", "offers"}} if document else None


def _offered(item: Outcome) -> list[str]:
    listed = studio.scenario_of(item.yaml).get("offers")
    return [listed] if isinstance(listed, str) else [str(one) for one in listed or []]


def pair(found: tuple[Outcome, ...], offer: str) -> tuple[Outcome | None, Outcome | None]:
    """The newest result under the offer alone, and the newest without any offer that is otherwise the same scenario."""
    found = tuple(item for item in found if not item.document.get("policy"))
    for item in found:
        if _offered(item) == [offer] and item.cost is not None and not item.stale:
            rest = _stripped(item.yaml)
            twin = next(
                (
                    o
                    for o in found
                    if not _offered(o) and not o.stale and o.cost is not None and _stripped(o.yaml) == rest
                ),
                None,
            )
            return item, twin
    return None, None


def runs(store: Store, offer: str, currency: str | None, under: Outcome | None) -> tuple[tuple[str, str], ...]:
    """(name, scenario text) of the two runs whose difference is the real saving; keeps the terms of a run there is."""
    known = _stripped(under.yaml) if under is not None else None
    base: dict[str, Any] = (
        known if known is not None else {"horizon_months": 24, "min_saving_per_change": 1, "gap": "0.001"}
    )
    if known is None and currency:
        base["currency"] = currency
    names = (f"With {offer}", f"Without {offer}")
    with_it = {"name": names[0], **base, "offers": [offer]}
    return (names[0], studio.yaml_text(with_it)), (names[1], studio.yaml_text({"name": names[1], **base}))


def _words(offer: str, sheet: int, real: int | None, lines: int, currency: str | None) -> tuple[str, str]:
    promised = formats.money(sheet, currency)
    if real is None:
        return (
            f"{offer} promises {promised} a month; what it really saves is not computed yet",
            "Price every line under it, with pools, fees and limits, and once more without it: the difference is real.",
        )
    told = formats.money(real, currency)
    if real <= 0:
        return f"{offer} saves nothing that today's catalogue does not", f"Its price sheet promises {promised} a month."
    return (
        f"{offer} really saves {told} a month",
        f"Its price sheet promises {promised}; {formats.plural(lines, 'line')} would move, fees for leaving counted.",
    )
