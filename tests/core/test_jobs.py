"""Jobs: done once, watched, cancelled for real, never lost in silence."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from core import jobs
from core.issues import BadInput, Issue
from core.store import Store


def _double(_store: Store, params: dict[str, Any], progress: jobs.Progress) -> dict[str, Any]:
    progress.say(0.5, "half way", gap=0.1)
    return {"value": params["value"] * 2}


def _sleep(_store: Store, params: dict[str, Any], _progress: jobs.Progress) -> None:
    child = os.fork()
    Path(params["file"]).write_text(str(child or os.getpid()))
    time.sleep(60)


def _refuse(_store: Store, _params: dict[str, Any], _progress: jobs.Progress) -> None:
    raise BadInput(Issue(file="x.csv", message="no such thing"))


def _crash(_store: Store, _params: dict[str, Any], _progress: jobs.Progress) -> None:
    os._exit(7)


REGISTRY = {"double": _double, "sleep": _sleep, "refuse": _refuse, "crash": _crash}


def finished(store: Store, kind: str, params: dict[str, Any] | None = None) -> jobs.Job:
    job_id = jobs.enqueue(store, kind, params or {})
    assert jobs.run_one(store, REGISTRY)
    job = jobs.get(store, job_id)
    assert job is not None
    assert job.over
    return job


def test_a_job_gives_its_result(store: Store) -> None:
    job = finished(store, "double", {"value": 21})
    assert (job.state, job.result, job.fraction) == ("done", {"value": 42}, 1.0)
    assert job.progress == {"gap": 0.1}
    assert not jobs.run_one(store, REGISTRY)


def test_the_same_question_on_the_same_data_is_asked_once(store: Store) -> None:
    first = finished(store, "double", {"value": 1}).job_id
    assert jobs.enqueue(store, "double", {"value": 1}) == first
    assert jobs.enqueue(store, "double", {"value": 2}) != first
    assert jobs.enqueue(store, "double", {"value": 1}, again=True) != first
    with store.transaction() as txn:
        txn.append("carriers", [{"carrier_id": "new data"}])
    assert jobs.enqueue(store, "double", {"value": 1}) not in {first}


def test_jobs_do_not_change_the_data_version(store: Store) -> None:
    before = store.version
    finished(store, "double", {"value": 1})
    assert store.version == before


def test_cancelling_ends_the_process_and_its_children(store: Store, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    job_id = jobs.enqueue(store, "sleep", {"file": str(mark)})
    worker = threading.Thread(target=jobs.run_one, args=(store, REGISTRY))
    worker.start()
    deadline = time.monotonic() + 10
    while not (mark.exists() and mark.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    jobs.cancel(store, job_id)
    worker.join(15)
    job = jobs.get(store, job_id)
    assert job is not None
    assert job.state == "cancelled"
    time.sleep(0.1)
    assert not _running(int(mark.read_text()))


def _running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_waiting_job_is_cancelled_at_once(store: Store) -> None:
    job_id = jobs.enqueue(store, "double", {"value": 1})
    jobs.cancel(store, job_id)
    assert not jobs.run_one(store, REGISTRY)
    assert jobs.recent(store)[0].state == "cancelled"


def test_bad_input_and_crashes_are_told_in_one_line(store: Store) -> None:
    assert finished(store, "refuse").error == "x.csv: no such thing"
    assert "exit code 7" in str(finished(store, "crash").error)
    assert "no handler" in str(finished(store, "unknown kind").error)


def test_a_job_whose_worker_is_gone_fails(store: Store) -> None:
    job_id = jobs.enqueue(store, "double", {"value": 1})
    with store.transaction() as txn:
        txn.update("jobs", {"job_id": job_id}, {"state": "running", "pid": 2**22 - 3})
    assert jobs.requeue_lost(store) == 1
    job = jobs.get(store, job_id)
    assert job is not None
    assert job.state == "failed"


def test_progress_is_seen_while_the_work_holds_the_only_write_transaction(store: Store) -> None:
    seen: list[tuple[float, str | None]] = []

    def work(own: Store, _params: dict[str, Any], progress: jobs.Progress) -> None:
        with own.transaction() as txn:
            txn.append("carriers", [{"carrier_id": "c", "name": "C"}])
            progress.note(0.25, "a quarter")
            time.sleep(1.0)

    job_id = jobs.enqueue(store, "work", {})
    worker = threading.Thread(target=jobs.run_one, args=(store, {"work": work}))
    worker.start()
    deadline = time.monotonic() + 20
    while worker.is_alive() and time.monotonic() < deadline:
        job = jobs.get(store, job_id)
        if job is not None and job.state == "running" and job.fraction:
            seen.append((job.fraction, job.note))
        time.sleep(0.05)
    worker.join()
    assert (0.25, "a quarter") in seen
    assert (jobs.recent(store)[0].state, jobs.recent(store)[0].error) == ("done", None)
    if store.path is not None:
        assert list(store.path.parent.glob("*-job-*")) == []


def test_cancelling_work_that_holds_the_only_write_transaction_keeps_nothing(store: Store) -> None:
    def work(own: Store, _params: dict[str, Any], progress: jobs.Progress) -> None:
        with own.transaction() as txn:
            txn.append("carriers", [{"carrier_id": "c", "name": "C"}])
            for step in range(300):
                time.sleep(0.1)
                progress.note(step / 300, "working")

    job_id = jobs.enqueue(store, "work", {})
    worker = threading.Thread(target=jobs.run_one, args=(store, {"work": work}))
    worker.start()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        job = jobs.get(store, job_id)
        if job is not None and job.fraction:
            break
        time.sleep(0.05)
    start = time.monotonic()
    jobs.cancel(store, job_id)
    worker.join(20)
    assert time.monotonic() - start < 15
    job = jobs.get(store, job_id)
    assert job is not None
    assert job.state == "cancelled"
    assert store.count("carriers") == 0
    if store.path is not None:
        assert list(store.path.parent.glob("*-job-*")) == []


def test_what_was_kept_before_a_cancel_is_told(store: Store) -> None:
    def work(own: Store, _params: dict[str, Any], progress: jobs.Progress) -> None:
        jobs.cancel(own, job_id)
        progress.say(0.5, "kept", kept=True)

    job_id = jobs.enqueue(store, "work", {})
    assert jobs.run_one(store, {"work": work})
    job = jobs.get(store, job_id)
    assert job is not None
    assert (job.state, job.progress) == ("cancelled", {"kept": True})
