"""How long commitments last: until the contract's next way out, so that a term of years does not carry them to its end.

Over a horizon of H months a commitment that is owed for m of them costs m / H of its shortfall in an average month: its
`shortfall_rate` is scaled by that share (to a millionth), which is exact as long as use and plans stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.periods import add_days, month_distance, month_end
from core.renewals import Terms, standing, terms_of
from optimize.frames import column, rows

_TERMS = (
    *("contract_id", "start_date", "initial_term_months", "renewal_term_months", "renewal_type"),
    *("notice_days", "notice_months", "terminated_on", "notice_given_on"),
)
_MICRO = 10**6


def contract_terms(frames: Mapping[str, pd.DataFrame]) -> dict[str, Terms]:
    """The terms of time of the contracts that state them without contradiction."""
    found = {}
    for values in rows(frames, "contracts", *_TERMS):
        terms, problems = terms_of(dict(zip(_TERMS, values, strict=True)))
        if terms is not None and not problems:
            found[str(values[0])] = terms
    return found


def months_owed(frames: Mapping[str, pd.DataFrame], last: str, horizon: int) -> dict[str, int]:
    """Contracts that notice given at the end of the month `last` ends within `horizon` months: months still owed.

    A month that has begun counts as one. Contracts that run on, or whose terms are unknown, are not named.
    """
    found = {}
    for contract_id, terms in contract_terms(frames).items():
        way_out = standing(terms, month_end(last)).earliest_exit
        if way_out is None:
            continue
        months = max(0, month_distance(f"{last}-01", f"{add_days(way_out, -1)[:7]}-01"))
        if months < horizon:
            found[contract_id] = months
    return found


def lapsing(contracts: pd.DataFrame, owed: Mapping[str, int], horizon: int) -> pd.DataFrame:
    """The contracts with what a shortfall costs in an average month of the horizon."""
    if not owed:
        return contracts
    rates = [
        rate
        if (months := owed.get(str(contract_id))) is None
        else (_MICRO if rate is None else rate) * months // horizon
        for contract_id, rate in zip(column(contracts, "contract_id"), column(contracts, "shortfall_rate"), strict=True)
    ]
    return contracts.assign(shortfall_rate=pd.array([pd.NA if r is None else int(r) for r in rates], dtype="Int64"))
