"""The contract register: every contract with its dates, its way out, its fees and its commitment, on one day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from core import commitments, renewals
from core.inventory import spans_of, state_on
from core.issues import Issue
from core.money import to_text
from core.queries import workflow
from core.renewals import Standing
from core.store import Store


def plain(value: Any) -> Any:
    """A cell as a python value; missing becomes None."""
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def contract_register(
    store: Store, as_of: str, *, alert_days: Sequence[int] = renewals.ALERT_DAYS
) -> list[dict[str, Any]]:
    """One document for each contract as in `interfaces.md` section 6, in order of contract_id; money as decimal text.

    `as_of` is an ISO day. A contract with a data problem has its dates blank and the problem in `problems`.
    """
    frames = store.frames("contracts", "services", "service_history", "plans")
    contracts = {row["contract_id"]: row for row in _records(frames["contracts"])}
    spans = spans_of(frames["services"], frames["service_history"])
    standings: dict[str, Standing] = {}
    problems: dict[str, list[Issue]] = {}
    terms = {}
    named = {key: row["coterminous_with"] for key, row in contracts.items()}
    for key, row in contracts.items():
        found, problems[key] = renewals.terms_of(row)
        if renewals.coterminous_root(key, named) is None:
            problems[key].append(
                Issue(
                    file="contracts",
                    message=f"contract {key}",
                    field="coterminous_with",
                    found=str(named[key]),
                    expected="a contract that does not lead back here",
                )
            )
        if found is not None and not problems[key]:
            terms[key] = found
            standings[key] = renewals.standing(found, as_of, alert_days)
    lines = _lines(spans, as_of)
    prices = _prices(store, frames["plans"], lines, as_of)
    spending = _spending(store, spans, contracts, as_of)
    result = []
    for key in sorted(contracts):
        row, stand = contracts[key], standings.get(key)
        root = renewals.coterminous_root(key, named)
        follows = standings.get(root or key)
        services = _services(row, lines.get(key, []), stand, follows, prices, as_of)
        result.append(
            {
                "contract_id": key,
                "carrier_id": row["carrier_id"],
                "name": row["name"],
                **_dates(stand, row),
                "etf": _etf(row, services),
                "services": [{**s, "etf": None if s["etf"] is None else to_text(s["etf"])} for s in services],
                "commitment": None if stand is None else _commitment(row, spending.get(key, {}), as_of),
                "problems": [str(issue) for issue in problems[key]],
            }
        )
    return result


def problems(register: Sequence[dict[str, Any]]) -> list[str]:
    """Every problem line of a register."""
    return [line for row in register for line in row["problems"]]


def monthly_prices(store: Store, as_of: str) -> dict[str, int | None]:
    """The MRC (micros) of each service that is under a contract on the day: its plan's, else as last billed."""
    frames = store.frames("services", "service_history", "plans")
    lines = _lines(spans_of(frames["services"], frames["service_history"]), as_of)
    return _prices(store, frames["plans"], lines, as_of)


def _dates(stand: Standing | None, row: dict[str, Any]) -> dict[str, Any]:
    names = ("initial_end", "term_start", "term_end", "renewals", "notice_by", "notice_state", "next_notice_by")
    later = ("earliest_exit", "ends_on", "days_to_notice")

    def get(name: str) -> Any:
        return None if stand is None else getattr(stand, name)

    return {
        "state": get("state"),
        "start_date": row["start_date"],
        **{name: get(name) for name in (*names, *later)},
        "alerts": [] if stand is None else [{"days": days, "on": on} for days, on in stand.alerts],
        "next_alert": get("next_alert"),
    }


def _lines(spans: pd.DataFrame, as_of: str) -> dict[str, list[dict[str, Any]]]:
    """Services of each contract that are in service on the day."""
    result: dict[str, list[dict[str, Any]]] = {}
    for row in _records(state_on(spans, as_of)):
        gone = row["disconnected_on"]
        closed = gone <= as_of if gone is not None else row["status"] == "disconnected"
        begun = row["activated_on"] is None or row["activated_on"] <= as_of
        if row["contract_id"] is None or closed or row["status"] == "ordered" or not begun:
            continue
        result.setdefault(row["contract_id"], []).append(row)
    return result


def _prices(
    store: Store, plans: pd.DataFrame, lines: dict[str, list[dict[str, Any]]], as_of: str
) -> dict[str, int | None]:
    """The MRC of each service: its plan's, else what it was last billed."""
    catalogue = {row["plan_id"]: row["mrc"] for row in _records(plans)}
    wanted = {row["service_id"]: catalogue.get(row["plan_id"]) for rows in lines.values() for row in rows}
    if any(price is None for price in wanted.values()):
        billed = workflow.last_recurring(store, as_of[:7])
        newest = dict(zip(billed["service_id"], billed["mrc"], strict=True))
        for service, price in wanted.items():
            if price is None and service in newest:
                wanted[service] = int(newest[service])
    return wanted


def _services(
    row: dict[str, Any],
    lines: list[dict[str, Any]],
    stand: Standing | None,
    follows: Standing | None,
    prices: dict[str, int | None],
    as_of: str,
) -> list[dict[str, Any]]:
    result = []
    for line in sorted(lines, key=lambda item: item["service_id"]):
        by_contract = _contract_end(follows) or _contract_end(stand)
        term_end = line["term_end_on"] or by_contract
        fee: int | None = 0
        if stand is not None and stand.state not in ("terminated", "expired"):
            fee = renewals.termination_fee(
                row["etf_rule"],
                row["etf_amount"],
                mrc=prices.get(line["service_id"]),
                as_of=max(as_of, row["start_date"]),
                term_end=term_end,
            )
        result.append({"service_id": line["service_id"], "term_end": term_end, "etf": fee})
    return result


def _contract_end(stand: Standing | None) -> str | None:
    if stand is None:
        return None
    return stand.term_end if stand.ends_on is None else max(stand.term_end or stand.ends_on, stand.ends_on)


def _etf(row: dict[str, Any], services: list[dict[str, Any]]) -> dict[str, Any]:
    due = [s["etf"] for s in services if s["etf"]]
    return {"amount": to_text(sum(due)), "currency": row["currency"], "services": len(due)}


def _spending(
    store: Store, spans: pd.DataFrame, contracts: dict[str, dict[str, Any]], as_of: str
) -> dict[str, dict[str, int]]:
    """What counts towards each contract's commitment, by day.

    A charge counts for the contract its service is on that day; a charge without a service for the contract of its
    account's services, the smallest id where they have several.
    """
    committed = {key for key, row in contracts.items() if row["commitment_amount"] is not None}
    if not committed:
        return {}
    daily = workflow.daily_spend(store, as_of).assign(contract_id=None)
    known = spans[spans["contract_id"].notna()]
    by_account = known.dropna(subset="account_id").groupby("account_id")["contract_id"].min()
    loose = daily["service_id"].isna()
    daily.loc[loose, "contract_id"] = daily.loc[loose, "account_id"].map(by_account)
    held = (
        daily.loc[~loose, ["service_id", "day"]]
        .reset_index(names="row")
        .merge(spans[["service_id", "valid_from", "valid_to", "contract_id"]], on="service_id")
    )
    held = held[(held["valid_from"] <= held["day"]) & (held["day"] < held["valid_to"])].drop_duplicates("row")
    daily.loc[held["row"], "contract_id"] = held["contract_id"].to_numpy()
    daily = daily[daily["contract_id"].isin(committed)]
    basis = daily["contract_id"].map({key: contracts[key]["commitment_basis"] for key in committed})
    currency = daily["contract_id"].map({key: contracts[key]["currency"] for key in committed})
    counts = ((daily["category"] != "credit") | (basis == "net")) & (
        currency.isna() | daily["currency"].isna() | (daily["currency"] == currency)
    )
    result: dict[str, dict[str, int]] = {}
    sums = daily[counts].groupby(["contract_id", "day"])["amount"].sum()
    for (key, day), amount in sums.items():
        result.setdefault(str(key), {})[str(day)] = int(amount)
    return result


def _commitment(row: dict[str, Any], spend: dict[str, int], as_of: str) -> dict[str, Any] | None:
    if row["commitment_amount"] is None or row["commitment_period"] is None:
        return None
    months = commitments.MONTHS.get(row["commitment_period"], row["initial_term_months"])
    if not months:
        return None
    got = commitments.attainment(
        row["start_date"], months, row["commitment_amount"], row["shortfall_rate"], spend, as_of
    )
    return {
        "period_start": got.period_start,
        "period_end": got.period_end,
        "amount": to_text(got.amount),
        "currency": row["currency"],
        "spend": to_text(got.spend),
        "shortfall": to_text(got.shortfall),
        "projected_spend": to_text(got.projected_spend),
        "projected_shortfall": to_text(got.projected_shortfall),
        "probability": got.probability,
    }
