"""The landing page's figures, against sums made by hand on the small estate."""

from __future__ import annotations

import estate
import pandas as pd
import pytest

from app import formats
from app.views import findings as workbench
from app.views import inventory, overview, renewals, savings, year
from app.views.bridge import bridge
from app.views.exchange import exchange
from app.views.found import errors, findings_of, waste
from app.views.parts import Step
from app.views.selection import Filters, choices, settled
from core import findings, rollups
from core.money import SCALE
from core.queries import spend
from core.store import Store

USD = Filters(month="2026-09", compare="2026-08", currency="USD")


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def test_spend_is_converted_at_the_rate_of_the_store_and_says_so(filled: Store) -> None:
    data = overview.view(filled, USD)
    # 4 Verizon lines 60+60+60+30, AT&T 55+55+12 and roaming 23, one circuit 950 GBP at 1.3
    expected = 210 + 145 + 950 * 1.3
    assert sum(column[-1] for column in data.by_carrier.values()) == round(expected * SCALE)
    assert "GBP at 1.3000 (30 Sep 2026)" in data.note


def test_without_conversion_other_currencies_are_left_out_and_named(filled: Store) -> None:
    data = overview.view(filled, Filters(month="2026-09", compare="2026-08", currency="USD", convert=False))
    assert sum(column[-1] for column in data.by_carrier.values()) == 355 * SCALE
    assert "Not included: GBP" in data.note


def test_a_currency_without_a_rate_is_never_added(filled: Store) -> None:
    money = exchange(filled, "EUR", "2026-09-30")
    assert money.amount(5 * SCALE, "USD") is None
    assert money.amount(5 * SCALE, "EUR") == 5 * SCALE
    assert money.sentence() == "Not included: USD (no exchange rate is loaded)."


def test_the_bridge_adds_up_and_names_roaming(filled: Store) -> None:
    data = overview.view(filled, USD)
    first, *changes, last = data.steps
    assert first.amount + sum(step.amount for step in changes) == last.amount
    assert {step.label: step.amount for step in changes}["Roaming"] == SCALE
    assert last.amount == sum(column[-1] for column in data.by_carrier.values())


def test_the_bridge_splits_price_from_volume_and_shows_errors_apart(filled: Store) -> None:
    with filled.transaction() as txn:
        txn.update("charges", {"charge_id": "ch-s1-2026-09"}, {"amount": 66 * SCALE, "unit_rate": 66 * SCALE})
        txn.update("charges", {"charge_id": "ch-s4-2026-09"}, {"amount": 90 * SCALE, "quantity": 3 * SCALE})
        txn.delete("charges", {"charge_id": "ch-s3-2026-09"})
        txn.delete("findings", {"subject_id": "ch-s8-2026-08"})
        rollups.refresh(txn)
    money = exchange(filled, "USD", "2026-09-30")
    found = errors(findings_of(filled, USD, money))
    steps = {s.label: s.amount for s in bridge(filled, "2026-09", "2026-08", USD, money, found) if s.kind == "change"}
    assert steps["Errors"] == 65 * SCALE  # 50 GBP over, found in September only
    assert steps["Price"] == 6 * SCALE - 65 * SCALE  # s1 dearer; the circuit without its error is cheaper
    assert steps["Volume"] == 60 * SCALE - 60 * SCALE  # s4 three times, s3 gone
    assert steps["Roaming"] == SCALE


def test_waste_counts_the_larger_queue_for_a_line_and_month(filled: Store) -> None:
    money = exchange(filled, "USD", "2026-09-30")
    rows = waste(findings_of(filled, USD, money))
    september = rows[rows["month"] == "2026-09"].set_index("service_id")["amount"]
    assert september["s2"] == 60 * SCALE
    again = rows.copy()
    again["queue"], again["finding_id"], again["amount"] = "policy", again["finding_id"] + "p", 10 * SCALE
    both = waste(pd.concat([rows, again], ignore_index=True))
    assert both.loc[(both["service_id"] == "s2") & (both["month"] == "2026-09"), "amount"].tolist() == [60 * SCALE]


def test_dismissed_findings_do_not_count(filled: Store) -> None:
    money = exchange(filled, "USD", "2026-09-30")
    before = len(findings_of(filled, USD, money))
    one = findings_of(filled, USD, money)["finding_id"].iloc[0]
    from core.findings import set_state

    set_state(filled, [one], "dismissed", reason="agreed price")
    assert len(findings_of(filled, USD, money)) == before - 1


@pytest.mark.parametrize(
    ("now", "before", "title"),
    [
        (103, 100, "We spent $103 in September, 3.0 % more than in August"),
        (90, 100, "We spent $90 in September, 10.0 % less than in August"),
        (100, 100, "We spent $100 in September, as much as in August"),
    ],
)
def test_the_title_is_the_finding(now: int, before: int, title: str) -> None:
    steps = (Step("Price", (now - before) * SCALE),)
    assert overview.words(now * SCALE, before * SCALE, "2026-09", "2026-08", steps, "USD")[0] == title


def test_the_actions_are_ranked_by_money_and_name_their_confidence(filled: Store) -> None:
    data = overview.view(filled, USD)
    worth = [action.worth for action in data.actions]
    assert worth == sorted(worth, reverse=True)
    assert all(action.confidence and action.saving for action in data.actions)
    plan = next(action for action in data.actions if action.what.startswith("Change the plan"))
    assert plan.saving == "$82"
    assert plan.confidence == "Proven, gap 0.007 %"


def test_money_past_its_window_is_never_promised(filled: Store) -> None:
    with filled.transaction() as txn:
        for month in ("2026-04", "2026-05"):
            late = findings.load(filled, queue="audit", first=month, last=month)
            for key in late.loc[late["rule"] == "R1", "finding_id"]:
                txn.update("findings", {"finding_id": key}, {"file_by": "2026-09-29"})
    data = overview.view(filled, USD)
    kpi = next(k for k in data.kpis if k.label == "Errors to recover")
    # six months of 50 GBP at 1.30; two of them are past their window on 30 September
    assert (kpi.value, kpi.delta) == ("$260", "$130 more is too late")
    action = next(a for a in data.actions if ("rule", "R1") in a.query)
    assert action.what.startswith("Dispute 4 charges")
    assert (action.saving, action.period) == ("$260", "to recover")
    assert action.why.endswith("Jun 26 to Sep 26; $130 more is past its window")
    assert savings.view(filled, USD).sentence.endswith(
        "$260 can still be claimed back, $130 is past its window to dispute, the rest is what waste has cost so far."
    )
    tile = next(k for k in workbench.view(filled, USD).kpis if k.label == "To recover")
    assert (tile.value, tile.delta) == ("$390", "$260 can still be filed")


def test_the_longer_terms_are_sums_of_bills_and_say_what_is_missing(filled: Store) -> None:
    year = {k.label: k for k in overview.view(filled, USD).year}
    # six months of bills from April: no January, no year before
    assert year["Last 6 months"].delta is None
    assert year["Against Sep 25"].value == "–"
    assert year["Budget, year to date"].delta == "no budget for every month"
    spent = spend.spend(filled, ("month",), first="2026-04", last="2026-09")
    rate = {"USD": 1.0, "GBP": 1.3}
    total = sum(row.amount * rate[row.currency] for row in spent.itertuples())
    assert year["Last 6 months"].value == formats.short(round(total), "USD")
    lines = inventory.view(filled, USD)
    assert year["Cost per line"].value == {k.label: k.value for k in lines.kpis}["Cost per line"]
    assert year["Under contract"].value == "100.0 %"
    with filled.transaction() as txn:
        txn.update("contracts", {"contract_id": "c-c"}, {"terminated_on": "2026-09-01"})
    less = {k.label: k for k in overview.view(filled, USD).year}["Under contract"]
    gone = lines.rows.loc[lines.rows["carrier_id"] == "colt", "monthly"].sum()
    assert less.delta == f"{formats.short(int(gone), 'USD')} a month without"


def test_year_on_year_and_budget_compare_the_same_months(filled: Store) -> None:
    def budget(n: int) -> dict[str, object]:
        return {"budget_id": n, "month": f"2026-0{n}", "amount": 100 * SCALE, "currency": "USD"}

    with filled.transaction() as txn:
        txn.append("budgets", [budget(n) for n in range(1, 10)])
    spent = pd.DataFrame(
        [("2025-09", "a", 100), ("2026-09", "a", 90), ("2026-09", "b", 30)]
        + [(f"2026-0{n}", "a", 120) for n in range(1, 9)],
        columns=["month", "carrier_id", "amount"],
    )
    spent["amount"] *= SCALE
    money = exchange(filled, "USD", "2026-09-30")
    found = {k.label: (k.value, k.delta) for k in year.kpis(filled, settled(filled, USD), money, spent, [])}
    assert found["Against Sep 25"] == ("+20.0 %", "1 new carrier: $30")
    # eight months of 120 and one of 120 against nine of 100
    assert found["Budget, year to date"] == ("+20.0 %", "$180 over")
    assert found["Last 12 months"] == ("$1.08k", "$1.08k since January")


def test_waste_opens_the_lines_of_its_month(filled: Store) -> None:
    action = next(a for a in overview.view(filled, USD).actions if ("rule", "U1") in a.query)
    query = dict(action.query)
    opened = workbench.view(filled, USD, rule=(query["rule"],), month=query["of"])
    assert action.saving == {k.label: k.value for k in opened.kpis}["To avoid"] == "$60"


def test_filters_restrict_every_figure(filled: Store) -> None:
    data = overview.view(filled, Filters(month="2026-09", compare="2026-08", currency="USD", carriers=("verizon",)))
    assert list(data.by_carrier) == ["Verizon Wireless"]
    assert data.by_carrier["Verizon Wireless"][-1] == 210 * SCALE
    assert data.steps[-1].amount == 210 * SCALE


def test_the_newest_month_is_left_out_while_it_is_a_fragment(filled: Store) -> None:
    assert choices(filled).month == "2026-09"
    with filled.transaction() as txn:
        txn.append(
            "invoices",
            [
                {
                    "invoice_id": "late",
                    "account_id": "ac-v",
                    "issued_on": "2026-10-01",
                    "currency": "USD",
                    "total": SCALE,
                }
            ],
        )
        txn.append("charges", [{"charge_id": "late1", "invoice_id": "late", "category": "mrc", "amount": SCALE}])
        rollups.refresh(txn)
    assert choices(filled).months[-1] == "2026-10"
    assert settled(filled, Filters()).month == "2026-09"


def test_renewals_show_what_is_due_what_was_missed_and_the_money(filled: Store) -> None:
    data = renewals.view(filled, USD)
    assert data.title == "1 contract needs a decision within 90 days"
    rows = data.table.set_index("name")
    assert rows.at["Colt MPLS", "countdown"] == "Missed on 1 Aug 2026"
    assert rows.at["Colt MPLS", "notice_by"] == "2027-08-01"
    assert rows.at["Verizon MSA", "notice_by"] == "2026-11-02"
    assert rows.at["Verizon MSA", "yearly"] == 6 * 210 * SCALE
    assert {term.label: term.tone for term in data.terms}["Colt MPLS"] == "bad"
    assert data.commitments["share"].iloc[0] == pytest.approx(1260 / 3600)
    with filled.transaction() as txn:
        txn.update("contracts", {"name": "Verizon MSA"}, {"commitment_amount": 900 * SCALE})
    assert renewals.view(filled, USD).commitments["share"].iloc[0] == pytest.approx(1260 / 900)  # 140 % is no 100 %
