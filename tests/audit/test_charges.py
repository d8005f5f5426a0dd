"""Single charges and whole invoices: C1 to C14, R6."""

from __future__ import annotations

from typing import Any

import pytest
from audit_books import Books, found, short

from audit import disputes
from core import findings
from core.periods import add_days
from core.store import Store


def _copy(books: Books, charge: dict[str, Any], **row: Any) -> dict[str, Any]:
    return books.add("charges", **{**charge, "charge_id": books.next_charge(), **row})


def _credit(books: Books, month: str, amount: str, **row: Any) -> dict[str, Any]:
    base = {"category": "credit", "item_code": "CR", "unit_rate": None, "quantity": None}
    return books.bill(row.pop("service_id", None), month, amount, **{**base, **row})


# C1 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("same_number", [True, False])
def test_c1_same_number_or_same_period_and_lines(store: Store, same_number: bool) -> None:
    books = Books().clean("2026-01", "2026-02")
    number = "NA12026-02" if same_number else "other"
    books.invoice("A1", "2026-02", invoice_id="AGAIN", number=number, issued_on="2026-02-28")
    for charge in list(books.rows["charges"]):
        if charge["invoice_id"] == "A1-2026-02" and (not same_number or charge["service_id"] != "S3"):
            _copy(books, charge, invoice_id="AGAIN")
    if same_number:  # other lines, and a tax that does not count
        _copy(books, books.charge("S1", "2026-02"), invoice_id="AGAIN", category="tax", item_code="T", amount="5.00")
    items = found(books.save(store))
    assert [(f.rule, f.subject_id, f.amount_at_stake) for f in items] == [
        ("C1", "AGAIN", 60_000_000 if same_number else 90_000_000)
    ]
    assert items[0].amount_counted == items[0].amount_at_stake
    assert sum(items[0].charge_stakes.values()) == items[0].amount_counted


def test_c1_leaves_another_period_and_credit_notes_alone(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.invoice("A1", "2026-02", invoice_id="NOTE", number="NA12026-02", kind="credit_note")
    assert short(found(books.save(store))) == []


# C2 ------------------------------------------------------------------------------------------------------------------


def test_c2_second_of_two_equal_rows(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    _copy(books, books.charge("S1", "2026-02"))
    assert short(found(books.save(store))) == [("C2", "C0007", "2026-02", "30.00")]


def test_c2_across_invoices(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.invoice("A1", "2026-02", invoice_id="B2", number="B2", issued_on="2026-03-05")
    _copy(books, books.charge("S1", "2026-02"), invoice_id="B2")
    assert short(found(books.save(store))) == [("C2", "C0007", "2026-02", "30.00")]


@pytest.mark.parametrize("related", [True, False])
def test_c2_already_credited_is_no_finding(store: Store, related: bool) -> None:
    books = Books().clean("2026-01", "2026-02")
    copy = _copy(books, books.charge("S1", "2026-02"))
    _credit(
        books,
        "2026-02",
        "-30.00",
        service_id="S1",
        item_code="FIX" if related else "P1",
        related_charge_id=copy["charge_id"] if related else None,
    )
    assert short(found(books.save(store))) == []


def test_c2_three_rows_and_one_credit_leave_one(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    copy = _copy(books, books.charge("S1", "2026-02"))
    _copy(books, books.charge("S1", "2026-02"))
    _credit(books, "2026-02", "-30.00", service_id="S1", related_charge_id=copy["charge_id"])
    assert [(f.rule, f.amount_at_stake) for f in found(books.save(store))] == [("C2", 30_000_000)]


@pytest.mark.parametrize(
    "change",
    [
        {"item_code": "P2", "category": "occ"},
        {"period_start": "2026-02-02"},
        {"amount": "30.01", "unit_rate": "30.01"},
        {"category": "usage", "item_code": "U"},
    ],
)
def test_c2_needs_the_same_item_period_and_amount_and_no_usage(store: Store, change: dict[str, Any]) -> None:
    books = Books().clean("2026-01", "2026-02")
    charge = _copy(books, books.charge("S1", "2026-02"), **change)
    if change.get("category") == "usage":
        _copy(books, charge)
    assert found(books.save(store), "C2") == []


def test_c2_quantity_above_one_is_none(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.charge("S1", "2026-02").update(quantity="2", amount="60.00")
    assert short(found(books.save(store))) == []


def test_c2_without_a_service_counts_only_inside_one_invoice(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    fee = {
        "category": "occ",
        "item_code": "FEE",
        "billed_number": None,
        "period_start": "2026-02-01",
        "period_end": "2026-02-28",
    }
    books.bill(None, "2026-02", "9.00", **fee)
    books.bill(None, "2026-02", "9.00", **{**fee, "invoice_id": "A1-2026-01"})
    twice = books.bill(None, "2026-02", "9.00", **fee)
    assert short(found(books.save(store))) == [("C2", twice["charge_id"], "2026-02", "9.00")]


# C3 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paid_on", "amount", "claim"),
    [
        ("2026-02-27", "90.00", "recoverable"),
        ("2026-02-28", "90.00", "avoidable"),
        ("2026-02-20", "89.99", "avoidable"),
        (None, None, "avoidable"),
    ],
)
def test_c3_late_fee(store: Store, paid_on: str | None, amount: str | None, claim: str) -> None:
    books = Books().clean("2026-01", "2026-02")  # the January bill is due 2026-02-27
    if paid_on:
        books.add("payments", invoice_id="A1-2026-01", paid_on=paid_on, amount=amount)
    books.bill(None, "2026-02", "7.50", category="late_fee", item_code="LATE", unit_rate=None)
    items = found(books.save(store))
    assert [(f.rule, f.claim, f.amount_at_stake) for f in items] == [("C3", claim, 7_500_000)]


# C4, C5, C6, C8, C10 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("term_end", "stake"), [("2026-04-30", None), ("2026-01-31", "100.00")])
def test_c4_exit_fee_against_the_rule(store: Store, term_end: str, stake: str | None) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.find("contracts", contract_id="K1").update(etf_rule="fixed", etf_amount="100")
    books.find("services", service_id="S1").update(term_end_on=term_end)
    books.add("items", carrier_id="acme", item_code="ETF", nature="etf")
    books.bill("S1", "2026-02", "100.00", category="nrc", item_code="ETF")
    items = found(books.save(store))
    assert short(items) == ([] if stake is None else [("C4", "C0007", "2026-02", stake)])


@pytest.mark.parametrize(
    ("completed", "price", "status", "stake"),
    [
        ("2026-02-10", "50.00", "installed", None),
        ("2026-02-10", "35.00", "installed", "15.00"),
        ("2026-02-10", "50.00", "cancelled", "50.00"),
        ("2025-11-20", "50.00", "installed", None),
        ("2025-11-11", "50.00", "installed", "50.00"),
        ("2026-02-10", "49.99", "installed", None),
    ],
)
def test_c5_needs_an_order_within_90_days_at_its_price(
    store: Store, completed: str, price: str, status: str, stake: str | None
) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.add(
        "orders",
        order_id="O1",
        service_id="S1",
        account_id="A1",
        type="install",
        completed_on=completed,
        item_code="INST",
        nrc_amount=price,
        status=status,
    )
    books.bill(
        "S1", "2026-02", "50.00", category="nrc", item_code="INST", period_start="2026-02-10", period_end="2026-02-10"
    )
    assert short(found(books.save(store))) == ([] if stake is None else [("C5", "C0007", "2026-02", stake)])


def test_c5_is_silent_without_any_orders(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.bill("S1", "2026-02", "50.00", category="nrc", item_code="INST")
    assert short(found(books.save(store))) == []


def test_c6_paper_invoice(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.add("items", carrier_id="acme", item_code="PAPER", nature="paper_invoice")
    books.bill(None, "2026-02", "3.00", category="occ", item_code="PAPER")
    books.bill(None, "2026-02", "4.00", category="occ", item_code="OTHER")
    assert short(found(books.save(store))) == [("C6", "C0007", "2026-02", "3.00")]


@pytest.mark.parametrize(("amount", "count"), [("0.99", 0), ("1.00", 1), ("-5.00", 0)])
def test_c8_positive_adjustments_are_shown_and_not_counted(store: Store, amount: str, count: int) -> None:
    books = Books().clean("2026-01", "2026-02")
    books.bill(None, "2026-02", amount, category="adjustment", item_code="ADJ")
    items = found(books.save(store))
    assert [(f.rule, f.claim) for f in items] == [("C8", "informative")] * count


def _other_carrier(books: Books) -> None:
    books.add("carriers", carrier_id="rival", country="US")
    books.add("accounts", account_id="R1", carrier_id="rival", number="R", currency="USD")
    books.invoice("R1", "2026-02")
    books.line("R-S", carrier_id="rival", account_id="R1", contract_id=None, plan_id=None)
    books.bill("R-S", "2026-02", "20.00", invoice_id="R1-2026-02", item_code="X", charge_id="RC1")
    books.bill(None, "2026-02", "25.00", invoice_id="R1-2026-02", item_code="X", billed_number="555S1", charge_id="RC2")


@pytest.mark.parametrize("ported", [True, False])
def test_c10_another_carrier_bills_the_number(store: Store, ported: bool) -> None:
    books = Books().clean("2026-01", "2026-02")
    _other_carrier(books)
    books.add("orders", order_id="O1", service_id="S1" if ported else "S2", type="port", completed_on="2026-01-20")
    items = found(books.save(store))
    assert [(f.rule, f.subject_id, f.service_id) for f in items] == [
        ("I1", "RC2", None) if ported else ("C10", "RC2", "S1")
    ]


# C7 ------------------------------------------------------------------------------------------------------------------


def _tax(books: Books, month: str, amount: str, **row: Any) -> dict[str, Any]:
    return books.bill(None, month, amount, category="tax", item_code="VAT", unit_rate=None, quantity=None, **row)


@pytest.mark.parametrize(
    ("amount", "stake"), [("17.10", None), ("17.13", None), ("17.14", "0.04"), ("17.06", "-0.04"), ("18.00", "0.90")]
)
def test_c7_tax_is_rate_times_base_within_a_cent_per_taxed_line(store: Store, amount: str, stake: str | None) -> None:
    books = Books().clean("2026-01", "2026-01")  # three lines of 30.00
    books.add(
        "tax_rules", country="US", item_code="VAT", applies_to="mrc|usage", rate="0.19", effective_from="2020-01-01"
    )
    _tax(books, "2026-01", amount)
    assert short(found(books.save(store))) == ([] if stake is None else [("C7", "C0004", "2026-01", stake)])


def test_c7_missing_tax_is_an_undercharge_of_the_invoice(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.add("tax_rules", country="US", item_code="VAT", applies_to="mrc", rate="0.19")
    assert short(found(books.save(store))) == [("C7", "A1-2026-01", "2026-01", "-17.10")]


@pytest.mark.parametrize("exempt", ["all", "VAT|OTHER"])
def test_c7_tax_on_an_exempt_account(store: Store, exempt: str) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.find("accounts", account_id="A1")["tax_exempt"] = exempt
    books.add("tax_rules", country="US", item_code="VAT", applies_to="mrc", rate="0.19")
    _tax(books, "2026-01", "17.10")
    assert short(found(books.save(store))) == [("C7", "C0004", "2026-01", "17.10")]


def test_c7_of_an_account_with_two_contracts_is_due_by_the_shorter_window(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.find("contracts", contract_id="K1")["dispute_window_days"] = 90
    books.add(
        "contracts", **{**books.find("contracts", contract_id="K1"), "contract_id": "K2", "dispute_window_days": 60}
    )
    books.find("services", service_id="S2")["contract_id"] = "K2"
    books.find("accounts", account_id="A1")["tax_exempt"] = "all"
    _tax(books, "2026-01", "17.10")
    (item,) = found(books.save(store), "C7")
    assert item.file_by == add_days(books.find("invoices", account_id="A1")["issued_on"], 60)
    findings.save(store, [item], "audit")
    (claim,) = disputes.disputes(store, "2026-01-31")
    assert claim.file_by == item.file_by


# C9 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proration", "amount", "stake"),
    [
        (None, "15.00", None),
        (None, "15.01", None),
        (None, "15.02", "0.02"),
        (None, "30.00", "15.00"),
        ("thirty_day", "15.00", None),
        ("full_month", "30.00", None),
        ("full_month", "15.00", "-15.00"),
    ],
)
def test_c9_part_of_a_month(store: Store, proration: str | None, amount: str, stake: str | None) -> None:
    books = Books().clean("2026-04", "2026-04")
    books.find("contracts", contract_id="K1")["proration"] = proration
    books.find("services", service_id="S1")["activated_on"] = "2026-04-16"
    books.charge("S1", "2026-04").update(period_start="2026-04-16", amount=amount)
    assert short(found(books.save(store))) == ([] if stake is None else [("C9", "C0001", "2026-04", stake)])


def test_c9_thirty_days_divide_a_long_month(store: Store) -> None:
    books = Books().clean("2026-05", "2026-05")
    books.find("contracts", contract_id="K1")["proration"] = "thirty_day"
    books.find("services", service_id="S1")["activated_on"] = "2026-05-17"
    books.charge("S1", "2026-05").update(period_start="2026-05-17", amount="15.00")  # 15 days
    assert short(found(books.save(store))) == []


def test_c9_whole_month_billed_for_a_line_activated_in_it(store: Store) -> None:
    books = Books().clean("2026-04", "2026-04")
    books.find("services", service_id="S1")["activated_on"] = "2026-04-16"
    assert short(found(books.save(store))) == [("C9", "C0001", "2026-04", "15.00")]


def test_a_plan_change_in_mid_month_is_no_finding(store: Store) -> None:
    books = Books().clean("2026-04", "2026-05")
    books.add("plans", plan_id="P2", carrier_id="acme", service_kind="mobile", mrc="60", currency="USD")
    books.add("contract_rates", contract_id="K1", item_code="P2", category="mrc", rate="60")
    books.history("S1", {"valid_from": "2024-01-01"}, {"valid_from": "2026-04-11", "plan_id": "P2"})
    books.find("services", service_id="S1")["plan_id"] = "P2"
    books.charge("S1", "2026-04").update(period_end="2026-04-10", amount="10.00")
    books.bill("S1", "2026-04", "40.00", item_code="P2", unit_rate="60", period_start="2026-04-11")
    books.charge("S1", "2026-05").update(item_code="P2", unit_rate="60", amount="60.00")
    assert short(found(books.save(store))) == []


# C11, C12, C13 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "stake"), [("90.01", None), ("90.02", "0.02"), ("80.00", "-10.00"), ("95.00", "5.00")]
)
def test_c11_total_against_lines(store: Store, total: str, stake: str | None) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.find("invoices", invoice_id="A1-2026-01")["total"] = total
    assert short(found(books.save(store))) == ([] if stake is None else [("C11", "A1-2026-01", "2026-01", stake)])


def test_c11_quantity_times_rate(store: Store) -> None:
    books = Books().clean("2026-01", "2026-01")
    books.bill("S1", "2026-01", "12.00", category="usage", item_code="U", quantity="100", unit_rate="0.10")
    books.bill("S1", "2026-01", "0.34", category="usage", item_code="U2", quantity="3.35", unit_rate="0.10")  # 0.335
    assert short(found(books.save(store))) == [("C11", "C0004", "2026-01", "2.00")]


@pytest.mark.parametrize(("as_of", "count"), [("2026-04-11", 0), ("2026-04-12", 1), ("2026-06-30", 1)])
def test_c12_missing_invoice_is_late_after_15_days(store: Store, as_of: str, count: int) -> None:
    books = Books().clean("2026-01", "2026-06")  # bill day 28: expected on 2026-03-28
    books.drop("invoices", invoice_id="A1-2026-03")
    books.drop("charges", invoice_id="A1-2026-03")
    items = found(books.save(store), "C12", as_of=as_of)
    assert short(items) == [("C12", "A1", "2026-03", "0.00")] * count


@pytest.mark.parametrize(
    ("cadence", "months"), [("none", []), ("quarterly", []), (None, ["2026-05"]), ("monthly", ["2026-05"])]
)
def test_c12_cadence_is_given_or_learned(store: Store, cadence: str | None, months: list[str]) -> None:
    books = Books().clean("2026-01", "2026-06", lines=1)
    books.find("accounts", account_id="A1")["cadence"] = cadence
    books.drop("invoices", invoice_id="A1-2026-05")
    books.drop("charges", invoice_id="A1-2026-05")
    assert [f.month for f in found(books.save(store), "C12")] == months


@pytest.mark.parametrize(("extra", "months"), [("24.00", []), ("26.00", ["2026-05"]), ("25.00", [])])
def test_c13_off_by_30_percent_and_25_units(store: Store, extra: str, months: list[str]) -> None:
    books = Books().clean("2026-01", "2026-05", lines=1)
    books.bill("S1", "2026-05", extra, category="usage", item_code="U")
    items = found(books.save(store), "C13")
    assert [f.month for f in items] == months
    assert all(f.claim == "informative" and f.amount_counted == 0 for f in items)


def test_c13_a_month_without_any_bill_is_unknown_and_not_zero(store: Store) -> None:
    books = Books().clean("2026-01", "2026-06", lines=1)
    books.drop("invoices", invoice_id="A1-2026-05")
    books.drop("charges", invoice_id="A1-2026-05")
    assert found(books.save(store), "C13") == []


def test_c13_of_a_dear_service_needs_30_percent(store: Store) -> None:
    books = Books().clean("2026-01", "2026-05", lines=1, mrc="100.00")
    books.find("contract_rates", item_code="P1").update(list_rate=None)
    books.bill("S1", "2026-04", "30.00", category="usage", item_code="U")
    books.bill("S1", "2026-05", "30.01", category="usage", item_code="U")
    assert [f.month for f in found(books.save(store), "C13")] == ["2026-05"]


# R6, C14 -------------------------------------------------------------------------------------------------------------


def _promise(books: Books, **row: Any) -> None:
    base = {
        "credit_id": "PR",
        "carrier_id": "acme",
        "account_id": "A1",
        "service_id": "S1",
        "item_code": "CR",
        "reason": "promo",
        "amount": "5.00",
        "currency": "USD",
        "cadence": "monthly",
        "starts_on": "2026-01-01",
        "ends_on": "2026-04-30",
    }
    books.add("credits_promised", **{**base, **row})


@pytest.mark.parametrize(
    ("credited", "expected"),
    [
        (["2026-01", "2026-02", "2026-03", "2026-04"], []),
        (["2026-01", "2026-02"], [("R6", "S1", "2026-03", "5.00"), ("R6", "S1", "2026-04", "5.00")]),
        (["2026-01", "2026-02", "2026-03", "2026-04", "2026-05"], [("R6", "C0023", "2026-05", "-5.00")]),
        ([], [("C14", "S1", f"2026-0{n}", "5.00") for n in (1, 2, 3, 4)]),
    ],
)
def test_r6_and_c14_of_a_monthly_credit(store: Store, credited: list[str], expected: list[Any]) -> None:
    books = Books().clean()
    _promise(books)
    for month in credited:
        _credit(books, month, "-5.00", service_id="S1")
    items = found(books.save(store))
    assert short(items) == expected
    assert all(f.amount_counted == f.amount_at_stake for f in items)


def test_c14_a_line_that_is_gone_is_owed_nothing(store: Store) -> None:
    books = Books().clean("2026-01", "2026-03")
    _promise(books)
    books.find("services", service_id="S1").update(status="disconnected", disconnected_on="2026-02-01")
    _credit(books, "2026-01", "-5.00", service_id="S1")
    for month in ("2026-02", "2026-03"):
        books.drop("charges", service_id="S1", period_start=f"{month}-01")
    assert short(found(books.save(store))) == []


def test_c14_falls_short_every_month(store: Store) -> None:
    books = Books().clean("2026-01", "2026-02")
    _promise(books)
    for month in ("2026-01", "2026-02"):
        _credit(books, month, "-3.00", service_id="S1")
    assert short(found(books.save(store))) == [("C14", "S1", "2026-01", "2.00"), ("C14", "S1", "2026-02", "2.00")]


@pytest.mark.parametrize(
    ("credits", "expected"),
    [
        ([("2026-02", "-100.00")], []),
        ([("2026-02", "-60.00"), ("2026-03", "-40.00")], []),
        ([("2026-02", "-60.00")], [("C14", "A1", "2026-03", "40.00")]),
        ([], [("C14", "A1", "2026-03", "100.00")]),
        ([("2026-04", "-100.00")], [("C14", "A1", "2026-03", "100.00")]),
    ],
)
def test_c14_of_one_credit_is_due_by_a_day_in_total(store: Store, credits: list[Any], expected: list[Any]) -> None:
    books = Books().clean()
    _promise(books, service_id=None, cadence="once", amount="100.00", ends_on=None, due_by="2026-03-31", reason="sla")
    for month, amount in credits:
        _credit(books, month, amount)
    assert short(found(books.save(store))) == expected
