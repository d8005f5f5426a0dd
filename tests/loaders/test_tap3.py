"""TAP 3: what the events say, the audit totals, and what is set aside or refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import tap3_files as tap

from core.issues import BadInput
from loaders.carriers.tap3 import Tap3
from loaders.contract import Item, LineUsage, Rejected
from loaders.reading.ber import Damaged, nodes
from loaders.reading.source import Source
from loaders.registry import detect


def read(tmp_path: Path, content: bytes) -> list[Item]:
    path = tmp_path / "CDAUSXXGBRXX00178"
    path.write_bytes(content)
    source = Source(path)
    assert Tap3().sniff(source) > 0.9
    Tap3().check(source)
    return list(Tap3().read(source))


def usage(items: list[Item]) -> LineUsage:
    (found,) = [item for item in items if isinstance(item, LineUsage)]
    return found


def rejected(items: list[Item]) -> list[Rejected]:
    return [item for item in items if isinstance(item, Rejected)]


def test_currency_and_decimals_are_the_batches(tmp_path: Path) -> None:
    call = tap.outgoing("20260105140530", 90, 1234)
    use = usage(read(tmp_path, tap.batch(call, total=1234, currency="EUR", decimals=3)))
    assert (use.currency, use.account_number, use.carrier_name, use.carrier_id) == ("EUR", "GBRXX", "AUSXX", "ausxx")
    (event,) = use.events
    assert (event["cost"], event["quantity"], event["duration_s"]) == (1_234_000, 1_500_000, 90_000_000)
    assert (event["billed_number"], event["peer_number"], event["zone"]) == ("+447700900101", "+61255501234", "roaming")


def test_lengths_may_be_indefinite(tmp_path: Path) -> None:
    calls = [tap.outgoing("20260105140530", 60, 5), tap.incoming("20260105140630", 60, 7)]
    plain = usage(read(tmp_path, tap.batch(*calls, total=12)))
    open_ended = usage(read(tmp_path, tap.batch(*calls, total=12, indefinite=True)))
    assert (plain.usage, plain.events) == (open_ended.usage, open_ended.events)


@pytest.mark.parametrize(("total", "count"), [(99, None), (100, 7), (None, None)])
def test_a_batch_that_does_not_come_to_its_audit_totals_is_set_aside(
    tmp_path: Path, total: int | None, count: int | None
) -> None:
    call = tap.outgoing("20260105140530", 60, 100)
    items = read(tmp_path, tap.batch(call, total=total, count=count))
    assert not [item for item in items if isinstance(item, LineUsage)]
    assert len(rejected(items)) == (4 if total is None else 5)
    assert all(item.reason for item in rejected(items))


def test_only_total_charges_and_camel_fees_count_and_refunds_do_not(tmp_path: Path) -> None:
    fee = tap.tlv(57, tap.tlv(55, 1), tap.tlv(422, 30))
    info = tap.tlv(147, tap.subscriber(*tap.ANN), tap.when(44, "20260105140530"), tap.tlv(223, 60))
    call = tap.tlv(9, info, tap.basic("11", tap.charged(100, air=40), tap.charged(11)), fee)
    items = read(tmp_path, tap.batch(call, tap.content(50, 20), total=191))
    (event,) = usage(items).events
    assert event["cost"] == 1410
    (aside,) = rejected(items)
    assert (aside.found, aside.row.line) == ("content transaction", 5)


def test_an_event_that_cannot_be_read_is_set_aside_and_its_charge_still_counts(tmp_path: Path) -> None:
    nobody = tap.tlv(9, tap.tlv(147, tap.when(44, "20260105140530")), tap.basic("11", tap.charged(5)))
    badly = tap.outgoing("20261305140530", 60, 6)
    items = read(tmp_path, tap.batch(nobody, badly, tap.outgoing("20260105140530", 60, 7), total=18))
    assert [item.field for item in rejected(items)] == ["Chargeable subscriber", "Local timestamp"]
    assert [event["cost"] for event in usage(items).events] == [70]
    assert len(usage(items).rows) + len(rejected(items)) == 7


def test_a_notification_has_nothing_to_load(tmp_path: Path) -> None:
    (aside,) = read(tmp_path, tap.notification())
    assert isinstance(aside, Rejected)
    assert "no call" in aside.reason


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (tap.batch(total=0, release=4), "version 3.4"),
        (tap.batch(total=0, decimals=9), "9 decimals"),
        (tap.golden() + tap.golden(), "more than one batch"),
        (tap.golden() + b"\0", "damaged"),
        (tap.golden()[:200], "damaged"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    with pytest.raises(BadInput, match=word):
        read(tmp_path, content)


def test_a_file_cut_off_anywhere_gives_no_usage(tmp_path: Path) -> None:
    whole = tap.golden()
    path = tmp_path / "cut"
    for end in range(150, len(whole), 9):
        path.write_bytes(whole[:end])
        try:
            items = list(Tap3().read(Source(path)))
        except BadInput:
            continue
        assert items
        assert len(rejected(items)) == len(items)


def test_deep_nesting_is_refused() -> None:
    content = b""
    for _ in range(40):
        content = tap.tlv(1, content)
    with pytest.raises(Damaged, match="deep"):
        list(nodes(tap.tlv(1, content), 1))


def test_a_text_that_begins_like_a_batch_is_none(tmp_path: Path) -> None:
    path = tmp_path / "and.csv"
    path.write_text("a,d,_,x\n1,2,3,4\n")
    assert Tap3().sniff(Source(path)) == 0
    with pytest.raises(BadInput):
        Tap3().check(Source(path))


def test_damaged_copies_are_refused_or_tie(tmp_path: Path) -> None:
    """Flipped and lost bytes: never another error, and what is loaded comes to the audit total."""
    whole, chance = tap.golden(), random.Random(7)
    path = tmp_path / "damaged"
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(content))
            if chance.random() < 0.3:
                del content[at : at + chance.randint(1, 40)]
            else:
                content[at] = chance.randrange(256)
        path.write_bytes(bytes(content))
        source = Source(path)
        try:
            Tap3().check(source)
            items = list(Tap3().read(source))
        except BadInput:
            continue
        assert len({item.row.line for item in rejected(items)}) == len(rejected(items))


def test_it_is_found_among_all_formats(tmp_path: Path) -> None:
    path = tmp_path / "CDAUSXXGBRXX00178"
    path.write_bytes(tap.golden())
    assert detect(Source(path)).name == "tap3"
