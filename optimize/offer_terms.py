"""What offers ask and grant beside their plans: commitment, discount, one-off fees, credits; from table `offer_terms`.

An offer that is accepted takes the place of the terms of its carrier's contract that movers join (the one in force with
the smallest contract_id), or is a contract of its own where the carrier has none. What its row leaves blank stays as
that contract has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd

from core.issues import BadInput, Issue
from optimize.frames import Frames, rows

_COLUMNS = (
    *("offer_id", "carrier_id", "name", "currency", "term_months", "commitment_amount", "commitment_period"),
    *("commitment_basis", "shortfall_rate", "discount_from", "discount_rate", "activation_fee", "port_credit"),
    *("signing_credit", "monthly_credit", "valid_until", "note"),
)
_MICRO = 10**6
_COMMITMENT = ("commitment_amount", "commitment_period", "commitment_basis", "shortfall_rate")


@dataclass(frozen=True)
class OfferTerms:
    """The terms of one offer; money, rates and quantities in millionths, None: not stated."""

    offer_id: str
    carrier_id: str
    name: str | None = None
    currency: str | None = None
    term_months: int | None = None
    commitment_amount: int | None = None
    commitment_period: str | None = None
    commitment_basis: str | None = None
    shortfall_rate: int | None = None
    discount_from: int | None = None
    discount_rate: int | None = None
    activation_fee: int | None = None
    port_credit: int | None = None
    signing_credit: int | None = None
    monthly_credit: int | None = None
    valid_until: str | None = None
    note: str | None = None

    @property
    def joining_fee(self) -> int:
        """What a line that moves to the carrier pays once, less what is paid back for it."""
        return (self.activation_fee or 0) - (self.port_credit or 0)

    @property
    def contract_id(self) -> str:
        """The contract that the offer is where its carrier has none."""
        return f"offer:{self.offer_id}"

    def credit_over(self, months: int) -> Fraction:
        """What it pays for signing and each month, together over so many months."""
        return Fraction((self.signing_credit or 0) + months * (self.monthly_credit or 0), _MICRO)

    @property
    def binds(self) -> bool:
        """Whether accepting it can cost anything although no line takes its plans."""
        return self.commitment_amount is not None or self.discount_rate is not None or self.joining_fee > 0


def read_terms(frames: Frames, currency: str) -> dict[str, OfferTerms]:
    """The terms of every offer of the catalogue in a currency, by offer_id; an offer without a row has none.

    Raises:
        BadInput: an offer whose plans and terms name different carriers, or a commitment for a term of unknown length.
    """
    carriers: dict[str, str] = {}
    issues: list[Issue] = []
    for plan_id, carrier, offer, code in rows(frames, "plans", "plan_id", "carrier_id", "offer_id", "currency"):
        if offer is not None and code in (None, currency) and carriers.setdefault(offer, carrier) != carrier:
            said = f"{offer}: its plans are of more than one carrier"
            issues.append(Issue(file="plans", field="carrier_id", found=carrier, message=said, hint=plan_id))
    found = {offer: OfferTerms(offer, carrier) for offer, carrier in sorted(carriers.items())}
    for values in rows(frames, "offer_terms", *_COLUMNS):
        row = dict(zip(_COLUMNS, values, strict=True))
        offer = row["offer_id"]
        if offer not in found or row["currency"] not in (None, currency):
            continue
        if row["carrier_id"] != carriers[offer]:
            said = f"{offer}: its plans are of {carriers[offer]}"
            issues.append(Issue(file="offer_terms", field="carrier_id", found=row["carrier_id"], message=said))
        if row["commitment_amount"] and row["commitment_period"] == "term" and not row["term_months"]:
            said = f"{offer}: a commitment for the term needs the term's length"
            issues.append(Issue(file="offer_terms", field="term_months", message=said))
        found[offer] = OfferTerms(**row)
    if issues:
        raise BadInput(issues)
    return found


def under(frames: Frames, joined: Mapping[str, str], accepted: Sequence[OfferTerms]) -> dict[str, pd.DataFrame]:
    """The tables that change if offers are accepted, at most one of a carrier; `joined`: each carrier's contract."""
    contracts, tiers = frames.get("contracts"), frames.get("contract_tiers")
    changed = False
    for terms in accepted:
        if terms.commitment_amount is None and terms.discount_rate is None:
            continue
        changed = True
        contract_id = joined.get(terms.carrier_id, terms.contract_id)
        if terms.carrier_id not in joined:
            row = {"contract_id": contract_id, "carrier_id": terms.carrier_id, "currency": terms.currency}
            contracts = _added(contracts, [{k: v for k, v in row.items() if v is not None}])
        assert contracts is not None
        contracts = _set(contracts, contract_id, _contract_values(terms))
        if terms.discount_rate is not None:
            step = {"contract_id": contract_id, "spend_from": terms.discount_from or 0, "mode": "all_units"}
            kept = None if tiers is None else tiers[tiers["contract_id"] != contract_id]
            tiers = _added(kept, [{**step, "discount_rate": terms.discount_rate}])
    if not changed:
        return {}
    found = {"contracts": contracts, "contract_tiers": tiers}
    return {name: table for name, table in found.items() if table is not None}


def _contract_values(terms: OfferTerms) -> dict[str, Any]:
    """What the offer puts into the row of its contract; it starts at once."""
    if terms.commitment_amount is None:
        return {}
    values: dict[str, Any] = {name: getattr(terms, name) for name in _COMMITMENT}
    if terms.term_months is not None:
        values |= {"initial_term_months": terms.term_months}
    return {**values, "start_date": None}


def _set(table: pd.DataFrame, contract_id: str, values: Mapping[str, Any]) -> pd.DataFrame:
    changed = table.copy()
    mine = changed["contract_id"] == contract_id
    for name, value in values.items():
        if name not in changed.columns:
            changed[name] = pd.Series([None] * len(changed), index=changed.index, dtype=object)
        changed.loc[mine, name] = pd.NA if value is None else value
    return changed


def _added(table: pd.DataFrame | None, new: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(new))
    if table is None or table.empty:
        return frame
    whole = {name: "Int64" for name, dtype in table.dtypes.items() if pd.api.types.is_integer_dtype(dtype)}
    return pd.concat([table.astype(whole), frame], ignore_index=True)
