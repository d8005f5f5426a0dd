"""X12 811: every dialect loads to the cent, quirks are warned, what is no telecom 811 is refused by name."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from x12_writer import Bill, Dialect, Item, Line, interchange

import loaders
from core.issues import Issue
from core.queries import loading
from core.store import Store
from loaders import contract
from loaders.reading.source import Source
from loaders.report import FileReport
from loaders.x12 import segments, values
from loaders.x12.invoice import DECODED, HANDLERS, Transaction
from loaders.x12.loader import X12Bill
from loaders.x12.outline import Outlines

PLAIN = Bill(
    "INV1",
    "0551",
    (
        Line("2125550101", (Item("BUSINESS LINE", 1, 2499), Item("FEATURES", 1, 500, "I")), (200,), (150,)),
        Line("2125550102", (Item("BUSINESS LINE", 3, 2499), Item("REMOVED", 1, 700, "D"))),
    ),
)


def load(store: Store, folder: Path, data: bytes | str, name: str = "bill.edi") -> FileReport:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return loaders.load_paths(store, [path]).files[0]


def text_of(bills: list[Bill] | None = None) -> str:
    return interchange(bills or [PLAIN]).decode()


def sums(store: Store) -> dict[str | None, int]:
    """Cents by billed number."""
    frame = store.frame("charges", ("billed_number", "amount")).astype(object)
    frame = frame.where(frame.notna(), None)
    found: dict[str | None, int] = {}
    for row in frame.to_dict("records"):
        found[row["billed_number"]] = found.get(row["billed_number"], 0) + row["amount"] // 10_000
    return found


# every dialect, to the cent

marks = st.permutations(["*", "|", "^", "\x1d", "+", "\t"]).map(lambda found: found[0])
ends = st.sampled_from(
    [("~", ""), ("~", "\n"), ("~", "\r\n"), ("\n", ""), ("\r\n", ""), ("\x1c", ""), ("'", "\n"), ("!", "")]
)
dialects = st.builds(
    lambda element, end, padded, ahead, version, skip, priced, bom, wrong: Dialect(
        element, ">", end[0], end[1], padded, ahead, version, skip, priced, bom, wrong
    ),
    marks, ends, st.booleans(), st.booleans(), st.sampled_from(["00401", "00501"]), st.booleans(), st.booleans(),
    st.booleans(), st.booleans(),
)  # fmt: skip
items = st.builds(
    Item,
    st.sampled_from(["BUSINESS LINE", "CALLER ID", "SDWAN EDGE", "DIRECTORY LISTING"]),
    st.integers(1, 9),
    st.integers(0, 99_999),
    st.sampled_from(["A", "A", "A", "I", "O", "D", "S", ""]),
)
cents = st.integers(1, 9_999)
lines = st.builds(
    lambda number, sold, taxes, credits, calls: Line(f"212555{number:04d}", sold, taxes, credits, calls),
    st.integers(0, 9_999),
    st.lists(items, min_size=1, max_size=4).map(tuple),
    st.lists(cents, max_size=2).map(tuple),
    st.lists(cents, max_size=2).map(tuple),
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 500)), max_size=2).map(tuple),
)
bills = st.builds(
    lambda sold, fee: (sold, fee),
    st.lists(lines, min_size=1, max_size=4, unique_by=lambda line: line.number).map(tuple),
    st.one_of(st.just(0), cents),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dialect=dialects, drawn=st.lists(bills, min_size=1, max_size=3))
def test_what_is_written_is_what_is_read(dialect: Dialect, drawn: list[tuple[tuple[Line, ...], int]]) -> None:
    wanted = [Bill(f"INV{n}", f"77{n:04d}", sold, fee) for n, (sold, fee) in enumerate(drawn)]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "bill.edi"
        path.write_bytes(interchange(wanted, dialect))
        source = Source(path)
        assert loaders.detect(source).name == "x12_811"
        found = list(X12Bill().read(source))
    read = [item for item in found if isinstance(item, loaders.Bill)]
    warnings = [str(item) for item in found if isinstance(item, Issue)]
    assert len(read) + len(warnings) == len(found)  # nothing is set aside
    assert [(bill.number, bill.account_number, bill.total // 10_000) for bill in read] == [
        (bill.number, bill.account, bill.cents) for bill in wanted
    ]
    for bill, true in zip(read, wanted, strict=True):
        owed: dict[str | None, int] = {None: true.late_fee, **{line.number: line.cents for line in true.lines}}
        charged = dict.fromkeys(owed, 0)
        for charge in bill.charges:
            charged[charge["billed_number"]] += charge["amount"] // 10_000
        assert charged == owed
        calls = [(line.number, *call) for line in true.lines for call in line.calls]
        assert [(e["billed_number"], e["quantity"] // 100_000, e["cost"] // 10_000) for e in bill.events] == calls
        assert sum(use["quantity"] for use in bill.usage) == sum(tenths for _, tenths, _ in calls) * 100_000
    assert any("SE01" in text for text in warnings) == dialect.wrong_counts


def test_a_total_off_by_a_cent_is_shown_and_nothing_is_bent_to_fit(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, interchange([Bill("INV1", "0551", PLAIN.lines, late_fee=300, off_by=1)]))
    (invoice,) = file.invoices
    assert (invoice.balanced, invoice.total // 10_000) == (False, PLAIN.cents + 301)
    assert invoice.charges_total // 10_000 == PLAIN.cents
    assert any("out of balance" in text for text in file.warnings)


def test_an_allowance_after_the_total_that_it_does_not_need_stays_out(store: Store, tmp_path: Path) -> None:
    text = text_of().replace("CTT*0", "ITA*A*TI*****900******FOR YOUR INFORMATION~\nCTT*0")
    file = load(store, tmp_path, text)
    assert file.invoices[0].balanced
    assert file.invoices[0].total // 10_000 == PLAIN.cents


def test_balances_carried_forward_are_no_charges(store: Store, tmp_path: Path) -> None:
    cents = PLAIN.cents
    text = text_of().replace(f"TDS*{cents}~", f"TDS*{cents + 10_000 - 4_000}~\nBAL*P*PB*100~\nBAL*M*TP*-40~")
    file = load(store, tmp_path, text)
    assert (file.invoices[0].balanced, file.invoices[0].total // 10_000) == (True, cents)
    row = store.frame("invoices").iloc[0]
    assert (row["previous_balance"], row["payments"]) == (100_000_000, -40_000_000)
    assert any("balance carried forward" in text for text in file.warnings)


def test_levels_that_repeat_their_children_are_counted_once(store: Store, tmp_path: Path) -> None:
    summary = f"HL*2*1*4*1~\nSLN*1**A*1*EA*{PLAIN.cents / 100:.2f}~\nPID*F****MONTHLY SERVICE"
    file = load(store, tmp_path, text_of().replace("HL*2*1*4*1", summary))
    assert (file.invoices[0].balanced, file.invoices[0].total // 10_000) == (True, PLAIN.cents)
    assert any("levels below" in text for text in file.warnings)


def test_dates_turned_round_and_a_missing_end(store: Store, tmp_path: Path) -> None:
    turned = Bill("INV1", "1", PLAIN.lines, heading=("DTM*150*20260131", "DTM*151*20260101"))
    alone = Bill("INV2", "2", PLAIN.lines, heading=("DTM*186*20260106",))
    ranged = Bill("INV3", "3", PLAIN.lines, heading=("DTM*150****RD8*20260110-20260209",))
    file = load(store, tmp_path, interchange([turned, alone, ranged]))
    rows = store.frame("invoices", ("period_start", "period_end")).to_numpy().tolist()
    assert rows == [["2026-01-01", "2026-01-31"], ["2026-01-06", "2026-02-05"], ["2026-01-10", "2026-02-09"]]
    assert any("turned round" in text for text in file.warnings)


def test_an_account_that_is_known_is_found_by_its_number(store: Store, estate: Path, tmp_path: Path) -> None:
    (estate / "carriers.csv").write_text("carrier_id,name,country\nGRN,Granite,US\ntel,Telco,US\n")
    (estate / "accounts.csv").write_text(
        "account_id,carrier_id,number,currency,country\nA1,tel,100,USD,US\nG1,GRN,05-51,USD,US\nT9,tel,0551,USD,US\n"
    )
    (estate / "services.csv").write_text(
        "service_id,kind,number,carrier_id,account_id\nS1,mobile,+12125550101,tel,A1\nS2,mobile,,tel,A1\n"
        "GS1,fixed_voice,+12125550101,GRN,G1\n"
    )
    loaders.load_paths(store, [estate])
    assert load(store, tmp_path, text_of()).invoices[0].balanced
    charges = store.frame("charges")
    mine = charges[charges["invoice_id"] == "G1:INV1"]
    assert set(mine["service_id"].dropna()) == {"GS1"}
    assert set(store.frame("carriers")["carrier_id"]) == {"GRN", "tel"}


# what is wrong is told, and nothing is half loaded


@pytest.mark.parametrize("tag", sorted({*DECODED, *HANDLERS} - {"VEH"}))
def test_a_segment_without_elements_loses_nothing(tmp_path: Path, tag: str) -> None:
    path = tmp_path / "bill.edi"
    path.write_text(text_of().replace("TXI*ST*2*", f"{tag}~\nTXI*ST*2*"))
    found = list(X12Bill().read(Source(path)))
    (bill,) = [item for item in found if isinstance(item, contract.Bill)]
    aside = sum(isinstance(item, contract.Rejected) for item in found)
    assert len(bill.source_rows) + aside == len(path.read_text().splitlines()) - 6  # ISA, GS, ST, SE, GE, IEA


def test_a_bad_amount_is_set_aside_and_shows_in_the_balance(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, text_of().replace("TXI*ST*2*", "TXI*ST*2,00*"))
    assert (file.rows_quarantined, file.invoices[0].balanced) == (1, False)
    (row,) = loading.quarantined(store)
    assert (row["found"], row["field"]) == ("TXI*ST*2,00**CD*NY", "TXI")


@pytest.mark.parametrize("share", [0.4, 0.65, 0.9])
def test_half_a_file_loads_its_whole_transactions_only(store: Store, tmp_path: Path, share: float) -> None:
    data = interchange([Bill(f"INV{n}", str(n), PLAIN.lines) for n in range(4)])
    file = load(store, tmp_path, data[: int(len(data) * share)])
    assert file.rows_in == file.rows_loaded + file.rows_quarantined
    assert file.rows_quarantined > 0
    assert all(invoice.balanced for invoice in file.invoices)
    assert store.count("invoices") == len(file.invoices) == int(4 * share)
    assert any("without its IEA" in text for text in file.warnings)
    reasons = [row["reason"] for row in loading.quarantined(store)]
    assert all("cut short" in reason for reason in reasons[:-1])  # the last segment is itself half a segment


@pytest.mark.parametrize(
    ("lost", "reason"),
    [("BIG*20260201*INV1", "no readable BIG"), ("REF*12*0551", "names no account"), ("TDS*", "no readable TDS")],
)
def test_a_transaction_without_its_head_is_set_aside_whole(
    store: Store, tmp_path: Path, lost: str, reason: str
) -> None:
    text = "\n".join(line for line in text_of().splitlines() if not line.startswith(lost))
    file = load(store, tmp_path, text)
    assert (file.rows_loaded, store.count("invoices"), store.count("charges")) == (0, 0, 0)
    assert reason in loading.quarantined(store)[0]["reason"]


def test_other_transaction_sets_beside_an_811_are_set_aside(store: Store, tmp_path: Path) -> None:
    text = text_of().replace("GE*1*7", "ST*810*0002~\nBIG*20260101*X~\nTDS*100~\nSE*4*0002~\nGE*2*7")
    file = load(store, tmp_path, text)
    assert (file.rows_quarantined, len(file.invoices)) == (2, 1)
    assert "is no 811" in loading.quarantined(store)[0]["reason"]


def test_calls_of_no_number_are_set_aside(store: Store, tmp_path: Path) -> None:
    text = text_of().replace("TDS*", "HL*9*1*9*0~\nTCD*1*20260105*1405*TN**NY*TN*3125550199*IL*4**.5~\nTDS*")
    file = load(store, tmp_path, text)
    assert (file.rows_quarantined, file.invoices[0].balanced) == (1, True)
    assert loading.quarantined(store)[0]["reason"] == "the call belongs to no number"


def test_last_months_file_again_and_a_corrected_one(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, text_of())
    assert load(store, tmp_path, text_of(), "again.edi").duplicate_of == 1
    other = Bill("INV1", "0551", PLAIN.lines[:1])
    file = load(store, tmp_path, interchange([other]), "corrected.edi")
    assert file.rows_loaded == 0
    assert file.rows_quarantined == file.rows_in > 0
    again = loaders.load_paths(store, [tmp_path / "corrected.edi"], supersede=True).files[0]
    assert (again.rows_quarantined, store.count("invoices")) == (0, 1)
    assert sums(store)["2125550101"] == other.cents


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("*X*004010", "*X*004010X146"), "X146"),
        (("HL*4*3*8*0", "HL*4*3*22*0"), "HL03 22"),
        (("SI*TI*TN*2125550101", "NM1*IL*1*DOE*JOHN"), "insured person"),
        (("SI*TI*TN*2125550101", "VEH**1FTEX15H*1997*NG*FORD"), "insured vehicle"),
    ],
)
def test_an_insurers_811_is_refused_by_name(store: Store, tmp_path: Path, change: tuple[str, str], told: str) -> None:
    file = load(store, tmp_path, text_of().replace(*change))
    assert "is an insurance 811" in (file.error or "")
    assert told in (file.error or "")
    assert store.count("batches") == store.count("invoices") == 0


def test_other_x12_files_are_refused_by_name(store: Store, tmp_path: Path) -> None:
    file = load(store, tmp_path, text_of().replace("ST*811*", "ST*835*").replace("GS*CI*", "GS*HP*"))
    assert "holds X12 transaction sets 835" in (file.error or "")
    file = load(store, tmp_path, b"ISA*00*x", "broken.edi")
    assert "ISA segment" in (file.error or "")


@pytest.mark.parametrize("extra", ["\n", "\r\n", "  \n"])
def test_a_second_interchange_with_other_delimiters(store: Store, tmp_path: Path, extra: str) -> None:
    first = interchange([Bill("INV1", "1", PLAIN.lines)]).decode()
    second = interchange([Bill("INV2", "2", PLAIN.lines)], Dialect("|", ":", "!", "", padded=False)).decode()
    file = load(store, tmp_path, first + extra + second)
    assert [invoice.balanced for invoice in file.invoices] == [True, True]


def test_a_file_wrapped_at_eighty_columns(store: Store, tmp_path: Path) -> None:
    flat = interchange([PLAIN], Dialect(line_end="")).decode()
    file = load(store, tmp_path, "\r\n".join(flat[at : at + 80] for at in range(0, len(flat), 80)))
    assert file.invoices[0].balanced
    assert file.warnings == []


def test_the_preview_shows_segments(tmp_path: Path) -> None:
    path = tmp_path / "bill.edi"
    path.write_bytes(interchange([PLAIN], Dialect(line_end="")))
    shown = loaders.preview(path, rows=4)
    assert (shown.format, shown.columns[:3]) == ("x12_811", ["segment", "01", "02"])
    assert [row[0] for row in shown.rows] == ["ISA", "GS", "ST", "BIG"]
    assert shown.rows[3][1:3] == ["20260201", "INV1"]
    assert shown.report.invoices[0].balanced


def test_blocks_may_cut_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bill.edi"
    path.write_bytes(interchange([Bill(f"INV{n}", str(n), PLAIN.lines) for n in range(3)], Dialect(line_end="\r\n")))
    whole = list(X12Bill().read(Source(path)))
    for size in (1, 7, 64, 1000):
        monkeypatch.setattr(segments, "BLOCK", size)
        found = list(X12Bill().read(Source(path)))
        assert [getattr(item, "charges", item) for item in found] == [getattr(item, "charges", item) for item in whole]


parts = st.sampled_from(
    [
        *("HL*{at}*1*8*0", "SI*TI*TN*2125550{at:03d}", "SLN*1**A*1*EA*5.00***A3*X", "SLN*1**A*1*EA*5.00***A3*X"),
        *("IT1*1*1*EA*5.00**A3*X", "PID*F****BUSINESS LINE", "PID*F**TI*Q*FEATURE", "DTM*150*20260101", "AMT*1*5.00"),
        *("AMT*TT*7.00", "DTM*007****RD8*20260101-20260115", "REF*ZZ*own", "REF*CN*CIRCUIT", "QTY*TO*3*EA", "LX*1"),
        *("TXI*ST*0.40**CD*NY", "ITA*A*TI*X***1*150", "TCD*1*20260105*1200*7*2125550000**7*2125551111**3**0.5"),
        *("SI*TI*SC*CLASS", "SLN*1**I*1*EA*bad", "PID*F", "NTE*x", "TDS*1500"),
    ]
)


def read_in_three_ways(text: str, block: int) -> list[list[object]]:
    """What is read of an interchange: as it is, in small blocks, and segment by segment."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        path = Path(name, "bill.edi")
        path.write_text(text)
        found = [list(X12Bill().read(Source(path)))]
        patch.setattr(segments, "BLOCK", block)
        found.append(list(X12Bill().read(Source(path))))
        patch.setattr(Outlines, "read", lambda *_: 0)
        found.append(list(X12Bill().read(Source(path))))
    return [[shown(item) for item in items] for items in found]


@given(st.lists(parts, min_size=5, max_size=40), st.integers(60, 500))
@settings(max_examples=60, deadline=None)
def test_what_is_remembered_says_what_it_said_the_first_time(drawn: list[str], block: int) -> None:
    segments_of_one = [part.format(at=at) for at, part in enumerate(drawn * 4, 2)]
    head = ["BIG*20260201*INV1", "REF*12*0551", "N1*PE*Granite", "HL*1**1*1"]
    text = "~".join(["ST*811*1", *head, *segments_of_one, "TDS*999", "SE*9*1", ""])
    whole, cut, afresh = read_in_three_ways(f"{ENVELOPE}{text}GE*1*71~IEA*1*71~", block)
    assert whole == afresh
    assert cut == afresh


ENVELOPE = "ISA*00**00**ZZ*G*ZZ*A*260201*1200*U*00401*000000071*0*P*>~GS*CI*G*A*20260201*1200*71*X*004010~"

#: Segments of a level by what is drawn for it: amounts a to d, a quantity q, a number n and its HL, i.
in_levels = st.sampled_from(
    [
        *("SI*TI*TN*{n}", "SI*TI*TN*{n}", "REF*ZZ*{n}", "REF*TN*{n}", "SI*CI*{n}", "DTM*150*20260101", "NTE*{a}"),
        *("SLN*1**A*1*EA*{a}***A3*X", "SLN*1**A*{q}*EA*{b}***A3*X", "SLN*1**D*1*EA*{c}", "SLN*1**I*1*EA*{d}"),
        *(
            "AMT*1*{a}",
            "AMT*1*{b}",
            "AMT*TT*{c}",
            "AMT*1*-{d}",
            "PID*F****BUSINESS LINE",
            "PID*F****{a}",
            "QTY*TO*{q}*EA",
        ),
        *("IT1*1*1*EA*{a}**A3*X", "IT1*1*1*EA*{b}**A3*X", "IT1*1*{q}*EA*{c}", "TXI*ST*{d}**CD*NY", "TXI*ST*-{d}"),
        *("ITA*A*TI*X***1*150", "ITA*C*TI*X**{a}****{q}", "SAC*C*D*TI*X*150**********FEE {b}", "QTY*TO*{a}*EA"),
        "REF*11*{n}",
    ]
)
amount_texts = st.sampled_from(["5.00", "5.00", "7.25", "0.00", "9.99", "1.125", "3.335", "12.5"])
levels = st.tuples(
    *(amount_texts, amount_texts, amount_texts, amount_texts, st.sampled_from(["1", "1.00", "2.50", "3", "0.333"])),
    st.sampled_from(["2125550101", "2125550102", "3125550103", "2125550104", "2125550105"]),
    st.sampled_from([1, 1, 1, 2]),
)
PATTERN = "SI*TI*TN*{n}~SLN*1**A*1*EA*{a}***A3*X~PID*F****BUSINESS LINE~AMT*1*{a}"


@given(
    st.lists(in_levels, min_size=1, max_size=6), st.lists(levels, min_size=8, max_size=24), st.integers(60, 900),
    st.sampled_from(["", "CR"]), st.integers(0, 1), st.sampled_from(["", "SI*TI*TN*2125550199~", "REF*11*55~"]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_levels_read_by_their_outlines_are_the_levels_read_by_segments(
    kinds: list[str], drawn: list[tuple[str, str, str, str, str, str, int]], block: int, kind: str, off: int, last: str
) -> None:
    """Two invoices of levels that say the same but for their amounts; the total is what was read, or is off."""
    bodies = []
    for nth, (a, b, c, d, q, n, above) in enumerate(drawn, 3):
        parent = above if above == 1 else nth - 1
        said = "~".join(kinds).format(a=a, b=b, c=c, d=d, q=q, n=n)
        bodies.append(f"HL*{nth}*{parent}*8*0~{said}~")
    head = "BIG*20260201*INV{no}*****{kind}~REF*12*0551~DTM*150*20260101~DTM*151*20260131~N1*PE*Granite~"
    head += "HL*1**1*1~HL*2*1*4*1~"

    def interchange_of(cents: list[int]) -> str:
        invoices = "".join(
            f"ST*811*{no}~{head.format(no=no, kind=kind)}{''.join(bodies)}TDS*{total}~{last}SE*9*{no}~"
            for no, total in enumerate(cents)
        )
        return f"{ENVELOPE}{invoices}GE*2*71~IEA*1*71~"

    whole, cut, afresh = read_in_three_ways(interchange_of([1, 1]), block)
    assert whole == afresh
    assert cut == afresh
    sums = [sum(charge["amount"] for charge in item[0].charges) // 10_000 for item in afresh if isinstance(item, tuple)]
    whole, cut, afresh = read_in_three_ways(interchange_of([cents + off for cents in sums] or [1, 1]), block)
    assert whole == afresh
    assert cut == afresh


def test_levels_take_numbers_and_days_from_what_is_above_them(tmp_path: Path) -> None:
    """Levels alike in every word stand below different numbers; some of those were read by their outline themselves."""
    body = ""
    for at in range(10, 50, 4):
        day = f"DTM*150*202601{at // 4:02d}~DTM*151*20260131~" if at > 30 else ""
        body += f"HL*{at}*1*8*0~SI*TI*TN*21255501{at}~{day}SLN*1**A*1*EA*5.00~"
        body += "".join(f"HL*{at + more}*{at}*9*0~SLN*1**A*1*EA*2.00~PID*F****FEATURE~" for more in (1, 2, 3))
    head = "ST*811*1~BIG*20260201*INV1~REF*12*0551~N1*PE*Granite~HL*1**1*1~"
    whole, _, afresh = read_in_three_ways(f"{ENVELOPE}{head}{body}TDS*11000~SE*9*1~GE*1*71~IEA*1*71~", 300)
    assert whole == afresh
    bill = next(item[0] for item in whole if isinstance(item, tuple))
    assert [charge["billed_number"] for charge in bill.charges] == [
        f"21255501{at}" for at in range(10, 50, 4) for _ in range(4)
    ]


def test_a_level_that_repeats_an_id_is_told_however_it_is_read(tmp_path: Path) -> None:
    body = "".join(f"HL*{at % 7 + 2}*1*8*0~SI*TI*TN*21255501{at}~SLN*1**A*1*EA*5.00~" for at in range(10, 24))
    head = "ST*811*1~BIG*20260201*INV1~REF*12*0551~N1*PE*Granite~HL*1**1*1~"
    whole, _, afresh = read_in_three_ways(f"{ENVELOPE}{head}{body}TDS*7000~SE*9*1~GE*1*71~IEA*1*71~", 300)
    assert whole == afresh
    assert any("7 levels (HL) repeat an id" in str(item) for item in whole)


def test_a_credit_of_nothing_is_no_credit(tmp_path: Path) -> None:
    levels_of = [f"HL*{at}*1*8*0~SI*TI*TN*21255501{at}~SLN*1**D*1*EA*5.00~" for at in range(10, 16)]
    body = "".join(levels_of) + "HL*16*1*8*0~SI*TI*TN*2125550116~SLN*1**D*1*EA*0.00~HL*17*1*8*0~"
    head = "ST*811*1~BIG*20260201*INV1~REF*12*0551~N1*PE*Granite~HL*1**1*1~"
    whole, _, afresh = read_in_three_ways(f"{ENVELOPE}{head}{body}TDS*-3000~SE*9*1~GE*1*71~IEA*1*71~", 500)
    assert whole == afresh


@pytest.mark.parametrize("pattern", [PATTERN, PATTERN + "~IT1*1*1*EA*{a}**A3*X"])
def test_levels_that_say_the_same_are_read_by_their_outline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pattern: str
) -> None:
    """Of 60 levels whose numbers and amounts differ, few are read segment by segment; also with an IT1 for each SLN."""
    said = [pattern.format(n=f"21255501{at:02d}", a=f"{10 + at}.00") for at in range(60)]
    body = "".join(f"HL*{at}*1*8*0~{text}~" for at, text in enumerate(said, 102))
    cents = sum(1000 + 100 * at for at in range(60))
    head = "BIG*20260201*INV1~REF*12*0551~N1*PE*Granite~HL*1**1*1~"
    path = tmp_path / "bill.edi"
    path.write_text(f"{ENVELOPE}ST*811*1~{head}{body}TDS*{cents}~SE*9*1~GE*1*71~IEA*1*71~")
    levels_taken = 0
    plainly = Transaction.take

    def counted(self: Transaction, number: int, raw: str, elements: list[str]) -> None:
        nonlocal levels_taken
        levels_taken += elements[0] == "HL"
        plainly(self, number, raw, elements)

    monkeypatch.setattr(Transaction, "take", counted)
    bill = next(item for item in X12Bill().read(Source(path)) if isinstance(item, contract.Bill))
    assert [charge["amount"] // 10_000 for charge in bill.charges] == [1000 + 100 * at for at in range(60)]
    assert sorted(bill.lines) == [f"21255501{at:02d}" for at in range(60)]
    assert levels_taken < 20


def shown(item: object) -> object:
    if isinstance(item, contract.Bill):
        return replace(item, many_rows=None), list(item.source_rows), len(item.source_rows)
    return item


@pytest.mark.parametrize(
    ("text", "micros"), [("12345", 123_450_000), ("-5", -50_000), ("12.5", 12_500_000), ("", None), ("0", 0)]
)
def test_implied_cents(text: str, micros: int | None) -> None:
    assert values.cents(text) == micros


@pytest.mark.parametrize("text", ["1e3", "1,000", "NaN", "--1", "9" * 17, "1 2"])
def test_no_cents(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|number"):
        values.cents(text)


@pytest.mark.parametrize(
    ("elements", "number"),
    [
        (("TI", "TN", "2125550101"), ("2125550101", False)),
        (("TI", "212", "5550101"), ("2125550101", False)),
        (("TI", "TN", "212", "555", "0101"), ("2125550101", False)),
        (("TI", "2125550101"), ("2125550101", False)),
        (("TI", "SC", "1FB", "TN", "2125550101"), ("2125550101", False)),
        (("TI", "SC", "2125550101"), None),
        (("CI", "36/LXFU/000123"), ("36/LXFU/000123", True)),
        (("TI", "CI", "KFGS/1"), ("KFGS/1", True)),
        (("TI", "ZZ", "PLAN"), None),
    ],
)
def test_the_number_of_an_si(elements: tuple[str, ...], number: tuple[str, bool] | None) -> None:
    assert values.service_number(*elements) == number
