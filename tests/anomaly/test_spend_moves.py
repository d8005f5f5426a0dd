"""Spend of accounts, carriers, cost centers and categories: what moved, when, and why, to the millionth."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anomaly
from anomaly import spend
from app.commands import flag as command
from core import findings, periods
from core.findings import to_json
from core.money import SCALE
from core.store import Store
from tests.anomaly.tiny import Rows, base, write
from tests.run_command import run

MONTHS = periods.months_between("2026-01", "2026-08")


def bills(*changes: tuple[str, str, list[dict[str, Any]]], without: tuple[tuple[str, str], ...] = ()) -> Rows:
    """Accounts A and B, ten lines each at 30.00 a month, A with 100.00 of usage; `changes` add charges to a bill."""
    rows = base(20)
    rows["accounts"].append({"account_id": "B", "carrier_id": "C", "currency": "USD"})
    rows["invoices"], rows["charges"] = [], []
    for n, service in enumerate(rows["services"]):
        service["account_id"] = "A" if n < 10 else "B"
    for account in ("A", "B"):
        for month in MONTHS:
            if (account, month) in without:
                continue
            invoice = f"{account}-{month}"
            rows["invoices"].append(
                {"invoice_id": invoice, "account_id": account, "total": "0", "currency": "USD"}
                | {"period_start": f"{month}-01"}
            )
            wobble = MONTHS.index(month) % 3
            made = [
                {"service_id": s["service_id"], "category": "mrc", "item_code": "P", "quantity": "1", "amount": "30"}
                for s in rows["services"]
                if s["account_id"] == account
            ]
            if account == "A":
                use = {"category": "usage", "item_code": "U", "quantity": "50", "unit": "MB"}
                made.append(use | {"amount": f"{100 + wobble}"})
            for who, when, more in changes:
                if (who, when) == (account, month):
                    made += more
            for k, charge in enumerate(made):
                ids = {"charge_id": f"{invoice}-{k}", "invoice_id": invoice, "period_start": f"{month}-01"}
                rows["charges"].append(charge | ids)
    return rows


def extra(category: str, amount: str, item: str, quantity: str | None = None) -> dict[str, Any]:
    return {"category": category, "item_code": item, "amount": amount, "quantity": quantity}


def test_ordinary_months_are_no_moves(store: Store) -> None:
    assert spend.moves(write(store, bills())) == []


def test_opposite_moves_inside_one_account_are_two(store: Store) -> None:
    rows = bills(("A", "2026-08", [extra("usage", "900", "ROAM", "9"), extra("credit", "-900", "GOODWILL")]))
    found = spend.moves(write(store, rows))
    assert {(m.level, m.key, m.month, m.difference // SCALE) for m in found} == {
        ("category", ("A", "usage"), "2026-08", 900)
    }  # the account's total did not move, and a first credit has no months to compare with


def test_a_credit_that_stops_is_seen_though_nothing_is_billed_for_it(store: Store) -> None:
    rows = bills(*(("A", month, [extra("credit", "-500", "TIER")]) for month in MONTHS[:-1]))
    found = spend.moves(write(store, rows))
    assert [(m.key, m.difference // SCALE) for m in found] == [(("A", "credit"), 500)]
    assert [(d.item, d.amount // SCALE, d.cause) for d in found[0].drivers] == [("TIER", 500, "other")]


def test_a_bill_that_did_not_come_is_named_once(store: Store) -> None:
    (move,) = spend.moves(write(store, bills(without=(("B", "2026-07"),))))
    assert (move.level, move.key, move.month, move.missing) == ("account", ("B",), "2026-07", True)
    assert spend.sentence(move) == "Account B: no bill has come for July 2026; about 300.00 USD was expected."
    assert spend.moves(store, last="2026-06") == []


def test_a_bill_that_is_late_is_missing_in_the_newest_month(store: Store) -> None:
    (move,) = spend.moves(write(store, bills(without=(("B", "2026-08"),))))
    assert (move.key, move.month, move.missing) == (("B",), "2026-08", True)


def test_what_comes_every_year_is_no_move(store: Store) -> None:
    months = periods.months_between("2025-01", "2026-03")
    levels = {m: (1000 if m.endswith("-02") else 300) * SCALE for m in months}
    listed = spend._series("account", ("A",), "USD", levels, dict.fromkeys(months, SCALE))
    assert [move.month for move, flagged in listed if flagged] == []  # February 2025 is too early to be judged
    levels["2026-03"] = 1000 * SCALE
    listed = spend._series("account", ("A",), "USD", levels, dict.fromkeys(months, SCALE))
    assert [move.month for move, flagged in listed if flagged] == ["2026-03"]


def test_later_months_change_nothing(store: Store) -> None:
    rows = bills(("A", "2026-06", [extra("usage", "900", "ROAM", "9")]))
    whole = spend.moves(write(store, rows), last="2026-06")
    with store.transaction() as txn:
        later = [row["charge_id"] for row in rows["charges"] if row["period_start"] > "2026-06-30"]
        txn.delete("charges", {"charge_id": later})
        from core import rollups

        rollups.refresh(txn)
    assert spend.moves(store, last="2026-06") == whole
    assert whole[0].month == "2026-06"


def test_drivers_tell_price_volume_and_mix_apart() -> None:
    before = items(("mrc", "P", 300, 10), ("mrc", "Q", 100, 2), ("late_fee", "L", 5, 1))
    after = items(("mrc", "P", 396, 12), ("mrc", "Q", 100, 2), ("mrc", "N", 70, 1))
    told = {
        d.item: (d.price // SCALE, d.volume, d.mix, d.other // SCALE, d.cause) for d in spend.decompose(before, after)
    }
    mean = Fraction(400, 12) * SCALE  # of the family, before
    volume = round(2 * mean / 10_000) * 10_000
    assert told["P"] == (36, volume, 96 * SCALE - 36 * SCALE - volume, 0, "volume")  # 12 lines, 3.00 dearer
    assert told["N"] == (0, round(mean / 10_000) * 10_000, 70 * SCALE - round(mean / 10_000) * 10_000, 0, "new")
    assert told["L"] == (0, 0, 0, -5, "other")
    assert "Q" not in told


def items(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    columns = ["category", "item_code", "description", "unit", "amount", "quantity", "charges"]
    listed = [[c, i, None, None, a * SCALE, q * SCALE, q] for c, i, a, q in rows]
    return pd.DataFrame(listed, columns=columns)


KINDS = st.sampled_from(["mrc", "usage", "credit", "nrc"])
ITEM = st.tuples(KINDS, st.sampled_from("PQRS"), st.integers(-500, 900), st.integers(0, 9))


@settings(max_examples=60, deadline=None)
@given(st.lists(ITEM, max_size=6), st.lists(ITEM, max_size=6))
def test_drivers_add_up_to_the_difference_exactly(old: list[Any], new: list[Any]) -> None:
    found = spend.decompose(items(*old), items(*new))
    assert sum(d.amount for d in found) == sum(a for *_, a, _ in new) * SCALE - sum(a for *_, a, _ in old) * SCALE
    assert all(d.price + d.volume + d.mix + d.other == d.amount for d in found)


def test_the_command_shows_them_and_keeps_the_queues_as_they_are(store: Store) -> None:
    write(store, bills(("A", "2026-08", [extra("usage", "900", "ROAM", "9")])))
    shown = run(store, command, ["flag", "--queue", "spend", "--json"])
    assert shown.exit_code == 0, shown.output
    (item,) = anomaly.flag(store, queue="spend")
    document = to_json(item)
    assert (document["rule"], document["subject_type"], document["subject_id"]) == ("spend.usage", "account", "A")
    assert (document["amount_at_stake"], document["month"]) == ("900.00", "2026-08")
    assert document["severity"] == "critical"  # 30 times what a line costs
    assert document["finding_id"] in shown.stdout
    assert list(findings.load(store)["queue"]) == ["spend"]
    assert not [f for f in anomaly.flag(store, budget=1.0) if f.rule.startswith("spend")]


@pytest.mark.parametrize(("first", "last", "count"), [(None, "2026-07", 0), ("2026-08", None, 1)])
def test_the_months_can_be_limited(store: Store, first: str | None, last: str | None, count: int) -> None:
    write(store, bills(("A", "2026-08", [extra("usage", "900", "ROAM", "9")])))
    assert len(spend.moves(store, first=first, last=last)) == count
