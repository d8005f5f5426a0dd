"""Each rule of the starter library beyond the exact five: what it must find, what it must leave, and the boundary."""

from __future__ import annotations

from typing import Any

import pytest

import anomaly
from anomaly import estate, policy, rule_cases, rules
from core.money import to_text
from core.store import Store
from tests.anomaly.tiny import Rows, base, use, write

M1, M2, M3, M4 = "2026-01", "2026-02", "2026-03", "2026-04"
STARTER = {rule.id: rule for rule in policy.load_rules()}


def hits(store: Store, rows: Rows, rule: str, **changes: Any) -> dict[tuple[str, str], str]:
    """{(service, month): stake} of one rule, excused hits left out."""
    write(store, rows)
    book = estate.read(store)
    (found,) = policy.evaluate(book, [policy.replace(STARTER[rule], enabled=True, **changes)]).values()
    ids = list(book.services["service_id"])
    return {
        (ids[s], book.months[t]): to_text(int(stake))
        for s, t, stake, excused in zip(found.service, found.month, found.stake, found.exempt, strict=True)
        if not excused
    }


def rows_of(lines: int = 3, **overrides: Any) -> Rows:
    rows = base(lines, **overrides)
    rows["usage"] = [use(f"L{n}", month) for n in range(lines) for month in (M1, M2, M3, M4)]
    rows["usage_events"] = []
    return rows


def call(line: str, at: str, seconds: int = 120, cost: str = "2", **more: Any) -> dict[str, Any]:
    row = {"service_id": line, "started_at": at, "direction": "out", "usage_type": "voice", "zone": "international"}
    row |= {"peer_number": "+21671000001", "peer_country": "TN", "quantity": "2", "unit": "min", "currency": "USD"}
    return row | {"duration_s": str(seconds), "cost": cost} | more


def burst(line: str, count: int, *, start: int = 9, every: int = 5, day: str = f"{M4}-14", **more: Any) -> list[Any]:
    """Calls of a line, one every so many minutes (each in the same or the next hours)."""
    minutes = [start * 60 + n * every for n in range(count)]
    return [call(line, f"{day}T{m // 60:02d}:{m % 60:02d}:00", **more) for m in minutes]


@pytest.mark.parametrize("name", sorted(STARTER))
def test_every_rule_brings_its_own_cases_on_both_sides(name: str) -> None:
    rule = STARTER[name]
    assert rule_cases.failures(rule) == []
    sides = {case["hit"] for case in rule.cases}
    assert sides == ({False} if name == "role_cap" else {True, False})


def test_the_library_covers_what_the_field_asks_for() -> None:
    assert {rule.kind for rule in STARTER.values()} >= {
        *("zero_use", "roaming_unbundled", "roaming_no_travel", "roaming_excess", "premium", "third_party"),
        *("international_burst", "many_destinations", "short_calls", "device_change", "use_after_leaving"),
        *("new_charge", "data_problem"),
    }
    assert all(rule.owner and rule.action and rule.cases for rule in STARTER.values())
    assert all(rule.why_off for rule in STARTER.values() if not rule.enabled)


def test_irsf_burst_counts_calls_in_quick_succession(store: Store) -> None:
    rows = rows_of(5)
    rows["usage_events"] = [
        *burst("L0", 10),  # ten calls, five minutes apart
        *burst("L1", 9),  # nine
        *burst("L2", 10, every=16, start=6),  # further apart than a quarter of an hour
        *burst("L3", 10, cost="0"),  # inside an allowance
        *burst("L4", 3, every=1, seconds=600),  # three at the same time
    ]
    assert hits(store, rows, "irsf_burst") == {("L0", M4): "20.00", ("L4", M4): "6.00"}


def test_a_call_that_ends_as_the_next_begins_is_not_parallel(store: Store) -> None:
    rows = rows_of()
    rows["usage_events"] = burst("L0", 3, every=10, seconds=600)
    assert hits(store, rows, "irsf_burst") == {}


def test_repeated_events_are_a_data_problem_and_no_burst(store: Store) -> None:
    rows = rows_of()
    rows["usage_events"] = [call("L0", f"{M4}-14T09:00:00")] * 12 + [call("L1", f"{M4}-14T09:00:00")]
    assert hits(store, rows, "irsf_burst") == {}
    book = estate.read(store)
    found = policy.evaluate(book, [STARTER["corrupt_usage"]])["corrupt_usage"]
    assert [(int(s), book.months[int(t)]) for s, t in zip(found.service, found.month, strict=True)] == [(0, M4)]


def test_unbelievable_events_are_a_data_problem(store: Store) -> None:
    rows = rows_of(4)
    odd = [{"seconds": 86_400}, {"seconds": 86_401}, {"cost": "-0.01"}, {"cost": "0"}]
    rows["usage_events"] = [call(f"L{n}", f"{M2}-14T09:00:00", **event) for n, event in enumerate(odd)]
    assert set(hits(store, rows, "corrupt_usage")) == {("L1", M2), ("L2", M2)}


def test_more_minutes_than_a_month_has_never_accuse_a_person(store: Store) -> None:
    rows = rows_of()
    for line, minutes in (("L1", "44640"), ("L2", "44640.1")):
        rows["usage"] += [use(line, M2, minutes, kind="voice", zone="roaming", country="FR", cost="10")]
        rows["usage"] += [use(line, M2, "6000", zone="roaming", country="FR", cost="10")]
    assert set(hits(store, rows, "corrupt_usage")) == {("L2", M2)}
    found = policy.evaluate(estate.read(store), [STARTER["data_abroad"]])["data_abroad"]
    assert list(found.service) == [1]


def test_irsf_trunk_needs_the_night_and_a_new_country(store: Store) -> None:
    rows = rows_of(6, kind="sip_trunk", device_kind=None)
    night: dict[str, Any] = {"start": 20, "every": 1}
    rows["usage_events"] = [
        *burst("L0", 20, **night),
        *burst("L1", 19, **night),
        *burst("L2", 20, every=1),  # in office hours of a Tuesday
        *burst("L3", 20, every=1, day=f"{M4}-18"),  # a Saturday
        call("L4", f"{M2}-03T10:00:00"),  # the country is known
        *burst("L4", 20, **night),
        *burst("L5", 20, **night, day=f"{M2}-03"),  # the line's second month: nothing is known yet
    ]
    assert hits(store, rows, "irsf_trunk") == {("L0", M4): "40.00", ("L3", M4): "40.00"}


def test_wangiri_burst_counts_calls_up_to_a_minute(store: Store) -> None:
    rows = rows_of(4)
    rows["usage_events"] = [*burst("L0", 5, seconds=60), *burst("L1", 4, seconds=60), *burst("L2", 5, seconds=61)]
    assert set(hits(store, rows, "wangiri_burst")) == {("L0", M4)}


def test_wangiri_call_back(store: Store) -> None:
    tried: list[tuple[str, int, dict[str, Any], bool]] = [
        ("2026-04-14T09:00:00", 5, {}, True),
        ("2026-04-14T09:00:00", 6, {}, False),  # somebody answered
        ("2026-04-13T10:00:00", 5, {}, True),  # exactly a day before
        ("2026-04-13T09:59:59", 5, {}, False),
        ("2026-04-14T10:00:01", 5, {}, False),  # rang after the call
        ("2026-04-14T09:00:00", 5, {"peer_number": "+21671000002"}, False),
        ("2026-04-14T09:00:00", 5, {"peer_number": "00216 71 000 001"}, True),
        ("2026-04-14T09:00:00", 5, {"cost": "0"}, False),
    ]
    rows = rows_of(len(tried))
    for n, (ring, seconds, back, _) in enumerate(tried):
        rows["usage_events"].append(call(f"L{n}", ring, seconds, "0", direction="in", zone="home"))
        rows["usage_events"].append(call(f"L{n}", "2026-04-14T10:00:00", **back))
    expected = {(f"L{n}", M4): "2.00" for n, (*_, hit) in enumerate(tried) if hit}
    assert hits(store, rows, "wangiri_callback") == expected


def test_premium_prefix(store: Store) -> None:
    rows = rows_of(4)
    called = [("+88213000001", "5"), ("0088213000001", "5"), ("+88213000001", "4.99"), ("+442071234567", "50")]
    rows["usage_events"] = [
        call(f"L{n}", f"{M2}-14T09:00:00", cost=cost, peer_number=number) for n, (number, cost) in enumerate(called)
    ]
    assert hits(store, rows, "premium_prefix") == {("L0", M2): "5.00", ("L1", M2): "5.00"}
    told = [i for i in anomaly.flag(store, queue="policy") if i.rule == "premium_prefix"]
    assert not any("882130" in f"{i.explanation}{i.evidence}" for i in told)  # numbers are counted, never shown


def test_many_destinations_from_eight_countries_on(store: Store) -> None:
    rows = rows_of(5)
    for line, countries in (("L0", 8), ("L1", 7)):
        rows["usage"] += [
            use(line, M2, "1", kind="voice", zone="international", country=f"C{n}", cost="0.25")
            for n in range(countries)
        ]
    rows["usage_events"] = [call("L2", f"{M2}-14T0{n}:00:00", peer_country=f"D{n}") for n in range(9)]
    for line, new in (("L3", 6), ("L4", 5)):  # trunks: only countries that are new to them count
        rows["services"][int(line[1])] |= {"kind": "sip_trunk", "device_kind": None}
        known = [(M1, f"C{n}") for n in range(9)] + [(M3, f"C{n}") for n in range(9)]
        rows["usage"] += [
            use(line, month, "1", kind="voice", zone="international", country=country, cost="0.25")
            for month, country in [*known, *((M3, f"X{n}") for n in range(new))]
        ]
    # L2's calls cost nothing in its usage
    assert hits(store, rows, "many_destinations") == {("L0", M2): "2.00", ("L3", M3): "3.75"}


def billed(rows: Rows, *lines: tuple[str, str, dict[str, Any]]) -> Rows:
    """Charges (line, month, values), one invoice for each month."""
    rows["invoices"] = [
        {"invoice_id": m, "account_id": "A", "total": "0", "currency": "USD", "period_start": f"{m}-01"}
        for m in (M1, M2, M3, M4)
    ]
    rows["charges"] = [
        {"charge_id": f"C{n}", "invoice_id": month, "service_id": line, "period_start": f"{month}-01"}
        | {"category": "third_party", "item_code": "FUN", "provider": "FunTones", "amount": "9.99"}
        | values
        for n, (line, month, values) in enumerate(lines)
    ]
    return rows


def test_unknown_third_party(store: Store) -> None:
    rows = billed(rows_of(5), *[(f"L{n}", M2, {}) for n in range(4)], ("L4", M2, {"provider": "Taxi"}))
    rows["service_items"] = [{"service_id": "L1", "item_code": "FUN"}]
    rows["orders"] = [
        {"order_id": "O2", "service_id": "L2", "type": "add", "item_code": "FUN", "ordered_on": f"{M2}-28"},
        {"order_id": "O3", "service_id": "L3", "type": "add", "item_code": "FUN", "ordered_on": f"{M3}-01"},
    ]
    when = {"all": [{"field": "category", "op": "==", "value": "third_party"}]}
    when["all"] += [{"field": "provider", "op": "not_in", "value": ["Taxi"]}]
    when["all"] += [{"field": name, "op": "==", "value": False} for name in ("subscribed", "ordered")]
    assert hits(store, rows, "unknown_third_party", when=when) == {("L0", M2): "9.99", ("L3", M2): "9.99"}
    (first, *_) = [i for i in anomaly.flag(store, queue="policy") if i.rule == "unknown_third_party"]
    assert sum(first.charge_stakes.values()) == first.amount_counted == 9_990_000
    assert "FUN (FunTones)" in first.explanation


def test_recurring_charge_that_nothing_explains(store: Store) -> None:
    extra = {"category": "mrc", "item_code": "EXTRA", "provider": None, "amount": "3"}
    lines = [(line, month, extra) for line in ("L0", "L1", "L3") for month in (M1, M2, M3)]
    lines += [("L2", month, extra) for month in (M1, M2, M4)]  # never three months in a row
    lines += [("L0", month, extra | {"item_code": "P", "amount": "30"}) for month in (M1, M2, M3)]  # the plan
    rows = billed(rows_of(4), *lines)
    rows["service_items"] = [{"service_id": "L1", "item_code": "EXTRA"}]
    rows["contract_rates"] = [{"contract_id": "K", "item_code": "EXTRA", "rate": "3"}]
    rows["contracts"] = [{"contract_id": "K", "carrier_id": "C"}, {"contract_id": "K2", "carrier_id": "C"}]
    for n in range(3):
        rows["services"][n]["contract_id"] = "K2"
    rows["services"][3]["contract_id"] = "K"
    assert hits(store, rows, "recurring_unexplained") == {("L0", M3): "3.00"}


def test_recurring_charges_are_left_where_nobody_records_items(store: Store) -> None:
    extra = {"category": "mrc", "item_code": "EXTRA", "provider": None, "amount": "3"}
    rows = billed(rows_of(), *[("L0", month, extra) for month in (M1, M2, M3)])
    rows["accounts"].append({"account_id": "B", "carrier_id": "C", "currency": "USD"})
    rows["services"][2]["account_id"] = "B"
    rows["service_items"] = [{"service_id": "L2", "item_code": "PACK"}]
    assert hits(store, rows, "recurring_unexplained") == {}


def test_data_abroad_adds_up_the_countries(store: Store) -> None:
    rows = rows_of()
    for line, more in (("L1", "120"), ("L2", "120.1")):
        rows["usage"] += [use(line, M2, "5000", zone="roaming", country="FR", cost="10")]
        rows["usage"] += [use(line, M2, more, zone="roaming", country="DE", cost="5")]
    assert hits(store, rows, "data_abroad") == {("L2", M2): "15.00"}


def test_travel_can_excuse_a_rule(store: Store) -> None:
    rows = rows_of()
    rows["usage"] += [use(line, M2, "9000", zone="roaming", country="FR", cost="10") for line in ("L1", "L2")]
    trip = {"travel_id": "T", "employee_id": "E1", "country": "FR", "starts_on": f"{M2}-28", "ends_on": f"{M3}-02"}
    rows["travel"] = [trip]
    assert set(hits(store, rows, "data_abroad")) == {("L2", M2)}


def test_device_rules_compare_with_records_and_orders(store: Store) -> None:
    rows = rows_of(4)
    seen = [("L0", M1, "S0", "I0"), ("L0", M3, "S0", "X"), ("L1", M1, "S1", "I1"), ("L1", M3, "S1b", "I1")]
    seen += [("L2", M1, "S2", "I2"), ("L2", M3, "S2b", "I2")]
    rows["sim_observations"] = [
        {"service_id": line, "observed_on": f"{month}-05", "iccid": card, "imei": imei}
        for line, month, card, imei in seen
    ]
    rows["devices"] = [{"device_id": f"D{n}", "service_id": f"L{n}", "imei": f"I{n}"} for n in range(3)]
    rows["orders"] = [{"order_id": "O", "service_id": "L2", "type": "change", "completed_on": f"{M2}-27"}]
    assert set(hits(store, rows, "device_mismatch")) == {("L0", M3)}
    book = estate.read(store)
    found = policy.evaluate(book, [policy.replace(STARTER["sim_swap"], enabled=True)])["sim_swap"]
    assert [(int(s), book.months[int(t)]) for s, t in zip(found.service, found.month, strict=True)] == [(1, M3)]


def test_off_hours_are_told_of_departments_only(store: Store) -> None:
    rows = rows_of(8)
    for n, person in enumerate(rows["employees"]):
        person["cost_center_id"] = "CC1" if n < 5 else "CC2"
    for n in range(8):  # CC1: four of five lines mostly at night; CC2: all three, but too few lines
        night = n < 4 or n >= 5
        rows["usage_events"] += [
            call(f"L{n}", f"{M2}-1{k}T{'22' if night else '10'}:00:00", zone="home") for k in range(3)
        ]
    write(store, rows)
    rule = policy.replace(STARTER["off_hours_use"], enabled=True, smallest_group=5)
    assert policy.evaluate(estate.read(store), [rule]) == {}
    (item,) = anomaly.flag(store, queue="policy", rules=[rule])
    assert (item.subject_type, item.subject_id, item.service_id) == ("cost_center", "CC1", None)
    assert (item.actual["value"], item.severity) == ("4", "info")
    assert not any(f"L{n}" in str(item) or f"E{n}" in str(item) for n in range(8))


def test_idle_spare_after_a_year(store: Store) -> None:
    rows = base(2, purpose="standby")
    months = [f"2025-{n:02d}" for n in range(1, 13)] + [M1]
    rows["usage"] = [use("L0", month) for month in months] + [use("L1", "2025-01")]
    rows["services"][0]["purpose"] = "person"
    assert hits(store, rows, "idle_spare") == {("L1", M1): "30.00"}


def test_a_rule_judges_whole_months_of_its_validity(store: Store) -> None:
    rows = rows_of()
    rows["usage"] += [use("L1", m, "1", kind="voice", zone="premium", country="US", cost="4") for m in (M2, M3)]
    book = estate.read(write(store, rows))
    tried: list[tuple[dict[str, str], list[str]]] = [
        ({}, [M2, M3]),
        ({"valid_from": "2026-03-01"}, [M3]),
        ({"valid_from": "2026-02-02"}, [M3]),  # February was not whole
        ({"valid_to": "2026-03-01"}, [M2]),
        ({"valid_to": "2026-03-31"}, [M2]),  # on the last day the rule no longer held
        ({"valid_from": "2026-02-01", "valid_to": "2026-04-01"}, [M2, M3]),
    ]
    for dates, months in tried:
        found = policy.evaluate(book, [policy.replace(STARTER["premium_use"], **dates)])["premium_use"]
        assert [book.months[t] for t in found.month] == months, dates


def test_a_rule_can_hold_severity_down(store: Store) -> None:
    rows = rows_of()
    rows["usage"] += [use("L1", M2, "1", kind="voice", zone="premium", country="US", cost="900")]
    write(store, rows)
    for limit, seen in (("by_money", "critical"), ("medium", "medium"), ("info", "info")):
        rule = policy.replace(STARTER["premium_use"], severity=limit)
        (item,) = anomaly.flag(store, queue="policy", rules=[rule])
        assert item.severity == seen


def test_later_facts_change_no_earlier_hit(store: Store, tmp_path: Any) -> None:
    """Every rule, switched on, over all grains: with the facts after M2 taken away the hits up to M2 stay."""

    def estate_of(until: str) -> Rows:
        rows = billed(rows_of(4), *[(f"L{n}", month, {}) for n in range(4) for month in (M1, M2, M3)])
        rows["usage"] += [
            use("L1", m, "6000", zone="roaming", country="FR", cost="20") | {"unit": "MB"} for m in (M2, M3)
        ]
        rows["usage"] += [use("L2", m, "1", kind="voice", zone="premium", country="US", cost="9") for m in (M1, M4)]
        for month in (M2, M3, M4):
            rows["usage_events"] += [*burst("L0", 12, day=f"{month}-14"), call("L3", f"{month}-15T09:00:00")]
        rows["service_items"] = [
            {"service_id": "L0", "item_code": "FUN", "valid_from": f"{M2}-10"},
            {"service_id": "L1", "item_code": "PACK", "valid_from": f"{M3}-10"},
        ]
        rows["travel"] = [{"travel_id": "T", "employee_id": "E1", "country": "FR", "starts_on": f"{M3}-01"}]
        rows["travel"].append({"travel_id": "S", "employee_id": "E0", "country": "FR", "starts_on": f"{M1}-01"})
        rows["orders"] = [
            {"order_id": f"O{m}", "service_id": "L2", "type": "add", "item_code": item, "ordered_on": f"{m}-28"}
            for m, item in ((M1, "PACK"), (M3, "FUN"))
        ]
        state = {"service_id": "L3", "account_id": "A", "employee_id": "E3", "status": "active"}
        rows["service_history"] = [
            state | {"valid_from": "2025-01-01", "valid_to": f"{M3}-01", "plan_id": "P"},
            state | {"valid_from": f"{M3}-01", "plan_id": "FUN"},
        ]
        rows["sim_observations"] = [
            {"service_id": "L2", "observed_on": f"{m}-05", "iccid": f"S{m}", "imei": f"I{m}"} for m in (M1, M2, M3)
        ]
        dated = {
            **{"usage": "month", "usage_events": "started_at", "charges": "period_start", "invoices": "period_start"},
            **{"service_items": "valid_from", "travel": "starts_on", "orders": "ordered_on"},
            **{"service_history": "valid_from", "sim_observations": "observed_on"},
        }
        for table, column in dated.items():
            rows[table] = [row for row in rows[table] if row[column][:7] <= until]
        return rows

    every = [policy.replace(rule, enabled=True) for rule in STARTER.values()]
    seen = []
    other = Store.open(f"sqlite:///{tmp_path / 'cut.db'}")
    for opened, until in ((store, M4), (other, M2)):
        book = estate.read(write(opened, estate_of(until)))
        last = book.months.index(M2)
        seen.append(
            {
                (name, int(s), int(t), int(stake), bool(excused))
                for name, found in policy.evaluate(book, every).items()
                for s, t, stake, excused in zip(found.service, found.month, found.stake, found.exempt, strict=True)
                if t <= last
            }
        )
    other.close()
    assert seen[0] == seen[1]
    assert {name for name, *_ in seen[0]} >= {"irsf_burst", "unknown_third_party", "premium_use", "data_abroad"}


def test_a_rule_file_written_back_is_the_same() -> None:
    assert rules.read_rules(rules.to_yaml(list(STARTER.values())), "again") == tuple(STARTER.values())


def bounds(when: Any) -> list[tuple[str, Any]]:
    """(field, value) of every comparison with a number."""
    parts = when.get("all") or when.get("any")
    if parts:
        return [pair for part in parts for pair in bounds(part)]
    return [(when["field"], when["value"])] if when["op"] in {">", ">=", "<", "<="} else []


@pytest.mark.parametrize("name", sorted(STARTER))
def test_every_bound_of_a_rule_has_a_case_that_stands_on_it(name: str) -> None:
    rule = STARTER[name]
    for field, value in bounds(rule.when):
        if value == "$cap":  # a company sets it: test_policy_rules has the line below, on and above its cap
            continue
        limit = to_text(rule.min_money) if value == "$min_money" else value
        stands = [float(case["facts"][field]) for case in rule.cases if field in case["facts"]]
        assert float(limit) in stands, f"{name}: no case with {field} = {limit}"
