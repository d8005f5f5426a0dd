"""The scenario studio: what may be turned, and the scenario file that the answers make (interfaces.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from app import formats
from app.views import results
from core.issues import BadInput
from core.money import SCALE
from core.store import Store

_MB_OF_GB = 1024


@dataclass(frozen=True)
class Options:
    """What the estate lets a reader choose: names by id; `lines` counts priced lines by currency."""

    currencies: tuple[str, ...]
    lines: dict[str, int]
    months: tuple[str, ...]
    carriers: dict[str, str]
    offers: dict[str, str]
    kinds: tuple[str, ...]
    sites: dict[str, str]
    pools: dict[str, PoolName] = field(default_factory=dict)
    """By what a reader calls it, each kind of pool whose overage costs money: one per account buys its own buckets."""


@dataclass(frozen=True)
class PoolName:
    """What all pools of a carrier's group have in common; `kind` is data or voice."""

    kind: str
    carrier_id: str
    group: str


@dataclass(frozen=True)
class BucketAnswer:
    """A size that pools may buy: `size` in GB, of a voice pool in minutes; `mrc` a month and `size` as decimal text."""

    pool: PoolName
    size: str
    mrc: str
    most: int = 1

    @property
    def name(self) -> str:
        """Its id in the scenario."""
        unit = "GB" if self.pool.kind == "data" else "min"
        return f"{self.pool.carrier_id} {self.pool.group} {self.size} {unit}"


@dataclass(frozen=True)
class Answers:
    """The studio's answers; money and rates as decimal text, percentages as whole or decimal numbers of per cent.

    `overage_limit`: per cent of the months in which a pool may be above its allowance; `draws`: months drawn from the
    range (0 = the range itself); `spread`: per cent by which use may also be lower and higher.
    `carrier_cost` is the fixed cost of each carrier in use, a month; `combined`: a pool may have buckets of several
    sizes.
    """

    name: str = "What if"
    currency: str | None = None
    first: str | None = None
    last: str | None = None
    kinds: tuple[str, ...] = ()
    carriers_allowed: tuple[str, ...] = ()
    max_carriers: int | None = None
    max_changes: int | None = None
    change_fee: str = "0"
    porting_fee: str = "0"
    horizon_months: int = 12
    min_saving: str = "0"
    carrier_cost: str = "0"
    growth_data: float = 0.0
    growth_voice: float = 0.0
    price_change: Mapping[str, float] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    suspend_months: int = 0
    overage_limit: float | None = None
    draws: int = 0
    spread: float = 0.0
    buckets: tuple[BucketAnswer, ...] = ()
    combined: bool = False
    gap: str = "0.001"


def options(store: Store) -> Options:
    """Everything the studio offers, from plans, services and usage."""
    plans = store.frame("plans", ["plan_id", "carrier_id", "currency", "offer_id"])
    names = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"]
    services = store.frame("services", ["service_id", "kind", "plan_id", "status", "site_id"])
    priced = services.dropna(subset=["plan_id"]).merge(plans, on="plan_id", how="inner")
    priced = priced[priced["status"] != "ordered"]
    lines = {str(k): int(v) for k, v in priced["currency"].value_counts().sort_index().items()}
    currencies = tuple(sorted(lines, key=lambda code: (-lines[code], code)))
    from core.queries import spend

    offers: dict[str, str] = {}
    for row in plans.dropna(subset=["offer_id"]).sort_values("plan_id").itertuples(index=False):
        offers.setdefault(str(row.offer_id), f"{row.offer_id} ({_name(names, row.carrier_id)})")
    sites = store.frame("sites", ["site_id", "name"])
    return Options(
        currencies,
        lines,
        tuple(spend.usage_months(store)),
        {str(key): _name(names, key) for key in sorted(set(plans["carrier_id"].dropna()))},
        offers,
        tuple(sorted(set(priced["kind"].dropna()))),
        {str(r.site_id): str(r.name) for r in sites.itertuples(index=False)},
        _pools(store, names),
    )


def _pools(store: Store, names: Any) -> dict[str, PoolName]:
    found: dict[str, PoolName] = {}
    for kind, column in (("data", "pool_group"), ("voice", "voice_pool_group")):
        price = f"{kind}_overage_price"
        plans = store.frame("plans", ["carrier_id", column, price]).dropna().sort_values(["carrier_id", column])
        for row in plans[plans[price] > 0].drop_duplicates(["carrier_id", column]).itertuples(index=False):
            told = f"{_name(names, row.carrier_id)}: {row[1]}" + (" (minutes)" if kind == "voice" else "")
            found[told] = PoolName(kind, str(row.carrier_id), str(row[1]))
    return found


def _name(names: Any, key: Any) -> str:
    found = names.get(key)
    return str(key) if formats.missing(found) else str(found)


def decimal(value: float, places: int = 6) -> str:
    """A slider's number as plain decimal text."""
    text = f"{Decimal(str(value)):.{places}f}"
    return text.rstrip("0").rstrip(".") or "0"


def prices(store: Store, price_change: Mapping[str, float], currency: str | None) -> dict[str, str]:
    """MRC by plan after a change of so many per cent for each carrier (offers are left as they are)."""
    turned = {carrier: change for carrier, change in price_change.items() if change}
    if not turned:
        return {}
    result = {}
    for row in store.frame("plans").itertuples(index=False):
        if row.carrier_id not in turned or not formats.missing(row.offer_id):
            continue
        if currency and not formats.missing(row.currency) and row.currency != currency:
            continue
        factor = 1 + Decimal(str(turned[row.carrier_id])) / 100
        cents = (Decimal(int(row.mrc)) * factor / SCALE).quantize(Decimal("0.01"))
        result[str(row.plan_id)] = str(cents)
    return result


def scenario(store: Store, answers: Answers) -> dict[str, Any]:
    """The scenario of the answers: only keys that say something, values as plain text and numbers."""
    result: dict[str, Any] = {"name": answers.name.strip() or "What if"}
    if answers.currency:
        result["currency"] = answers.currency
    months = {k: v for k, v in (("from", answers.first), ("to", answers.last)) if v}
    if months:
        result["months"] = months
    if answers.kinds:
        result["services"] = {"kind": list(answers.kinds)}
    if answers.carriers_allowed:
        result["carriers_allowed"] = list(answers.carriers_allowed)
    for name in ("max_carriers", "max_changes"):
        if getattr(answers, name) is not None:
            result[name] = getattr(answers, name)
    for name, text in (
        ("change_fee", answers.change_fee),
        ("porting_fee", answers.porting_fee),
        ("min_saving_per_change", answers.min_saving),
    ):
        if Decimal(text or "0"):
            result[name] = text
    if Decimal(answers.carrier_cost):
        result["carrier_fixed_cost"] = dict.fromkeys(options(store).carriers, answers.carrier_cost)
    if answers.horizon_months != 12:
        result["horizon_months"] = answers.horizon_months
    growth = {"data": answers.growth_data, "voice": answers.growth_voice}
    turned = {name: decimal(value / 100) for name, value in growth.items() if value}
    if turned:
        result["growth"] = turned
    if answers.overage_limit is not None:
        result["overage_probability"] = {"limit": decimal(answers.overage_limit / 100)}
    if answers.draws:
        result["scenario_set"] = {"kind": "bootstrap", "draws": answers.draws}
    elif answers.spread:
        low, high = decimal(1 - answers.spread / 100), decimal(1 + answers.spread / 100)
        result["scenario_set"] = {"kind": "factors", "factors": [low, "1", high]}
    changed = prices(store, answers.price_change, answers.currency)
    if changed:
        result["plan_price"] = changed
    if answers.offers:
        result["offers"] = list(answers.offers)
    if answers.buckets:
        result["buckets"] = [
            {
                **{"bucket_id": bucket.name, "carrier_id": bucket.pool.carrier_id, "pool_group": bucket.pool.group},
                **({} if bucket.pool.kind == "data" else {"kind": bucket.pool.kind}),
                "allowance": decimal(float(bucket.size) * (_MB_OF_GB if bucket.pool.kind == "data" else 1)),
                "mrc": bucket.mrc,
                **({} if bucket.most == 1 else {"max_per_pool": bucket.most}),
            }
            for bucket in answers.buckets
        ]
        if answers.combined:
            result["bucket_steps"] = "any"
    if answers.suspend_months:
        result["suspend_zero_use_months"] = answers.suspend_months
    if answers.gap != "0.0001":
        result["gap"] = answers.gap
    return result


def yaml_text(document: Mapping[str, Any]) -> str:
    """A scenario as the YAML file that `tem optimize` reads."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)


def scenario_text(store: Store, *, answers: Answers) -> str:
    """:func:`scenario` as YAML."""
    return yaml_text(scenario(store, answers))


def first_scenario_of(store: Store) -> dict[str, Any]:
    """A first scenario for a store without results: mobile lines in the main currency; empty without plans."""
    there = options(store)
    if not there.currencies:
        return {}
    answers = Answers(
        name="Every change that pays", currency=there.currencies[0] if len(there.currencies) > 1 else None
    )
    found = scenario(store, answers)
    if "mobile" in there.kinds and len(there.currencies) > 1:
        found["services"] = {"kind": ["mobile"]}
    return found


@dataclass(frozen=True)
class Difference:
    """Two scenarios beside each other: a row for each key that differs, and how their recommendations differ."""

    keys: tuple[tuple[str, str, str], ...]
    sentence: str


def difference(left: results.Outcome, right: results.Outcome) -> Difference:
    """What differs between two scenarios and between what they recommend."""
    first, second = _flat(left.yaml), _flat(right.yaml)
    keys = tuple(
        (key, first.get(key, formats.UNKNOWN), second.get(key, formats.UNKNOWN))
        for key in sorted({*first, *second})
        if first.get(key) != second.get(key)
    )

    def plans(item: results.Outcome) -> dict[str, Any]:
        rows = item.document.get("recommendations") or []
        return {row["service_id"]: row["plan_id"] for row in rows if row["action"] != "keep"}

    one, two = plans(left), plans(right)
    same = sum(1 for key, plan in one.items() if key in two and two[key] == plan)
    other = sum(1 for key, plan in one.items() if key in two and two[key] != plan)
    told = (
        f"Same new plan in both: {formats.plural(same, 'line')}; another one: {other:,}; "
        f"{len(one) - same - other:,} change only in “{left.name}”, {len(two) - same - other:,} only in “{right.name}”."
    )
    return Difference(keys, told)


def scenario_of(text: str) -> dict[str, Any]:
    """What a scenario text says, every value as it was written (an id keeps its zeros); empty where it is none."""
    from optimize import read_text

    try:
        return read_text(text)
    except BadInput:
        return {}


def _flat(text: str) -> dict[str, str]:
    result: dict[str, str] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}.{key}" if prefix else str(key), inner)
        else:
            result[prefix] = ", ".join(map(_item, value)) if isinstance(value, list) else str(value)

    walk("", scenario_of(text))
    return result


def _item(value: Any) -> str:
    """A part of a list as text: a mapping as its keys and values."""
    return " ".join(f"{key} {part}" for key, part in value.items()) if isinstance(value, dict) else str(value)
