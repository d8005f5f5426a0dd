"""Calls and use that several files give: each counts once, whatever the order, and every import can be taken back."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

import loaders
from core import rollups
from core.store import Store
from loaders.undo import undo
from tests.loaders.test_carrier_reports import HEAD
from tests.loaders.test_profiles import learn, write

BT_HEAD = (
    "Charge Code,Installation No,Line No,Charge Card No,Date,Time,Destination,Called No,Duration,Txt Direct Rebate,Cost"
)
CALLS = [
    ("01/01/2026", "09:15:00", "01632960555", "00:02:30", "£0.105"),
    ("01/01/2026", "10:15:00", "01632960556", "00:00:10", "£0.033"),
    ("02/01/2026", "09:15:00", "01632960555", "00:00:07", "£0.105"),
    ("03/01/2026", "09:15:00", "0012125550199", "01:00:00", "£1.500"),
    ("03/01/2026", "09:15:01", "0012125550199", "00:00:01", "£0.011"),
    ("04/01/2026", "23:59:59", "01632960557", "00:00:59", "£0.105"),
]


def calls(folder: Path, name: str, rows: list[tuple[str, ...]]) -> Path:
    """BT calls: day, time, number called, duration, cost."""
    path = folder / name
    lines = [f"Local,01632960001,,,{day},{time},,{peer},{lasted},,{cost}" for day, time, peer, lasted, cost in rows]
    path.write_text("\n".join([BT_HEAD, *lines, ""]), encoding="utf-8")
    return path


def used(store: Store) -> dict[tuple[str, str], tuple[int, int]]:
    """Quantity and cost by month and zone."""
    found = store.frame("usage").groupby(["month", "zone"])[["quantity", "cost"]].sum()
    return {key: (int(row.quantity), int(row.cost)) for key, row in zip(found.index, found.itertuples(), strict=True)}


def near(one: dict[tuple[str, str], tuple[int, int]], two: dict[tuple[str, str], tuple[int, int]]) -> bool:
    """Equal but for a millionth for each call."""
    pairs = [(a, b) for key in one for a, b in zip(one[key], two[key], strict=True)]
    return one.keys() == two.keys() and all(abs(a - b) <= len(CALLS) for a, b in pairs)


@pytest.mark.parametrize("seed", range(2))
def test_calls_of_files_that_overlap_count_once(store: Store, tmp_path: Path, seed: int) -> None:
    """The month to date, single days, the whole month: in any order they give what the whole month alone gives."""
    loaders.load_paths(store, [calls(tmp_path, "whole.csv", CALLS)])
    whole = used(store)
    undo(store, 1)
    assert used(store) == {}
    days = sorted({row[0] for row in CALLS})
    parts = [[row for row in CALLS if row[0] == day] for day in days] + [CALLS[:3], CALLS[:5], CALLS]
    random.Random(seed).shuffle(parts)
    for number, part in enumerate(parts):
        report = loaders.load_paths(store, [calls(tmp_path, f"{number}.csv", part)])
        assert report.exit_code == 0
    assert near(used(store), whole)
    assert store.count("usage_events") == len(CALLS)
    assert rollups.check(store) == []


def test_equal_sums_of_other_calls_are_other_use(store: Store, tmp_path: Path) -> None:
    """Two calls of one day and one length are two calls, though their files give rows of use that are alike."""
    for hour in ("08", "09"):
        call = ("01/01/2026", f"{hour}:00:00", "01632960555", "00:01:00", "£0.100")
        loaders.load_paths(store, [calls(tmp_path, f"{hour}.csv", [call])])
    assert used(store) == {("2026-01", "home"): (2_000_000, 200_000)}


def test_a_corrected_call_is_told(store: Store, tmp_path: Path) -> None:
    loaders.load_paths(store, [calls(tmp_path, "first.csv", CALLS)])
    fixed = [(*CALLS[0][:3], "00:03:30", "£0.205"), *CALLS[1:]]
    (file,) = loaders.load_paths(store, [calls(tmp_path, "fixed.csv", fixed)]).files
    said = (
        "1 calls begin like calls of batch 1 and differ otherwise: both count; undo batch 1 first if this file corrects"
    )
    assert any(text.startswith(said) for text in file.warnings)


def test_what_a_later_file_counts_on_is_not_taken_back_first(store: Store, tmp_path: Path) -> None:
    loaders.load_paths(store, [calls(tmp_path, "part.csv", CALLS[:2])])
    part = used(store)
    loaders.load_paths(store, [calls(tmp_path, "whole.csv", CALLS)])
    with pytest.raises(Exception, match="batch 2 replaced records of 1 or counts on them"):
        undo(store, 1)
    undo(store, 2)
    assert used(store) == part
    undo(store, 1)
    assert store.count("usage") == store.count("usage_events") == 0


def test_a_usage_export_again_with_another_month_end(store: Store, estate: Path, tmp_path: Path) -> None:
    loaders.load_paths(store, [estate])
    head = "Mobile Number;Month;Data GB;Minutes\n"
    path = write(tmp_path, "use.csv", f"{head}212-555-0101;02/2026;1;30\n212-555-0102;02/2026;1;5\n")
    learn(store, path, carrier_id="tel", country="US")
    loaders.load_paths(store, [path])
    later = write(
        tmp_path, "later.csv", f"{head}212-555-0101;02/2026;3;30\n212-555-0102;02/2026;1;5\n212-555-0101;03/2026;1;1\n"
    )
    february = "month == '2026-02' and usage_type == 'data' and service_id == 'S1'"
    (file,) = loaders.load_paths(store, [later]).files
    assert (file.rows_in, file.rows_loaded, file.rows_quarantined) == (3, 1, 2)
    assert store.frame("usage").query(february)["quantity"].tolist() == [1024_000_000]
    reason = store.frame("quarantine")["reason"].iloc[0]
    assert "re-issue of the data use of the line in 2026-02 with another quantity (batch 2 holds 1024 MB" in reason
    (file,) = loaders.load_paths(store, [later], supersede=True).files
    assert (file.rows_in, file.rows_loaded, file.rows_quarantined) == (3, 3, 0)
    assert store.frame("usage").query(february)["quantity"].tolist() == [3072_000_000]
    assert len(store.frame("usage").query("month in ['2026-02', '2026-03']")) == 6
    assert store.frame("quarantine").empty
    assert rollups.check(store) == []
    undo(store, int(file.batch_id or 0))
    assert store.frame("usage").query(february)["quantity"].tolist() == [1024_000_000]


def test_use_of_a_report_gives_way_to_the_bill(
    store: Store, estate: Path, tmp_path: Path, verizon_zip: Callable[..., Path]
) -> None:
    loaders.load_paths(store, [estate])
    (tmp_path / "lines.csv").write_text(
        f"{HEAD}642350544-00001,1/31/2026,646-555-0001,Active,1,1,,,$1025.76,119,2097000\n"
    )
    loaders.load_paths(store, [tmp_path / "lines.csv"])
    (file,) = loaders.load_paths(store, [verizon_zip()]).files
    assert "use that a report gave, 2 rows of it, gave way to the bill's" in file.warnings
    use = store.frame("usage").query("service_id == 'SV1' and month == '2026-01' and zone == 'home'")
    assert sorted(zip(use["usage_type"], use["quantity"], strict=True)) == [
        ("data", 2_048_000_000),
        ("sms", 33_000_000),
        ("voice", 120_000_000),
    ]


def test_calls_of_a_bill_that_is_replaced_go_with_it(store: Store, tmp_path: Path) -> None:
    golden = Path(__file__).parent / "golden" / "febraban_v3" / "claro_202601.txt"
    loaders.load_paths(store, [golden])
    before = store.frame("usage_events").drop(columns=["batch_id", "row_id"])
    lines = golden.read_bytes().split(b"\n")
    place = next(index for index, line in enumerate(lines) if line.startswith(b"30"))
    lines[place] = lines[place][:188] + b"%07d" % (int(lines[place][188:195]) + 10) + lines[place][195:]
    (tmp_path / "claro.txt").write_bytes(b"\n".join(lines))
    (file,) = loaders.load_paths(store, [tmp_path / "claro.txt"], supersede=True).files
    assert "replaced invoice 51234567" in file.warnings
    assert store.count("usage_events") == len(before) == 3
    assert store.frame("usage_events")["quantity"].sum() == before["quantity"].sum() + 1_000_000
    undo(store, int(file.batch_id or 0))
    assert store.frame("usage_events").drop(columns=["batch_id", "row_id"]).equals(before)
