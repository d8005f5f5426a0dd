"""Each policy rule: a line-month is a hit if and only if the rule's sentence in `interfaces.md` section 5 holds."""

from __future__ import annotations

from typing import Any

import pytest

import anomaly
from anomaly import policy
from core.issues import BadInput
from core.store import Store
from tests.anomaly.tiny import Rows, base, use, write

M1, M2, M3 = "2026-01", "2026-02", "2026-03"


def hits(store: Store, rows: Rows, rule: str, **options: Any) -> dict[tuple[str, str], str]:
    """{(service, month): stake} of one rule."""
    from core.findings import to_json

    write(store, rows)
    found = anomaly.flag(store, queue="policy", **options)
    documents = [to_json(item) for item in found if item.rule == rule]
    return {(item["service_id"], item["month"]): item["amount_at_stake"] for item in documents}


def used(rows: Rows, *, without: tuple[tuple[str, str], ...] = ()) -> Rows:
    """Every line uses data at home in every month, but for the (line, month) pairs named."""
    for service in rows["services"]:
        for month in (M1, M2, M3):
            if (service["service_id"], month) not in without:
                rows["usage"].append(use(service["service_id"], month))
    return rows


def test_zero_use_from_the_second_month_on(store: Store) -> None:
    rows = used(base(), without=(("L1", M2), ("L1", M3), ("L2", M3)))
    assert hits(store, rows, "zero_use") == {("L1", M3): "30.00"}


ALL_QUIET = (("L1", M1), ("L1", M2), ("L1", M3))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"purpose": "standby"}, []),
        ({"purpose": "emergency"}, []),
        ({"purpose": "backup"}, []),
        ({"purpose": "shared"}, [M1, M2, M3]),
        ({"kind": "fixed_voice"}, []),
        ({"kind": "iot", "device_kind": "sensor"}, [M1, M2, M3]),
        ({"status": "suspended"}, []),
        ({"status": "ordered"}, []),
        ({"status": "disconnected"}, []),
        ({"activated_on": None}, [M1, M2, M3]),
        ({"activated_on": "2026-01-01"}, [M2, M3]),
        ({"activated_on": "2026-01-02"}, [M3]),
        ({"disconnected_on": "2026-03-31", "status": "disconnected"}, [M1, M2]),
        ({"disconnected_on": "2026-04-01", "status": "disconnected"}, [M1, M2, M3]),
    ],
)
def test_zero_use_boundaries(store: Store, change: dict[str, Any], expected: list[str]) -> None:
    rows = used(base(), without=ALL_QUIET)
    rows["services"][1] |= change
    assert [month for _, month in sorted(hits(store, rows, "zero_use"))] == expected


def test_zero_use_is_silent_where_the_carrier_sent_nothing(store: Store) -> None:
    rows = base()
    rows["carriers"].append({"carrier_id": "D"})
    rows["services"][1] |= {"carrier_id": "D"}
    rows["usage"] = [use("L0", month) for month in (M1, M2, M3)] + [use("L2", M1)]
    rows["usage"] += [use("L2", M2), use("L2", M3)]
    assert hits(store, rows, "zero_use") == {}


def test_zero_use_takes_the_plan_and_the_state_of_the_month(store: Store) -> None:
    rows = used(base(), without=ALL_QUIET)
    rows["plans"].append({"plan_id": "Q", "carrier_id": "C", "mrc": "12.50", "currency": "USD"})
    state = {"service_id": "L1", "account_id": "A", "employee_id": "E1"}
    rows["service_history"] = [
        state | {"valid_from": "2025-01-01", "valid_to": "2026-02-10", "plan_id": "P", "status": "active"},
        state | {"valid_from": "2026-02-10", "valid_to": "2026-03-15", "plan_id": "Q", "status": "active"},
        state | {"valid_from": "2026-03-15", "plan_id": "Q", "status": "suspended"},
    ]
    assert hits(store, rows, "zero_use") == {("L1", M1): "30.00", ("L1", M2): "12.50"}


def test_a_row_with_quantity_zero_is_no_use_and_any_zone_is_use(store: Store) -> None:
    rows = used(base(), without=ALL_QUIET)
    rows["usage"] += [use("L1", M1, "0"), use("L1", M3, "1", kind="sms", zone="premium", country="US")]
    assert set(hits(store, rows, "zero_use")) == {("L1", M1), ("L1", M2)}


@pytest.mark.parametrize(
    ("scope", "dates", "expected"),
    [
        (("service", "L1"), {}, []),
        (("employee", "E1"), {}, []),
        (("employee", "E0"), {}, [M1, M2, M3]),
        (("account", "A"), {}, []),
        (("plan", "P"), {}, []),
        (("role", "sales"), {}, []),
        (("cost_center", "CC"), {}, []),
        (("service", "L1"), {"effective_from": "2026-02-28", "effective_to": "2026-02-28"}, [M1, M3]),
        (("service", "L1"), {"effective_from": "2026-03-01"}, [M1, M2]),
        (("service", "L1"), {"effective_to": "2026-01-31"}, [M2, M3]),
    ],
)
def test_exemptions(store: Store, scope: tuple[str, str], dates: dict[str, str], expected: list[str]) -> None:
    rows = used(base(), without=ALL_QUIET)
    rows["employees"][1]["cost_center_id"] = "CC"
    exemption = {"exemption_id": "X", "rule": "zero_use", "scope_type": scope[0], "scope_id": scope[1], **dates}
    rows["policy_exemptions"] = [exemption]
    assert [month for _, month in sorted(hits(store, rows, "zero_use"))] == expected


def test_an_exemption_of_another_rule_excuses_nothing_and_a_star_excuses_all(store: Store) -> None:
    rows = used(base(), without=ALL_QUIET)
    row = {"scope_type": "service", "scope_id": "L1"}
    rows["policy_exemptions"] = [{"exemption_id": "X", "rule": "premium_use", **row}]
    assert len(hits(store, rows, "zero_use")) == 3
    with store.transaction() as txn:
        txn.append("policy_exemptions", [{"exemption_id": "Y", "rule": "*", **row}])
    assert not [item for item in anomaly.flag(store, queue="policy") if item.rule == "zero_use"]
    shown = [item for item in anomaly.flag(store, queue="policy", include_exempt=True) if item.rule == "zero_use"]
    assert {item.severity for item in shown} == {"info"}
    assert len(shown) == 3


def roaming(rows: Rows, *trips: dict[str, Any]) -> Rows:
    used(rows)
    rows["usage"] += trips
    rows["items"] = [
        {"carrier_id": "C", "item_code": "PACK", "nature": "roaming_pack", "countries": "FR|DE"},
        {"carrier_id": "C", "item_code": "WORLD", "nature": "roaming_pack", "countries": "*"},
        {"carrier_id": "C", "item_code": "BLOCK", "nature": "premium_block"},
        {"carrier_id": "C", "item_code": "FEATURE", "nature": "feature", "countries": "FR"},
    ]
    rows["service_items"] = [{"service_id": "L2", "item_code": "FEATURE"}]
    return rows


def away(country: str | None, cost: str = "10.50", kind: str = "data", line: str = "L1", month: str = M2) -> Any:
    return use(line, month, "50", kind=kind, zone="roaming", country=country, cost=cost)


def test_roaming_without_a_bundle_counts_data_and_voice_by_country(store: Store) -> None:
    rows = roaming(base(), away("FR"), away("FR", "2.25", "voice"), away("FR", "1", "sms"), away("US", "0"))
    assert hits(store, rows, "roam_no_bundle") == {("L1", M2): "12.75"}


@pytest.mark.parametrize(
    ("item", "dates", "country", "hit"),
    [
        ("PACK", {}, "FR", False),
        ("PACK", {}, "US", True),
        ("PACK", {}, "fr", False),
        ("WORLD", {}, "US", False),
        ("FEATURE", {}, "FR", True),
        ("PACK", {"valid_from": "2026-02-28"}, "FR", False),
        ("PACK", {"valid_from": "2026-03-01"}, "FR", True),
        ("PACK", {"valid_to": "2026-02-01"}, "FR", True),
        ("PACK", {"valid_to": "2026-02-02"}, "FR", False),
        ("PACK", {}, None, False),
        ("FEATURE", {}, None, True),
    ],
)
def test_a_pack_covers_from_its_first_day_to_the_day_before_its_end(
    store: Store, item: str, dates: dict[str, str], country: str | None, hit: bool
) -> None:
    rows = roaming(base(), away(country))
    rows["service_items"] = [{"service_id": "L1", "item_code": item, **dates}]
    assert bool(hits(store, rows, "roam_no_bundle")) is hit


@pytest.mark.parametrize(("countries", "hit"), [("FR", False), ("DE|fr", False), ("*", False), ("DE", True)])
def test_countries_of_the_plan_cover_too(store: Store, countries: str, hit: bool) -> None:
    rows = roaming(base(), away("FR"))
    rows["plans"][0]["roaming_countries"] = countries
    assert bool(hits(store, rows, "roam_no_bundle")) is hit


def test_roaming_rules_are_silent_without_their_table(store: Store) -> None:
    rows = roaming(base(), away("FR"))
    del rows["service_items"]
    write(store, rows)
    assert {item.rule for item in anomaly.flag(store, queue="policy")} == set()


def test_only_the_uncovered_country_is_at_stake(store: Store) -> None:
    rows = roaming(base(), away("FR", "5"), away("US", "7.125"))
    rows["service_items"] = [{"service_id": "L1", "item_code": "PACK"}]
    assert hits(store, rows, "roam_no_bundle") == {("L1", M2): "7.125"}


@pytest.mark.parametrize(
    ("trip", "hit"),
    [
        ({"country": "FR", "starts_on": "2026-02-10", "ends_on": "2026-02-12"}, False),
        ({"country": "*", "starts_on": "2026-02-10", "ends_on": "2026-02-12"}, False),
        ({"country": "DE", "starts_on": "2026-02-10", "ends_on": "2026-02-12"}, True),
        ({"country": "FR", "starts_on": "2026-01-10", "ends_on": "2026-01-31"}, True),
        ({"country": "FR", "starts_on": "2026-01-10", "ends_on": "2026-02-01"}, False),
        ({"country": "FR", "starts_on": "2026-02-28", "ends_on": "2026-03-05"}, False),
        ({"country": "FR", "starts_on": "2026-03-01", "ends_on": "2026-03-05"}, True),
        ({"country": "FR", "starts_on": "2025-03-01"}, False),
        ({"country": "FR", "starts_on": "2026-02-10", "ends_on": "2026-02-12", "employee_id": "E2"}, True),
    ],
)
def test_roaming_without_travel(store: Store, trip: dict[str, Any], hit: bool) -> None:
    rows = roaming(base(), away("FR", "0"), away("FR", "3", "sms"))
    rows["travel"] = [{"travel_id": "T", "employee_id": "E1", "source": "booking", **trip}]
    assert hits(store, rows, "roam_no_travel") == ({("L1", M2): "3.00"} if hit else {})


def test_a_line_without_a_recorded_holder_needs_no_travel_record(store: Store) -> None:
    rows = roaming(base(), away("FR"))
    rows["services"][1]["employee_id"] = None
    rows["travel"] = [{"travel_id": "T", "employee_id": "E2", "country": "FR", "starts_on": "2026-01-01"}]
    assert hits(store, rows, "roam_no_travel") == {}


@pytest.mark.parametrize(
    ("left_on", "expected"),
    [
        ("2026-01-31", {("L1", M2): "32.00", ("L1", M3): "30.00"}),
        ("2026-02-01", {("L1", M3): "30.00"}),
        ("2026-03-01", {}),
        (None, {}),
    ],
)
def test_use_after_leaving(store: Store, left_on: str | None, expected: dict[tuple[str, str], str]) -> None:
    rows = roaming(base(), away("FR", "2"))
    rows["employees"][1] |= {"status": "left", "left_on": left_on}
    assert hits(store, rows, "use_after_leaving") == expected


def test_a_line_handed_on_is_not_used_after_leaving(store: Store) -> None:
    rows = used(base())
    rows["employees"][1] |= {"status": "left", "left_on": "2026-01-20"}
    state = {"service_id": "L1", "account_id": "A", "plan_id": "P", "status": "active"}
    rows["service_history"] = [
        state | {"valid_from": "2025-01-01", "valid_to": "2026-03-05", "employee_id": "E1"},
        state | {"valid_from": "2026-03-05", "employee_id": "E0"},
    ]
    assert set(hits(store, rows, "use_after_leaving")) == {("L1", M2)}


def test_premium_use_with_and_without_a_block(store: Store) -> None:
    premium = use("L1", M2, "3", kind="voice", zone="premium", cost="4.20")
    free = use("L2", M2, "3", kind="voice", zone="premium", cost="0")
    assert hits(store, roaming(base(), premium, free), "premium_use") == {("L1", M2): "4.20"}


def test_premium_below_min_money_needs_a_block(store: Store) -> None:
    premium = [use(line, M2, "3", kind="voice", zone="premium", cost="4.20") for line in ("L0", "L1")]
    rows = roaming(base(), *premium, use("L2", M2, "3", kind="voice", zone="premium", cost="5.01"))
    rows["service_items"] = [{"service_id": "L1", "item_code": "BLOCK"}]
    write(store, rows)
    rules = [policy.replace(rule, min_money=5_000_000) for rule in policy.load_rules() if rule.id == "premium_use"]
    found = anomaly.flag(store, queue="policy", rules=rules)
    assert sorted(item.service_id or "" for item in found) == ["L1", "L2"]


def test_charges_of_the_same_use_win_over_rated_cost(store: Store) -> None:
    rows = roaming(base(), away("FR", "10"))
    rows["invoices"] = [
        {"invoice_id": "I", "account_id": "A", "total": "45", "currency": "USD", "period_start": "2026-02-01"}
    ]
    charge = {"invoice_id": "I", "service_id": "L1", "period_start": "2026-02-01"}
    rows["charges"] = [
        charge | {"charge_id": "C1", "category": "mrc", "amount": "30", "item_code": "P"},
        charge
        | {"charge_id": "C2", "category": "usage", "amount": "15", "zone": "roaming", "country": "FR"}
        | {"unit": "MB", "quantity": "50"},
    ]
    write(store, rows)
    (found,) = [item for item in anomaly.flag(store, queue="policy") if item.rule == "roam_no_bundle"]
    assert (found.amount_at_stake, found.amount_counted) == (15_000_000, 15_000_000)
    assert dict(found.charge_stakes) == {"C2": 15_000_000}


def test_money_counts_once_when_several_rules_claim_it(store: Store) -> None:
    rows = roaming(base(), away("FR", "10"))
    rows["employees"][1] |= {"status": "left", "left_on": "2026-01-31"}
    write(store, rows)
    found = [item for item in anomaly.flag(store, queue="policy") if item.month == M2]
    assert {item.rule for item in found} == {"roam_no_bundle", "use_after_leaving"}
    assert sum(item.amount_counted for item in found) == 40_000_000


def test_role_caps_are_silent_until_a_company_sets_them(store: Store) -> None:
    rows = roaming(base(), away("FR", "80"), away("FR", "80", line="L2"), away("FR", "50", line="L0"))
    rows["employees"][2]["role"] = "board"
    write(store, rows)
    assert not [item for item in anomaly.flag(store, queue="policy") if item.rule == "role_cap"]
    capped = [policy.replace(rule, caps={"sales": 50}) for rule in policy.load_rules() if rule.id == "role_cap"]
    (found,) = anomaly.flag(store, queue="policy", rules=capped)
    assert (found.service_id, found.amount_at_stake) == ("L1", 30_000_000)


def test_rules_that_monitor_people_are_off_and_say_why() -> None:
    watching = [rule for rule in policy.load_rules() if rule.monitors_people]
    assert {rule.id for rule in watching} == {"off_hours_use", "device_mismatch", "sim_swap"}
    assert not any(rule.enabled for rule in watching)
    assert all(rule.why_off for rule in watching)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: 5", "a list of rules"),
        ("rules: [{id: x}]", "field version is missing"),
        ("rules: [[]]", "a rule is a mapping"),
        ("{", "cannot be read"),
    ],
)
def test_a_wrong_rule_file_is_refused(tmp_path: Any, text: str, said: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=said):
        policy.load_rules(path)


def test_an_unknown_fact_or_operator_is_named() -> None:
    rule = {"id": "x", "version": 1, "title": "t", "kind": "other", "over": "line_month", "stake": "none"}
    rule |= {"message": "m", "when": {"all": [{"field": "shoe_size", "op": "~", "value": 1}]}}
    problems = " ".join(policy.check_rule(rule))
    assert "unknown fact shoe_size" in problems
    assert "unknown operator ~" in problems
