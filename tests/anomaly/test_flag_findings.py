"""The rows of `tem flag`: one per line-month, sorted, scored on one scale, explained, saved."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import anomaly
from anomaly import policy
from anomaly.registry import KINDS, entries
from app.commands import flag as command
from core import findings, periods
from core.issues import BadInput
from core.store import Store
from tests.anomaly.tiny import Rows, base, use, write
from tests.run_command import run

MONTHS = periods.months_between("2026-01", "2026-08")
ROOT = Path(__file__).resolve().parents[2]


def company() -> Rows:
    rows = base(12)
    rows["services"][11] |= {"activated_on": "2026-04-10"}
    rows["services"][10] |= {"kind": "circuit"}
    for n in range(12):
        for t, month in enumerate(MONTHS):
            if n != 11 or month >= "2026-04":
                rows["usage"].append(use(f"L{n}", month, str(1000 + 37 * ((n * 7 + t * 3) % 11))))
    rows["usage"].append(use("L3", "2026-07", "40", kind="voice", zone="premium", country="US", cost="99.50"))
    rows["usage"].append(use("L4", "2026-08", "30000", zone="roaming", country="JP", cost="250"))
    rows["travel"] = [{"travel_id": "T", "employee_id": "E5", "country": "FR", "starts_on": "2026-03-01"}]
    return rows


def as_json(found: list[findings.Finding]) -> list[dict[str, Any]]:
    return [findings.to_json(item) for item in found]


def test_one_anomaly_row_for_each_line_month(store: Store) -> None:
    write(store, company())
    found = anomaly.flag(store, queue="anomaly", budget=1.0)
    cells = Counter((item.service_id, item.month) for item in found)
    assert set(cells.values()) == {1}
    assert len(cells) == 10 * 8 + 5  # L10 is a circuit, L11 began in April
    assert {item.rule for item in found} == {"anomaly.line_month"}
    assert {item.kind for item in found} <= set(KINDS)
    assert found[0].service_id in {"L3", "L4"}
    by_cell = {(item.service_id, item.month): item.history_months for item in found}
    assert (by_cell["L0", "2026-01"], by_cell["L0", "2026-08"], by_cell["L11", "2026-05"]) == (0, 7, 1)


@pytest.mark.parametrize(("budget", "rows"), [(0.005, 1), (0.02, 2), (0.1, 9), (0.0, 0)])
def test_budget_counts_the_line_months_of_the_report(store: Store, budget: float, rows: int) -> None:
    write(store, company())
    assert len(anomaly.flag(store, queue="anomaly", budget=budget)) == rows
    part = anomaly.flag(store, queue="anomaly", budget=0.1, first="2026-07", last="2026-07")
    assert len(part) == 2  # ceil(0.1 x 11)


def test_rows_are_sorted_and_explained(store: Store) -> None:
    write(store, company())
    found = anomaly.flag(store, budget=0.2)
    keys = [(-round(item.score or 0, 6), item.service_id, item.month, item.rule) for item in found]
    assert keys == sorted(keys)
    premium = next(item for item in found if item.rule == "premium_use")
    assert premium.explanation.startswith("Premium-rate numbers and services cost 99.50 USD in July 2026.")
    top = next(item for item in found if item.queue == "anomaly" and item.service_id == "L3")
    assert (top.kind, top.amount_at_stake > 95_000_000, top.amount_counted) == ("premium", True, 0)
    assert {row["key"] for row in top.evidence} >= {"premium_use@1"}
    for item in found:
        assert set(item.expected) == {"value", "low", "high", "unit"}
        assert set(item.actual) == {"value", "unit"}
        assert item.explanation.strip()
        assert all(set(row) == {"table", "key", "month", "field", "value", "note"} for row in item.evidence)


def test_a_rule_that_is_no_evidence_is_not_named_as_evidence(store: Store) -> None:
    """With every rule out of the ranking, no anomaly names a rule; the policy queue lists its hits as before."""
    write(store, company())
    loud = anomaly.flag(store, budget=0.1)
    quiet = anomaly.flag(store, budget=0.1, rules=[replace(rule, in_ranking=False) for rule in policy.load_rules()])

    def named(found: list[findings.Finding]) -> set[str]:
        return {row["key"] for item in found if item.queue == "anomaly" for row in item.evidence if "@" in row["key"]}

    assert "premium_use@1" in named(loud)
    assert named(quiet) == set()
    listed = [{item.rule for item in found if item.queue == "policy"} for found in (loud, quiet)]
    assert listed[0] == listed[1]


def test_a_policy_row_scores_its_base_rate_so_far(store: Store) -> None:
    write(store, company())
    (row,) = [item for item in anomaly.flag(store, queue="policy") if item.rule == "premium_use"]
    lines = 10 * 7 + 4  # line-months up to July
    assert row.score == pytest.approx(-math.log(2 / (lines + 2)))


def test_removing_later_months_changes_no_row(tmp_path: Path) -> None:
    rows = company()
    whole = write(Store.open(f"sqlite:///{tmp_path / 'a.db'}"), rows)
    early = rows | {"usage": [row for row in rows["usage"] if row["month"] <= "2026-07"]}
    cut = write(Store.open(f"sqlite:///{tmp_path / 'b.db'}"), early)
    kept = as_json(anomaly.flag(whole, last="2026-07", budget=1.0))
    assert kept == as_json(anomaly.flag(cut, budget=1.0))
    assert as_json(anomaly.flag(whole, last="2026-07", budget=0.05)) == as_json(anomaly.flag(cut, budget=0.05))


def test_ids_are_the_same_month_by_month(store: Store) -> None:
    write(store, company())
    together = {item.finding_id for item in anomaly.flag(store, budget=1.0)}
    single = {i.finding_id for month in MONTHS for i in anomaly.flag(store, first=month, last=month, budget=1.0)}
    assert together == single


def test_travel_keeps_roaming_at_info(store: Store) -> None:
    rows = company()
    rows["travel"].append({"travel_id": "U", "employee_id": "E4", "country": "JP", "starts_on": "2026-08-02"})
    write(store, rows)
    (row,) = [
        i for i in anomaly.flag(store, queue="anomaly", budget=1.0) if (i.service_id, i.month) == ("L4", "2026-08")
    ]
    assert (row.kind, row.severity) == ("roaming_excess", "info")


def test_money_is_not_in_the_score(tmp_path: Path) -> None:
    rows = company()
    first = write(Store.open(f"sqlite:///{tmp_path / 'a.db'}"), rows)
    for row in rows["usage"]:
        row["cost"] = f"{float(row['cost']) * 10:.2f}"
    rows["plans"][0]["mrc"] = "300"
    second = write(Store.open(f"sqlite:///{tmp_path / 'b.db'}"), rows)
    one, ten = (anomaly.flag(store, queue="anomaly", budget=1.0) for store in (first, second))
    assert [(i.finding_id, i.score) for i in one] == [(i.finding_id, i.score) for i in ten]


def test_impossible_use_accuses_nobody(store: Store) -> None:
    rows = company()
    rows["usage"].append(use("L2", "2026-08", "90000", kind="voice"))
    write(store, rows)
    found = anomaly.flag(store, queue="anomaly", budget=1.0)
    (item,) = [i for i in found if (i.service_id, i.month) == ("L2", "2026-08")]
    assert item.kind == "data_problem"
    assert "not the user" in item.explanation
    assert item.detail is not None
    assert item.detail["action"]["code"] == "check_data"


def test_an_alert_carries_what_a_decision_needs(store: Store) -> None:
    write(store, company())
    found = anomaly.flag(store, queue="anomaly", budget=1.0)
    (item,) = [i for i in found if (i.service_id, i.month) == ("L3", "2026-07")]
    detail = item.detail
    assert detail is not None
    assert [row["month"] for row in detail["own"]] == MONTHS[:7]
    assert detail["own"][-1]["value"] == item.actual["value"] == "99.50"
    assert detail["peers"]["lines"] == 10
    assert (detail["peers"]["p50"], detail["peers"]["share_below"]) == ("0.00", "0.909")
    assert detail["tail_probability"] == "0.027"  # (1 + itself) of 1 + 74 line-months so far
    assert detail["action"]["code"] == "block_premium"
    assert set(detail["model"]) == {"version", "config_hash", "data_hash", "seed"}
    assert item.explanation.endswith("suggested: " + detail["action"]["text"] + ".")
    assert 1 <= item.explanation.count(". ") + 1 <= 3
    for row in found:
        assert row.detail is not None
        assert row.detail["model"]["config_hash"] == detail["model"]["config_hash"]
        assert len(row.detail["own"]) == min(MONTHS.index(row.month), 12) + 1


@pytest.mark.parametrize(
    "options",
    [
        {"budget": 1.5},
        {"budget": -0.1},
        {"budget": float("nan")},
        {"queue": "both"},
        {"detector": "oracle"},
        {"first": "2026-13"},
        {"first": "2026-05", "last": "2026-04"},
    ],
)
def test_bad_options_are_refused(store: Store, options: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        anomaly.flag_run(store, **options)


def test_an_empty_store_has_nothing_to_flag(store: Store) -> None:
    assert anomaly.flag(store) == []


def test_audit_money_is_not_counted_again(store: Store) -> None:
    rows = base()
    rows["usage"] = [use(line, month) for line in ("L0", "L2") for month in MONTHS[:2]]
    rows["invoices"] = [{"invoice_id": "I", "account_id": "A", "total": "30", "period_start": "2026-02-01"}]
    rows["charges"] = [
        {"charge_id": "C1", "invoice_id": "I", "service_id": "L1", "category": "mrc", "amount": "30"}
        | {"period_start": "2026-02-01"}
    ]
    write(store, rows)
    (before,) = anomaly.flag(store, queue="policy", first="2026-02")
    assert (dict(before.charge_stakes), before.amount_counted) == ({"C1": 30_000_000}, 30_000_000)
    audited = findings.Finding("audit", "U1", "service", "L1", "2026-02", amount_at_stake=30_000_000, family="U1")
    claimed = replace(audited, charge_stakes={"C1": 30_000_000}, claim="avoidable")
    findings.save(store, findings.settle([claimed], {"C1": 30_000_000}), "audit")
    (after,) = anomaly.flag(store, queue="policy", first="2026-02")
    assert (after.amount_at_stake, after.amount_counted) == (30_000_000, 0)


def test_command_saves_and_prints_one_document(tmp_path: Path) -> None:
    store = write(Store.open(f"sqlite:///{tmp_path / 'tem.db'}"), company())
    first = run(store, command, ["flag", "--json", "--budget", "0.05"])
    assert first.exit_code == 0, first.output
    document = json.loads(first.stdout)
    assert {row["queue"] for row in document} == {"policy", "anomaly"}
    saved = findings.load(store)
    assert set(saved["finding_id"]) == {row["finding_id"] for row in document}
    again = run(store, command, ["flag", "--json", "--budget", "0.05"])
    assert again.stdout == first.stdout
    assert len(findings.load(store)) == len(saved)


def test_every_rule_and_signal_is_documented_and_tested() -> None:
    text = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("anomaly.md", "policy.md"))
    listed = entries()
    assert len({entry.id for entry in listed}) == len(listed)
    for entry in listed:
        assert f"`{entry.id}`" in text, entry.id
        assert entry.title
        assert entry.description
        path, _, name = entry.test.partition("::")
        source = (ROOT / path).read_text(encoding="utf-8")
        assert (name or entry.id) in source, entry.id
    from anomaly.grains import GRAINS

    for name, grain in GRAINS.items():
        assert all(f"`{fact}`" in text for fact in (name, *grain.facts, *grain.stakes)), name
    for rule in policy.load_rules():
        assert rule.kind in KINDS
