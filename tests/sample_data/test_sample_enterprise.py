"""The generator: deterministic, tied to the cent, and honest about what it planted."""

from __future__ import annotations

import csv
import zipfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

import sample_data
from sample_data import draw
from sample_data.__main__ import main

SMALL = Path(sample_data.__file__).parent / "small"


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The full size: large enough for every kind of plant."""
    out = tmp_path_factory.mktemp("enterprise")
    sample_data.generate(out, services=2500, months=18)
    return out


def test_same_arguments_same_bytes_and_another_seed_differs(tmp_path: Path) -> None:
    sample_data.generate(tmp_path / "a", seed=3, services=80, months=5)
    sample_data.generate(tmp_path / "b", seed=3, services=80, months=5)
    sample_data.generate(tmp_path / "c", seed=4, services=80, months=5)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_committed_small_sample_is_current_and_small(tmp_path: Path) -> None:
    sample_data.generate(tmp_path, **sample_data.SMALL)
    fresh, committed = contents(tmp_path), contents(SMALL)
    assert sorted(fresh) == sorted(committed)
    assert [name for name in fresh if fresh[name] != committed[name]] == []
    assert sum(map(len, committed.values())) < 400_000


def test_files_of_an_earlier_run_are_replaced(tmp_path: Path) -> None:
    sample_data.generate(tmp_path, services=80, months=6)
    sample_data.generate(tmp_path, services=80, months=4)
    assert len(list((tmp_path / "att").iterdir())) == 4


def test_every_invoice_ties_except_the_planted_totals(full: Path) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in table(full / "canonical", "charges"):
        sums[row["invoice_id"]] += Decimal(row["amount"])
    off = {
        r["invoice_id"] for r in table(full / "canonical", "invoices") if sums[r["invoice_id"]] != Decimal(r["total"])
    }
    planted = {r["subject_id"] for r in table(full / "truth", "planted") if r["kind"] == "total_arithmetic"}
    assert off == planted
    assert len(off) == 2


def dollars(text: str) -> Decimal:
    value = Decimal(text.strip("()").replace("$", "").replace(",", ""))
    return -value if text.startswith("(") else value


def test_verizon_zip_ties_and_has_the_real_quirks(full: Path) -> None:
    for path in sorted((full / "verizon").iterdir()):
        with zipfile.ZipFile(path) as archive:
            files = {name.rsplit("_", 1)[0]: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
        assert len(files) == 4
        rows = {}
        for name, text in files.items():
            head, _, body = text.partition("\r\n")
            assert "\r" not in body
            names = [cell.strip('"') for cell in head.split("\t")]
            cells = [[c.strip('"') for c in line.split("\t")] for line in body.splitlines()]
            assert {len(row) for row in cells} <= {len(names)}
            rows[name] = [dict(zip(names, row, strict=True)) for row in cells]
        total = dollars(rows["AccountSummary"][0]["Total Current Charges"])
        assert sum(dollars(r["Cost"]) for r in rows["Acct & Wireless Charges Detail Summary Usage"]) == total
        assert sum(dollars(r["Total Charges"]) for r in rows["Account & Wireless Summary"]) == total
        assert any(r["Wireless Number"] == "N/A" for r in rows["Account & Wireless Summary"])


def test_att_rows_add_up_and_carry_pool_and_account_rows(full: Path) -> None:
    for path in sorted((full / "att").iterdir()):
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        for row in rows:
            parts = ("monthly charges", "activity since last bill", "taxes", "company fees and surcharges")
            assert dollars(row["Total current charges"]) == sum(dollars(row[f"Total {part}"]) for part in parts)
        assert {row["Wireless number"][:1] for row in rows} >= {"0", "G"}
        assert any("," in row["Total KB usage"] for row in rows)


def test_truth_refers_to_what_exists(full: Path) -> None:
    folder = full / "canonical"
    known = {
        "service": {r["service_id"] for r in table(folder, "services")},
        "charge": {r["charge_id"] for r in table(folder, "charges")},
        "invoice": {r["invoice_id"] for r in table(folder, "invoices")},
        "account": {r["account_id"] for r in table(folder, "accounts")},
    }
    rows = table(full / "truth", "planted")
    for row in rows:
        if row["subject_id"]:
            assert row["subject_id"] in known[row["subject_type"]], row
        else:
            assert row["service_id"] or row["billed_number"], row
        Decimal(row["amount"])
    keys = [(r["rule"], r["subject_id"] or r["billed_number"], r["kind"], r["month"], r["amount"]) for r in rows]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("rule", [
    "R1", "R2", "R3", "R4", "R6", "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "U1", "U7", "C1", "C2", "C3",
    "C5", "C7", "C9", "C11", "C12", "C14", "zero_use", "use_after_leaving", "roam_no_bundle", "roam_no_travel",
    "premium_use", "anomaly.line_month",
])  # fmt: skip
def test_every_kind_of_plant_is_there(full: Path, rule: str) -> None:
    assert any(row["rule"] == rule for row in table(full / "truth", "planted"))


def test_nothing_is_wrong_by_accident(full: Path) -> None:
    """Derived rows (zero use, policy) belong to a plant: nobody is silent or roams alone who was not meant to."""
    assert [r for r in table(full / "truth", "planted") if r["plant_id"] == "accidental"] == []


def test_rates_are_billed_both_above_and_below(full: Path) -> None:
    amounts = [Decimal(r["amount"]) for r in table(full / "truth", "planted") if r["rule"] == "R1"]
    assert min(amounts) < 0 < max(amounts)


def test_planted_rate_error_is_the_difference_to_the_contract(full: Path) -> None:
    folder = full / "canonical"
    services = {r["service_id"]: r for r in table(folder, "services")}
    charges = {r["charge_id"]: r for r in table(folder, "charges")}
    rates = defaultdict(list)
    for row in table(folder, "contract_rates"):
        rates[row["contract_id"], row["item_code"]].append(row)
    checked = 0
    for row in table(full / "truth", "planted"):
        charge = charges.get(row["subject_id"])
        if row["rule"] != "R1" or charge is None:
            continue
        contract = services[row["service_id"]]["contract_id"]
        price = next(
            r
            for r in rates[contract, charge["item_code"]]
            if not r["effective_to"] or r["effective_to"] >= charge["period_start"]
        )
        assert Decimal(row["amount"]) == Decimal(charge["amount"]) - Decimal(price["rate"])
        checked += 1
    assert checked > 20


def test_credits_for_disputes_answer_planted_errors_to_the_cent(full: Path) -> None:
    planted = {(r["charge_id"], r["amount"]) for r in table(full / "truth", "planted")}
    answers = [r for r in table(full / "canonical", "charges") if r["item_code"].endswith("-DISPUTE")]
    assert len(answers) > 50
    assert {(r["related_charge_id"], r["amount"].removeprefix("-")) for r in answers} <= planted
    asked = table(full / "decisions", "disputes")
    assert {r["service_id"] for r in answers} < {r["service_id"] for r in asked}, "some disputes still wait"


def test_cancelled_lines_had_no_use_for_four_months_and_no_bill_after(full: Path) -> None:
    ended = {r["service_id"] for r in table(full / "decisions", "cancelled")}
    gone = {
        r["service_id"]: r["disconnected_on"] for r in table(full / "canonical", "services") if r["service_id"] in ended
    }
    assert len(gone) == len(ended) > 10
    used = {r["service_id"]: r["month"] for r in table(full / "canonical", "usage") if r["service_id"] in ended}
    assert all(draw.shift_month(month, 4) < gone[key][:7] for key, month in used.items())
    billed = [r for r in table(full / "canonical", "charges") if r["service_id"] in ended]
    assert all(r["period_start"] < gone[r["service_id"]] for r in billed)


def test_figures_are_plausible() -> None:
    figures = sample_data.build().summary
    assert 0.30 <= float(str(figures["unused_capacity"])) <= 0.40
    assert 0.07 <= float(str(figures["spend_touched_by_errors"])) <= 0.12
    assert 220_000 <= int(str(figures["spend_per_month_usd"])) <= 290_000


def test_too_small_a_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sample_data", "--out", str(tmp_path / "x"), "--services", "5"])
    assert main() == 2
    assert "at least 40 services" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("top", "bottom", "expected"), [(5, 10, 1), (4, 10, 0), (-5, 10, -1), (15, 10, 2), (-15, 10, -2)]
)
def test_half_up_rounds_away_from_zero(top: int, bottom: int, expected: int) -> None:
    assert draw.half_up(top, bottom) == expected
