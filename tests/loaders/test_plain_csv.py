"""The array path of canonical CSVs gives what the row-by-row path gives: values, line numbers, quarantined rows."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.issues import BadInput
from loaders import plain_csv
from loaders.canonical import Canonical
from loaders.contract import Chunk, Rejected
from loaders.reading.source import Source
from loaders.values import Converter, Typed

NAMES = ("charge_id", "invoice_id", "billed_number", "category", "description", "quantity", "amount", "period_start")
Rows = list[tuple[int, dict[str, Any], str]]


def outcome(items: Any, table: str) -> tuple[Rows, list[tuple[int, str | None, str | None, str]]]:
    """(line, values, raw text) of the rows that convert, and line, field, found, reason of the others."""
    converter = Converter(table)
    good: Rows = []
    bad = []
    for item in items:
        rejected = [item] if isinstance(item, Rejected) else []
        typed = item if isinstance(item, Typed) else None
        if isinstance(item, Chunk):
            typed, rejected = converter.convert(item)
        if typed is not None:
            raws = [typed.raws[i].rstrip("\r\n") for i in range(len(typed))]
            records = [
                {**row, "attributes": typed.attributes and typed.attributes[i]} for i, row in enumerate(typed.records())
            ]
            good += list(zip(typed.lines, records, raws, strict=True))
        bad += [(r.row.line, r.field, r.found, r.reason) for r in rejected]
    return sorted(good, key=lambda row: row[0]), sorted(bad, key=lambda row: row[0])


def both(text: str, table: str = "charges") -> tuple[Any, Any, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{table}.csv"
        path.write_bytes(text.encode())
        source, loader = Source(path), Canonical()
        fast = list(loader.read_table(source, table, None))
        kinds = [type(item).__name__ for item in fast]
        return outcome(fast, table), outcome(loader.read(source), table), kinds


words = st.sampled_from(["Plan", " trimmed ", "Ünï", "a,b", 'say "hi"', "two\nlines", "", "\u00a0nbsp\u00a0", "x" * 50])
numbers = st.one_of(
    st.sampled_from(["", "0", "-1.5", "+2", ".5", "1.234567", " 7 ", "999999999999", "-900000000000"]),
    st.sampled_from(["5.", "1.2345678", "1e3", "NaN", "1,000", "9999999999999", "12 34", "٣", "--1"]),
    st.integers(-(10**9), 10**9).map(str),
)
rows = st.tuples(
    st.integers(0, 10**6).map(lambda n: f"C{n}"),
    st.sampled_from(["I1", "I2", ""]),
    words,
    st.sampled_from(["mrc", "mrc", "usage", "rent"]),
    words,
    numbers,
    numbers,
    st.sampled_from(["2026-01-01", "2026-01-31", "", "2026-02-30"]),
)
clean = st.tuples(
    st.integers(0, 10**6).map(lambda n: f"C{n}"),
    st.just("I1"),
    st.sampled_from(["Plan", "", "b"]),
    st.just("mrc"),
    st.integers(0, 10**4).map(lambda n: f"words {n}"),
    st.sampled_from(["", "1", "2.5"]),
    st.integers(-(10**9), 10**9).map(lambda n: f"{n / 100:.2f}"),
    st.just("2026-01-01"),
)


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.one_of(clean, clean, rows), max_size=40),
    block=st.sampled_from([64, 300, 1 << 20]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    short=st.booleans(),
)
def test_both_ways_give_the_same(lines: list[Any], block: int, end: str, quoting: Any, short: bool) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end, quoting=quoting)
    out.write(",".join(NAMES) + end)
    writer.writerows(lines)
    text = out.getvalue() + (f"C0,I1{end}" if short else "")
    with mock.patch.object(plain_csv, "BLOCK", block), mock.patch.object(plain_csv, "_SAMPLE", 2):
        fast, careful, _ = both(text)
    assert fast == careful


def test_a_clean_file_goes_as_arrays_and_a_bad_row_only_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_csv, "BLOCK", 2_000)
    monkeypatch.setattr(plain_csv, "_SAMPLE", 10)
    head = ",".join(NAMES) + "\n"
    body = [f'C{n},I{n},,mrc,"Plan, {n}",1,{n}.25,2026-01-01\n' for n in range(300)]
    fast, careful, kinds = both(head + "".join(body))
    assert fast == careful
    assert set(kinds) == {"Typed"}
    body[150] = "C150,I1,,mrc,Plan,1,1.2.3,2026-01-01\n"
    fast, careful, kinds = both(head + "".join(body))
    assert fast == careful
    assert fast[1] == [(152, "amount", "1.2.3", "the value cannot be used")]
    assert kinds.count("Chunk") == 1 < kinds.count("Typed")


@given(st.lists(st.tuples(words, words), min_size=1, max_size=30), st.sampled_from([100, 1 << 20]))
@settings(max_examples=60, deadline=None)
def test_columns_of_the_files_own_become_attributes_alike(cells: list[tuple[str, str]], block: int) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Charge_ID", " Remark ", "invoice_id", "category", "amount", "Shop"])
    writer.writerows([f"C{n}", left, "I1", "mrc", "1.5", right] for n, (left, right) in enumerate(cells))
    with mock.patch.object(plain_csv, "BLOCK", block):
        fast, careful, _ = both(out.getvalue())
    assert fast == careful


raw_cells = st.one_of(
    st.sampled_from(
        ["C1", "I1", "mrc", "1.5", "", 'screen 12"', '"quoted"', '"a,b"', '"two\nlines"', '"open', '""x', '"']
    ),
    st.text('a"\n,', max_size=5),
)


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(st.lists(raw_cells, min_size=4, max_size=4).map(",".join), max_size=12),
    block=st.sampled_from([8, 40, 200, 1 << 20]),
    last=st.sampled_from(["\n", ""]),
)
def test_stray_quotes_and_cells_over_lines_end_where_they_would(lines: list[str], block: int, last: str) -> None:
    text = "charge_id,invoice_id,category,amount\n" + "\n".join(lines) + last
    with mock.patch.object(plain_csv, "BLOCK", block), mock.patch.object(plain_csv, "_SAMPLE", 2):
        fast, careful, _ = both(text)
    assert fast == careful


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text("0123456789.+-", max_size=9),
            st.integers(-(10**19), 10**19).map(str),
            st.decimals(-(10**12), 10**12, places=2).map(str),
        ),
        min_size=3,
        max_size=8,
    )
)
def test_numbers_convert_as_one_by_one(numbers: list[str]) -> None:
    text = "charge_id,invoice_id,category,amount\n" + "".join(f"C{n},I1,mrc,{x}\n" for n, x in enumerate(numbers))
    with mock.patch.object(plain_csv, "_SAMPLE", 2):
        fast, careful, _ = both(text)
    assert fast == careful


@pytest.mark.parametrize("header", [",".join(f'"{name}"' for name in NAMES), '"charge_id",' + ",".join(NAMES[1:])])
def test_a_quoted_header_names_columns_as_well(header: str) -> None:
    fast, careful, kinds = both(f"{header}\n" + 'C1,I1,,"mrc",Plan,1,2.50,2026-01-01\n' * 3)
    assert fast == careful
    assert len(fast[0]) == 3
    assert kinds == ["Typed"]


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_csv, "BLOCK", 1_000)
    monkeypatch.setattr(plain_csv, "MAX_LINE", 20_000)
    head = ",".join(NAMES) + "\n"
    row = "C1,I1,,mrc,Plan,1,2.50,2026-01-01\n"
    with pytest.raises(BadInput, match=r"row 102.*longer than 20000 characters"):
        both(head + row * 100 + 'C1,I1,,mrc,"Plan,1,2.50,2026-01-01\n' + row * 2_000)


@pytest.mark.parametrize("unit", ["MB", "min", ""])
def test_units_are_checked_alike(unit: str) -> None:
    text = "service_id,month,usage_type,quantity,unit\n" + f"S1,2026-01,data,5,{unit}\n" * 3
    fast, careful, _ = both(text, "usage")
    assert fast == careful
    assert len(fast[1]) == (3 if unit == "min" else 0)
