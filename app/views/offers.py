"""A carrier's offer: what the price sheet promises, and what the whole estate really saves under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from app import formats
from app.views import results, studio, worth
from app.views.parts import Kpi
from app.views.selection import Filters
from core.store import Store


@dataclass(frozen=True)
class Offers:
    """`choices`: offers by id; `plans` of the one shown; `sheet`: what its price sheet promises a month, in micros of
    `currency`; `asked`: the scenario whose worth is asked for.

    From the counter-offer check, None or empty while it is not computed: `check` in words, `real` saving a month
    (micros), `lines` that move to the offer (the first 500 by money), `demands`: prices and lines, `award`: who gets
    how many lines if all offers are accepted and what each adds (micros), `proof`: what they stand on.
    """

    title: str
    sentence: str
    kpis: tuple[Kpi, ...] = ()
    choices: dict[str, str] = field(default_factory=dict)
    offer: str | None = None
    plans: pd.DataFrame = field(default_factory=pd.DataFrame)
    sheet: int | None = None
    currency: str | None = None
    asked: str = ""
    real: int | None = None
    lines: pd.DataFrame = field(default_factory=pd.DataFrame)
    check: dict[str, str] | None = None
    demands: tuple[worth.Demand, ...] = ()
    proof: str = ""
    award: pd.DataFrame = field(default_factory=pd.DataFrame)
    award_told: str = ""


def view(store: Store, filters: Filters, *, offer: str | None = None) -> Offers:
    """The offer of that id, by default the first in order of id."""
    choices = studio.options(store).offers
    shown = offer if offer in choices else next(iter(choices), None)
    if shown is None:
        return Offers(
            "No offer is in the catalogue",
            "Load plans with an offer_id: the whole estate is then priced under them.",
            choices=choices,
        )
    every = store.frame("plans")
    plans = every[every["offer_id"] == shown].sort_values(["mrc", "plan_id"]).reset_index(drop=True)
    currency = next((str(code) for code in plans["currency"].dropna()), None)
    sheet, candidates = price_sheet(store, every, plans, currency)
    asked = scenario_for(store, shown, currency)
    answers = worth.found(store, asked)
    part: worth.Part = answers["offers"][0] if "offers" in answers else {}
    row = next((r for r in part.get("offers", ()) if r["offer_id"] == shown), None)
    real = saved(row) if row is not None else None
    moved = results.changed_lines(store, row.get("moves") or (), row["status"]) if row is not None else pd.DataFrame()
    prices = answers.get("break_even")
    title, sentence = _words(shown, sheet, row, currency)
    unknown = "not computed yet"
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
            "a month beyond today's plans" if row is not None else unknown,
            "good" if real else "neutral",
        ),
        Kpi(
            "Lines that move to it",
            formats.count(row["lines"]) if row is not None else formats.UNKNOWN,
            "leaving fees counted" if row is not None else unknown,
        ),
        Kpi(
            "More one-off fees",
            formats.money(results.micros(row["one_off"]) if row is not None else None, currency),
            "against no offer" if row is not None else unknown,
        ),
    )
    return Offers(
        title,
        sentence,
        kpis,
        choices,
        shown,
        plans,
        sheet,
        currency,
        asked,
        real,
        moved,
        check(row, currency) if row is not None else None,
        worth.demands(prices[0], results.plan_names(store), currency) if prices else (),
        worth.proof([document for _, document in answers.values()], currency),
        *award(part, choices, currency),
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


def saved(row: worth.Part) -> int:
    """What an offer really saves a month, in micros: cost of the estate without it less cost with it."""
    return (results.micros(row["cost_without"]) or 0) - (results.micros(row["cost_with"]) or 0)


def check(row: worth.Part, currency: str | None) -> dict[str, str]:
    """The counter-offer check of an offer in words."""

    def told(key: str) -> str:
        return formats.money(results.micros(row[key]), currency)

    fees = results.micros(row["one_off"]) or 0
    back = "nothing to pay back" if fees <= 0 else "never"
    if row["payback_months"] is not None:
        back = f"{row['payback_months']:,.1f} months"
    ranged = "Proven range" if saved(row) == results.micros(row["real"]) else "Proven, least saving per change counted"
    return {
        "Saved a month": formats.money(saved(row), currency),
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


def scenario_for(store: Store, offer: str, currency: str | None) -> str:
    """The scenario under which the offer is checked: the newest stored one that lists it alone, else a plain one."""
    for item in results.outcomes(store):
        listed = studio.scenario_of(item.yaml).get("offers")
        if ([listed] if isinstance(listed, str) else list(listed or ())) == [offer] and not item.document.get("policy"):
            return item.yaml
    base: dict[str, Any] = {"horizon_months": 24, "min_saving_per_change": 1, "gap": "0.001"}
    if currency:
        base["currency"] = currency
    return studio.yaml_text({"name": f"With {offer}", **base, "offers": [offer]})


def _words(offer: str, sheet: int, row: worth.Part | None, currency: str | None) -> tuple[str, str]:
    promised = formats.money(sheet, currency)
    if row is None:
        return (
            f"{offer} promises {promised} a month; what it really saves is not computed yet",
            "Price every line under it, with pools, fees and limits, and once more without it: the difference is real.",
        )
    told, lines = formats.money(saved(row), currency), formats.plural(row["lines"], "line")
    if saved(row) <= 0:
        return f"{offer} saves nothing that today's catalogue does not", f"Its price sheet promises {promised} a month."
    return (
        f"{offer} really saves {told} a month",
        f"Its price sheet promises {promised}; {lines} would move, fees for leaving counted.",
    )
