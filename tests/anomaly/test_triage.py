"""Moves of spend and early warnings are findings: kept once, decided on, and not repeated until they grew by half."""

from __future__ import annotations

import json
from typing import Any

import pytest

import anomaly
from anomaly import feedback, watch_findings
from anomaly.estate import read
from app.commands import flag as flag_command
from app.commands import watch as watch_command
from core import findings, rollups
from core.findings import Finding
from core.schema import TABLES
from core.store import Store
from tests.anomaly.test_spend_moves import bills, extra
from tests.anomaly.test_watch import days, event, lines
from tests.anomaly.tiny import Rows, write
from tests.run_command import run


def jumping(august: str) -> Rows:
    """Account A with dear roaming in July and in August."""
    jumps = {"2026-07": "400", "2026-08": august}
    return bills(*(("A", month, [extra("usage", amount, "ROAM", "9")]) for month, amount in jumps.items()))


def spend_run(store: Store, **months: str) -> list[Finding]:
    made = anomaly.flag_run(store, queue="spend", **months)
    anomaly.save(store, made, "spend", **months)
    return made.findings


def of_month(items: list[Finding], month: str) -> list[Finding]:
    return [item for item in items if item.month == month]


def test_a_move_of_spend_is_kept_once_with_what_people_did(store: Store) -> None:
    write(store, bills(("A", "2026-08", [extra("usage", "900", "ROAM", "9")])))
    (item,) = spend_run(store)
    assert (item.queue, item.account_id, item.carrier_id) == ("spend", "A", "C")
    findings.set_state(store, [item.finding_id], "accepted", owner="Ann", reason="asked the team", actor="bob")
    made = anomaly.flag_run(store)  # all queues: spend is kept as well, and listed in neither of the two
    assert {f.queue for f in made.findings} <= {"policy", "anomaly"}
    assert anomaly.save(store, made, "all")["spend"] == {"new": 0, "known": 1, "gone": 0}
    kept = findings.load(store, queue="spend")
    assert [(r.finding_id, r.state, r.owner) for r in kept.itertuples()] == [(item.finding_id, "accepted", "Ann")]
    assert "finding.accepted" in set(store.frame("audit_trail")["action"])
    shown = run(store, flag_command, ["flag", "--queue", "spend", "--json"])
    (document,) = json.loads(shown.stdout)
    assert (document["finding_id"], document["state"]) == (item.finding_id, "accepted")


def test_two_currencies_of_one_account_are_two_findings(store: Store) -> None:
    rows = bills(("A", "2026-08", [extra("usage", "900", "ROAM", "9")]))
    twins = []
    for row in rows["invoices"]:
        if row["account_id"] == "A":
            twins.append(row | {"invoice_id": row["invoice_id"] + "e", "currency": "EUR"})
    rows["invoices"] += twins
    rows["charges"] += [
        c | {"charge_id": c["charge_id"] + "e", "invoice_id": c["invoice_id"] + "e"}
        for c in rows["charges"]
        if c["invoice_id"].startswith("A")
    ]
    found = spend_run(write(store, rows))
    assert sorted((f.rule, str(f.currency)) for f in found) == [("spend.usage", "EUR"), ("spend.usage", "USD")]
    assert len(findings.load(store, queue="spend")) == 2


@pytest.mark.parametrize("state", ["dismissed", "accepted"])
@pytest.mark.parametrize(("august", "kept", "grown"), [("500", 1, 0), ("660", 0, 1)])
def test_a_reviewed_move_is_kept_back_until_it_grew_by_half(
    store: Store, state: str, august: str, kept: int, grown: int
) -> None:
    write(store, jumping(august))
    (july,) = spend_run(store, last="2026-07")
    findings.set_state(store, [july.finding_id], state, reason="a fair in Milan")
    made = anomaly.flag_run(store, queue="spend")
    assert of_month(made.findings, "2026-07"), "a decision speaks for later months only"
    assert len(of_month(made.findings, "2026-08")) == grown
    (august_move,) = of_month(made.moves, "2026-08")
    assert august_move.detail is not None
    said = {"kept_back_by": july.finding_id if kept else None, "came_back": bool(grown)}
    assert august_move.detail["feedback"] == said
    told = run(store, flag_command, ["flag", "--queue", "spend"]).stderr
    assert f"{kept} moves of spend kept back because they were reviewed, {grown} came back grown" in told
    findings.set_state(store, [july.finding_id], "new")
    assert of_month(spend_run(store), "2026-08"), "a decision that was taken back keeps nothing back"


@pytest.mark.parametrize(
    ("reach", "kept"),
    [
        ({"scope": "finding"}, False),
        ({"expires_on": "2026-07-31"}, False),
        ({"expires_on": "2026-08-01"}, True),
        ({}, True),
    ],
)
def test_how_far_and_how_long_a_dismissal_of_a_move_holds(store: Store, reach: dict[str, str], kept: bool) -> None:
    write(store, jumping("500"))
    (july,) = spend_run(store, last="2026-07")
    findings.set_state(store, [july.finding_id], "dismissed", reason="known", **reach)
    assert bool(of_month(spend_run(store), "2026-08")) is not kept


def used(line: str, *amounts: tuple[str, str]) -> list[dict[str, Any]]:
    return [event(line, day, amount) for day, amount in amounts]


def levels(items: list[Finding], subject: str = "L0") -> list[str]:
    """The levels of one line's open warnings of its allowance, oldest first."""
    rule = "watch.allowance_reached.data"
    mine = [i for i in items if i.subject_id == subject and i.rule == rule and i.state == "new"]
    open_ones = [i.detail for i in mine if i.detail and not i.detail["feedback"]["kept_back_by"]]
    return [str(detail["level"]) for detail in sorted(open_ones, key=lambda d: (d["on"], len(d["level"]), d["level"]))]


def more_events(store: Store, rows: list[dict[str, Any]]) -> None:
    with store.transaction() as txn:
        micro = {c.name for c in TABLES["usage_events"].c if c.info["kind"] == "micro"}
        made = [{k: int(float(v) * 1_000_000) if k in micro else v for k, v in row.items()} for row in rows]
        txn.append("usage_events", made)
        rollups.refresh(txn)


def test_a_warning_is_kept_once_and_its_next_level_waits_until_it_grew(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = used("L0", ("2026-04-03", "850")) + used("L1", ("2026-04-03", "850"))
    write(store, rows)
    found, counts = watch_findings.keep(store)
    assert counts == {"new": 2, "known": 0, "gone": 0}
    assert {f.month for f in found} == {"2026-04"}
    assert watch_findings.keep(store)[1] == {"new": 0, "known": 2, "gone": 0}
    mine = next(f for f in found if f.subject_id == "L0")
    assert (mine.subject_type, mine.account_id, mine.carrier_id, mine.kind) == ("service", "A", "C", "other")
    findings.set_state(store, [mine.finding_id], "dismissed", reason="a fair in Milan")
    more_events(store, used("L0", ("2026-04-05", "200")) + used("L1", ("2026-04-05", "200")))
    found, _ = watch_findings.keep(store)
    assert (levels(found), levels(found, "L1")) == ([], ["80 %", "100 %"])
    assert watch_findings.told(found) == "1 warnings kept back because they were reviewed, 0 came back grown"
    more_events(store, used("L0", ("2026-04-06", "300")))
    found, _ = watch_findings.keep(store)
    assert levels(found) == ["120 %"]
    kept = findings.load(store, queue="watch").set_index("finding_id")
    assert kept.at[mine.finding_id, "state"] == "dismissed"


def test_the_next_cycle_knows_what_was_decided_in_the_last(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = used("L0", ("2026-04-03", "850"), ("2026-05-03", "900"), ("2026-08-03", "900"))
    write(store, rows)
    more = watch_findings.of(store, anomaly.watch.watch(store, as_of="2026-04-10"))
    findings.save(store, more, "watch")
    (april,) = more
    findings.set_state(store, [april.finding_id], "accepted")
    for day, kept_back in (("2026-05-10", True), ("2026-08-10", False)):
        (item,) = watch_findings.of(store, anomaly.watch.watch(store, as_of=day))
        assert item.detail is not None
        assert bool(item.detail["feedback"]["kept_back_by"]) is kept_back


def test_warnings_of_the_last_cycle_stay_and_older_ones_go_unless_somebody_worked_on_them(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = used("L0", ("2026-04-28", "850")) + used("L1", ("2026-04-28", "850"))
    write(store, rows)
    first, _ = watch_findings.keep(store)
    more_events(store, used("L2", ("2026-05-02", "850")))
    assert watch_findings.keep(store)[1] == {"new": 1, "known": 2, "gone": 0}
    findings.set_state(store, [first[0].finding_id], "triaged", owner="Ann")
    more_events(store, used("L2", ("2026-06-02", "1")))
    assert watch_findings.keep(store)[1]["gone"] == 2
    every = findings.load(store, queue="watch", current=False)
    every = every[every["rule"] == "watch.allowance_reached.data"]
    assert sorted((r.subject_id, r.current, r.state) for r in every.itertuples()) == [
        (first[0].subject_id, 0, "triaged"),
        ("L2", 1, "new"),
    ]


def test_a_dismissal_can_speak_for_the_whole_account(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = used("L0", ("2026-04-03", "850")) + used("L1", ("2026-04-05", "850"))
    write(store, rows)
    found, _ = watch_findings.keep(store)
    mine = next(f for f in found if f.subject_id == "L0")
    findings.set_state(store, [mine.finding_id], "dismissed", reason="a fair in Milan", scope="account")
    assert levels(watch_findings.keep(store)[0], "L1") == []


def test_money_records_and_bursts_as_findings(store: Store) -> None:
    rows = lines()
    twice = event("L1", "2026-04-02", "450")
    abroad = {"usage_type": "voice", "zone": "international", "country": "CU", "unit": "min", "quantity": "9"}
    rows["usage_events"] = [twice, twice] + [
        event("L0", day, "5", zone="roaming", country="US", cost="21") for day in days("2026-04-05", 2)
    ]
    rows["usage_events"] += [
        event("L2", "2026-04-04", "9", **abroad, started_at=f"2026-04-04T10:{n:02d}:00", cost="3", peer_country="CU")
        for n in range(12)
    ]
    found, _ = watch_findings.keep(write(store, rows))
    told = {(f.rule, f.kind, f.subject_id, f.amount_at_stake, f.currency) for f in found}
    assert told == {
        ("watch.bill_shock", "roaming_excess", "L0", 42_000_000, "USD"),
        ("watch.data_problem.repeat", "data_problem", "L1", 0, None),
        ("watch.irsf_burst", "international_burst", "L2", 36_000_000, "USD"),
        ("watch.wangiri_burst", "short_calls", "L2", 36_000_000, "USD"),
    }
    assert all(f.amount_counted == 0 and f.claim == "informative" for f in found)
    assert len(findings.load(store, queue="watch")) == len(told)


def test_decisions_on_warnings_are_no_decisions_about_line_months(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = used("L0", ("2026-04-03", "850"))
    found, _ = watch_findings.keep(write(store, rows))
    findings.set_state(store, [found[0].finding_id], "accepted")
    assert len(findings.decisions(store, ("watch",))) == 1
    assert findings.decisions(store).empty
    assert feedback.read(store, read(store)).decisions == ()


def test_the_command_keeps_what_it_finds_unless_it_is_asked_something_else(store: Store) -> None:
    rows = lines()
    rows["usage_events"] = used("L0", ("2026-04-03", "850"), ("2026-04-09", "1"))
    write(store, rows)
    for other in (["--as-of", "2026-04-05"], ["--thresholds", "50"]):
        assert "reached" in run(store, watch_command, ["watch", *other]).stdout
        assert findings.load(store, queue="watch").empty
    (document,) = json.loads(run(store, watch_command, ["watch", "--json"]).stdout)
    assert list(findings.load(store, queue="watch")["finding_id"]) == [document["finding_id"]]
    findings.set_state(store, [document["finding_id"]], "dismissed", reason="known")
    assert "[dismissed]" in run(store, watch_command, ["watch"]).stdout
