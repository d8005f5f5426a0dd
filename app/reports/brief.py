"""The negotiation brief for one carrier: what we buy, where the contracts stand, what speaks for us."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from app import formats
from app.reports.brief_limits import demand_rows, limits, offer_rows, sweep_rows
from app.reports.executive import fee, rule_title, state
from audit import disputes
from core import findings, periods
from core.contract_register import contract_register, plain
from core.issues import BadInput, Issue
from core.money import SCALE, parse_micros, ratio, round_half_up, to_text
from core.queries import spend, workflow
from core.store import Store

WINDOW_MONTHS = 12
_ITEMS_SHOWN = 14
_OFFERS_SHOWN = 10
_LOW_PROBABILITY = 0.1
#: Clauses of a buyer's checklist that no table records, each with what to look for.
_TO_READ = (
    ("Business downturn", "may the commitment fall when the business shrinks or is divided?"),
    ("Technology migration", "may lines move to newer services without a fee?"),
    ("Rate review", "are prices compared with the market during the term?"),
    ("Most favoured customer", "do better prices of like customers come to us?"),
    ("Service credits", "do credits for outages come by themselves?"),
    ("Sites that close or move", "may a site end or move without a fee?"),
    ("Price guide", "may a guide named in the contract change without our consent?"),
)


def content(store: Store, carrier_id: str, as_of: str | None = None) -> dict[str, Any]:
    """The brief's texts and figures, from contracts, bills, findings, offers and results; currencies stay apart.

    Raises:
        BadInput: if the carrier is unknown or has billed nothing.
    """
    carriers = store.frame("carriers").set_index("carrier_id")
    if carrier_id not in carriers.index:
        known = ", ".join(carriers.index[:12]) or "none is loaded"
        raise BadInput(Issue(field="--carrier", found=carrier_id, expected=f"a carrier_id: {known}"))
    name = plain(carriers.loc[carrier_id, "name"]) or carrier_id
    day = as_of or workflow.today(store)
    months = [m for m in spend.months(store) if m <= day[:7]][-WINDOW_MONTHS:]
    billed = workflow.items_billed(store, months[0], months[-1]) if months else pd.DataFrame()
    billed = billed[billed["carrier_id"] == carrier_id] if len(billed) else billed
    if billed.empty:
        raise BadInput(Issue(field="--carrier", found=carrier_id, message="has billed nothing up to this day"))
    totals = billed.groupby("currency")["amount"].sum().sort_values(ascending=False, kind="stable")
    currency = str(totals.index[0])
    main = billed[billed["currency"] == currency]
    register = [row for row in contract_register(store, day) if row["carrier_id"] == carrier_id]
    alive = [row for row in register if row["state"] not in ("expired", "terminated")]
    total, monthly = int(totals.iloc[0]), round_half_up(int(totals.iloc[0]) // len(months))
    claims = [d for d in disputes.disputes(store, day, only_open=True) if d.carrier_id == carrier_id]
    claimed = sum(d.disputed - d.credited for d in claims if d.currency == currency)
    fileable = sum(d.disputed for d in claims if d.currency == currency and d.state == "identified" and d.may_file(day))
    moves = _movable(store, carrier_id)
    stands = limits(store, carrier_id, name, currency)
    title, sentence = _headline(name, alive, total, currency, day)
    others = [f"{formats.money(int(v), str(c))}" for c, v in totals.items() if c != currency]
    return {
        "kind": f"Negotiation brief · {name} · confidential",
        "title": title,
        "sentence": sentence,
        "carrier_id": carrier_id,
        "currency": currency,
        "kpis": [
            _kpi(
                "Spend of 12 months" if len(months) == WINDOW_MONTHS else f"Spend of {len(months)} months",
                formats.money(total, currency),
                "and " + ", ".join(others) if others else None,
            ),
            _kpi("A month", formats.money(monthly, currency), None),
            _kpi(
                "Lines that could move",
                formats.count(len(moves["lines"])) if moves["lines"] else formats.UNKNOWN,
                f"scenario {moves['scenario']}" if moves["lines"] else "no scenario moves any",
            ),
            _kpi(
                "Claims open",
                formats.money(claimed, currency),
                f"{formats.money(fileable, currency)} may still be filed" if claimed else None,
            ),
        ],
        "contracts": [_contract(row) for row in register],
        "commitments": [c for row in alive if (c := _commitment(row))],
        "window": f"{formats.month(months[0])} to {formats.month(months[-1])}",
        "items": _items(store, main, register, len(months), total, currency, day),
        "trend": _trend(main, months, currency),
        "leverage": _leverage(name, alive, claims, moves, currency, day),
        "offers": _offers(store, carrier_id),
        "limits": [[limit.name, limit.value, limit.why] for limit in stands],
        "demand": demand_rows(store, carrier_id, currency),
        "sweep": sweep_rows(store, carrier_id, currency),
        "checks": offer_rows(store, currency),
        "errors": _errors(store, carrier_id, claims, currency, day),
        "clauses": clauses(store, [row["contract_id"] for row in alive]),
        "notes": _notes(
            name, currency, found=any(limit.value != "n/a" for limit in stands), movable=bool(moves["lines"])
        ),
        "foot": f"OpenTEM · figures as of {formats.day(day)} · for our side only",
    }


def _notes(name: str, currency: str, *, found: bool, movable: bool) -> list[str]:
    """How the figures are made; only of what the brief holds."""
    notes = [
        f"Spend is what {name} billed for the months named, all categories with tax, in {currency}; a unit is one "
        "line billed in a month, or what use is counted in. Prices are amount per unit as billed.",
        "Contract rate and list price come from the contract's rate table valid today; a dash: it has none.",
    ]
    if movable:
        notes.append(
            "Lines that could move are those for which an optimization result found a cheaper plan of another carrier; "
            "its certificate is stored with the result."
        )
    if found:
        notes.append(
            "Price limits, demand, commitment sweep and offer checks come from stored results and from the studies of "
            "tem worth on today's data, each figure a difference of two solves re-priced from usage; n/a: not yet."
        )
    return [*notes, "Benchmarks are not included: none has been loaded."]


def _kpi(label: str, value: str, delta: str | None, tone: str = "neutral") -> dict[str, Any]:
    return {"label": label, "value": value, "delta": delta, "tone": tone}


def _headline(name: str, alive: Sequence[Mapping[str, Any]], total: int, currency: str, day: str) -> tuple[str, str]:
    dated = sorted(
        (row for row in alive if row["ends_on"] or row["days_to_notice"] is not None),
        key=lambda row: (row["ends_on"] or row["next_notice_by"], row["contract_id"]),
    )
    spent = f"{formats.money(total, currency)} of spend is on the table."
    if dated:
        row = dated[0]
        label = row["name"] or row["contract_id"]
        if row["ends_on"]:
            left = formats.plural(periods.days_between(day, row["ends_on"]), "day")
            title = f"{name}: the contract ends on {formats.day(row['ends_on'])}"
            return title, f"{left} left to agree on what follows {label}; it does not renew by itself. {spent}"
        title = f"{name}: notice by {formats.day(row['next_notice_by'])}"
        left = formats.plural(row["days_to_notice"], "day")
        missed = " The last window was missed." if row["notice_state"] == "missed" else ""
        return (
            title,
            f"{left} left to end {label} on {formats.day(row['earliest_exit'])}.{missed} {spent}",
        )
    free = [row for row in alive if row["state"] == "month_to_month"]
    if free:
        return f"{name}: free to leave", f"{free[0]['name'] or free[0]['contract_id']} runs month to month. {spent}"
    return f"{name}: no contract in force", f"Nothing binds either side today. {spent}"


def _contract(row: Mapping[str, Any]) -> list[str]:
    return [
        row["name"] or row["contract_id"],
        state(dict(row)),
        formats.day(row["next_notice_by"]),
        formats.day(row["earliest_exit"]),
        fee(dict(row)),
        f"{row['etf']['services']:,} of {len(row['services']):,}",
    ]


def _commitment(row: Mapping[str, Any]) -> list[str] | None:
    found = row["commitment"]
    if found is None:
        return None
    code = found["currency"]

    def money(key: str) -> str:
        return formats.money(parse_micros(found[key]), code)

    chance = found["probability"]
    return [
        row["name"] or row["contract_id"],
        f"{formats.day(found['period_start'])} to {formats.day(periods.add_days(found['period_end'], -1))}",
        money("amount"),
        money("spend"),
        money("projected_spend"),
        money("projected_shortfall"),
        formats.UNKNOWN if chance is None else formats.percent(chance, 1, 0),
    ]


def _items(
    store: Store,
    billed: pd.DataFrame,
    register: Sequence[Mapping[str, Any]],
    months: int,
    total: int,
    currency: str,
    day: str,
) -> list[list[str]]:
    items = store.frame("items").drop_duplicates(["carrier_id", "item_code"]).set_index(["carrier_id", "item_code"])
    rates = _rates(store, {str(row["contract_id"]) for row in register}, day)
    rows = []
    for (carrier, category, code), part in billed.groupby(["carrier_id", "category", "item_code"], dropna=False):
        amount = int(part["amount"].sum())
        units = _units(str(category), part)
        key = (carrier, code)
        text = plain(items.loc[key, "description"]) if key in items.index else None
        name = "" if pd.isna(code) else str(code)
        rows.append((amount, name, "" if text in {None, name} else str(text), str(category), units))
    rows.sort(key=lambda row: (-abs(row[0]), row[1], row[3]))
    shown = [
        [
            code or formats.UNKNOWN,
            text,
            category.upper() if len(category) == 3 and category != "tax" else formats.words(category),
            formats.quantity(units // months) if units else "",
            _price(amount, units, currency) if units else "",
            _rate(rates.get(code, {}).get("rate"), currency),
            _rate(rates.get(code, {}).get("list_rate"), currency),
            formats.money(amount // months, currency),
            formats.percent(amount, total),
        ]
        for amount, code, text, category, units in rows[:_ITEMS_SHOWN]
    ]
    rest = sum(row[0] for row in rows[_ITEMS_SHOWN:])
    if len(rows) > _ITEMS_SHOWN:
        more = f"{len(rows) - _ITEMS_SHOWN} more elements"
        shown.append(
            ["", more, "", "", "", "", "", formats.money(rest // months, currency), formats.percent(rest, total)]
        )
    shown.append(["", "Total", "", "", "", "", "", formats.money(total // months, currency), formats.percent(1, 1, 0)])
    return shown


def _units(category: str, part: pd.DataFrame) -> int:
    """What an element is counted in, in micros: lines billed; the quantity of usage; nothing for taxes and credits."""
    if category == "usage":
        return int(part["quantity"].sum())
    if category in ("tax", "surcharge", "credit", "adjustment", "late_fee"):
        return 0
    return int(part["lines"].where(part["lines"] > 0, part["charges"]).sum()) * SCALE


def _price(amount: int, units: int, currency: str) -> str:
    price = ratio(amount, units, SCALE, unit=100)
    return formats.money(price, currency, 2 if abs(price) >= SCALE or price % 10_000 == 0 else 4)


def _rate(value: int | None, currency: str) -> str:
    if value is None:
        return formats.UNKNOWN
    text = to_text(value)
    return formats.money(value, currency, max(2, min(4, len(text.partition(".")[2]))))


def _rates(store: Store, contracts: set[str], day: str) -> dict[str, dict[str, int | None]]:
    result: dict[str, dict[str, int | None]] = {}
    for raw in store.frame("contract_rates").to_dict("records"):
        row = {str(k): plain(v) for k, v in raw.items()}
        valid = (row["effective_from"] or "") <= day <= (row["effective_to"] or "9999")
        if row["contract_id"] in contracts and valid and row["item_code"] and row["item_code"] not in result:
            result[row["item_code"]] = {"rate": row["rate"], "list_rate": row["list_rate"]}
    return result


def _trend(billed: pd.DataFrame, months: Sequence[str], currency: str) -> dict[str, Any]:
    sums = billed.groupby("month")["amount"].sum()
    values = [int(sums.get(month, 0)) for month in months]
    return {
        "labels": [formats.month_short(month) for month in months],
        "values": [[value / SCALE for value in values]],
        "tops": [formats.short(value, currency) for value in values],
    }


def _movable(store: Store, carrier_id: str) -> dict[str, Any]:
    """Lines that the newest result moving any away from this carrier ports, with its name and their saving."""
    results = store.frame("results")
    for raw in results.sort_values(["created_at", "result_id"], ascending=False).to_dict("records"):
        document = json.loads(raw["document"])
        leaving = [
            r
            for r in document.get("recommendations") or []
            if r.get("current_carrier_id") == carrier_id and r.get("carrier_id") not in (None, carrier_id)
        ]
        if leaving:
            saving = sum(float(r.get("monthly_saving") or 0) for r in leaving)
            scenario = document.get("scenario")
            named = scenario.get("name") if isinstance(scenario, dict) else scenario
            return {"lines": leaving, "saving": round(saving * SCALE), "scenario": named or raw["result_id"]}
    return {"lines": [], "saving": 0, "scenario": None}


def _leverage(
    name: str,
    alive: Sequence[Mapping[str, Any]],
    claims: Sequence[Any],
    moves: Mapping[str, Any],
    currency: str,
    day: str,
) -> list[str]:
    facts = []
    for row in alive:
        label = row["name"] or row["contract_id"]
        if row["ends_on"]:
            facts.append(f"{label} ends by itself on {formats.day(row['ends_on'])}: {name} has to win it again.")
        elif row["notice_state"] == "open" and row["days_to_notice"] is not None:
            facts.append(
                f"{label}: notice given by {formats.day(row['next_notice_by'])} ends it on "
                f"{formats.day(row['earliest_exit'])}; after that day the next way out is a term later."
            )
        elif row["state"] == "month_to_month":
            facts.append(f"{label} is out of term: lines may leave from {formats.day(row['earliest_exit'])}.")
        found = row["commitment"]
        if found and found["probability"] is not None:
            short = parse_micros(found["projected_shortfall"])
            if short > 0:
                facts.append(
                    f"{label}: against us, spend points to a shortfall of {formats.money(short, found['currency'])}."
                )
            elif found["probability"] <= _LOW_PROBABILITY:
                over = parse_micros(found["projected_spend"]) - parse_micros(found["amount"])
                facts.append(
                    f"{label}: we are on course to spend {formats.money(over, found['currency'])} above the "
                    "commitment, volume we owe nobody."
                )
        if row["etf"]["services"] and parse_micros(row["etf"]["amount"]) > 0:
            facts.append(
                f"{label}: ending {row['etf']['services']:,} lines inside their term on {formats.day(day)} "
                f"would cost {fee(dict(row))}."
            )
    if moves["lines"]:
        facts.append(
            f"{formats.plural(len(moves['lines']), 'line')} would be cheaper elsewhere by "
            f"{formats.money(moves['saving'], currency)} a month (scenario {moves['scenario']}, before fees)."
        )
    late = [d for d in claims if d.state == "identified" and not d.may_file(day)]
    if late:
        lost = sum(d.disputed for d in late if d.currency == currency)
        facts.append(f"Claims of {formats.money(lost, currency)} are past their window: worth asking for as goodwill.")
    return facts


def _offers(store: Store, carrier_id: str) -> list[list[str]]:
    plans = store.frame("plans")
    lines = store.frame("services", ["service_id", "carrier_id", "kind"])
    names = store.frame("carriers", ["carrier_id", "name"]).set_index("carrier_id")["name"]
    kinds = set(lines.loc[lines["carrier_id"] == carrier_id, "kind"].dropna())
    rows = []
    for raw in plans[plans["offer_id"].notna()].to_dict("records"):
        row = {str(k): plain(v) for k, v in raw.items()}
        if row["service_kind"] is not None and row["service_kind"] not in kinds:
            continue
        over = row["data_overage_price"]
        block = formats.quantity(row["data_overage_block_mb"], "MB") if row["data_overage_block_mb"] else "MB"
        rows.append(
            [
                row["offer_id"],
                plain(names.get(row["carrier_id"])) or row["carrier_id"],
                row["name"] or row["plan_id"],
                formats.money(row["mrc"], row["currency"], 2),
                "unlimited" if row["data_mb"] is None else formats.quantity(row["data_mb"], "MB"),
                "throttled" if over is None else f"{formats.money(over, row['currency'], 2)} per {block}",
            ]
        )
    return sorted(rows)[:_OFFERS_SHOWN]


def _errors(store: Store, carrier_id: str, claims: Sequence[Any], currency: str, day: str) -> list[list[str]]:
    frame = findings.load(store, queue="audit")
    mine = frame[
        (frame["carrier_id"] == carrier_id)
        & (frame["claim"] == "recoverable")
        & (frame["amount_counted"] > 0)
        & (frame["currency"] == currency)
        & ~frame["state"].isin(["dismissed", "credited"])
    ]
    in_time = {key for d in claims if d.state == "identified" and d.may_file(day) for key in d.finding_ids}
    rows = []
    for rule, part in mine.groupby("rule"):
        still = part[part["finding_id"].isin(in_time)]
        rows.append((int(part["amount_counted"].sum()), str(rule), len(part), int(still["amount_counted"].sum())))
    rows.sort(key=lambda row: (-row[0], row[1]))
    return [
        [rule, rule_title(rule), f"{count:,}", formats.money(amount, currency), formats.money(still, currency)]
        for amount, rule, count, still in rows
    ]


def clauses(store: Store, contract_ids: Sequence[str]) -> list[list[str]]:
    """What the contracts in force say on the clauses a buyer checks; `neutral` where the data does not tell."""
    frame = store.frame("contracts")
    rows = [
        {str(k): plain(v) for k, v in raw.items()}
        for raw in frame[frame["contract_id"].isin(list(contract_ids))].to_dict("records")
    ]
    tiers = set(store.frame("contract_tiers", ["contract_id"])["contract_id"]) if rows else set()
    if not rows:
        return [["bad", "Contract in force", "none: prices can change at any time"]]

    def told(pick: Any) -> str:
        return "; ".join(sorted({str(text) for row in rows if (text := pick(row)) is not None})) or "not stated"

    auto = [row for row in rows if row["renewal_type"] == "tacit"]
    notice = [row for row in rows if row["notice_days"] is not None or row["notice_months"] is not None]
    fees = [row for row in rows if row["etf_rule"] not in (None, "none")]
    committed = [row for row in rows if row["commitment_amount"] is not None]
    windows = [row for row in rows if row["dispute_window_days"] is not None]
    late = [row for row in rows if row["late_fee_rate"]]
    return [
        [
            "warn" if auto else "good",
            "Automatic renewal",
            told(
                lambda r: (
                    f"renews by {r['renewal_term_months']} months unless notice is given"
                    if r in auto
                    else formats.words(r["renewal_type"]).lower()
                    if r["renewal_type"]
                    else None
                )
            ),
        ],
        [
            "good" if len(notice) == len(rows) else "bad",
            "Notice period",
            told(
                lambda r: (
                    f"{r['notice_days']} days"
                    if r["notice_days"] is not None
                    else f"{r['notice_months']} months"
                    if r["notice_months"] is not None
                    else "none stated"
                )
            ),
        ],
        [
            "warn" if fees else "good",
            "Early termination",
            told(
                lambda r: {
                    "fixed": f"{formats.money(r['etf_amount'], r['currency'])} a line",
                    "months_left_mrc": f"{formats.percent(r['etf_amount'] or SCALE, SCALE, 0)} of the months left",
                }.get(r["etf_rule"], "no fee")
            ),
        ],
        [
            "warn" if committed else "good",
            "Commitment",
            told(
                lambda r: (
                    f"{formats.money(r['commitment_amount'], r['currency'])} a {r['commitment_period'] or 'period'}, "
                    f"{r['commitment_basis'] or 'gross'}"
                    if r in committed
                    else "none"
                )
            ),
        ],
        [
            "good" if tiers & set(contract_ids) else "bad",
            "Volume discount",
            "tiers agreed" if tiers & set(contract_ids) else "no tier agreed",
        ],
        [
            "good" if len(windows) == len(rows) else "bad",
            "Dispute window",
            told(
                lambda r: f"{r['dispute_window_days']} days" if r["dispute_window_days"] is not None else "not stated"
            ),
        ],
        [
            "warn" if late else "neutral",
            "Late fee",
            told(
                lambda r: (
                    f"{formats.percent(r['late_fee_rate'], SCALE)} of what is late" if r["late_fee_rate"] else None
                )
            ),
        ],
        *(["neutral", name, f"read the contract: {question}"] for name, question in _TO_READ),
    ]
