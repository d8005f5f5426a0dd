"""A known format that changed says so before it is loaded; charge categories follow rules that a user can extend."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.issues import BadInput
from core.store import Store
from loaders import drift, load_paths, preview, teach, undo
from loaders.taxonomy import Taxonomy, built_in, parse_rules
from tests.loaders.conftest import ATT, GOLDEN


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'tem.db'}")


@pytest.mark.parametrize(
    ("known", "header", "said"),
    [
        ([], ["A", "B"], []),
        ([["A", "B"]], ["b ", "a"], []),
        ([["A", "B"], ["A", "C"]], ["A", "C"], []),
        ([["Account", "Total"]], ["Account", "Total", "VIS"], ['columns that earlier files did not have: "VIS"']),
        ([["Account", "Total"]], ["Account"], ['columns of earlier files are missing: "Total"']),
        (
            [["Account", "Wireless number", "Total"]],
            ["Account", "Wireless numbers", "Total"],
            ['the column "Wireless number" seems to be renamed "Wireless numbers"'],
        ),
        (
            [["Account", "MSISDN", "Total"]],
            ["Account", "Phone", "Total"],
            ['the column "MSISDN" seems to be renamed "Phone"'],
        ),
    ],
)
def test_how_a_header_differs(known: list[list[str]], header: list[str], said: list[str]) -> None:
    assert drift.changes(known, header) == said


def later(text: str) -> str:
    return (
        text.replace("02/02/2026", "03/02/2026").replace("01/31/2026", "02/28/2026").replace("02/15/2026", "03/15/2026")
    )


def test_a_carrier_file_with_another_column_warns_in_the_preview_and_changes_nothing(
    tmp_path: Path, store: Store, att_csv: Path
) -> None:
    assert load_paths(store, [att_csv]).files[0].warnings == []
    path = tmp_path / "att_202602.csv"
    path.write_text(later(ATT).replace("DEPARTMENT", "COST OBJECT"))
    told = preview(path, store=store).report
    assert 'the column "DEPARTMENT" seems to be renamed "COST OBJECT"' in told.warnings
    assert len(store.frame("batches")) == 1
    loaded = load_paths(store, [path]).files[0]
    assert loaded.warnings == told.warnings
    path.write_text(later(later(ATT)).replace("DEPARTMENT", "COST OBJECT").replace("ANN", "EVE"))
    again = preview(path, store=store).report
    assert not [text for text in again.warnings if "renamed" in text]
    undo(store, 2)
    path.write_text(later(ATT).replace("DEPARTMENT", "COST OBJECT"))
    assert 'the column "DEPARTMENT" seems to be renamed "COST OBJECT"' in preview(path, store=store).report.warnings


def test_unseen_charge_codes_are_named(tmp_path: Path, store: Store, att_csv: Path) -> None:
    load_paths(store, [att_csv])
    path = tmp_path / "att_202602.csv"
    path.write_text(later(ATT).replace("BUNL", "NEWPLAN", 1))
    assert 'charge codes that att did not bill before: "NEWPLAN"' in preview(path, store=store).report.warnings
    path.write_text(later(ATT))
    assert preview(path, store=store).report.warnings == []


def test_a_total_that_no_longer_ties_is_told_with_the_history(estate: Path, store: Store) -> None:
    load_paths(store, [estate])
    more = estate.parent / "more"
    more.mkdir()
    (more / "invoices.csv").write_text(
        "invoice_id,account_id,number,issued_on,period_start,period_end,currency,total\n"
        "I2,A1,N2,2026-02-28,2026-02-01,2026-02-28,USD,30.00\n"
    )
    (more / "charges.csv").write_text(
        "charge_id,invoice_id,service_id,category,item_code,amount,period_start,period_end\n"
        "D1,I2,S1,mrc,PLAN,29.00,2026-02-01,2026-02-28\n"
    )
    warnings = load_paths(store, [more], dry_run=True).files[-1].warnings
    warnings += load_paths(store, [more], dry_run=True).files[0].warnings
    assert "invoice N2 is off by -1.00, the earlier ones of account A1 tie (1): has the format changed?" in warnings


@pytest.mark.parametrize(
    ("description", "amount", "category"),
    [
        ("State sales tax", 1, "tax"),
        ("Federal Universal Service Charge", 1, "surcharge"),
        ("Monthly plan credit", -5, "credit"),
        ("Grundgebühr Business M", 1, "mrc"),
        ("Roaming data EU", 2, "usage"),
        ("Late payment charge", 2, "late_fee"),
        ("Device instalment 3 of 24", 2, "equipment"),
        ("Frais d'activation", 2, "nrc"),
        ("Correction of March", -2, "adjustment"),
        ("Something", -2, "credit"),
        ("Something", 2, "occ"),
        ("Taxi", 2, "occ"),
    ],
)
def test_built_in_rules(description: str, amount: int, category: str) -> None:
    assert Taxonomy().category("any", None, {"description": description, "amount": amount}) == category


def test_what_the_format_says_goes_before_the_built_in_rules_and_own_rules_before_both() -> None:
    charge = {"description": "Static IP tax", "item_code": "SIP", "amount": 1}
    own = parse_rules("rules: [{id: sip, category: mrc, carrier: acme, item_code: ^SIP$}]").rules
    assert Taxonomy().category("acme", "occ", charge) == "occ"
    assert Taxonomy(own).category("acme", "occ", charge) == "mrc"
    assert Taxonomy(own).category("other", "occ", charge) == "occ"


def test_own_rules_act_on_carrier_files(store: Store, att_csv: Path) -> None:
    rules = "rules: [{id: pool, category: third_party, carrier: att, text: ^Pool}]"
    assert teach.save(store, rules) == ("charge_rules", "own")
    load_paths(store, [att_csv])
    charges = store.frame("charges", ["description", "category"])
    assert set(charges[charges["description"] == "Pool"]["category"]) == {"third_party"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [{id: a, category: rent}]", "one of mrc, nrc"),
        ("rules: [{id: a, category: mrc, text: '('}]", "a regular expression"),
        ("rules: [{category: mrc}]", "Field required"),
        ("rules: [{id: a, category: mrc, colour: red}]", "Extra inputs are not permitted"),
    ],
)
def test_rules_are_checked(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        teach.check(text)
    assert said in str(caught.value)


def test_every_built_in_rule_has_its_own_id() -> None:
    ids = [rule.id for rule in built_in().rules]
    assert len(ids) == len(set(ids))


def test_progress_grows_inside_one_large_file(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "carriers.csv").write_text("carrier_id,name\nc,Carrier\n")
    rows = "\n".join(f"E{i},{'Name' * 60}" for i in range(65_000))
    (folder / "employees.csv").write_text(f"employee_id,name\n{rows}\n")
    told: list[float] = []
    load_paths(store, [folder], progress=lambda fraction, _note: told.append(fraction))
    assert told == sorted(told)
    assert len({round(fraction, 2) for fraction in told}) >= 4
    assert told[-1] == 1.0


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("att_inventory/firstnet.csv", "Wireless number"),
        ("netbox/circuits_table.csv", "Circuit ID"),
        ("orders/devices.csv", "PO Number"),
        ("verizon_report/invoices.csv", "Bill period"),
        ("focus_commitments/commitments_13.csv", "ContractCommitmentId"),
    ],
)
def test_a_file_with_a_renamed_key_is_not_read_as_another_format(
    store: Store, tmp_path: Path, name: str, column: str
) -> None:
    """Another format that happens to have all it needs must not take a file most of whose columns it does not know."""
    header, _, rest = (GOLDEN / name).read_text(encoding="utf-8-sig").partition("\n")
    assert column in header
    path = tmp_path / Path(name).name
    path.write_text(header.replace(column, f"{column} code", 1) + "\n" + rest, encoding="utf-8")
    report = load_paths(store, [path])
    assert report.exit_code == 2
    assert report.files[0].format == name.split("/")[0]
    assert f"the closest is {column} code" in str(report.files[0].error)


@pytest.mark.parametrize(("kept", "told"), [(5, False), (4, True)])
def test_a_bill_with_few_of_its_lines_is_asked_about(tmp_path: Path, store: Store, kept: int, told: bool) -> None:
    """An AT&T export that ends between two rows ties: only the month before knows that lines are missing."""
    head, row = ATT.splitlines()[:2]
    rows = [row.replace("4155550001", f"41555500{n:02}") for n in range(10)]
    for name, text in (("one", rows), ("two", [later(row) for row in rows[:kept]])):
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *text, ""]))
    assert not any(
        "is the file complete" in text for text in load_paths(store, [tmp_path / "one.csv"]).files[0].warnings
    )
    (file,) = load_paths(store, [tmp_path / "two.csv"]).files
    assert all(invoice.balanced for invoice in file.invoices)
    said = f"invoice 287301456789-20260302 bills {kept} lines, the one before it (287301456789-20260202) 10"
    assert any(text.startswith(said) for text in file.warnings) == told
