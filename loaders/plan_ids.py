"""A plan id means one thing for good: a current plan, or a plan of one offer; no load turns one into the other."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from core.queries import loading
from core.store import Txn
from loaders.contract import Rejected, SourceRow


class PlanIds:
    """The plans of the store and of the batch, each with its offer (None: a current plan)."""

    def __init__(self, txn: Txn) -> None:
        self._txn = txn

    @cached_property
    def _offers(self) -> dict[str, str | None]:
        return {row["plan_id"]: row["offer_id"] for row in loading.all_rows(self._txn, "plans")}

    def clash(self, row: dict[str, Any], place: SourceRow) -> Rejected | None:
        """Why a row of `plans` would take the place of a current plan or of another offer's; None if it does not."""
        offer = row.get("offer_id")
        held = self._offers.setdefault(row["plan_id"], offer)
        if held == offer:
            return None
        whose = "a current plan" if held is None else f"a plan of the offer {held}"
        expected = f"an id that no plan has, such as {offer or row.get('carrier_id')}-{row['plan_id']}"
        return Rejected(place, "plan_id", row["plan_id"], expected, f"the id is that of {whose}", "plans")
