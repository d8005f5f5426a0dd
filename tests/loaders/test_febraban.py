"""FEBRABAN versions 2 and 3: quirks of real files, cut and changed files, and any invoice ties to the cent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from febraban_files import V2, V3, febraban_v2, febraban_v3
from hypothesis import given, settings
from hypothesis import strategies as st

import loaders
from core.queries import loading
from core.store import Store
from loaders.carriers.febraban import carrier_id
from loaders.carriers.febraban_v2 import FebrabanV2
from loaders.carriers.febraban_v3 import FebrabanV3
from loaders.contract import Bill, Rejected
from loaders.names import number_key
from loaders.reading.source import Source

Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and returns its path."""

    def to_file(content: bytes) -> Path:
        path = tmp_path / f"bill{len(list(tmp_path.iterdir()))}.txt"
        path.write_bytes(content)
        return path

    return to_file


def bills(path: Path, version: int = 2) -> list[Bill]:
    loader = FebrabanV2() if version == 2 else FebrabanV3()
    return [item for item in loader.read(Source(path)) if isinstance(item, Bill)]


def warned(path: Path, version: int = 2) -> list[str]:
    loader = FebrabanV2() if version == 2 else FebrabanV3()
    return [str(item.message) for item in loader.read(Source(path)) if hasattr(item, "message")]


def charged(bill: Bill) -> int:
    return sum(charge["amount"] for charge in bill.charges)


@pytest.mark.parametrize("ends", [b"\r\n", b"\n", b"\r", b""])
def test_line_ends_do_not_matter_nor_their_absence(write: Write, ends: bytes) -> None:
    padded = b"".join(line.ljust(350) + ends for line in febraban_v2().split(b"\r\n") if line)
    (bill,) = bills(write(padded))
    (plain,) = bills(write(febraban_v2()))
    assert (bill.charges, bill.usage, bill.events) == (plain.charges, plain.usage, plain.events)


def test_accents_in_utf8_and_in_latin_letters_are_the_same(store: Store, write: Write) -> None:
    (bill,) = bills(write(febraban_v2().decode("cp1252").encode("utf-8")))
    assert bill.account_name == "ACME COMÉRCIO LTDA"
    report = loaders.load_paths(store, [write(febraban_v2())])
    assert report.files[0].warnings == []


def test_a_file_that_is_cut_off_is_set_aside_as_a_whole(store: Store, write: Write) -> None:
    lines = febraban_v2().split(b"\r\n")
    report = loaders.load_paths(store, [write(b"\r\n".join(lines[:9]))])
    (file,) = report.files
    assert (report.exit_code, file.rows_in, file.rows_loaded, file.invoices) == (3, 9, 0, [])
    assert {row["reason"] for row in loading.quarantined(store)} == {
        "the invoice of account 0302514452 has no trailer record: the file is cut off"
    }
    whole = loaders.load_paths(store, [write(febraban_v2())])
    assert (whole.exit_code, whole.files[0].invoices[0].balanced) == (0, True)


def test_a_bad_amount_is_set_aside_and_shows_in_the_balance(store: Store, write: Write) -> None:
    broken = febraban_v2().replace(b"0000000000350", b"00000000O0350", 1)
    (file,) = loaders.load_paths(store, [write(broken)]).files
    assert (file.rows_in, file.rows_loaded, file.rows_quarantined) == (15, 14, 1)
    assert not file.invoices[0].balanced
    assert file.invoices[0].total - file.invoices[0].charges_total == 3_500_000
    (row,) = loading.quarantined(store)
    assert (row["row"], row["field"], row["found"], row["expected"]) == (
        *(7, "Valor com impostos", "00000000O0350"),
        "digits with 2 implied decimals",
    )
    assert any("1 lines do not sum to their summary record" in text for text in file.warnings)


def test_two_accounts_in_one_file(write: Write) -> None:
    second = V2(account="555")
    second.header()
    second.service("11", "33330001", 1000, "ASS", "LINHA")
    second.trailer(1000, 0)
    path = write(febraban_v2() + "\n".join(second.lines).encode("cp1252"))
    assert [(bill.account_number, bill.total, charged(bill)) for bill in bills(path)] == [
        ("0302514452", 1_111_300_000, 1_111_300_000),
        ("555", 10_000_000, 10_000_000),
    ]


def test_discounts_printed_without_their_minus_are_read_as_the_total_says(write: Write) -> None:
    bill = V2()
    bill.header()
    bill.service("11", "987650001", 10000, "ASS", "PLANO")
    bill.discount("11", "987650001", 1500, "DESCONTO", sign="+")
    bill.trailer(8500, 0)
    path = write("\n".join(bill.lines).encode())
    (read,) = bills(path)
    assert [(c["category"], c["amount"]) for c in read.charges] == [("mrc", 100_000_000), ("credit", -15_000_000)]
    assert any("printed without their minus" in text for text in warned(path))
    bill.lines.pop()
    bill.trailer(11500, 0)
    (read,) = bills(write("\n".join(bill.lines).encode()))
    assert [(c["category"], c["amount"]) for c in read.charges] == [("mrc", 100_000_000), ("adjustment", 15_000_000)]


def test_a_bill_without_itemisation_has_the_charges_of_its_summaries(write: Write) -> None:
    bill = V2()
    bill.header()
    bill.summary("11", "987650001", use=5500, subscription=9990, taxes=3800, total=15490)
    bill.summary("11", "987650002", use=1000, subscription=2000, taxes=700, total=3700)
    bill.trailer(19190, 2)
    (read,) = bills(write("\n".join(bill.lines).encode()))
    assert [(c["billed_number"], c["category"], c["amount"]) for c in read.charges] == [
        ("11987650001", "mrc", 99_900_000),
        ("11987650001", "usage", 55_000_000),
        ("11987650002", "mrc", 20_000_000),
        ("11987650002", "usage", 10_000_000),
        ("11987650002", "tax", 7_000_000),
    ]


def test_the_trailer_notices_missing_records(write: Write) -> None:
    lines = febraban_v2().split(b"\r\n")
    remarks = warned(write(b"\r\n".join(line for n, line in enumerate(lines) if n != 3)))
    assert any("the trailer counts 15 records, the file has 14" in text for text in remarks)
    assert any("the trailer counts 3 lines, the file has 2" in text for text in remarks)
    assert any("jumps 1 times" in text for text in remarks)
    third = febraban_v3().split(b"\n")
    remarks = warned(write(b"\n".join(line for n, line in enumerate(third) if n != 3)), 3)
    assert any("counts 3 records of type 30, the file has 2" in text for text in remarks)
    assert any("sums records of type 30 to 12.40, they sum to 5.40" in text for text in remarks)


def test_records_of_an_unknown_type_and_before_a_header(write: Write) -> None:
    lines = febraban_v2().split(b"\r\n")
    path = write(b"\r\n".join([lines[1], lines[0], b"7" + lines[1][1:], *lines[1:]]))
    rejected = [item for item in FebrabanV2().read(Source(path)) if isinstance(item, Rejected)]
    assert [(item.row.line, item.found, item.expected) for item in rejected] == [
        (1, "1", "a header record (0) before it"),
        (3, "7", "one of 0, 1, 2, 3, 4, 5, 9"),
    ]


@pytest.mark.parametrize(
    ("durations", "first_minutes"),
    [([25, 61, 100], 2.5), ([130, 245] * 6, 1.5), ([130, 175] * 6, 13.0), ([130], 13.0)],
)
def test_the_unit_of_durations_in_version_3(write: Write, durations: list[int], first_minutes: float) -> None:
    bill = V3()
    bill.header()
    for duration in durations:
        bill.call("11987650001", 100, duration)
    bill.trailer()
    (read,) = bills(write("\n".join(bill.lines).encode()), 3)
    assert read.events[0]["quantity"] == first_minutes * 1_000_000


def test_a_circuit_without_a_number_is_known_by_its_resource(write: Write) -> None:
    bill = V3()
    bill.header()
    bill.summary("", calls=0, services=0, total=90000, resource="LINK-0042")
    bill.plan("", 90000, "LINK DEDICADO", resource="LINK-0042")
    bill.plan("", 1000, "TAXA DA CONTA")
    bill.trailer()
    (read,) = bills(write("\n".join(bill.lines).encode()), 3)
    assert [(c["billed_number"], c["amount"]) for c in read.charges] == [("LINK-0042", 900_000_000), (None, 10_000_000)]
    assert [(line.number, line.kind) for line in read.lines.values()] == [("LINK-0042", "circuit")]


def test_carriers_are_named_without_their_legal_form() -> None:
    assert [
        carrier_id(name) for name in ("VIVO S.A.", "CLARO S/A", "OI", "TELEFONICA BRAS", "Algar Telecom SA", "")
    ] == [*("vivo", "claro", "oi", "telefonica-bras", "algar-telecom", "febraban")]


def test_numbers_of_area_code_55_are_not_taken_for_the_country() -> None:
    assert number_key("55987650001", "BR") == "+5555987650001"
    assert number_key("5511987650001", "BR") == "+5511987650001"
    assert number_key("11987650001", "BR") == "+5511987650001"


amounts = st.integers(min_value=-(10**9), max_value=10**9)
phones = st.sampled_from(["987650001", "33330001", "912345678"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("345"), phones, amounts), max_size=12))
def test_any_version_2_invoice_ties_and_keeps_every_cent(records: list[tuple[str, str, int]]) -> None:
    import tempfile

    bill = V2()
    bill.header()
    for kind, phone, cents in records:
        if kind == "3":
            bill.call("11", phone, cents, 10)
        elif kind == "4":
            bill.service("11", phone, cents, "CIA", "SERVICO")
        else:
            bill.discount("11", phone, cents, "DESCONTO")
    total = sum(cents for _, _, cents in records)
    bill.trailer(total, 0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill.txt"
        path.write_bytes("\n".join(bill.lines).encode("cp1252"))
        (read,) = bills(path)
        assert len(read.rows) == len(records) + 2
    assert read.total == charged(read) == total * 10_000
    for phone in {phone for _, phone, _ in records}:
        mine = sum(c["amount"] for c in read.charges if c["billed_number"] == f"11{phone}")
        assert mine == sum(cents for _, number, cents in records if number == phone) * 10_000
    assert sum(row["cost"] for row in read.usage) == sum(c for kind, _, c in records if kind == "3") * 10_000
