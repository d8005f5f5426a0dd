"""Use over time, roaming, the two queues of flags, and a flagged line against itself and its peers."""

from __future__ import annotations

import estate
import pytest

import anomaly
from anomaly import watch_findings
from app import triage
from app.views import evidence, moves, usage, warnings
from app.views.selection import Filters
from core import findings
from core.money import SCALE
from core.store import Store
from tests.anomaly.test_spend_moves import bills, extra
from tests.anomaly.test_watch import event
from tests.anomaly.tiny import base, write

USD = Filters(currency="USD")


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def test_an_empty_store_has_no_use(store: Store) -> None:
    data = usage.view(store, Filters())
    assert data.title == "No use has been loaded yet"
    assert data.series == {}
    assert len(data.anomalies) == len(data.policy) == 0


def test_use_is_summed_by_type_and_zone(filled: Store) -> None:
    data = usage.view(filled, USD)
    # s1, s3, s4, s5, s6, s7 use 900 + 50 n MB at home; s5 9,000 more in September
    assert data.series["data"]["Home"][0] == 6 * 900 * SCALE
    assert data.series["data"]["Home"][-1] == (6 * 1150 + 9000) * SCALE
    assert data.series["data"]["Roaming"] == (40 * SCALE,) * 6
    assert data.title.startswith("15.6 GB of data in September 2026, +")


def test_roaming_is_by_country_with_its_cost(filled: Store) -> None:
    rows = usage.view(filled, USD).roaming
    assert rows.to_dict("records") == [
        {"country": "CH", "data_mb": 40 * SCALE, "voice_min": 0, "cost": 23 * SCALE, "lines": 1}
    ]


def test_flags_follow_the_span_and_the_carrier(filled: Store) -> None:
    assert len(usage.view(filled, USD).policy) == 1
    assert len(usage.view(filled, USD, span="quarter").policy) == 3
    data = usage.view(filled, USD, span="all")
    assert len(data.policy) == 6
    assert list(data.policy["amount"]) == sorted(data.policy["amount"], reverse=True)
    assert len(usage.view(filled, Filters(currency="USD", carriers=("verizon",)), span="all").policy) == 0


def test_a_flag_is_seen_against_its_own_months_and_its_peers(filled: Store) -> None:
    data = usage.view(filled, USD)
    assert list(data.anomalies["what"]) == ["Spike"]
    item = usage.history(filled, finding_id=data.anomaly_ids[0][0])
    assert item is not None
    assert (item.label, item.measure, item.unit) == ("5550005", "Data", "MB")
    assert item.values[-1] == item.own == 10_150 * SCALE
    assert item.marks == (5,)
    assert item.high is not None
    assert item.high[-1] == 1500 * SCALE
    # the other mobile lines with use or a bill in September: s1, s2 (no use), s3, s4, s6
    assert sorted(item.peers) == [0, 1150 * SCALE, 1150 * SCALE, 1150 * SCALE, 1190 * SCALE]


def test_a_dismissed_flag_leaves_the_queue(filled: Store) -> None:
    ids = usage.view(filled, USD).anomaly_ids[0]
    assert triage.decide(filled, ids, "dismissed", reason="Known download")[0]
    assert len(usage.view(filled, USD).anomalies) == 0


def test_an_alert_shows_what_it_rests_on_and_a_decision_reaches_the_model(filled: Store) -> None:
    run = anomaly.flag_run(filled, queue="anomaly", budget=0.1)
    anomaly.save(filled, run, "anomaly")
    data = usage.view(filled, USD, span="all")
    assert data.model.startswith("0 alerts kept back because you reviewed the same before; ")
    shown = data.anomaly_ids[0][0]
    seen = evidence.of(filled, finding_id=shown)
    assert seen is not None
    assert {"As surprising, of all line-months so far", "Suggested", "Model"} <= set(seen.model_facts)
    assert seen.similar.empty
    done, told = triage.decide(
        filled, [shown], "dismissed", reason="New camera", scope="cost_center", expires_on="2026-12-31"
    )
    assert done, told
    (row,) = findings.decisions(filled).to_dict("records")
    assert (row["verdict"], row["scope"], row["expires_on"]) == ("dismissed", "cost_center", "2026-12-31")
    assert (row["finding_id"], row["reason"]) == (shown, "New camera")
    assert triage.decide(filled, [shown], "dismissed", reason="x", expires_on="soon") == (
        False,
        "Nothing was changed: a date such as 2026-09-30",
    )


def test_moves_of_spend_are_listed_with_their_drivers(store: Store) -> None:
    jump, fee = extra("usage", "900", "ROAM", "9"), extra("adjustment", "400", "FEE")
    write(store, bills(("A", "2026-08", [jump]), ("B", "2026-08", [fee]), without=(("B", "2026-07"),)))
    run = anomaly.flag_run(store, queue="spend")
    anomaly.save(store, run, "spend")
    data = moves.view(store, USD, first=None, last="2026-09")
    assert len(data.drivers) == len(data.table) == len(data.ids) == len(run.findings) > 0
    for place, row in enumerate(data.table.itertuples(index=False)):
        assert row.difference == row.actual - row.expected
        if len(data.drivers[place]):
            assert data.drivers[place]["amount"].sum() == row.difference == row.up + row.down
    assert data.sentence.startswith("1 of them because no bill has come")
    place = [text.startswith("Account A, usage") for text in data.table["what"]].index(True)
    seen = evidence.of(store, finding_id=data.ids[place][0])
    assert seen is not None
    assert seen.title == "Spend usage: account A"
    other = Filters(currency="USD", carriers=("another",))
    assert moves.view(store, other, first=None, last="2026-09").table.empty


def test_a_decided_move_leaves_the_list_and_its_repetition_can_be_shown(store: Store) -> None:
    rows = bills(*(("A", month, [extra("usage", "400", "ROAM", "9")]) for month in ("2026-07", "2026-08")))
    write(store, rows)
    anomaly.save(store, anomaly.flag_run(store, queue="spend", last="2026-07"), "spend", last="2026-07")
    (july,) = moves.view(store, USD, first=None, last="2026-08").ids
    assert triage.decide(store, july, "dismissed", reason="a fair in Milan")[0]
    anomaly.save(store, anomaly.flag_run(store, queue="spend"), "spend")
    data = moves.view(store, USD, first=None, last="2026-08")
    assert (len(data.table), data.kept_back) == (0, "1 row kept back because you reviewed the same before.")
    shown = moves.view(store, USD, first=None, last="2026-08", kept_back=True)
    assert list(shown.table["month"]) == ["2026-08"]
    seen = evidence.of(store, finding_id=shown.ids[0][0])
    assert seen is not None
    assert seen.model_facts["Reviewed before"] == f"Yes; kept back by the decision on {july[0]}"


def test_warnings_are_one_row_a_cause_and_decided_on_as_a_whole(store: Store) -> None:
    rows = base()
    rows["plans"][0]["data_mb"] = "1000"
    rows["usage_events"] = [event("L0", "2026-08-03", "850"), event("L0", "2026-08-05", "200")]
    write(store, rows)
    watch_findings.keep(store)
    data = warnings.view(store, USD)
    (row,) = data.table.to_dict("records")
    assert (row["what"], row["line"], row["level"]) == ("Allowance of data reached", "L0", "100 %")
    assert (row["used"], row["limit"], row["cycle"]) == ("1050.00", "1000.00", "1 Aug 2026 to 31 Aug 2026")
    (ids,) = data.ids
    assert len(ids) == 2
    seen = evidence.of(store, finding_id=ids[0])
    assert seen is not None
    assert seen.model_facts["Suggested"].startswith("Buy an add-on")
    assert triage.decide(store, ids, "accepted")[0]
    assert triage.decide(store, ids, "dismissed", reason="known", scope="account")[0]
    assert warnings.view(store, USD).table.empty
