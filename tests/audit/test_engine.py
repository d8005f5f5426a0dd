"""What holds for all rules: point in time, money counted once, stable ids, documents, thresholds as data."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from audit_books import Books, found
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import audit
from audit.registry import RULES, load_rules
from core import periods
from core.findings import save, to_json
from core.issues import BadInput
from core.store import Store

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "audit.md"
MONTHS = periods.months_between("2026-01", "2026-06")


def spoiled() -> Books:
    """Several errors that overlap on the same charges."""
    books = Books().clean(lines=4)
    books.find("employees", employee_id="E1").update(left_on="2026-03-31")
    books.find("services", service_id="S1").update(disconnected_on="2026-05-11")
    for month in ("2026-05", "2026-06"):
        books.charge("S1", month).update(unit_rate="40.00", amount="40.00")
    for month in MONTHS[2:]:
        books.drop("usage", service_id="S1", month=month)
        books.drop("usage", service_id="S2", month=month)
    books.add("charges", **{**books.charge("S1", "2026-06"), "charge_id": "DUP"})
    books.charge("S3", "2026-02").update(unit_rate="33.00", amount="33.00")
    books.charge("S3", "2026-04").update(unit_rate="27.00", amount="27.00")
    books.bill(None, "2026-03", "5.00", category="late_fee", item_code="LATE")
    books.bill("S4", "2026-04", "80.00", category="third_party", item_code="APP")
    books.add(
        "credits_promised",
        credit_id="PR",
        carrier_id="acme",
        account_id="A1",
        item_code="CR",
        amount="3",
        currency="USD",
        cadence="monthly",
        starts_on="2026-02-01",
        ends_on="2026-05-31",
    )
    books.bill(None, "2026-02", "-3.00", category="credit", item_code="CR", unit_rate=None, quantity=None)
    return books


def until(books: Books, month: str) -> Books:
    """The same books without later facts."""
    cut = Books()
    for table, rows in books.rows.items():
        cut.rows[table] = [
            r
            for r in rows
            if not (table in ("invoices", "charges") and r["period_start"][:7] > month)
            and not (table == "usage" and r["month"] > month)
            and not (table == "payments" and r["paid_on"][:7] > month)
        ]
    return cut


def test_money_is_counted_once_in_order_of_precedence(store: Store) -> None:
    books = spoiled()
    items = audit.run(books.save(store))
    amounts = {c["charge_id"]: float(c["amount"]) for c in books.rows["charges"]}
    counted: dict[str, float] = {}
    for item in items:
        assert sum(item.charge_stakes.values()) == item.amount_counted or not item.charge_stakes
        for charge, amount in item.charge_stakes.items():
            counted[charge] = counted.get(charge, 0) + max(0, amount) / 1e6
    assert all(total <= amounts[charge] + 1e-9 for charge, total in counted.items())
    june = {
        f.rule: (f.amount_at_stake, f.amount_counted) for f in items if f.month == "2026-06" and f.service_id == "S1"
    }
    assert june["I2"][0] == 40_000_000
    assert june["R2"] == (10_000_000, 0)
    assert june["I4"][1] == 0
    assert {"I2", "I4", "C2", "R2"} <= set(june)


@pytest.mark.parametrize("month", ["2026-02", "2026-04", "2026-05"])
def test_later_months_change_no_row(store: Store, tmp_path: Path, month: str) -> None:
    books = spoiled()
    whole = [to_json(f) for f in audit.run(books.save(store), last=month)]
    earlier = Store.open(f"sqlite:///{tmp_path / 'earlier.db'}")
    try:
        cut = [to_json(f) for f in audit.run(until(books, month).save(earlier))]
    finally:
        earlier.close()
    assert cut == whole
    assert whole


@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(["S1", "S2", "S3"]),
            st.sampled_from(MONTHS),
            st.sampled_from(["rate", "twice", "silent", "drop", "part", "credit"]),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda e: e[:2],
    ),
    left=st.sampled_from([None, "2026-02-14", "2026-04-30"]),
    gone=st.sampled_from([None, "2026-03-01", "2026-04-16"]),
    cut=st.sampled_from(MONTHS[1:5]),
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mixture_of_errors_keeps_the_invariants(
    empty_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
    edits: list[tuple[str, str, str]],
    left: str | None,
    gone: str | None,
    cut: str,
) -> None:
    import shutil

    books = Books().clean()
    books.find("employees", employee_id="E1")["left_on"] = left
    books.find("services", service_id="S2")["disconnected_on"] = gone
    for service, month, kind in edits:
        charge = books.charge(service, month)
        if kind == "rate":
            charge.update(unit_rate="34.00", amount="34.00")
        elif kind == "twice":
            books.add("charges", **{**charge, "charge_id": f"{charge['charge_id']}-2"})
        elif kind == "silent":
            books.drop("usage", service_id=service, month=month)
        elif kind == "drop":
            books.drop("charges", charge_id=charge["charge_id"])
        elif kind == "part":
            charge.update(period_start=f"{month}-11")
        else:
            books.bill(
                service,
                month,
                "-10.00",
                category="credit",
                item_code="X",
                unit_rate=None,
                quantity=None,
                related_charge_id=charge["charge_id"],
            )
    folder = tmp_path_factory.mktemp("mix")
    results = []
    for name, rows in (("all", books), ("cut", until(books, cut))):
        shutil.copy(empty_store, folder / f"{name}.db")
        opened = Store.open(f"sqlite:///{folder / f'{name}.db'}")
        results.append(audit.run(rows.save(opened), last=cut if name == "all" else None))
        if name == "all":
            everything = audit.run(opened)
        opened.close()
    assert [to_json(f) for f in results[0]] == [to_json(f) for f in results[1]]
    amounts = {c["charge_id"]: round(float(c["amount"]) * 1e6) for c in books.rows["charges"]}
    counted: dict[str, int] = {}
    for item in everything:
        for charge, amount in item.charge_stakes.items():
            counted[charge] = counted.get(charge, 0) + max(0, amount)
    assert all(total <= max(0, amounts[charge]) for charge, total in counted.items())
    ids = [f.finding_id for f in everything]
    assert len(ids) == len(set(ids))


def test_twice_gives_the_same_rows_and_a_second_save_adds_none(store: Store) -> None:
    spoiled().save(store)
    first, second = audit.run(store), audit.run(store)
    assert [to_json(f) for f in first] == [to_json(f) for f in second]
    assert save(store, first, "audit")["new"] == len(first)
    assert save(store, second, "audit") == {"new": 0, "known": len(first), "gone": 0}


def test_months_limit_what_is_reported_and_nothing_else(store: Store) -> None:
    spoiled().save(store)
    everything = [to_json(f) for f in audit.run(store)]
    some = [to_json(f) for f in audit.run(store, first="2026-03", last="2026-04")]
    assert some == [f for f in everything if "2026-03" <= f["month"] <= "2026-04"]


def test_the_document_has_every_field(store: Store) -> None:
    document = to_json(found(spoiled().save(store), "R1")[0])
    assert document["amount_at_stake"] == "3.00"
    assert document["expected"] == {"value": "30.00", "low": None, "high": None, "unit": "USD"}
    assert document["actual"] == {"value": "33.00", "unit": "USD"}
    assert document["charge_stakes"] == [{"charge_id": document["subject_id"], "amount": "3.00"}]
    assert all(set(e) == {"table", "key", "month", "field", "value", "note"} for e in document["evidence"])
    assert 1 <= document["explanation"].count(". ") + 1 <= 3
    json.dumps(document)


def test_use_without_any_bill_is_enough_for_the_usage_rules(store: Store) -> None:
    books = Books().clean("2026-01", "2026-03")
    books.rows["invoices"] = books.rows["charges"] = []
    for month in ("2026-02", "2026-03"):
        books.drop("usage", service_id="S1", month=month)
    items = audit.run(books.save(store))
    assert [(f.rule, f.subject_id, f.month, f.amount_counted) for f in items] == [("U1", "S1", "2026-03", 30_000_000)]


def test_an_empty_store_has_no_findings(store: Store) -> None:
    assert audit.run(store) == []


def test_thresholds_are_data(store: Store, tmp_path: Path) -> None:
    spoiled().save(store)
    override = tmp_path / "mine.yaml"
    override.write_text("U7: {enabled: false}\nR1: {tolerance: 3.00}\nU1: {months: 3}\n", encoding="utf-8")
    usual, mine = audit.run(store), audit.run(store, rules=override)
    assert {"U7", "R1"} <= {f.rule for f in usual}
    assert not {"U7", "R1"} & {f.rule for f in mine}
    assert min(f.month for f in usual if f.rule == "U1") == "2026-04"
    assert min(f.month for f in mine if f.rule == "U1") == "2026-05"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("X9: {a: 1}", "X9"),
        ("U2: {under: 1}", "U2.under"),
        ("U2: {below: lots}", "U2.below"),
        ("[]", "mapping"),
        ("{", "read"),
        ("U1: {kinds: mobile}", "a list"),
    ],
)
def test_a_wrong_override_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    override = tmp_path / "mine.yaml"
    override.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=said.replace(".", r"\.")):
        load_rules(override)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_is_described_documented_and_tested(rule: str) -> None:
    item = RULES[rule]
    assert item.title
    assert item.default_reason
    assert len(item.description) > 40
    assert callable(item.check)
    for name, value in item.options.items():
        if not isinstance(value, list):
            shown = {
                "below": ["20 %", "50 %"],
                "above": ["100 %"],
                "share": ["30 %"],
                "months": [str(value), "second"],
                "services": ["Three"],
                "history": [str(value)],
                "below_mb": ["1024"],
                "account_rows": ["zeros, N/A"],
            }.get(name, [str(value)])
            assert any(text in item.description for text in shown), name
    assert f"\n| {rule} | {item.claim} |" in DOCS.read_text(encoding="utf-8")
    tests = {
        node.name
        for path in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert any(name.startswith("test_") and rule.lower() in name.split("_") for name in tests)
