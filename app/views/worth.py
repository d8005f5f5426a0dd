"""What a scenario is worth: the studies of `tem worth` as tables, each figure with its proven range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.views import results
from app.views.parts import Kpi
from app.views.results import Outcome, micros
from app.views.selection import Filters
from core import jobs
from core.store import Store

#: Studies that this page asks for; offers and break-even prices are asked for on the page of the offers.
STUDIES = ("policies", "contracts", "commitments", "carriers", "frontier", "pools", "delay", "futures")
_DELAY = ("total", "cost_of_delay", "low", "high", "one_off")
Part = Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """A contract's commitment: what it is now, up to where it is free, and the levels of the sweep."""

    contract: str
    sentence: str
    now: int
    free_up_to: int
    levels: pd.DataFrame


@dataclass(frozen=True)
class Demand:
    """An offered plan: list price, highest price at which a line moves (None: none), lines and saving by price."""

    plan: str
    carrier_id: str
    sentence: str
    listed: int
    even: int | None
    points: pd.DataFrame


@dataclass(frozen=True)
class Worth:
    """Money in micros a month; an empty frame or None: that study was not computed on today's data."""

    title: str
    sentence: str
    kpis: tuple[Kpi, ...]
    choices: dict[str, str]
    outcome: Outcome | None
    currency: str | None
    proof: str
    done: frozenset[str]
    policies: pd.DataFrame
    ladder: pd.DataFrame
    contracts: pd.DataFrame
    sweeps: tuple[Sweep, ...]
    frontier: pd.DataFrame
    pools: pd.DataFrame
    delay: pd.DataFrame
    delay_told: str
    futures: pd.DataFrame
    futures_told: str


def found(store: Store, yaml: str) -> dict[str, tuple[Part, Part]]:
    """The newest answer to each study of a scenario on today's data: (the study's part, the whole document)."""
    answers: dict[str, tuple[Part, Part]] = {}
    version = store.data_version
    for job in jobs.recent(store, "worth", 50):
        if job.state != "done" or not job.result or job.data_version != version or job.params.get("scenario") != yaml:
            continue
        for name, part in job.result["studies"].items():
            answers.setdefault(name, (part, job.result))
    return answers


def frontier(answers: Mapping[str, tuple[Part, Part]]) -> pd.DataFrame:
    """Saving (micros a month) by number of changes, each point solved; empty while not computed."""
    part = answers["frontier"][0] if "frontier" in answers else {}
    return _frame(
        part.get("frontier", ()),
        count=("allowed", "changes"),
        money=("saving", "still_possible"),
        plain=("share",),
    )


def view(store: Store, filters: Filters, *, result_id: str | None = None) -> Worth:
    """The studies of the scenario of a stored result, by default of the one that saves most."""
    there = tuple(item for item in results.outcomes(store) if item.yaml)
    item = results.find(there, result_id) or results.find(there, None)
    choices = {one.result_id: one.label for one in there}
    answers = found(store, item.yaml) if item is not None else {}
    names = Names.of(store)
    parts = {name: part for name, (part, _) in answers.items()}
    currency = item.currency if item else None
    policies = _policies(parts.get("policies", {}), names)
    ladder = _ladder(parts.get("carriers", {}), names)
    delay = (parts.get("delay") or {}).get("delay") or {}
    futures = (parts.get("futures") or {}).get("futures") or {}
    contracts = _contracts(parts.get("contracts", {}), names)
    sweeps = tuple(_sweep(row, names, currency) for row in parts.get("commitments", {}).get("commitments", ()))
    solved = frontier(answers)
    title, sentence = _words(item, policies, sweeps, currency)
    return Worth(
        title=title,
        sentence=sentence,
        kpis=_kpis(policies, ladder, delay, solved, currency),
        choices=choices,
        outcome=item,
        currency=currency,
        proof=proof([document for _, document in answers.values()], currency),
        done=frozenset(answers) & frozenset(STUDIES),
        policies=policies,
        ladder=ladder,
        contracts=contracts,
        sweeps=sweeps,
        frontier=solved,
        pools=_pools(parts.get("pools", {}), names),
        delay=_frame(
            delay.get("months", ()),
            count=("delay", "moved"),
            money=("total", "cost_of_delay", "low", "high", "one_off"),
        ),
        delay_told=_delay_told(delay, currency),
        futures=_futures(futures),
        futures_told=_futures_told(futures, currency),
    )


@dataclass(frozen=True)
class Names:
    """Names of carriers, contracts and accounts by id."""

    carriers: Mapping[str, str]
    contracts: Mapping[str, str]
    accounts: Mapping[str, str]

    @classmethod
    def of(cls, store: Store) -> Names:
        """Read from the store."""

        def pairs(table: str, key: str, name: str) -> dict[str, str]:
            frame = store.frame(table, [key, name])
            return {
                str(row[0]): str(row[0]) if formats.missing(row[1]) else str(row[1])
                for row in frame.itertuples(index=False, name=None)
            }

        return cls(
            pairs("carriers", "carrier_id", "name"),
            pairs("contracts", "contract_id", "name"),
            pairs("accounts", "account_id", "number"),
        )

    def carrier(self, key: Any) -> str:
        """A carrier's name."""
        return self.carriers.get(str(key), str(key))

    def contract(self, key: Any) -> str:
        """A contract's name."""
        return self.contracts.get(str(key), str(key))


def proof(documents: list[Part], currency: str | None) -> str:
    """Baseline, period and proof in one line, as it stands below every figure."""
    if not documents:
        return ""
    document = documents[0]
    base, months = document["base"], document["months"]
    span = f"{formats.month_short(months['from'])} to {formats.month_short(months['to'])}"
    told = [f"Use of {span}", f"today {formats.cents(micros(document['baseline_cost']), currency)} a month"]
    if base["cost"] is not None:
        told.append(f"recommended {formats.cents(micros(base['cost']), currency)}")
        told.append(f"no plans below {formats.cents(micros(base['bound']), currency)} by the objective")
    solves = sum({id(d): int(d["solves"]) for d in documents}.values())
    return f"{', '.join(told)}; {solves:,} solves, each re-priced from usage."


def _frame(
    rows: Any, *, money: tuple[str, ...] = (), count: tuple[str, ...] = (), plain: tuple[str, ...] = ()
) -> pd.DataFrame:
    names = [*count, *money, *plain]
    frame = pd.DataFrame([{n: micros(r[n]) if n in money else r[n] for n in names} for r in rows], columns=names)
    for name in (*count, *money):
        frame[name] = frame[name].astype("Int64")
    return frame


def range_told(low: int | None, high: int | None, currency: str | None) -> str:
    """The proven range in words."""
    if low is None or high is None:
        return "not proven"
    if formats.cents(low, currency) == formats.cents(high, currency):
        return "exact"
    return f"{formats.money(low, currency)} to {formats.money(high, currency)}"


def _policies(part: Part, names: Names) -> pd.DataFrame:
    rows = []
    for row in part.get("policies", ()):
        told = str(row["name"])
        for key, name in names.contracts.items():
            told = told.replace(f"Commitment of {key}:", f"Commitment of {name}:")
        rows.append({**row, "name": told})
    frame = _frame(rows, money=("price", "low", "high", "cost"), plain=("name", "policy", "makes_feasible"))
    frame["range"] = [
        "" if formats.missing(price) else range_told(int(low), int(high), None)
        for price, low, high in zip(frame["price"], frame["low"], frame["high"], strict=True)
    ]
    return frame


def _ladder(part: Part, names: Names) -> pd.DataFrame:
    rows = [
        {
            **row,
            "who": ", ".join(names.carrier(c) for c in row["carrier_ids"]) or "cannot be met",
            "one_off": row.get("one_off"),
            "note": "" if row["cost"] is not None else f"{row['explanation']} {'; or '.join(row['ways_out'])}".strip(),
        }
        for row in part.get("ladder", ())
    ]
    return _frame(
        rows, money=("cost", "extra", "low", "high", "one_off"), count=("carriers", "moved"), plain=("who", "note")
    )


def demands(part: Part, names: Mapping[str, str], currency: str | None) -> tuple[Demand, ...]:
    """The demand curve of each plan of a break-even study, those that more lines want at list price first."""
    told = []
    for row in part.get("plans", ()):
        points = _frame(
            row["demand"], money=("price", "saving", "low", "high", "carrier_revenue"), count=("lines",)
        ).sort_values("price", ignore_index=True)
        listed, even = micros(row["list_price"]) or 0, micros(row["break_even"])
        here = points[points["price"] == listed]["lines"]
        at_list = int(here.iloc[0]) if len(here) else 0
        told.append((-at_list, row["plan_id"], row["carrier_id"], points, listed, even, at_list, row["proven"]))
    return tuple(
        Demand(
            names.get(plan_id, plan_id),
            carrier,
            _demand_told(listed, even, at_list, proven, currency),
            listed,
            even,
            points,
        )
        for _, plan_id, carrier, points, listed, even, at_list, proven in sorted(told, key=lambda t: t[:2])
    )


def _demand_told(listed: int, even: int | None, at_list: int, proven: bool, currency: str | None) -> str:
    if even is None:
        return "No line moves at any price."
    first = f"The first line moves at {formats.cents(even, currency)}{' (proven to the cent)' if proven else ''}"
    if even < listed:
        return f"{first}, below the list price of {formats.cents(listed, currency)}: ask for that much less."
    moves = formats.plural(at_list, "line moves", "lines move")
    return f"{first}; at the list price of {formats.cents(listed, currency)} {moves}."


def best_price(demand: Demand) -> tuple[int, int, int] | None:
    """(price, lines, revenue a month) at which the carrier earns most from this plan: what it can be brought to."""
    if demand.points.empty or not int(demand.points["lines"].max()):
        return None
    row = demand.points.sort_values(["carrier_revenue", "price"], ascending=[False, True]).iloc[0]
    return int(row["price"]), int(row["lines"]), int(row["carrier_revenue"])


def newest(store: Store, study: str, currency: str | None) -> Part | None:
    """The newest answer to a study on today's data under any scenario of this currency: the whole document."""
    version = store.data_version
    for job in jobs.recent(store, "worth", 50):
        if job.state == "done" and job.result and job.data_version == version and study in job.result["studies"]:
            document: Part = job.result
            if document["currency"] == currency:
                return document
    return None


def _contracts(part: Part, names: Names) -> pd.DataFrame:
    rows = [
        {**row, "contract": names.contract(row["contract_id"]), "carrier": names.carrier(row["carrier_id"])}
        for row in part.get("contracts", ())
        if row["spend"]
    ]
    money = ("spend", "discount", "shortfall", "commitment", "above_commitment", "to_next_tier", "next_tier_worth")
    return _frame(rows, money=money, plain=("contract", "carrier", "marginal_price", "average_price"))


def _sweep(row: Part, names: Names, currency: str | None) -> Sweep:
    levels = _frame(
        row["levels"],
        money=("commitment", "extra", "low", "high", "spend", "shortfall"),
        plain=("probability", "rebate_needed"),
    )
    now, free = micros(row["current"]) or 0, micros(row["free_up_to"]) or 0
    here = next((level for level in row["levels"] if level["commitment"] == row["current"]), None)
    told = f"Up to {formats.money(free, currency)} a month it costs nothing"
    if here is not None:
        price = formats.money(micros(here["extra"]), currency)
        told = f"{formats.money(now, currency)} a month are committed: that costs {price} a month. {told}"
        if here["rebate_needed"]:
            told += f"; to pay for itself today's level needs {formats.percent(here['rebate_needed'])} off"
    return Sweep(names.contract(row["contract_id"]), f"{told}.", now, free, levels)


def _pools(part: Part, names: Names) -> pd.DataFrame:
    rows = [
        {
            **row,
            "pool": f"{names.carrier(row['carrier_id'])} {row['pool_group']}, "
            f"{names.accounts.get(row['account_id'], row['account_id'])}",
            "allowance": row["allowance_mb"],
        }
        for row in part.get("pools", ())
    ]
    return _frame(rows, money=("allowance", "dual_per_gb", "resolved_per_gb", "as_plans_stand"), plain=("pool",))


def _futures(part: Part) -> pd.DataFrame:
    names = [row["future"] for row in part.get("futures", ())]
    rows = [
        {"choice": row["choice"], **{n: row["regrets"][n] for n in names}, "max_regret": row["max_regret"]}
        for row in part.get("choices", ())
    ]
    return _frame(rows, money=(*names, "max_regret"), plain=("choice",)) if rows else pd.DataFrame()


def _delay_told(part: Part, currency: str | None) -> str:
    if not part:
        return ""
    rows = {row["delay"]: row for row in part["months"]}
    window, best = part["window_months"], part["best"]
    bound = next((row for delay, row in sorted(rows.items()) if row.get("renews")), None)
    late = ""
    if bound is not None:
        named = ", ".join(sorted({one["contract_id"] for one in bound["renews"]}))
        until = formats.day(max(one["until"] for one in bound["renews"]))
        late = f" Waiting {formats.plural(bound['delay'], 'month')} misses a notice date: {named} binds until {until}."
    if best:
        gain = -(micros(rows[best]["cost_of_delay"]) or 0)
        told = (
            f"fees for leaving fall by more than waiting costs, {formats.money(gain, currency)} over {window} months."
        )
        return f"Best in {best} months: {told}{late}"
    if 1 not in rows:
        return f"Best now.{late}"
    lost = formats.money(micros(rows[1]["cost_of_delay"]), currency)
    return f"Best now: each month of waiting costs about {lost} (over a window of {window} months).{late}"


def _futures_told(part: Part, currency: str | None) -> str:
    if not part or not part["choices"]:
        return ""
    first = part["choices"][0]
    most = formats.money(micros(first["max_regret"]), currency)
    return f"{first['choice'].capitalize()}: whatever comes, at most {most} a month above the best plans for it."


def _words(
    item: Outcome | None, policies: pd.DataFrame, sweeps: tuple[Sweep, ...], currency: str | None
) -> tuple[str, str]:
    if item is None:
        return "Nothing has been optimized yet", "Run a search in the optimizer first; its rules can then be priced."
    if policies.empty:
        return (
            f"What the rules of “{item.name}” cost is not computed yet",
            "Each rule is taken away and the whole estate solved again; the difference is its price.",
        )
    ways = policies[policies["makes_feasible"].fillna(False).astype(bool)].sort_values("cost", kind="stable")
    if policies["price"].isna().all():
        if ways.empty:
            return f"“{item.name}” cannot be met", "Taking away a single rule does not help."
        first = ways.iloc[0]
        how = str(first["name"]) if "=" in str(first["policy"]) else f"Without the rule “{first['name']}”"
        told = f"{how} the estate costs {formats.money(first['cost'], currency)} a month."
        others = len(ways) - 1
        return (
            f"“{item.name}” cannot be met; {formats.plural(len(ways), 'way')} out",
            f"The cheapest: {told}{f' {others} more below.' if others else ''}",
        )
    priced = policies[policies["price"].fillna(0) > 0]
    if priced.empty:
        return f"No rule of “{item.name}” costs anything", "Taking any of them away saves nothing."
    top = priced.iloc[0]
    return (
        f"The dearest rule costs {formats.money(top['price'], currency)} a month",
        f"{top['name']}. Proven between {formats.money(top['low'], currency)} and "
        f"{formats.money(top['high'], currency)}, by solving “{item.name}” without it.",
    )


def _kpis(
    policies: pd.DataFrame,
    ladder: pd.DataFrame,
    delay: Part,
    solved: pd.DataFrame,
    currency: str | None,
) -> tuple[Kpi, ...]:
    kpis = []
    if len(policies):
        rows = policies[policies["policy"].str.startswith("commitment:")]
        total = sum(int(v) for v in rows["price"].dropna())
        if rows["price"].notna().any():
            kpis.append(
                Kpi(
                    "Commitments cost",
                    formats.money(total, currency),
                    f"a month, {formats.plural(len(rows), 'contract')}",
                    "attention" if total else "neutral",
                    help="Sum of the price of each commitment, taken away one at a time.",
                )
            )
    good = ladder[ladder["cost"].notna()] if len(ladder) else ladder
    if len(good) > 1:
        fewest, most = good.iloc[0], good.iloc[-1]
        kpis.append(
            Kpi(
                f"{int(fewest['carriers'])} instead of {int(most['carriers'])} carriers",
                formats.money(fewest["extra"], currency, sign=True),
                f"{formats.count(fewest['moved'])} lines move",
            )
        )
    if delay and any(row["delay"] == 1 for row in delay["months"]):
        lost = next(micros(row["cost_of_delay"]) for row in delay["months"] if row["delay"] == 1)
        when = f"best in {delay['best']} months" if delay["best"] else "best done now"
        kpis.append(Kpi("A month of waiting", formats.money(lost, currency), when))
    enough = solved[solved["share"].fillna(0) >= 0.8].head(1) if len(solved) else solved
    if len(enough):
        kpis.append(
            Kpi(
                "Changes for four fifths",
                formats.count(enough["changes"].iloc[0]),
                f"of {formats.count(solved['changes'].iloc[-1])}, solved",
            )
        )
    return tuple(kpis)
