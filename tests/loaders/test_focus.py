"""FOCUS files: exact totals, one adjustment for a file, cost centers by tag, CSV and Parquet alike."""

from __future__ import annotations

import csv
import io
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv as arrow_csv
from pyarrow import parquet

import loaders
from core.store import Store
from loaders.contract import Bill
from loaders.focus.loader import Focus
from loaders.reading.source import Source

GOLDEN = Path(__file__).parent / "golden"
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "focus" / "focus_sample_1.0.csv"
HEAD = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargePeriodStart",
]
EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


def six(total: Decimal) -> int:
    return int(EXACT.quantize(total * 1_000_000, Decimal(1)))


@pytest.mark.skipif(not REAL.exists(), reason="the FOCUS sample is not beside the project")
def test_the_real_sample_ties_to_its_total(store: Store) -> None:
    (told,) = loaders.load_paths(store, [REAL]).files
    with REAL.open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert (told.format, told.rows_in, told.rows_loaded) == ("focus", len(rows), len(rows))
    charges = store.frame("charges")
    assert int(charges["amount"].sum()) == six(sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0)))
    assert list(charges.loc[charges["item_code"] == "ROUNDING", "category"]) == ["adjustment"]
    assert all(invoice.balanced for invoice in told.invoices)
    assert len(told.invoices) == len({(r["BillingAccountId"], r["BillingPeriodStart"]) for r in rows})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.decimals(min_value=-(10**6), max_value=10**6, places=12),
            st.sampled_from(["a", "b"]),
            st.sampled_from(["USD", "EUR"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_figures_tie_with_at_most_one_adjustment_per_currency(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Decimal, str, str]]
) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    for cost, account, currency in rows:
        writer.writerow([f"{cost:f}", account, currency, "2026-09-01", "Usage", "2026-09-01"])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(out.getvalue())
    source = Source(path)
    assert Focus().sniff(source) > 0.9
    bills = [item for item in Focus().read(source) if isinstance(item, Bill)]
    for currency in {row[2] for row in rows}:
        mine = [bill for bill in bills if bill.currency == currency]
        charges = [charge for bill in mine for charge in bill.all_charges]
        exact = sum((cost for cost, _, code in rows if code == currency), Decimal(0))
        assert sum(charge["amount"] for charge in charges) == six(exact) == sum(bill.total for bill in mine)
        assert sum(charge["item_code"] == "ROUNDING" for charge in charges) <= 1
        assert len(charges) - sum(charge["item_code"] == "ROUNDING" for charge in charges) == sum(
            row[2] == currency for row in rows
        )


def test_parquet_says_what_csv_says(tmp_path: Path) -> None:
    text = "\n".join((GOLDEN / "focus" / "focus_12.csv").read_text().splitlines()[:-2]) + "\n"
    (tmp_path / "a.csv").write_text(text)
    table = arrow_csv.read_csv(
        io.BytesIO(text.encode()),
        convert_options=arrow_csv.ConvertOptions(
            column_types={
                "BilledCost": pa.decimal128(30, 12),
                "ConsumedQuantity": pa.string(),
                "BillingPeriodStart": pa.timestamp("us", "UTC"),
                "BillingAccountId": pa.string(),
                "ResourceId": pa.string(),
                "InvoiceId": pa.string(),
            },
            strings_can_be_null=True,
            null_values=["", "NULL"],
        ),
    )
    maps = pa.array(
        [[("CostCenter", "CC100")]] * 2 + [[("cost_center", "CC777")]] + [None] * 4, pa.map_(pa.string(), pa.string())
    )
    table = table.set_column(table.schema.get_field_index("Tags"), "Tags", maps)
    parquet.write_table(table, tmp_path / "a.parquet")
    seen = []
    for name in ("a.csv", "a.parquet"):
        store = Store.open(f"sqlite:///{tmp_path / name}.db")
        loaders.load_paths(store, [GOLDEN / "estate"])
        (told,) = loaders.load_paths(store, [tmp_path / name]).files
        assert (told.format, told.rows_in, told.rows_loaded) == ("focus", 7, 7)
        charges = store.frame("charges").drop(columns="attributes")
        seen.append(charges.to_csv() + store.frame("services")[["service_id", "cost_center_id"]].to_csv())
    assert seen[0] == seen[1]


def test_tags_bring_cost_centers_and_inventory_comes_first(store: Store) -> None:
    loaders.load_paths(store, [GOLDEN / "estate"])
    loaders.load_paths(store, [GOLDEN / "focus" / "focus_12.csv"])
    services = store.frame("services").set_index("service_id")["cost_center_id"]
    charges = store.frame("charges").set_index("description")
    assert services[charges.loc["Compute hours", "service_id"]] == "CC100"
    assert services[charges.loc["Savings plan", "service_id"]] == "CC777"
    assert charges.loc["Unlimited", "service_id"] == "S1"


def test_commitments_keep_the_carrier_that_a_contract_has(store: Store, tmp_path: Path) -> None:
    """The dataset names no provider: a contract that is loaded keeps its carrier, and takes amount and term."""
    (tmp_path / "carriers.csv").write_text("carrier_id,name\nnimbus,Nimbus Cloud\n")
    (tmp_path / "contracts.csv").write_text("contract_id,carrier_id,start_date\nEA/1,nimbus,2025-01-01\n")
    loaders.load_paths(store, [tmp_path / "carriers.csv", tmp_path / "contracts.csv"])
    (tmp_path / "commitments.csv").write_text(
        "ContractCommitmentId,ContractCommitmentCategory,ContractCommitmentCost,ContractCommitmentPeriodStart,"
        "ContractCommitmentPeriodEnd,ContractId,BillingCurrency\n"
        "EA/1,Spend,3000.5,2026-01-01T00:00:00Z,2029-01-01T00:00:00Z,EA,EUR\n"
    )
    (told,) = loaders.load_paths(store, [tmp_path / "commitments.csv"]).files
    assert (told.format, told.rows_in, told.rows_loaded) == ("focus_commitments", 1, 1)
    (row,) = store.frame("contracts").to_dict("records")
    assert (row["carrier_id"], row["start_date"], row["initial_term_months"]) == ("nimbus", "2026-01-01", 36)
    assert (row["commitment_amount"], row["commitment_period"]) == (3_000_500_000, "term")


def test_commitments_as_parquet_say_what_csv_says(tmp_path: Path) -> None:
    """Typed columns: amounts as decimals and floats, moments as timestamps, NULL as a missing value."""
    golden = GOLDEN / "focus_commitments" / "commitments_13.csv"
    table = arrow_csv.read_csv(golden, convert_options=arrow_csv.ConvertOptions(null_values=["NULL"]))
    assert {"timestamp[ns, tz=UTC]", "timestamp[s, tz=UTC]"} & {str(kind) for kind in table.schema.types}
    parquet.write_table(table, tmp_path / "commitments.parquet")
    found = []
    for path in (golden, tmp_path / "commitments.parquet"):
        store = Store.open(f"sqlite:///{tmp_path / path.stem}{path.suffix}.db")
        (told,) = loaders.load_paths(store, [path]).files
        assert told.format == "focus_commitments"
        found.append((told.rows_in, told.rows_loaded, store.frame("contracts").drop(columns="batch_id").to_dict()))
        store.close()
    assert found[0] == found[1]


def test_a_parquet_that_is_cut_off_is_refused(store: Store, tmp_path: Path) -> None:
    parquet.write_table(arrow_csv.read_csv(GOLDEN / "focus" / "focus_12.csv"), tmp_path / "whole.parquet")
    (tmp_path / "half.parquet").write_bytes((tmp_path / "whole.parquet").read_bytes()[:2000])
    report = loaders.load_paths(store, [tmp_path / "half.parquet"])
    assert report.exit_code == 2
    assert store.count("charges") == 0


def test_half_a_commitments_header_names_what_is_missing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ContractCommitmentId,ContractCommitmentCategory,BillingCurrency\nA,Spend,USD\n")
    report = loaders.load_paths(store, [tmp_path / "c.csv"])
    assert report.exit_code == 2
    assert "ContractCommitmentCost is missing" in str(report.files[0].error)
