"""The contract register on a store: services, fees, commitments, problems; the calendar file."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from app.commands import contracts
from app.reports.calendar_file import calendar_text
from core.commitments import attainment, period_on
from core.contract_register import contract_register, problems
from core.money import SCALE
from core.renewals import contract_register as by_blueprint
from tests.run_command import run

M = SCALE


def fill(store, contracts, services=(), charges=(), plans=(), invoices=None):
    with store.transaction() as txn:
        txn.append("accounts", [{"account_id": "a", "carrier_id": "v", "currency": "USD"}])
        for row in contracts:
            txn.append("contracts", [{"carrier_id": "v", "currency": "USD", **row}])
        for row in plans:
            txn.append("plans", [{"carrier_id": "v", **row}])
        for row in services:
            txn.append(
                "services", [{"kind": "mobile", "carrier_id": "v", "account_id": "a", "status": "active", **row}]
            )
        months = sorted({row["period_start"][:7] for row in charges})
        for month in months:
            txn.append(
                "invoices",
                [
                    {
                        "invoice_id": f"i{month}",
                        "account_id": "a",
                        "period_start": f"{month}-01",
                        "currency": "USD",
                        "total": 0,
                    }
                ],
            )
        for n, row in enumerate(charges):
            txn.append("charges", [{"charge_id": f"ch{n}", "invoice_id": f"i{row['period_start'][:7]}", **row}])
    return store


CONTRACT = {
    "contract_id": "c1",
    "name": "MSA, mobile; all lines",
    "start_date": "2026-01-01",
    "initial_term_months": 24,
    "renewal_term_months": 12,
    "renewal_type": "tacit",
    "notice_days": 60,
    "etf_rule": "months_left_mrc",
    "etf_amount": M // 2,
    "commitment_amount": 1200 * M,
    "commitment_period": "year",
}


def test_services_owe_by_their_own_term_then_the_coterminous_contract(store):
    other = {"contract_id": "c0", "start_date": "2025-01-01", "initial_term_months": 21, "renewal_type": "express"}
    fill(
        store,
        [CONTRACT | {"coterminous_with": "c0"}, other],
        [
            {"service_id": "s1", "contract_id": "c1", "plan_id": "p", "term_end_on": "2027-03-01"},
            {"service_id": "s2", "contract_id": "c1", "plan_id": "p"},
            {
                "service_id": "s3",
                "contract_id": "c1",
                "plan_id": "p",
                "status": "disconnected",
                "disconnected_on": "2026-05-01",
            },
            {"service_id": "s4", "contract_id": "c1", "plan_id": "p", "status": "ordered"},
        ],
        plans=[{"plan_id": "p", "mrc": 40 * M}],
    )
    row = contract_register(store, "2026-09-01")[1]
    assert [(s["service_id"], s["term_end"]) for s in row["services"]] == [("s1", "2027-03-01"), ("s2", "2026-10-01")]
    assert [Decimal(s["etf"]) for s in row["services"]] == [6 * 20, 1 * 20]
    assert row["etf"] == {"amount": "140.00", "currency": "USD", "services": 2}
    assert by_blueprint(store, "2026-09-01")[1] == row


def test_commitment_counts_mrc_and_usage_of_the_period(store):
    lines = [{"service_id": "s1", "contract_id": "c1"}, {"service_id": "s2", "contract_id": None}]
    base = {"service_id": "s1", "category": "mrc", "amount": 70 * M}
    charges = [base | {"period_start": f"2026-{n:02d}-01"} for n in range(1, 7)]
    charges += [
        base | {"category": "usage", "amount": 5 * M, "period_start": "2026-06-01"},
        base | {"category": "tax", "amount": 9 * M, "period_start": "2026-06-01"},
        base | {"category": "credit", "amount": -10 * M, "period_start": "2026-06-01"},
        base | {"service_id": "s2", "period_start": "2026-06-01"},
        base | {"service_id": None, "category": "usage", "amount": 3 * M, "period_start": "2026-06-01"},
        base | {"period_start": "2026-07-01"},
    ]
    fill(store, [CONTRACT, CONTRACT | {"contract_id": "c2", "commitment_basis": "net"}], lines, charges)
    gross = contract_register(store, "2026-06-30")[0]["commitment"]
    assert (gross["period_start"], gross["period_end"]) == ("2026-01-01", "2027-01-01")
    assert (gross["amount"], gross["spend"], gross["shortfall"]) == ("1200.00", "428.00", "772.00")
    assert Decimal(gross["projected_shortfall"]) == 1200 - 2 * 428
    assert 0.9 < gross["probability"] <= 1
    with store.transaction() as txn:
        txn.update("contracts", {"contract_id": "c1"}, {"commitment_basis": "net", "shortfall_rate": M // 2})
    net = contract_register(store, "2026-06-30")[0]["commitment"]
    assert (net["spend"], net["shortfall"]) == ("418.00", "391.00")


@pytest.mark.parametrize(
    ("day", "period"),
    [
        ("2026-01-30", ("2025-12-31", "2026-01-31")),
        ("2026-01-31", ("2026-01-31", "2026-02-28")),
        ("2026-02-28", ("2026-02-28", "2026-03-31")),
        ("2020-01-01", ("2025-08-31", "2025-09-30")),
    ],
)
def test_periods_run_from_the_start_date(day, period):
    assert period_on("2025-08-31", 1, day) == period


def test_probability_is_certain_at_the_edges():
    monthly = {f"2026-{n:02d}-01": 100 * M for n in range(1, 13)}
    assert attainment("2026-01-01", 12, 1200 * M, None, monthly, "2026-12-31").probability == 0.0
    assert attainment("2026-01-01", 12, 1201 * M, None, monthly, "2026-12-31").probability == 1.0
    assert attainment("2026-01-01", 12, 1200 * M, None, {"2026-01-01": M}, "2026-02-10").probability is None
    half = attainment("2026-01-01", 12, 1200 * M, None, monthly, "2026-06-30")
    assert (half.spend, half.projected_spend, half.projected_shortfall) == (600 * M, 1200 * M, 0)


def test_problems_are_listed_and_exit_2(store):
    fill(
        store,
        [
            CONTRACT | {"start_date": None},
            {"contract_id": "x", "start_date": "2026-01-01", "initial_term_months": 12, "renewal_type": "tacit"},
            {"contract_id": "y", "start_date": "2026-01-01", "coterminous_with": "z"},
            {"contract_id": "z", "start_date": "2026-01-01", "coterminous_with": "y"},
        ],
    )
    register = contract_register(store, "2026-09-30")
    assert [bool(row["problems"]) for row in register] == [True] * 4
    assert len(problems(register)) == 4
    result = run(store, contracts, ["contracts", "--as-of", "2026-09-30", "--json"])
    assert result.exit_code == 2
    assert len(json.loads(result.stdout)) == 4
    assert len(result.stderr.strip().splitlines()) == 4


def test_command_prints_the_document_and_writes_the_calendar(store, tmp_path):
    fill(store, [CONTRACT])
    file = tmp_path / "renewals.ics"
    args = ["contracts", "--as-of", "2027-01-01", "--alerts", "90,30", "--ics", str(file), "--json"]
    first, second = (run(store, contracts, args) for _ in range(2))
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    (row,) = json.loads(first.stdout)
    assert row["alerts"] == [{"days": 90, "on": "2027-08-04"}, {"days": 30, "on": "2027-10-03"}]
    assert row["notice_by"] == "2027-11-02"
    text = file.read_bytes().decode()
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert text.endswith("END:VCALENDAR\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert text.count("BEGIN:VEVENT") == text.count("END:VEVENT") == 3
    assert "DTSTART;VALUE=DATE:20271102" in text
    assert "SUMMARY:Last day for notice: MSA\\, mobile\\; all lines" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    uids = [line for line in text.split("\r\n") if line.startswith("UID:")]
    assert len(set(uids)) == 3


@pytest.mark.parametrize("args", [["--as-of", "2026-02-30"], ["--alerts", "30,-5"], ["--alerts", ""]])
def test_bad_options_are_refused(store, args):
    from core.issues import BadInput

    fill(store, [CONTRACT])
    assert isinstance(run(store, contracts, ["contracts", *args]).exception, BadInput)


def test_long_names_are_folded_between_characters(store):
    fill(store, [CONTRACT | {"name": "Ünïcode " * 30}])
    text = calendar_text(contract_register(store, "2027-01-01"), "2027-01-01")
    assert "Ünïcode Ünïcode" in text.replace("\r\n ", "")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
