"""Early warnings from daily events: each on the day on which it was first true, whoever asks and whenever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from anomaly import watch_findings
from anomaly.watch import Alert, Limits, house_limits, watch
from app.commands import watch as command
from app.views.warnings import limits as limits_in_words
from core import periods
from core.issues import BadInput
from core.settings import settings
from core.store import Store
from tests.anomaly.tiny import Rows, base, write
from tests.run_command import run

CYCLE = "2026-04"


def event(line: str, day: str, megabytes: str, **more: Any) -> dict[str, Any]:
    row = {"service_id": line, "started_at": f"{day}T10:00:00", "direction": "out", "usage_type": "data"}
    return row | {"quantity": megabytes, "unit": "MB", "duration_s": "60", "cost": "0", "currency": "USD"} | more


def days(first: str, count: int) -> list[str]:
    return [periods.add_days(first, n) for n in range(count)]


def lines(count: int = 3, **plan: Any) -> Rows:
    rows = base(count)
    rows["plans"][0] |= {"data_mb": "1000"} | plan
    rows["usage_events"] = []
    return rows


def steady(line: str, before: str, within: str, count: int = 25) -> list[dict[str, Any]]:
    """So many MB on each of the 28 days before the cycle, and on each of its first days."""
    made = [event(line, day, before) for day in days("2026-03-04", 28)]
    return made + [event(line, day, within) for day in days("2026-04-01", count)]


def told(found: list[Alert], kind: str) -> list[tuple[str, str, str]]:
    return sorted((a.subject, a.level, a.on) for a in found if a.kind == kind)


def test_an_overrun_is_predicted_within_five_days_and_then_told_as_it_comes(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = [*steady("L0", "50", "50"), *steady("L1", "33", "33")]
    found = watch(write(store, rows), as_of="2026-04-25")
    # L0: 800 MB on the 16th, more than 1000 on the 21st; L1 will end the month at 990
    assert told(found, "allowance_reached") == [
        ("L0", "100 %", "2026-04-21"),
        ("L0", "120 %", "2026-04-25"),
        ("L0", "80 %", "2026-04-16"),
        ("L1", "80 %", "2026-04-25"),
    ]
    (coming,) = [a for a in found if a.kind == "overrun_predicted"]
    assert (coming.subject, coming.on, coming.expected_on) == ("L0", "2026-04-16", "2026-04-21")
    assert "runs over on 2026-04-21, before the cycle ends on 2026-04-30" in coming.explanation
    assert watch(store, as_of="2026-04-25", since="2026-04-22", limits=Limits(step=0)) == [
        a for a in found if a.on == "2026-04-25" and a.level == "80 %"
    ]


def test_asking_every_day_gives_what_asking_once_gives(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = [*steady("L0", "20", "70", 20), *steady("L1", "30", "45", 20)]
    rows["usage_events"] += [
        event("L2", day, "5", zone="roaming", country="US", cost="9") for day in days("2026-04-05", 12)
    ]
    write(store, rows)
    whole = watch(store, as_of="2026-04-20")
    daily = [a for day in days("2026-04-01", 20) for a in watch(store, as_of=day, since=day)]
    assert {a.alert_id for a in daily} == {a.alert_id for a in whole}
    assert len(daily) == len(whole) > 5


def test_one_heavy_day_predicts_nothing(store: Store) -> None:
    rows = lines(1)
    rows["usage_events"] = steady("L0", "20", "20", 10)
    rows["usage_events"].append(event("L0", "2026-04-10", "400", started_at="2026-04-10T11:00:00"))
    assert told(watch(write(store, rows), as_of="2026-04-10"), "overrun_predicted") == []


def test_a_pool_is_watched_as_a_whole(store: Store) -> None:
    rows = lines(3, pool_group="flex")
    rows["usage_events"] = [event("L0", "2026-04-02", "2500"), event("L1", "2026-04-03", "501")]
    found = watch(write(store, rows), as_of="2026-04-03")
    assert told(found, "allowance_reached") == [
        ("pool:A:flex", "100 %", "2026-04-03"),
        ("pool:A:flex", "80 %", "2026-04-02"),
    ]
    assert all(a.service_id is None for a in found)


def test_roaming_counts_where_the_plan_says_so(store: Store) -> None:
    rows = lines(2, roaming_countries="FR")
    rows["usage_events"] = [
        event("L0", "2026-04-02", "900", zone="roaming", country="FR"),
        event("L1", "2026-04-02", "900", zone="roaming", country="US"),
    ]
    assert told(watch(write(store, rows)), "allowance_reached") == [("L0", "80 %", "2026-04-02")]


def test_bill_shock_at_eighty_percent_at_the_limit_and_at_each_further_one(store: Store) -> None:
    rows = lines()
    costs = ("39.99", "0.01", "9.99", "0.01", "50")
    rows["usage_events"] = [
        event("L0", day, "1", zone="roaming", country="US", cost=cost)
        for day, cost in zip(days("2026-04-05", 5), costs, strict=True)
    ]
    found = watch(write(store, rows), as_of="2026-04-20")
    assert told(found, "bill_shock") == [
        ("L0", "100 %", "2026-04-08"),
        ("L0", "200 %", "2026-04-09"),
        ("L0", "80 %", "2026-04-06"),
    ]
    assert not told(watch(store, as_of="2026-04-20", limits=Limits(roaming=0)), "bill_shock")


def test_the_cycle_begins_where_the_bills_begin(store: Store) -> None:
    rows = lines(1)
    rows["invoices"] = [
        {"invoice_id": m, "account_id": "A", "total": "30", "period_start": f"{m}-18", "currency": "USD"}
        for m in ("2026-01", "2026-02", "2026-03")
    ]
    rows["usage_events"] = [event("L0", "2026-04-17", "900"), event("L0", "2026-04-18", "810")]
    found = watch(write(store, rows), as_of="2026-04-20")
    assert told(found, "allowance_reached") == [("L0", "80 %", "2026-04-18")]
    assert found[0].cycle == ("2026-04-18", "2026-05-17")


def test_bursts_of_calls_are_told_on_their_day(store: Store) -> None:
    rows = lines(2)
    rows["usage_events"] = [
        event("L0", "2026-04-04", "1", started_at=f"2026-04-04T23:{n:02d}:00", usage_type="voice", zone="international")
        | {"peer_number": "+3716000", "peer_country": "LV", "unit": "min", "cost": "2", "duration_s": "90"}
        for n in range(12)
    ]
    write(store, rows)
    (alert,) = watch(store)
    assert (alert.kind, alert.rule, alert.on, alert.used) == (
        "international_burst",
        "irsf_burst",
        "2026-04-04",
        "24.00",
    )
    assert "+371" not in alert.explanation
    assert watch(store, as_of="2026-04-03") == []
    with store.transaction() as txn:
        row = {"exemption_id": "X", "rule": "irsf_burst", "scope_type": "service", "scope_id": "L0"}
        txn.append("policy_exemptions", [row])
    assert watch(store, as_of="2026-04-05") == []


def test_bad_records_are_problems_of_the_data_and_count_for_nobody(store: Store) -> None:
    rows = lines(4)
    twice = event("L0", "2026-04-02", "450")
    rows["usage_events"] = [twice, twice, event("L1", "2026-04-02", "5000", duration_s="86401")]
    rows["usage_events"] += [event("L2", "2026-04-02", "9000", zone="roaming", country="US", cost="-80")]
    rows["usage_events"].append(event("L3", "2026-04-02", "10"))
    rows["usage_events"].append(event("L3", "2026-04-03", "10", started_at="2026-04-03T10:00:00+02:00"))
    found = watch(write(store, rows), as_of="2026-04-05")
    assert {(a.kind, a.subject, a.level, a.used) for a in found} == {
        ("data_problem", "L0", "repeat", "1"),
        ("data_problem", "L1", "impossible", "1"),
        ("data_problem", "L2", "impossible", "1"),
        ("data_problem", "L3", "clock", "1"),
    }
    assert all("not about the user" in a.action for a in found)


def test_events_after_their_own_import_are_a_problem_and_no_newest_day(store: Store) -> None:
    rows = lines(1)
    rows["batches"] = [
        {"file": "f", "format": "canonical", "content_sha256": "x", "loaded_at": "2026-04-10T08:00:00+00:00"}
        | {"state": "committed", "rows_in": 2, "rows_loaded": 2, "rows_quarantined": 0}
    ]
    rows["usage_events"] = [event("L0", "2026-04-02", "10"), event("L0", "2062-04-02", "10")]
    write(store, rows)
    from core.schema import TABLES

    with store.transaction() as txn:
        txn.execute(TABLES["usage_events"].update().values(batch_id=1))
    assert {(a.kind, a.level, a.on) for a in watch(store)} == {("data_problem", "future", "2026-04-02")}


def test_nothing_is_said_without_events(store: Store) -> None:
    assert watch(store) == []
    write(store, lines())
    assert watch(store) == []
    assert watch(store, as_of="2026-04-02") == []


def test_the_command_prints_a_list_and_refuses_nonsense(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = [event("L0", "2026-04-02", "900")]
    write(store, rows)
    shown = run(store, command, ["watch", "--json", "--thresholds", "50,90%"])
    assert {item["level"] for item in json.loads(shown.stdout)} == {"50 %", "90 %"}
    assert "reached 80 %" in run(store, command, ["watch"]).stdout
    for wrong in (["--thresholds", "many"], ["--as-of", "soon"], ["--roaming-limit", "x"]):
        assert isinstance(run(store, command, ["watch", *wrong]).exception, BadInput)


@pytest.mark.parametrize("limits", [Limits(thresholds=(50,)), Limits(step=10), Limits(ahead=0)])
def test_limits_only_add_or_leave_out(store: Store, limits: Limits) -> None:
    rows = lines(1)
    rows["usage_events"] = steady("L0", "40", "60", 25)
    write(store, rows)
    found = told(watch(store, as_of="2026-04-25", limits=limits), "allowance_reached")
    assert ("L0", "50 %", "2026-04-09") in found or limits.thresholds != (50,)
    assert bool(told(watch(store, as_of="2026-04-25", limits=limits), "overrun_predicted")) is (limits.ahead > 0)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Settings that the test changes; read again before and after."""
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def test_the_house_limits_hold_for_the_command_and_for_what_is_kept(store: Store, house: pytest.MonkeyPatch) -> None:
    rows = lines()
    rows["usage_events"] = [event("L0", "2026-04-02", "900")]
    write(store, rows)
    house.setenv("TEM_WATCH_THRESHOLDS", "60,90")
    house.setenv("TEM_WATCH_STEP", "0")
    shown = run(store, command, ["watch", "--json"])
    assert {item["level"] for item in json.loads(shown.stdout)} == {"60 %", "90 %"}
    assert {item.detail["level"] for item in watch_findings.keep(store)[0]} == {"60 %", "90 %"}
    assert "at 60 and 90 % of an allowance, 5 days before" in limits_in_words(store)
    # an option is for one look: it is shown and not kept
    assert "reached 70 %" in run(store, command, ["watch", "--thresholds", "70"]).stdout
    assert {item.detail["level"] for item in watch_findings.keep(store)[0]} == {"60 %", "90 %"}


@pytest.mark.parametrize(
    ("name", "value"), [("THRESHOLDS", "often"), ("ROAMING", "much"), ("STEP", "-1"), ("AHEAD", "some")]
)
def test_a_house_limit_that_is_none_is_named(store: Store, house: pytest.MonkeyPatch, name: str, value: str) -> None:
    house.setenv(f"TEM_WATCH_{name}", value)
    with pytest.raises(BadInput, match=f"TEM_WATCH_{name}"):
        house_limits()


def test_a_line_is_named_by_its_number(store: Store) -> None:
    rows = lines()
    rows["services"][0]["number"] = "+1 555 0100"
    rows["usage_events"] = [event("L0", "2026-04-02", "900"), event("L1", "2026-04-02", "900")]
    found = {a.subject: a.explanation for a in watch(write(store, rows)) if a.level == "80 %"}
    assert found["L0"].startswith("Line +1 555 0100 reached 80 %")
    assert found["L1"].startswith(("Line L1 reached", f"Line {rows['services'][1].get('number')} reached"))
