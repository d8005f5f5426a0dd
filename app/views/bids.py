"""Bids side by side: total cost over a term, the award, what if, and the scorecard; and what is compared, kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from app import formats
from app.views import results, studio, worth
from app.views.parts import Kpi
from app.views.results import micros
from app.views.selection import Filters
from core.issues import BadInput
from core.queries import app as queries
from core.store import Store

#: Under which the comparison is kept among the scenarios.
SAVED = "bids"
#: What is taken over from the scenario that it starts from.
_TAKEN = (
    *("currency", "months", "services", "change_fee", "target_accounts", "growth", "carriers_allowed"),
    *("carrier_fixed_cost", "keep", "force", "gap"),
)
#: Parts of the total in groups that a reader can tell apart, each with what it holds.
GROUPS: dict[str, tuple[str, ...]] = {
    "Monthly charges": ("mrc", "usage", "discount", "carrier_cost", "taxes"),
    "Missed commitments": ("shortfall",),
    "Leaving and moving": ("moving", "activation", "early_termination", "overlap"),
    "Credits": ("credits",),
}
PART_WORDS = {
    "mrc": "Monthly recurring charges",
    "usage": "Usage and overage",
    "discount": "Discounts",
    "shortfall": "Missed commitments",
    "carrier_cost": "Fixed costs of carriers",
    "taxes": "Taxes",
    "moving": "Porting and changes",
    "activation": "Activation",
    "early_termination": "Early termination",
    "overlap": "Months paid twice",
    "credits": "Credits",
}
CASES = {"as bid": "As bid"}


@dataclass(frozen=True)
class Settings:
    """What is compared: offers, months of the term, money a line as text, and the scorecard.

    `weights` by criterion and `scores` by criterion and offer (0 to 10), as numbers; cost has `cost_weight`.
    """

    offers: tuple[str, ...]
    term: int = 36
    discount_rate: float = 8.0
    """Per cent a year."""
    porting_fee: str = "25"
    overlap: int = 1
    cost_weight: float = 60.0
    weights: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    base: Mapping[str, Any] = field(default_factory=dict)
    """The rest of the scenario: currency, filter, fees."""


@dataclass(frozen=True)
class Bids:
    """`asked`: the scenario whose study is asked for; frames are empty while `done` is not. Money in micros over the
    term unless a column says otherwise; `problem`: why there is nothing to compare although it was computed."""

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    choices: dict[str, str]
    settings: Settings
    currency: str | None
    asked: str
    done: bool = False
    problem: str = ""
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    parts: pd.DataFrame = field(default_factory=pd.DataFrame)
    months: pd.DataFrame = field(default_factory=pd.DataFrame)
    terms: pd.DataFrame = field(default_factory=pd.DataFrame)
    units: pd.DataFrame = field(default_factory=pd.DataFrame)
    moves: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    award_told: str = ""
    shares: pd.DataFrame = field(default_factory=pd.DataFrame)
    tried: pd.DataFrame = field(default_factory=pd.DataFrame)
    rules: Mapping[str, str] = field(default_factory=dict)
    cases: pd.DataFrame = field(default_factory=pd.DataFrame)
    case_told: str = ""
    notes: tuple[str, ...] = ()
    card: Mapping[str, Any] | None = None
    """The scorecard as :func:`optimize.scorecard.scorecard` gives it, with today's weights and scores."""
    document: Mapping[str, Any] | None = None
    """The study, for the workbook."""


def view(store: Store, filters: Filters) -> Bids:
    """The comparison as it is kept, and its newest answer on today's data."""
    there = studio.options(store)
    settings = settings_of(store, there)
    document = scenario_of(settings)
    asked = studio.yaml_text({**document, "comparison": {"discount_rate": document["comparison"]["discount_rate"]}})
    currency = document.get("currency") or next(iter(there.currencies), None)
    answers = worth.found(store, asked)
    told = answers["bids"][0]["bids"] if "bids" in answers else None
    if told is None or not told.get("award"):
        problem = ""
        if "bids" in answers:
            why = next((row["explanation"] for row in told["rows"] if row.get("explanation")), None) if told else None
            problem = str(why or "None of the chosen offers has plans in this currency.")
        title, sentence = _words_before(settings)
        return Bids(title, sentence, (), there.offers, settings, currency, asked, problem=problem)
    return _told(store, settings, asked, currency, there.offers, told)


def settings_of(store: Store, there: studio.Options | None = None) -> Settings:
    """The comparison as it was saved; before that, all offers under the terms of the newest scenario with an offer."""
    there = there or studio.options(store)
    saved = studio.scenario_of(queries.scenario_text(store, SAVED) or "")
    if saved:
        return _read(saved, tuple(there.offers))
    scenarios = [studio.scenario_of(item.yaml) for item in results.outcomes(store)]
    first = next((one for one in scenarios if one.get("offers")), next(iter(scenarios), None))
    base = {**(first if first is not None else studio.first_scenario_of(store))}
    kept = {name: base[name] for name in _TAKEN if name in base}
    return Settings(offers=tuple(there.offers), porting_fee=str(base.get("porting_fee", "25")), base=kept)


def _read(scenario: Mapping[str, Any], every: tuple[str, ...]) -> Settings:
    """The settings that a scenario stands for; `every` offer of the catalogue where it lists none that is there."""
    listed = scenario.get("offers") or ()
    offers = tuple(o for o in ([listed] if isinstance(listed, str) else listed) if o in every)
    rule = scenario.get("comparison") or {}
    criteria = rule.get("criteria") or {}
    return Settings(
        offers=offers or every,
        term=int(scenario.get("horizon_months") or 12),
        discount_rate=round(float(rule.get("discount_rate") or 0) * 100, 4),
        porting_fee=str(scenario.get("porting_fee") or "0"),
        overlap=int(scenario.get("overlap_months") or 0),
        cost_weight=float(rule.get("cost_weight") or 60),
        weights={name: float(part["weight"]) for name, part in criteria.items()},
        scores={name: {o: float(s) for o, s in (part.get("scores") or {}).items()} for name, part in criteria.items()},
        base={name: scenario[name] for name in _TAKEN if name in scenario},
    )


def of_document(store: Store, document: Mapping[str, Any]) -> Bids | None:
    """The comparison in a document of `tem worth`; None where it holds none that could be met."""
    told = (document["studies"].get("bids") or {}).get("bids")
    if not told or not told.get("award"):
        return None
    choices = studio.options(store).offers
    settings = _read(document["scenario"], tuple(row["offer_id"] for row in told["offers"]))
    return _told(store, settings, "", document["currency"], choices, told)


def scenario_of(settings: Settings) -> dict[str, Any]:
    """The scenario file of a comparison."""
    rate = studio.decimal(settings.discount_rate / 100)
    base = {name: settings.base[name] for name in _TAKEN if name in settings.base and name != "gap"}
    found: dict[str, Any] = {"name": "Bids", **base, "porting_fee": settings.porting_fee or "0"}
    found |= {"horizon_months": settings.term, "gap": settings.base.get("gap", "0.001")}
    if settings.overlap:
        found["overlap_months"] = settings.overlap
    found["offers"] = list(settings.offers)
    found["comparison"] = {"discount_rate": rate, "cost_weight": studio.decimal(settings.cost_weight)}
    if settings.weights:
        found["comparison"]["criteria"] = {
            name: {
                "weight": studio.decimal(weight),
                "scores": {o: studio.decimal(s) for o, s in settings.scores.get(name, {}).items()},
            }
            for name, weight in settings.weights.items()
        }
    return found


def save(store: Store, settings: Settings) -> list[str]:
    """Keep a comparison; what is wrong with it as lines, nothing is kept then."""
    from optimize.scenario import parse

    text = studio.yaml_text(scenario_of(settings))
    try:
        parse(studio.scenario_of(text))
    except BadInput as error:
        return [str(issue) for issue in error.issues]
    queries.save_scenario(store, SAVED, "Bids", text)
    return []


def with_scores(settings: Settings, cost_weight: float, rows: Sequence[Mapping[str, Any]]) -> Settings:
    """The settings with the weights and scores of an edited table: `criterion`, `weight`, and a column for each offer.

    Rows without a name are left out; a blank weight counts 0, a blank score is none.
    """
    weights: dict[str, float] = {}
    scores: dict[str, dict[str, float]] = {}
    for row in rows:
        name = "" if formats.missing(row.get("criterion")) else str(row["criterion"]).strip()
        if not name:
            continue
        weights[name] = 0.0 if formats.missing(row.get("weight")) else float(row["weight"])
        given = {offer: row[offer] for offer in settings.offers if not formats.missing(row.get(offer))}
        scores[name] = {offer: float(value) for offer, value in given.items()}
    return replace(settings, cost_weight=cost_weight, weights=weights, scores=scores)


def score_rows(settings: Settings) -> pd.DataFrame:
    """The table that :func:`with_scores` reads; three usual criteria while there are none."""
    names = dict(settings.weights) or {"Coverage": 20.0, "Service levels": 10.0, "Transition risk": 10.0}
    rows = [
        {"criterion": name, "weight": weight, **{o: settings.scores.get(name, {}).get(o) for o in settings.offers}}
        for name, weight in names.items()
    ]
    frame = pd.DataFrame(rows, columns=["criterion", "weight", *settings.offers])
    return frame.astype(dict.fromkeys(["weight", *settings.offers], "float64"))


def label(key: str) -> str:
    """How a row of the comparison is called."""
    return {"today": "As today", "stay": "Stay, optimized", "award": "Best split"}.get(key, key)


def _told(
    store: Store,
    settings: Settings,
    asked: str,
    currency: str | None,
    choices: dict[str, str],
    told: Mapping[str, Any],
) -> Bids:
    names = worth.Names.of(store)
    met = [row for row in told["rows"] if row["total"] is not None]
    title, sentence = _words(told, currency)
    return Bids(
        title=title,
        sentence=sentence,
        kpis=_kpis(told, currency),
        choices=choices,
        settings=settings,
        currency=currency,
        asked=asked,
        done=True,
        rows=_rows(told["rows"]),
        parts=_parts(met),
        months=pd.DataFrame({row["key"]: [micros(v) for v in row["months"]] for row in met}),
        terms=_terms(told, names),
        units=_units(told, met),
        moves=_moves(store, met),
        award_told=_award_told(told, currency),
        shares=_shares(told, names),
        tried=_tried(told),
        rules=_rules(told, names, currency),
        cases=_cases(told),
        case_told=_case_told(told),
        notes=_notes(told, names),
        card=_card(told, settings),
        document=told,
    )


def _rows(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    money = ("total", "npv", "saving", "against_stay", "gap")
    found = []
    for row in rows:
        commitment = row.get("commitment") or {}
        found.append(
            {
                **{"key": row["key"], "bid": label(row["key"]), "moved": row.get("moved"), "lines": row.get("lines")},
                **{name: micros(row.get(name)) for name in money},
                "gap": None if row["key"] == "today" else micros(row.get("gap")),
                "missed": commitment.get("probability"),
                "why": row.get("explanation") or "",
            }
        )
    frame = pd.DataFrame(found, columns=["key", "bid", *money, "moved", "lines", "missed", "why"])
    return frame.astype({**dict.fromkeys(money, "Int64"), "moved": "Int64", "lines": "Int64"})


def _parts(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row for each part that is not 0 everywhere, a column for each row of the comparison, the total last."""
    used = [name for name in PART_WORDS if any(row["parts"][name] for row in rows)]
    found = [{"part": PART_WORDS[name], **{row["key"]: micros(row["parts"][name]) for row in rows}} for name in used]
    found.append({"part": "Total", **{row["key"]: micros(row["total"]) for row in rows}})
    return pd.DataFrame(found)


def groups(data: Bids) -> pd.DataFrame:
    """:data:`GROUPS` (columns) of each row of the comparison (index), in micros, for the bars."""
    if data.document is None:
        return pd.DataFrame(columns=list(GROUPS))
    rows = {
        row["key"]: {group: sum(micros(row["parts"][name]) or 0 for name in inside) for group, inside in GROUPS.items()}
        for row in data.document["rows"]
        if row["total"] is not None
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(GROUPS))


def paid_back(data: Bids) -> pd.DataFrame:
    """What each bid has saved against staying, month after month, in micros: a column for each, months from 1."""
    months = data.months
    if "stay" not in months:
        return pd.DataFrame()
    bids = [str(name) for name in months.columns if name not in ("today", "stay")]
    saved = pd.DataFrame({name: (months["stay"] - months[name]).cumsum() for name in bids})
    saved.index = pd.RangeIndex(1, len(saved) + 1)
    return saved


def _terms(told: Mapping[str, Any], names: worth.Names) -> pd.DataFrame:
    commitments = {row["key"]: row.get("commitment") or {} for row in told["rows"]}
    rows = []
    for offer in told["offers"]:
        mine = commitments.get(offer["offer_id"], {})
        rows.append(
            {
                **{"bid": offer["offer_id"], "carrier": names.carrier(offer["carrier_id"])},
                **{"plans": offer["plans"], "term": offer["term_months"], "valid_until": offer["valid_until"]},
                "commitment": micros(mine.get("monthly")),
                "spend": micros(mine.get("spend")),
                "missed": mine.get("probability"),
                **{name: micros(offer[name]) for name in ("activation_fee", "port_credit", "signing_credit")},
                "note": offer["note"] or "",
            }
        )
    frame = pd.DataFrame(rows)
    money = ("commitment", "spend", "activation_fee", "port_credit", "signing_credit")
    return frame.astype({**dict.fromkeys(money, "Int64"), "term": "Int64"})


def _units(told: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    basket = told["basket"]
    sheet = {"today": basket["today"], **basket["offers"]}
    money = ("per_line", "per_gb", "bid_per_line", "bid_per_gb", "sheet")
    found = [
        {
            "bid": label(row["key"]),
            **{name: micros(row["unit"][name]) for name in money[:4]},
            "sheet": micros(sheet.get(row["key"])),
        }
        for row in rows
    ]
    return pd.DataFrame(found, columns=["bid", *money]).astype(dict.fromkeys(money, "Int64"))


def _moves(store: Store, rows: Sequence[Mapping[str, Any]]) -> dict[str, pd.DataFrame]:
    """Lines by plan of each bid."""
    names = results.plan_names(store)
    found = {}
    for row in rows:
        if row.get("by_plan") and row["key"] != "award":
            plans = [{"plan": names.get(plan, plan), "lines": count} for plan, count in row["by_plan"].items()]
            found[row["key"]] = pd.DataFrame(plans).sort_values(["lines", "plan"], ascending=[False, True])
    return found


def _shares(told: Mapping[str, Any], names: worth.Names) -> pd.DataFrame:
    rows = [
        {
            **{"carrier": names.carrier(row["carrier_id"]), "bid": row["offer_id"] or "as contracted"},
            **{"lines": row["lines"], "on_offer": row["on_offer"], "cost": micros(row["cost"])},
        }
        for row in told["award"]["shares"]
    ]
    return pd.DataFrame(rows).sort_values(["on_offer", "lines"], ascending=False, ignore_index=True)


def _tried(told: Mapping[str, Any]) -> pd.DataFrame:
    rows = [
        {
            **{"offers": " + ".join(row["offers"]) or "No bid", "total": micros(row["total"])},
            **{"gap": micros(row["gap"]), "more": None},
        }
        for row in told["award"]["tried"]
    ]
    frame = pd.DataFrame(rows).astype({"total": "Int64", "gap": "Int64"})
    frame["more"] = frame["total"] - frame["total"].min()
    return frame.sort_values("total", ignore_index=True)


def _rules(told: Mapping[str, Any], names: worth.Names, currency: str | None) -> dict[str, str]:
    award = told["award"]

    def priced(rule: Mapping[str, Any]) -> str:
        if rule["price"] is None:
            why = str(rule.get("explanation") or "no assignment was found")
            return f"Cannot be kept: {why[:1].lower()}{why[1:]}"
        if not rule["price"]:
            return f"Costs nothing: the award has {', '.join(names.carrier(c) for c in rule['carrier_ids'])}"
        who = " and ".join(names.carrier(c) for c in rule["carrier_ids"])
        return f"{formats.money(micros(rule['price']), currency)} more over the term, with {who}"

    return {"One carrier only": priced(award["one_carrier"]), "At least two carriers": priced(award["two_carriers"])}


def _cases(told: Mapping[str, Any]) -> pd.DataFrame:
    offers = [row["offer_id"] for row in told["offers"]]
    rows = []
    for case in told["sensitivity"]:
        name = CASES.get(case["case"], case["case"].capitalize())
        rows.append(
            {
                "case": f"{case['offer_id']}: {name.lower()}" if case["offer_id"] else name,
                **{offer: micros(case["totals"].get(offer)) for offer in offers},
                "stay": micros(case["stay"]),
                "first": next(iter(case["ranking"]), ""),
            }
        )
    frame = pd.DataFrame(rows, columns=["case", *offers, "stay", "first"])
    return frame.astype(dict.fromkeys([*offers, "stay"], "Int64"))


def _case_told(told: Mapping[str, Any]) -> str:
    cases = told["sensitivity"]
    first = cases[0]["ranking"]
    if len(first) < 2:
        return "One bid alone has no ranking."
    turned = [case for case in cases[1:] if case["ranking"] != first]
    if not turned:
        return f"{first[0]} stays first in each of the {len(cases) - 1} cases."
    named = "; ".join(f"{c['offer_id'] + ': ' if c['offer_id'] else ''}{c['case']}" for c in turned)
    return f"The order changes in {formats.plural(len(turned), 'case')} of {len(cases) - 1}: {named}."


def _award_told(told: Mapping[str, Any], currency: str | None) -> str:
    award = told["award"]
    single = award["single"]
    gains = micros(award["split_gains"]["value"]) or 0
    if not award["offers"]:
        more = formats.money((micros(award["single_total"]) or 0) - (micros(award["total"]) or 0), currency)
        return f"No bid: the best of them, {single}, costs {more} more over the term than staying with better plans."
    if len(award["offers"]) == 1:
        return f"All to {award['offers'][0]}; no split of the bids costs less."
    return f"{' and '.join(award['offers'])} together: {formats.money(gains, currency)} less than {single} alone."


def _notes(told: Mapping[str, Any], names: worth.Names) -> tuple[str, ...]:
    months = told["term_months"]
    ends = [f"{names.contract(c)} {formats.plural(m, 'month')}" for c, m in told["commitments_end"].items()]
    found = [
        f"Use and prices as they are, over {months} months; one-off amounts in the first month, each month paid at its "
        f"end for the present value at {told['discount_rate']:.1%} a year."
    ]
    if ends:
        found.append(
            f"Commitments are owed until the next way out after notice now ({', '.join(ends)}); as today they renew."
        )
    short = [
        f"{o['offer_id']} holds its prices for {o['term_months']} months"
        for o in told["offers"]
        if o["term_months"] is not None and o["term_months"] < months
    ]
    if short:
        found.append(f"{'; '.join(short)}: they are taken to hold for all {months}.")
    found.append(
        f"Taxes are counted for {', '.join(names.carrier(c) for c in told['taxes'])}."
        if told["taxes"]
        else "Taxes are not known and left out for everybody."
    )
    return tuple(found)


def _card(told: Mapping[str, Any], settings: Settings) -> Mapping[str, Any] | None:
    from optimize.scenario import parse
    from optimize.scorecard import scorecard

    rule = parse(scenario_of(settings)).comparison
    bids = [row for row in told["rows"] if row["key"] in told["ranking"]]
    return scorecard(bids, rule.criteria, rule.cost_weight)


def _words_before(settings: Settings) -> tuple[str, str]:
    if not settings.offers:
        return "No bid is in the catalogue", "Send a bid sheet to the carriers and load what comes back."
    return (
        f"{formats.plural(len(settings.offers), 'bid')} to compare over {settings.term} months",
        "The estate is optimized anew under each bid and under every combination of them.",
    )


def _words(told: Mapping[str, Any], currency: str | None) -> tuple[str, str]:
    ranking, award, months = told["ranking"], told["award"], told["term_months"]
    totals = {row["key"]: micros(row["total"]) for row in told["rows"]}
    first = ranking[0]
    trap = ""
    if told["cheapest_sheet"] != first:
        trap = f" {told['cheapest_sheet']} has the cheaper price sheet."
    if award["offers"]:
        title = f"Award to {' and '.join(award['offers'])}: {formats.money(micros(award['total']), currency)}"
        saved = (totals["stay"] or 0) - (micros(award["total"]) or 0)
        why = f"{formats.money(saved, currency)} less over {months} months than staying with the best plans of today."
    else:
        title = f"Staying costs less than any bid: {formats.money(totals['stay'], currency)}"
        why = f"{first}, the best bid, costs {formats.money(totals[first], currency)} over {months} months."
    return title, f"{why}{trap}"


def _kpis(told: Mapping[str, Any], currency: str | None) -> tuple[Kpi, ...]:
    rows = {row["key"]: row for row in told["rows"]}
    award, months = told["award"], told["term_months"]
    stay = micros(rows["stay"]["total"]) or 0
    found = [
        Kpi("As today", formats.money(micros(rows["today"]["total"]), currency), f"over {months} months"),
        Kpi("Stay, optimized", formats.money(stay, currency), "best plans, no bid"),
    ]
    for offer in told["ranking"][:2]:
        row = rows[offer]
        less = stay - (micros(row["total"]) or 0)
        found.append(
            Kpi(
                offer,
                formats.money(micros(row["total"]), currency),
                f"{formats.money(abs(less), currency)} {'less' if less >= 0 else 'more'}",
                "good" if less > 0 else "bad",
                help=f"Against staying, optimized. {formats.plural(row['lines'], 'line')} on its plans, "
                f"{row['moved']:,} change carrier.",
            )
        )
    if len(award["offers"]) > 1:
        less = stay - (micros(award["total"]) or 0)
        delta = f"{formats.money(less, currency)} less"
        found.append(Kpi("Best split", formats.money(micros(award["total"]), currency), delta, "good"))
    return tuple(found)
