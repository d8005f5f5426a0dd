"""Teaching the loaders from the imports page: drafts, answers, trials; nothing is kept until it is saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.views import imports, teaching
from app.views.selection import Filters
from audit import run
from core import findings
from core.issues import BadInput
from core.store import Store
from loaders import definitions, load_paths, teach
from loaders.profiles.profile import parse_profile
from loaders.profiles.propose import RENAMED
from sample_data import pdf_invoices

BILL = (
    "Acct No,Bill Date,Phone Number,Charge Description,Charge Type,Amount,Project\n"
    "77,03/04/2026,212-555-0101,Gold plan,Rental,$40.00,P1\n"
    "77,03/04/2026,212-555-0101,Calls,Voice,$1.50,P1\n"
    "77,03/04/2026,212-555-0102,Gold plan,Rental,n/k,P2\n"
)
VALUES = {"carrier_id": "telco", "currency": "USD"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'tem.db'}")


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    path = tmp_path / "bill_202603.csv"
    path.write_text(BILL)
    return path


def answered(draft: teaching.Draft, **changes: str) -> str:
    columns = {row.column: changes.get(row.column, row.field) for row in draft.rows.itertuples()}
    proposal = draft.proposal
    made = teaching.profile(draft, "telco", columns, dict(VALUES), proposal.numbers, proposal.dates)
    return definitions.written(made)


def test_a_draft_shows_each_column_with_its_first_values(store: Store, bill: Path) -> None:
    draft = teaching.draft(store, bill)
    rows = draft.rows.set_index("column")
    assert rows["field"].to_dict() == {
        "Acct No": "account_number",
        "Bill Date": "issued_on",
        "Phone Number": "number",
        "Charge Description": "description",
        "Charge Type": "category",
        "Amount": "amount",
        "Project": "",
    }
    assert rows.loc["Amount", "sample"] == "$40.00 · $1.50 · n/k"
    assert rows.loc["Project", "how"] == "kept as an attribute"
    assert list(draft.constants)[:2] == ["carrier_id", "currency"]
    assert draft.proposal.doubts == ('dates such as "03/04/2026" may be day first or month first',)


def test_a_trial_reads_the_file_and_keeps_nothing(store: Store, bill: Path) -> None:
    tried = teaching.trial(store, bill, answered(teaching.draft(store, bill)))
    assert (tried.loaded, tried.aside, tried.off) == (2, 1, 0)
    assert tried.reasons == ('row 4, Amount: "n/k", expected a number such as 1234.56',)
    assert tried.rows[["line", "category", "amount"]].values.tolist() == [
        ["212-555-0101", "Recurring (MRC)", 40_000_000],
        ["212-555-0101", "Usage", 1_500_000],
    ]
    assert tried.invoices[["number", "total", "ties"]].values.tolist() == [["77-20260304", 41_500_000, "Yes"]]
    assert store.count("batches") == 0
    assert store.count("accounts") == 0


def test_what_is_still_needed_is_said_in_words(store: Store, bill: Path) -> None:
    draft = teaching.draft(store, bill)
    columns = dict(zip(draft.rows["column"], draft.rows["field"], strict=True))
    with pytest.raises(BadInput, match="Still needed: Carrier, Currency"):
        teaching.profile(draft, "x", columns, {}, draft.proposal.numbers, draft.proposal.dates)
    with pytest.raises(BadInput, match="both Acct No and Project are mapped to it"):
        teaching.profile(
            draft, "x", {**columns, "Project": "account_number"}, {}, draft.proposal.numbers, draft.proposal.dates
        )


def test_a_changed_file_begins_with_the_saved_mapping(store: Store, bill: Path, tmp_path: Path) -> None:
    text = answered(teaching.draft(store, bill))
    teach.save(store, text.replace("category: Charge Type", "category: {column: Charge Type, values: {Rental: nrc}}"))
    changed = tmp_path / "later.csv"
    changed.write_text(BILL.replace("Charge Type", "Kind"))
    draft = teaching.draft(store, changed)
    assert draft.changed == "telco"
    assert draft.constants == {"carrier_id": "telco", "currency": "USD"}
    rows = draft.rows.set_index("column")
    assert rows.loc["Amount", "field"] == "amount"
    assert rows.loc["Kind", ["field", "how"]].tolist() == ["category", RENAMED]
    again = parse_profile(answered(draft))
    assert again.fields["category"].column == "Kind"
    assert again.fields["category"].values == {"Rental": "nrc"}


def test_other_targets_can_be_chosen(store: Store, bill: Path) -> None:
    draft = teaching.draft(store, bill, "services")
    assert draft.proposal.table == "services"
    tried = teaching.trial(
        store,
        bill,
        definitions.written(
            teaching.profile(
                draft,
                "lines",
                dict(zip(draft.rows["column"], draft.rows["field"], strict=True)),
                {},
                draft.proposal.numbers,
                draft.proposal.dates,
            )
        ),
    )
    assert tried.loaded == 3
    assert tried.invoices.empty


@pytest.mark.parametrize("name", pdf_invoices.INVOICES)
def test_a_template_is_proposed_that_reads_each_layout(store: Store, name: str) -> None:
    path = pdf_invoices.FOLDER / f"{name}.pdf"
    text, template = teaching.draft_template(store, path)
    assert text.startswith("--- page 1 of ")
    found = teaching.matched(store, path, template)
    assert found.accepted
    assert found.total == found.charged
    assert set(found.fields["value"]) & {"2026-03-31", "2026-04-02"}
    assert len(found.rows) > 20
    assert len(found.unread) == 0


def test_a_saved_template_comes_first_and_its_gaps_are_shown(store: Store) -> None:
    path = pdf_invoices.FOLDER / "nordtel.pdf"
    own = (pdf_invoices.FOLDER / "nordtel.yaml").read_text(encoding="utf-8")
    teach.save(store, own)
    assert teaching.draft_template(store, path)[1] == own
    found = teaching.matched(store, path, own.split("charges:")[0])
    assert not found.accepted
    assert found.problems[0].startswith("field total: the charges read sum to")


def test_saved_formats_and_missing_invoices_are_on_the_page(store: Store, bill: Path) -> None:
    teach.save(store, answered(teaching.draft(store, bill)))
    teach.save(store, "rules: [{id: a, category: mrc, text: gold}]")
    load_paths(store, [bill])
    data = imports.view(store, Filters())
    assert data.taught[["code", "name"]].values.tolist() == [["profile", "telco"], ["charge_rules", "own"]]
    assert data.profiles["name"].tolist() == ["telco"]
    assert data.missing.empty


def test_an_invoice_that_did_not_come_is_listed_and_told(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "carriers.csv").write_text("carrier_id,name\ntel,Telco\n")
    (folder / "accounts.csv").write_text("account_id,carrier_id,number,currency,cadence\nA1,tel,100,USD,monthly\n")
    rows = [f"I{m},A1,N{m},2026-0{m}-28,2026-0{m}-01,2026-0{m}-28,USD,0" for m in (1, 2, 4, 5)]
    head = "invoice_id,account_id,number,issued_on,period_start,period_end,currency,total"
    (folder / "invoices.csv").write_text("\n".join([head, *rows]))
    load_paths(store, [folder])
    findings.save(store, run(store), "audit")
    data = imports.view(store, Filters())
    assert data.missing[["carrier", "account", "month", "last"]].values.tolist() == [
        ["Telco", "100", "2026-03", "2026-05-28"]
    ]
    assert data.sentence.endswith("1 expected invoice not received.")
