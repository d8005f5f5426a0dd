"""Likely links: proposed with a score and a reason, applied only when accepted, found exactly from then on."""

from __future__ import annotations

from pathlib import Path

import pytest

import loaders
from core import trail
from core.issues import BadInput
from core.store import Store, attributes_of
from loaders.names import number_key
from loaders.proposals import alike_numbers, alike_person

MDM = (
    "mobile_device_id,udid,is_managed,last_report_date,serial_number,phone_number,model,username,Full Name\n"
    "1,u1,true,2026-09-01,SER1,+12125550110,iPhone,ann.archer@other.example,Ann Archer\n"
    "2,u2,true,2026-09-01,SER2,,iPad,bbaker,Robert B\n"
    "3,u3,true,2026-09-01,SER3,********0104,iPhone,cem.demir@example.co.uk,Cem Demir\n"
)


@pytest.fixture
def loaded(stocked: Store, tmp_path: Path) -> Store:
    (tmp_path / "jamf.csv").write_text(MDM)
    report = loaders.load_paths(stocked, [tmp_path / "jamf.csv"])
    assert report.exit_code == 0
    assert any("tem matches" in text for text in report.files[0].warnings)
    return stocked


def links(store: Store) -> dict[str, tuple[object, object]]:
    frame = store.frame("devices").astype(object)
    frame = frame.where(frame.notna(), None).set_index("device_id")
    return {str(i): (row["service_id"], row["employee_id"]) for i, row in frame.iterrows()}


def test_nothing_similar_is_linked_by_itself(loaded: Store) -> None:
    assert {k: v for k, v in links(loaded).items() if k.startswith("jamf")} == {
        "jamf:1": (None, None),
        "jamf:2": (None, None),
        "jamf:3": (None, "E3"),
    }
    best = {}
    for item in loaders.proposals(loaded):
        assert 0.6 <= item.score < 1
        assert item.reason
        best.setdefault((item.record, item.column), item.target)
    assert best == {
        ("jamf:1", "service_id"): "S1",
        ("jamf:1", "employee_id"): "E1",
        ("jamf:2", "employee_id"): "E2",
        ("jamf:3", "service_id"): "S4",
    }


def test_an_accepted_match_links_and_is_an_alias(loaded: Store, tmp_path: Path) -> None:
    wanted = {("jamf:1", "service_id", "S1"), ("jamf:2", "employee_id", "E2"), ("jamf:3", "service_id", "S4")}
    ids = [i.proposal_id for i in loaders.proposals(loaded) if (i.record, i.column, i.target) in wanted]
    version = loaded.version
    loaders.decide(loaded, accepted=ids)
    assert loaded.version != version
    assert links(loaded)["jamf:1"] == ("S1", None)
    assert links(loaded)["jamf:2"] == (None, "E2")
    assert links(loaded)["jamf:3"] == ("S4", "E3")
    (tmp_path / "next.csv").write_text(
        MDM.replace("2026-09-01", "2026-10-01").replace("SER1", "SER9").replace("1,u1", "9,u9")
    )
    loaders.load_paths(loaded, [tmp_path / "next.csv"])
    assert links(loaded)["jamf:9"] == ("S1", None)
    assert links(loaded)["jamf:3"] == ("S4", "E3")
    assert (
        "+12125550110"
        in attributes_of(loaded.frame("services").set_index("service_id").loc["S1", "attributes"]).values()
    )


def test_a_refused_match_is_not_proposed_again(loaded: Store) -> None:
    first = loaders.proposals(loaded)
    loaders.decide(loaded, refused=[first[0].proposal_id])
    assert first[0].proposal_id not in {item.proposal_id for item in loaders.proposals(loaded)}
    assert {item.proposal_id for item in loaders.proposals(loaded)} <= {item.proposal_id for item in first}


def test_decisions_that_make_no_sense_change_nothing(loaded: Store) -> None:
    ident = loaders.proposals(loaded)[0].proposal_id
    version = loaded.version
    for accepted, refused in ((["nothing"], []), ([ident], [ident])):
        with pytest.raises(BadInput):
            loaders.decide(loaded, accepted, refused)
    assert loaded.version == version


@pytest.mark.parametrize(
    ("text", "number", "country", "low", "high"),
    [
        ("+12125550110", "+12125550101", "US", 0.79, 0.81),
        ("+12125550101", "+13105550101", "US", 0.75, 0.9),
        ("5550101", "+12125550101", "US", 0.75, 0.9),
        ("+12125559999", "+12125550101", "US", 0.0, 0.0),
        ("BT/DIA-00123/LON", "BT/DIA-000123/LON", "GB", 0.85, 0.95),
        ("MPLS-77", "BT/DIA-000123/LON", "GB", 0.0, 0.0),
    ],
)
def test_how_alike_numbers_are(text: str, number: str, country: str, low: float, high: float) -> None:
    assert low <= alike_numbers(number_key(text, country), number_key(number, country))[0] <= high


def test_how_alike_people_are() -> None:
    ann = {"name": "Ann Archer", "email": "ann.archer@example.com"}
    assert alike_person("aarcher", "", ann)[0] == 0.8
    assert alike_person("ann.archr@example.com", "", ann)[0] > 0.7
    assert alike_person("zoe@example.com", "Archer Ann", ann)[0] == 0.88
    assert alike_person("zoe@example.com", "Zoe Zed", ann)[0] == 0.0


def test_one_device_typed_twice_becomes_one(stocked: Store, tmp_path: Path) -> None:
    head = "PO Number,Order Date,SKU,Description,Unit Price,IMEI,Employee ID,Wireless Number,Status\n"
    text = head + "PO-9,2026-09-01,S,iPhone 14,9,{},E1,+12125550110,Delivered\n"
    (tmp_path / "orders.csv").write_text(text.format("356938035634809"))  # two digits of D1's IMEI are swapped
    loaders.load_paths(stocked, [tmp_path / "orders.csv"])
    found = loaders.proposals(stocked)
    (item,) = [i for i in found if i.column == "device_id"]
    line = next(i for i in found if (i.table, i.column) == ("devices", "service_id"))
    with pytest.raises(BadInput, match="another accepted match merges"):
        loaders.decide(stocked, accepted=[item.proposal_id, line.proposal_id])
    assert (item.record, item.target, item.score) == ("orders:356938035634809", "D1", 0.85)
    loaders.decide(stocked, accepted=[item.proposal_id])
    assert set(links(stocked)) == {"D1"}
    (tmp_path / "again.csv").write_text(text.format("356938035634809").replace("PO-9", "PO-10"))
    loaders.load_paths(stocked, [tmp_path / "again.csv"])
    assert set(links(stocked)) == {"D1"}
    assert trail.verify(stocked) == []
