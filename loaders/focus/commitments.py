"""FOCUS 1.3 contract commitments, the second dataset: what was promised to a provider, one commitment for each row.

Each commitment is a contract of its own, since the years of one agreement have different amounts: its id is
ContractCommitmentId, its term the commitment's period, its commitment what has to be spent in that term. A commitment
to usage has no money to promise; its quantity and unit are kept. The dataset names no provider; a column of the cost
dataset that does is read where an exporter adds it.
"""

from __future__ import annotations

from typing import Any

from core import periods
from core.money import to_text
from loaders.contract import UNCONFIRMED, Cells, IfNew, Named
from loaders.feeds.cells import said as text
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.focus.columns import PROVIDER, UNKNOWN_PROVIDER, commitment_category, exact, last_day, micros, start_day
from loaders.names import slug
from loaders.reading.declare import Field, Layout, RowError

COMMITMENTS = Layout(
    said("id", "ContractCommitmentId", needed=True),
    said("category", "ContractCommitmentCategory", parse=commitment_category, needed=True),
    said("cost", "ContractCommitmentCost", parse=exact, needed=True),
    said("start", "ContractCommitmentPeriodStart", parse=start_day, needed=True),
    said("end", "ContractCommitmentPeriodEnd", parse=last_day, needed=True),
    said("currency", "BillingCurrency", needed=True),
    said("description", "ContractCommitmentDescription"),
    said("type", "ContractCommitmentType"),
    Field("provider", PROVIDER, text),
    note("committed quantity", "ContractCommitmentQuantity"),
    note("committed unit", "ContractCommitmentUnit"),
    note("agreement", "ContractId"),
    note("agreement starts", "ContractPeriodStart", "ContractStart", parse=start_day),
    note("agreement ends", "ContractPeriodEnd", "ContractEnd", parse=last_day),
)


def _commitment(row: dict[str, Any], notes: Notes) -> list[tuple[str, Cells]]:
    for key, name in (("id", "ContractCommitmentId"), ("currency", "BillingCurrency")):
        if row[key] is None:
            raise RowError(name, "", "a value")
    for key, name in (("start", "ContractCommitmentPeriodStart"), ("end", "ContractCommitmentPeriodEnd")):
        if row[key] is None:
            raise RowError(name, "", "a moment such as 2026-09-01T00:00:00Z")
    if len(row["currency"]) != 3:
        raise RowError("BillingCurrency", row["currency"], "an ISO currency code such as USD")
    if row["end"] < row["start"]:
        raise RowError("ContractCommitmentPeriodEnd", row["end"], f"a moment after the start, {row['start']}")
    spend = row["category"] == "Spend"
    if spend and row["cost"] is None:
        raise RowError("ContractCommitmentCost", "", "an amount, since the category is Spend")
    if row["cost"] is not None and row["cost"] < 0:
        raise RowError("ContractCommitmentCost", format(row["cost"], "f"), "0 or more")
    months, whole = _months(row["start"], periods.add_days(row["end"], 1))
    if not whole:
        notes.add(f"the period is not whole months; {months} months are taken", row["id"])
    found: Cells = {
        "contract_id": row["id"],
        "name": row["description"] or row["type"] or row["id"],
        "currency": row["currency"].upper(),
        "start_date": row["start"],
        "initial_term_months": str(months),
        "commitment_amount": to_text(micros(row["cost"])) if row["cost"] is not None else None,
        "commitment_period": "term" if row["cost"] is not None else None,
        "attributes": {"commitment category": row["category"], "commitment type": row["type"]},
    }
    if row["provider"]:
        return [("contracts", {**found, "carrier_id": Named("carrier", (row["provider"],))})]
    notes.add(f"no column names the provider; a new contract is put under {UNKNOWN_PROVIDER}", row["id"])
    carrier = slug(UNKNOWN_PROVIDER)
    return [
        ("contracts", {**found, "carrier_id": IfNew(carrier)}),
        ("carriers", {"carrier_id": carrier, "name": UNKNOWN_PROVIDER, "attributes": dict(UNCONFIRMED)}),
    ]


def _months(start: str, end: str) -> tuple[int, bool]:
    """The months from a day to the day after the last one, at least one, and whether they are whole."""
    months = max(periods.month_distance(start[:7], end[:7]), 1)
    if periods.add_months(start, months) < end:
        months += 1
    return months, periods.add_months(start, months) == end


FOCUS_COMMITMENTS = Feed(
    "focus_commitments",
    "FOCUS contract commitments (CSV, Parquet or workbook)",
    Kind(
        "contract commitments",
        COMMITMENTS,
        ("ContractCommitmentId", "ContractCommitmentCategory", "ContractCommitmentPeriodStart"),
        _commitment,
    ),
)
