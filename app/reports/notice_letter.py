"""The draft of a notice letter: that a contract is not to renew, on which day it ends, and what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import formats
from core.contract_register import contract_register, plain
from core.issues import BadInput, Issue
from core.queries import workflow
from core.store import Store

_OVER = ("expired", "terminated")


def refusal(row: Mapping[str, Any]) -> str | None:
    """Why no notice can be drafted for a contract of the register; None if it can."""
    if row["problems"]:
        return str(row["problems"][0])
    if row["state"] in _OVER:
        return f"is {row['state']}: there is nothing to give notice of"
    if row["notice_state"] == "given":
        return "has been given notice already"
    return "has no recorded day on which it can end" if row["earliest_exit"] is None else None


def content(store: Store, contract_id: str, as_of: str | None = None) -> dict[str, Any]:
    """The letter's texts; the day on which the contract ends is its earliest exit if notice is given on `as_of`.

    Raises:
        BadInput: if there is no such contract, it is over, notice was given, or its dates are not recorded.
    """
    day = as_of or workflow.today(store)
    register = {row["contract_id"]: row for row in contract_register(store, day)}
    row = register.get(contract_id)
    if row is None:
        known = ", ".join(list(register)[:12]) or "none is recorded"
        raise BadInput(Issue(field="--contract", found=contract_id, expected=f"a contract_id: {known}"))
    why = refusal(row)
    if why:
        raise BadInput(Issue(field="--contract", found=contract_id, message=why))
    ends = row["earliest_exit"]
    terms = {r["contract_id"]: r for r in store.frame("contracts").to_dict("records")}[contract_id]
    carriers = store.frame("carriers").set_index("carrier_id")["name"].to_dict()
    carrier = plain(carriers.get(row["carrier_id"])) or row["carrier_id"]
    accounts = _accounts(store, [service["service_id"] for service in row["services"]])
    name = row["name"] or contract_id
    return {
        "kind": "Draft: have it checked against the contract before it is sent",
        "title": f"Notice of termination: {name}",
        "carrier": carrier,
        "date": formats.day(day),
        "facts": [
            ["Contract", f"{name} ({contract_id})"],
            ["In force since", formats.day(row["start_date"])],
            ["Present term", f"{formats.day(row['term_start'])} to {formats.day(row['term_end'])}"],
            ["Renewal", formats.words(plain(terms["renewal_type"]) or "not recorded")],
            ["Notice", _notice(terms)],
            ["Contract ends on", formats.day(ends)],
            ["Accounts", ", ".join(accounts) or formats.UNKNOWN],
            ["Services", formats.count(len(row["services"]))],
        ],
        "body": [
            f"We give notice of termination of the agreement named below with effect from {formats.day(ends)}, "
            "alternatively from the next date on which it can be ended. It shall not renew.",
            "Please confirm receipt and the date on which the agreement ends, in writing, within ten working days.",
        ],
        "asks": [
            f"Bill nothing for these services from {formats.day(ends)} on, and send a closing bill for each account.",
            "Release numbers for porting on our order, and say which order each circuit needs to be ceased.",
            "Send a list of services still within a term of their own, with the day each one ends and what ending it "
            "earlier would cost.",
            "Credits and disputes that are open stay as they are; this notice waives none of them.",
        ],
        "foot": f"OpenTEM · from the contract register as of {formats.day(day)}",
    }


def _notice(terms: dict[str, Any]) -> str:
    for name, unit in (("notice_months", "month"), ("notice_days", "day")):
        value = plain(terms.get(name))
        if value is not None:
            return formats.plural(int(value), unit)
    return "not recorded"


def _accounts(store: Store, services: list[str]) -> list[str]:
    lines = store.frame("services", ["service_id", "account_id"])
    used = set(lines.loc[lines["service_id"].isin(services), "account_id"].dropna())
    numbers = store.frame("accounts", ["account_id", "number"])
    return sorted(
        str(key) if formats.missing(number) else str(number)
        for key, number in zip(numbers["account_id"], numbers["number"], strict=True)
        if key in used
    )
