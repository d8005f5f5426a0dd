"""The register of disputes: what is open, what bills have credited, which step may follow, how carriers do."""

from __future__ import annotations

import estate
import pytest

from app import triage
from app.views import disputes, findings
from app.views.selection import Filters
from core.money import SCALE
from core.store import Store

USD = Filters(currency="USD")


@pytest.fixture
def filed(store: Store) -> Store:
    """The newest two wrong bills of 50 GBP each are disputed; the older one is credited on the newer bill."""
    filled = estate.fill(store)
    newest = list(findings.view(filled, USD, rule=("R1",)).members[0])[:2]
    assert triage.decide(filled, newest, "disputed")[0]
    return filled


def test_an_empty_store_has_no_dispute(store: Store) -> None:
    data = disputes.view(store, Filters())
    assert data.title == "Nothing has been disputed yet"
    assert len(data.table) == len(data.carriers) == 0


def test_what_is_filed_is_open_until_a_bill_credits_it(filed: Store) -> None:
    data = disputes.view(filed, USD)
    assert data.title == "$130 in dispute, $0 credited"  # 100 GBP at 1.3
    assert [(row.state, row.disputed, row.currency) for row in data.table.itertuples()] == [
        ("Filed", 50 * SCALE, "GBP")
    ] * 2
    older = data.table.sort_values("file_by").iloc[0]
    done, told = triage.move_dispute(filed, older["dispute_id"], "credited")
    assert done, told
    data = disputes.view(filed, USD)
    assert data.title == "$65 in dispute, $65 credited"
    assert data.steps[older["dispute_id"]] == ()
    colt = data.carriers.set_index("carrier").loc["Colt"]
    assert (colt["filed"], colt["credited"], colt["won"]) == (130 * SCALE, 65 * SCALE, "100 %")
    assert colt["rate"] == pytest.approx(colt["wrong"] / colt["billed"])


def test_claims_nobody_filed_are_counted_and_carriers_filter_them(filed: Store) -> None:
    data = disputes.view(filed, USD, state="identified")
    assert set(data.table["state"]) == {"Not filed"}
    assert data.sentence == "Claims of $260 on 4 bills can still be filed."
    assert disputes.view(filed, Filters(currency="USD", carriers=("nobody",)), state="all").table.empty


def test_a_step_that_may_not_follow_changes_nothing_and_says_why(filed: Store) -> None:
    key = disputes.view(filed, USD).table["dispute_id"].iloc[0]
    assert triage.move_dispute(filed, key, "declined")[0]
    done, told = triage.move_dispute(filed, key, "approved")
    assert not done
    assert told.startswith("Nothing was changed: ")
    assert disputes.view(filed, USD).table.set_index("dispute_id").loc[key, "state"] == "Declined"


def test_the_pack_of_an_open_dispute_is_a_pdf(filed: Store) -> None:
    key = disputes.view(filed, USD).table["dispute_id"].iloc[0]
    assert disputes.pack(filed, dispute_id=key).startswith(b"%PDF")
