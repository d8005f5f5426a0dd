"""An import and taking it back, as the imports page asks the worker for them."""

from __future__ import annotations

from pathlib import Path

from app.jobs import REGISTRY
from core import findings, jobs, rollups
from core.store import Store
from tests.anomaly.test_spend_moves import bills
from tests.anomaly.tiny import write

INVOICES = (
    "invoice_id,account_id,number,issued_on,period_start,period_end,currency,total\n"
    "I1,A1,N1,2026-01-31,2026-01-01,2026-01-31,USD,12.00\n"
)
CHARGES = (
    "charge_id,invoice_id,category,description,amount,period_start,period_end\n"
    "C1,I1,late_fee,Late fee,12.00,2026-01-01,2026-01-31\n"
)


def run(store: Store, kind: str, **params: object) -> jobs.Job:
    """The job after the worker has done it."""
    job_id = jobs.enqueue(store, kind, params)
    assert jobs.run_one(store, REGISTRY)
    done = jobs.get(store, job_id)
    assert done is not None
    return done


def test_an_import_is_audited_and_undo_takes_it_back_with_its_findings(store: Store, tmp_path: Path) -> None:
    with store.transaction() as txn:
        txn.append("carriers", [{"carrier_id": "tel", "name": "Telco"}])
        txn.append("accounts", [{"account_id": "A1", "carrier_id": "tel", "number": "100", "currency": "USD"}])
    for name, text in (("invoices", INVOICES), ("charges", CHARGES)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    paths = [str(tmp_path / f"{name}.csv") for name in ("invoices", "charges")]

    loaded = run(store, "load", paths=paths)
    assert (loaded.state, loaded.error) == ("done", None)
    assert loaded.result is not None
    batches = {file["batch_id"] for file in loaded.result["files"]}
    assert len(batches) == 1
    assert store.count("charges") == 1
    assert "C3" in set(store.frame("findings")["rule"])

    undone = run(store, "undo", batch_id=batches.pop())
    assert (undone.state, undone.error) == ("done", None)
    assert (store.count("invoices"), store.count("charges"), store.count("accounts")) == (0, 0, 1)
    assert "C3" not in set(store.frame("findings")["rule"])
    assert list(store.frame("batches")["state"]) == ["undone"]
    assert rollups.check(store) == []


def test_undo_takes_early_warnings_and_moves_of_spend_back_unless_somebody_worked_on_them(
    store: Store, tmp_path: Path
) -> None:
    rows = bills()
    rows["plans"][0]["data_mb"] = "1000"
    write(store, rows)
    head = "service_id,started_at,direction,usage_type,quantity,unit,duration_s,cost,currency\n"
    events = "".join(f"{line},2026-09-03T10:00:00,out,data,850,MB,60,0,USD\n" for line in ("L0", "L1"))
    (tmp_path / "usage_events.csv").write_text(head + events, encoding="utf-8")
    (tmp_path / "invoices.csv").write_text(
        INVOICES.splitlines()[0] + "\nI9,A,N9,2026-09-30,2026-09-01,2026-09-30,USD,5000.00\n", encoding="utf-8"
    )
    (tmp_path / "charges.csv").write_text(
        CHARGES.splitlines()[0] + "\nC9,I9,usage,Roaming,5000.00,2026-09-01,2026-09-30\n", encoding="utf-8"
    )
    loaded = run(store, "load", paths=[str(path) for path in sorted(tmp_path.glob("*.csv"))])
    assert loaded.result is not None
    assert {name: loaded.result["findings"][name]["new"] for name in ("spend", "watch")} == {"spend": 3, "watch": 2}
    again = run(store, "watch")
    assert again.result == {"watch": {"new": 0, "known": 2, "gone": 0}}
    worked = str(store.frame("findings").query("queue == 'watch' and service_id == 'L1'")["finding_id"].iloc[0])
    findings.set_state(store, [worked], "accepted", reason="asked")
    for batch in sorted({file["batch_id"] for file in loaded.result["files"]}):
        assert run(store, "undo", batch_id=batch).state == "done"
    left = store.frame("findings").query("queue in ['spend', 'watch']")
    assert [(r.finding_id, r.current) for r in left.itertuples()] == [(worked, 0)]


def test_undoing_what_is_not_there_is_said_in_one_line(store: Store) -> None:
    failed = run(store, "undo", batch_id=7)
    assert failed.state == "failed"
    assert failed.error == "there is no batch 7 to undo"
