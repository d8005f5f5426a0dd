"""Contract calculus against golden cases, an independent oracle (dateutil, day by day) and properties."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from core import renewals
from core.renewals import Terms, standing, started_months, termination_fee

DAYS = st.dates(date(2018, 1, 1), date(2032, 12, 31))


def iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


# --- golden cases (domain.md section 6) -----------------------------------------------------------------------------


def test_terms_follow_each_other_yearly_after_the_initial_term():
    terms = Terms("2020-08-01", 36, 12, "tacit", notice_months=3)
    assert terms.end(0) == "2023-08-01"
    assert [terms.end(n) for n in (1, 2, 3)] == ["2024-08-01", "2025-08-01", "2026-08-01"]
    assert standing(terms, "2023-07-31").term_end == "2023-08-01"
    assert standing(terms, "2023-08-01").term_end == "2024-08-01"


def test_expiry_and_notice_of_a_renewed_contract():
    terms = Terms("2023-08-28", 24, 12, "tacit", notice_months=2)
    found = standing(terms, "2026-02-11")
    assert (found.initial_end, found.term_end, found.notice_by) == ("2025-08-28", "2026-08-28", "2026-06-28")
    assert (found.state, found.renewals, found.notice_state) == ("renewed", 1, "open")
    assert found.days_to_notice == (date(2026, 6, 28) - date(2026, 2, 11)).days


def test_first_renewal_adds_its_own_length_only():
    assert Terms("2020-01-01", 60, 12, "tacit").end(1) == iso(date(2020, 1, 1) + relativedelta(months=72))


def test_alert_counts_back_from_the_notice_date():
    found = standing(Terms("2018-09-27", 36, 12, "tacit", notice_months=3), "2021-01-01", [21])
    assert found.alerts == ((21, "2021-06-06"),)
    assert found.next_alert == "2021-06-06"
    assert standing(Terms("2018-09-27", 36, 12, "tacit", notice_months=3), "2021-06-07", [21]).next_alert is None


def test_months_left_times_monthly():
    fee = termination_fee("months_left_mrc", None, mrc=75_000_000, as_of="2026-10-01", term_end="2027-10-01")
    assert fee == 900_000_000


def test_day_is_clipped_from_the_start_each_time():
    terms = Terms("2023-01-31", 1, 1, "tacit", notice_days=0)
    assert [terms.end(n) for n in range(3)] == ["2023-02-28", "2023-03-31", "2023-04-30"]
    assert Terms("2024-01-31", 1, 1, "tacit").end(0) == "2024-02-29"


# --- states ----------------------------------------------------------------------------------------------------------

TACIT = Terms("2024-01-01", 24, 12, "tacit", notice_days=90)


@pytest.mark.parametrize(
    ("day", "state", "notice", "renewals_", "exit_"),
    [
        ("2023-12-31", "not_started", "open", 0, "2026-01-01"),
        ("2024-01-01", "initial", "open", 0, "2026-01-01"),
        ("2025-10-03", "initial", "open", 0, "2026-01-01"),  # the last day on which notice works
        ("2025-10-04", "initial", "missed", 0, "2027-01-01"),
        ("2025-12-31", "initial", "missed", 0, "2027-01-01"),
        ("2026-01-01", "renewed", "open", 1, "2027-01-01"),  # on the end day the next term runs
    ],
)
def test_states_of_a_tacit_contract(day, state, notice, renewals_, exit_):
    found = standing(TACIT, day)
    assert (found.state, found.notice_state, found.renewals, found.earliest_exit) == (state, notice, renewals_, exit_)


def test_a_missed_notice_shows_the_next_one():
    found = standing(TACIT, "2025-10-04")
    assert found.notice_by == "2025-10-03"
    assert found.next_notice_by == "2026-10-03"


def test_notice_in_time_ends_the_running_term_and_late_notice_the_next():
    on_time = Terms("2024-01-01", 24, 12, "tacit", notice_days=90, notice_given_on="2025-10-03")
    late = Terms("2024-01-01", 24, 12, "tacit", notice_days=90, notice_given_on="2025-10-04")
    assert standing(on_time, "2025-11-01").earliest_exit == "2026-01-01"
    assert standing(late, "2025-11-01").earliest_exit == "2027-01-01"
    assert standing(late, "2025-11-01").state == "ending"
    assert standing(late, "2026-12-31").state == "ending"
    assert standing(late, "2027-01-01").state == "expired"
    assert standing(late, "2025-11-01").notice_state == "given"


def test_a_notice_of_the_future_is_not_known_yet():
    late = Terms("2024-01-01", 24, 12, "tacit", notice_days=90, notice_given_on="2025-10-04")
    assert standing(late, "2025-10-03").notice_state == "open"


def test_termination_wins_over_everything():
    terms = Terms("2024-01-01", 24, 12, "tacit", 90, terminated_on="2025-05-15", notice_given_on="2025-01-01")
    assert standing(terms, "2025-05-14").state == "ending"
    assert standing(terms, "2025-05-15").state == "terminated"
    assert standing(terms, "2030-01-01").earliest_exit == "2025-05-15"


def test_express_ends_by_itself_and_alerts_count_from_the_term_end():
    terms = Terms("2024-01-01", 12, None, "express", notice_days=30)
    found = standing(terms, "2024-10-01", [60])
    assert (found.state, found.alerts) == ("initial", ((60, "2024-11-02"),))
    assert found.earliest_exit == "2025-01-01"
    assert standing(terms, "2025-01-01").state == "expired"


def test_month_to_month_leaves_by_notice_from_today():
    terms = Terms("2024-01-01", 12, None, "month_to_month", notice_days=30)
    inside, edge, after = (standing(terms, d) for d in ("2024-06-01", "2024-12-20", "2025-03-01"))
    assert (inside.state, inside.earliest_exit) == ("initial", "2025-01-01")
    assert edge.earliest_exit == "2025-01-19"
    assert (after.state, after.earliest_exit, after.term_end, after.notice_by) == (
        "month_to_month",
        "2025-03-31",
        None,
        None,
    )


def test_blank_notice_has_no_notice_date():
    found = standing(Terms("2024-01-01", 24, 12, "tacit"), "2025-01-01")
    assert (found.notice_by, found.notice_state, found.alerts) == (None, "none", ())
    assert found.earliest_exit == "2026-01-01"


# --- oracle ----------------------------------------------------------------------------------------------------------


@st.composite
def tacit_contracts(draw):
    in_days = draw(st.booleans())
    return (
        draw(st.dates(date(2018, 1, 1), date(2024, 12, 31))),
        draw(st.integers(0, 60)),
        draw(st.integers(1, 36)),
        draw(st.integers(0, 200)) if in_days else None,
        None if in_days else draw(st.integers(0, 8)),
    )


def links(contract):
    """(end, notice_by) of every link up to 2060, by dateutil."""
    start, initial, again, days, months = contract
    result = []
    for n in range(600):
        end = start + relativedelta(months=initial + n * again)
        if end.year > 2060:
            return result
        result.append((end, end - (timedelta(days=days) if days is not None else relativedelta(months=months))))
    return result


@settings(max_examples=300, deadline=None)
@given(tacit_contracts(), DAYS)
def test_tacit_contracts_agree_with_dateutil(contract, today):
    start, initial, again, days, months = contract
    chain = links(contract)
    found = standing(Terms(iso(start), initial, again, "tacit", days, months), today.isoformat())
    running = next(n for n, (end, _) in enumerate(chain) if end > today)
    end, notice = chain[running]
    assert found.initial_end == iso(chain[0][0])
    assert (found.term_end, found.notice_by) == (iso(end), iso(notice))
    assert found.term_start == iso(chain[running - 1][0] if running else start)
    assert found.renewals == running
    assert found.notice_state == ("open" if today <= notice else "missed")
    coming = next((e, b) for e, b in chain if b >= today)
    assert (found.earliest_exit, found.next_notice_by) == (iso(coming[0]), iso(coming[1]))
    assert found.days_to_notice == (coming[1] - today).days
    assert found.state == ("not_started" if today < start else "renewed" if running else "initial")


@settings(max_examples=200, deadline=None)
@given(tacit_contracts(), DAYS, DAYS)
def test_given_notice_agrees_with_dateutil(contract, notice_day, today):
    start, initial, again, days, months = contract
    end = next(e for e, by in links(contract) if by >= notice_day)
    terms = Terms(iso(start), initial, again, "tacit", days, months, notice_given_on=iso(notice_day))
    found = standing(terms, today.isoformat())
    if today < notice_day:
        assert found.notice_state != "given"
        return
    assert (found.notice_state, found.earliest_exit) == ("given", iso(end))
    assert found.state == ("expired" if today >= end else "not_started" if today < start else "ending")


@settings(max_examples=200, deadline=None)
@given(DAYS, st.integers(0, 2000))
def test_started_months_agree_with_dateutil(first, length):
    end = first + timedelta(days=length)
    gap = relativedelta(end, first)
    assert started_months(iso(first), iso(end)) == gap.years * 12 + gap.months + (gap.days > 0)


@settings(max_examples=200, deadline=None)
@given(tacit_contracts(), DAYS)
def test_a_day_later_never_brings_an_earlier_exit(contract, today):
    start, initial, again, days, months = contract
    terms = Terms(iso(start), initial, again, "tacit", days, months)
    before = standing(terms, today.isoformat())
    after = standing(terms, (today + timedelta(days=1)).isoformat())
    assert before.earliest_exit <= after.earliest_exit
    assert before.term_end <= after.term_end
    assert before.next_notice_by >= today.isoformat()


# --- fees and problems -----------------------------------------------------------------------------------------------


def test_fixed_fee_falls_due_before_the_term_end_only():
    for day, fee in (("2026-12-30", 150_000_000), ("2026-12-31", 0)):
        assert termination_fee("fixed", 150_000_000, mrc=None, as_of=day, term_end="2026-12-31") == fee
    assert termination_fee("none", 150_000_000, mrc=1, as_of="2026-01-01", term_end="2026-12-31") == 0


def test_fee_takes_a_fraction_of_started_months():
    fee = termination_fee("months_left_mrc", 500_000, mrc=80_000_000, as_of="2026-09-30", term_end="2026-12-31")
    assert fee == 4 * 80_000_000 // 2
    assert termination_fee("months_left_mrc", None, mrc=None, as_of="2026-09-30", term_end="2026-12-31") is None


GOOD = {
    "contract_id": "c1",
    "start_date": "2024-01-01",
    "initial_term_months": 24,
    "renewal_term_months": 12,
    "renewal_type": "tacit",
    "notice_days": 90,
    "notice_months": None,
}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start_date": None}, "start_date"),
        ({"renewal_term_months": None}, "renewal_term_months"),
        ({"renewal_term_months": 0}, "renewal_term_months"),
        ({"initial_term_months": -1}, "initial_term_months"),
        ({"renewal_term_months": -12}, "renewal_term_months"),
        ({"notice_days": -5}, "notice_days"),
        ({"notice_months": 3}, "notice_days"),
    ],
)
def test_data_problems_are_named(change, field):
    terms, problems = renewals.terms_of(GOOD | change)
    assert terms is None
    assert next(issue.field for issue in problems) == field
    assert "c1" in str(problems[0])


def test_a_sound_contract_has_no_problem():
    terms, problems = renewals.terms_of(GOOD)
    assert problems == []
    assert terms == Terms("2024-01-01", 24, 12, "tacit", 90, None)


def test_blank_renewal_type_runs_on():
    terms, _ = renewals.terms_of(GOOD | {"renewal_type": None})
    assert terms is not None
    assert terms.renewal == "tacit"
    terms, _ = renewals.terms_of(GOOD | {"renewal_type": None, "renewal_term_months": None})
    assert terms is not None
    assert terms.renewal == "month_to_month"


def test_coterminous_contracts_follow_the_last_one_named():
    assert renewals.coterminous_root("a", {"a": "b", "b": "c", "c": None}) == "c"
    assert renewals.coterminous_root("a", {"a": "b", "b": "a"}) is None
    assert renewals.coterminous_root("a", {"a": "a"}) is None
    assert renewals.coterminous_root("x", {"x": "a", "a": "b", "b": "a"}) is None
    assert renewals.coterminous_root("a", {"a": "nowhere"}) == "a"
