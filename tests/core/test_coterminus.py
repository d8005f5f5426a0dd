"""Co-terminus: fees for ending early and months at current price, by hand and against the register's own fees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.contract_register import contract_register
from core.coterminus import Bound, align, best, bound_lines, days
from core.money import SCALE, parse_micros
from core.store import Store

TEN = SCALE // 10
LATE = Bound("2027-07-01", 40 * SCALE, "fixed", 150 * SCALE, lines=3)
SOON = Bound("2027-01-01", 20 * SCALE, "months_left_mrc", SCALE // 2)


def test_by_hand() -> None:
    # 1 April: three lines end three months early for 150 each and save 4 a month; one pays three months at 20
    found = align([LATE, SOON], "2027-04-01", TEN)
    assert (found.early, found.fees, found.below) == (3, 450 * SCALE, 36 * SCALE)
    assert (found.extended, found.extension, found.above) == (1, 60 * SCALE, 6 * SCALE)
    assert found.cost == (450 + 6 - 36) * SCALE
    # 1 December: all early; the other line pays half of one month's 20
    assert align([LATE, SOON], "2026-12-01", TEN).fees == 460 * SCALE
    # on the last end nobody pays a fee, and one line is extended by six months
    last = align([LATE, SOON], "2027-07-01", TEN)
    assert (last.early, last.cost) == (0, 12 * SCALE)
    assert best([found, last]) is last
    assert align([Bound("2027-07-01", None, "months_left_mrc", None)], "2027-01-01", TEN).unknown == 1


def test_the_days_go_from_next_month_to_after_the_last_term() -> None:
    assert days([SOON], "2026-10-15") == ["2026-11-01", "2026-12-01", "2027-01-01", "2027-02-01"]
    assert days([], "2026-10-15") == []


@given(st.integers(0, SCALE), st.integers(1, 9))
def test_lines_alike_cost_as_much_as_one_by_one(cheaper: int, lines: int) -> None:
    one = Bound("2027-09-17", 33_333_333, "months_left_mrc", 333_333)
    many = Bound("2027-09-17", 33_333_333, "months_left_mrc", 333_333, lines)
    for day in ("2027-01-01", "2027-09-17", "2028-02-01"):
        single = align([one], day, cheaper)
        together = align([many], day, cheaper)
        assert together == align([one] * lines, day, cheaper)
        assert together.cost == lines * single.cost


def test_ending_today_costs_what_the_register_says(store: Store) -> None:
    with store.transaction() as txn:
        txn.append("carriers", [{"carrier_id": "a", "name": "A"}])
        txn.append("plans", [{"plan_id": "p", "carrier_id": "a", "mrc": 30 * SCALE, "currency": "USD"}])
        contract = {"carrier_id": "a", "currency": "USD", "start_date": "2025-01-01", "initial_term_months": 36}
        contract |= {"renewal_type": "tacit", "renewal_term_months": 12, "notice_days": 30}
        missed = {**contract, "contract_id": "c2", "start_date": "2024-01-10", "initial_term_months": 24}
        txn.append("contracts", [
            {**contract, "contract_id": "c1", "etf_rule": "months_left_mrc", "etf_amount": SCALE // 2},
            {**missed, "etf_rule": "fixed", "etf_amount": 70 * SCALE},
        ])  # fmt: skip
        line = {"kind": "mobile", "carrier_id": "a", "plan_id": "p", "status": "active"}
        txn.append("services", [
            {**line, "service_id": "s1", "contract_id": "c1"},
            {**line, "service_id": "s2", "contract_id": "c1", "term_end_on": "2026-06-15"},
            {**line, "service_id": "s3", "contract_id": "c2"},
        ])  # fmt: skip
    as_of = "2026-01-01"
    bound = bound_lines(store, as_of)[("a", "USD")]
    # notice for 10 January 2026 was due by 11 December: that contract binds for another year
    assert sorted(some.term_end for some in bound) == ["2026-06-15", "2027-01-10", "2028-01-01"]
    register = contract_register(store, as_of)
    told = sum(parse_micros(s["etf"]) for row in register for s in row["services"])
    assert align(bound, as_of, 0).fees == told
