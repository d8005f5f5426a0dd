"""Commitments: what a contract's spend lacks at the end of a period (rule R7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audit.build import evidence, make, money
from audit.context import Books
from audit.registry import Rule, check
from core import periods
from core.findings import Finding
from core.money import SCALE, mul

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def commitment_periods(contract: Any, until: str) -> Iterator[tuple[str, str]]:
    """[start, end) of each commitment period that has ended by the day `until`, counted from the contract's start."""
    length = _MONTHS.get(contract.commitment_period or "year", int(contract.initial_term_months or 0))
    if not contract.start_date or length <= 0:
        return
    count = 0
    while True:
        start = periods.add_months(contract.start_date, count * length)
        end = periods.add_months(contract.start_date, (count + 1) * length)
        if periods.add_days(end, -1) > until or (contract.commitment_period == "term" and count > 0):
            return
        if contract.terminated_on and start >= contract.terminated_on:
            return
        yield start, end
        count += 1


@check("R7")
def shortfall(books: Books, rule: Rule) -> Iterator[Finding]:
    """The spend of a whole commitment period stays below the commitment."""
    lines = books.lines
    counted = lines[lines["category"].isin(["mrc", "usage"])]
    credits = lines[lines["category"] == "credit"]
    first = f"{books.months[0]}-01"
    for contract_id, contract in sorted(books.contracts.items()):
        if not contract.commitment_amount:
            continue
        for start, end in commitment_periods(contract, books.as_of):
            if start < first or periods.month_of(periods.add_days(end, -1)) > books.months[-1]:
                continue
            inside = counted[(counted["terms_id"] == contract_id) & (counted["day"] >= start) & (counted["day"] < end)]
            if inside["month"].nunique() < periods.month_distance(start[:7], end[:7]):
                continue  # bills of a month are not there
            attained = int(inside["amount"].sum())
            if contract.commitment_basis == "net":
                back = credits[
                    (credits["terms_id"] == contract_id) & (credits["day"] >= start) & (credits["day"] < end)
                ]
                attained += int(back["amount"].sum())
            missing = int(contract.commitment_amount) - attained
            rate = SCALE if contract.shortfall_rate is None else int(contract.shortfall_rate)
            owed = mul(missing, rate, unit=books.cents(contract.currency)) if missing > 0 else 0
            if missing <= 0 or not rule.beyond(missing):
                continue
            last = periods.add_days(end, -1)
            text = (
                f"From {start} to {last} the contract {contract_id} reached {money(attained, contract.currency)} of "
                f"{money(int(contract.commitment_amount), contract.currency)} committed. "
                f"{money(owed, contract.currency)} are owed for the shortfall."
            )
            yield make(
                books,
                rule,
                subject=("contract", contract_id),
                month=last[:7],
                cause=contract_id,
                text=text,
                amount=owed,
                currency=contract.currency,
                expected=int(contract.commitment_amount),
                actual=attained,
                facts=[
                    evidence(
                        "contracts",
                        contract_id,
                        last[:7],
                        "commitment_amount",
                        int(contract.commitment_amount),
                        contract.commitment_period or "year",
                    ),
                    evidence("charges", contract_id, last[:7], "amount", attained, f"{start} to {last}"),
                ],
                carrier_id=contract.carrier_id,
                contract_id=contract_id,
            )
