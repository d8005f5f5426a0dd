"""Long work as rows of the store: asked for by a page, done by a worker in a child process, watched by anyone.

A job is keyed on (kind, parameters, data version): the same question twice answers at once, and a page that is
reloaded finds its run. Cancelling really ends the child process.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import or_, select

from core.issues import BadInput
from core.money import SCALE
from core.schema.work import jobs
from core.store import Store, now

log = structlog.get_logger("opentem.jobs")

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 2.0
_LOST_AFTER_SECONDS = 30


class Cancelled(Exception):
    """Raised inside a handler by :meth:`Progress.say` once somebody has cancelled the job."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands: `state` queued | running | done | failed | cancelled, `fraction` 0..1, `progress` what the
    handler last told (for the optimizer: incumbent, bound, gap), `result` its outcome, `error` one line."""

    job_id: int
    kind: str
    params: dict[str, Any]
    state: str
    fraction: float
    note: str | None
    progress: dict[str, Any]
    result: Any
    error: str | None
    data_version: int
    created_at: str
    finished_at: str | None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in {"done", "failed", "cancelled"}


class Progress:
    """What a handler gets to tell how far it is."""

    def __init__(self, store: Store, job_id: int) -> None:
        self._store, self._job_id, self._last = store, job_id, 0.0

    def say(self, fraction: float, note: str = "", **facts: Any) -> None:
        """Tell the fraction done (0..1), a short note and further facts; cheap enough to call often.

        Raises:
            Cancelled: if the job was cancelled meanwhile; what was told is kept all the same.
        """
        ended = self.cancelled()
        if ended or facts or fraction >= 1 or time.monotonic() - self._last >= _POLL_SECONDS:
            self._last = time.monotonic()
            self._write(fraction, note, facts)
        if ended:
            raise Cancelled

    def _write(self, fraction: float, note: str, facts: dict[str, Any]) -> None:
        values: dict[str, Any] = {
            "fraction": round(min(max(fraction, 0.0), 1.0) * SCALE),
            "note": note,
            "heartbeat_at": now(),
        }
        if facts:
            values["progress"] = json.dumps(facts, sort_keys=True, default=str)
        with self._store.transaction() as txn:
            txn.update("jobs", {"job_id": self._job_id}, values)

    def note(self, fraction: float, note: str = "") -> None:
        """As :meth:`say`, while the handler holds a write transaction: an embedded store has one writer, so the note
        goes into a file beside the store, which :func:`get` reads; a server's store is simply written.

        Raises:
            Cancelled: if the job was cancelled meanwhile.
        """
        file = _note_file(self._store, self._job_id)
        if file is None:
            self.say(fraction, note)
            return
        if self.cancelled():
            raise Cancelled
        if time.monotonic() - self._last < _POLL_SECONDS:
            return
        self._last = time.monotonic()
        fresh = file.with_name(f"{file.name}.new")
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps({"fraction": fraction, "note": note}), encoding="utf-8")
            fresh.replace(file)

    def cancelled(self) -> bool:
        """Whether somebody asked for the end."""
        asked = _cancel_file(self._store, self._job_id)
        if asked is not None and asked.exists():
            return True
        return bool(self._store.scalar(select(jobs.c.cancel_requested).where(jobs.c.job_id == self._job_id)))


def _note_file(store: Store, job_id: int) -> Path | None:
    """Where a job of an embedded store notes its progress."""
    return None if store.path is None else store.path.with_name(f"{store.path.name}-job-{job_id}")


def _cancel_file(store: Store, job_id: int) -> Path | None:
    """What asks a running job of an embedded store to end, while the job itself may hold the only write transaction."""
    return None if store.path is None else store.path.with_name(f"{store.path.name}-job-{job_id}.cancel")


def _drop_files(store: Store, job_id: int) -> None:
    for file in (_note_file(store, job_id), _cancel_file(store, job_id)):
        if file is not None:
            file.unlink(missing_ok=True)


def _noted(store: Store, job: Job) -> Job:
    """A running job with what it noted last, if that is further than what the store says."""
    file = _note_file(store, job.job_id)
    if job.state != "running" or file is None:
        return job
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        fraction = min(max(float(said["fraction"]), 0.0), 1.0)
    except (OSError, ValueError, KeyError, TypeError):
        return job
    return job if fraction <= job.fraction else replace(job, fraction=fraction, note=str(said.get("note") or ""))


Handler = Callable[[Store, dict[str, Any], Progress], Any]
Registry = Mapping[str, Handler]


def _job(row: Any) -> Job:
    def loads(text: Any) -> Any:
        return json.loads(text) if isinstance(text, str) and text else None

    def text(value: Any) -> str | None:
        return value if isinstance(value, str) else None

    return Job(
        job_id=int(row.job_id),
        kind=row.kind,
        params=loads(row.params) or {},
        state=row.state,
        fraction=int(row.fraction) / SCALE,
        note=text(row.note),
        progress=loads(row.progress) or {},
        result=loads(row.result),
        error=text(row.error),
        data_version=int(row.data_version),
        created_at=row.created_at,
        finished_at=text(row.finished_at),
    )


def enqueue(store: Store, kind: str, params: Mapping[str, Any], *, again: bool = False) -> int:
    """Ask for a job and return its id: that of an equal one on the same data that is waiting, running or done, unless
    `again`."""
    asked = json.dumps(dict(params), sort_keys=True, default=str)
    version = store.data_version
    with store.transaction() as txn:
        if not again:
            same = (jobs.c.kind == kind, jobs.c.params == asked, jobs.c.data_version == version)
            found = txn.scalar(
                select(jobs.c.job_id)
                .where(*same, jobs.c.state.in_(("queued", "running", "done")), jobs.c.cancel_requested == 0)
                .order_by(jobs.c.job_id.desc())
                .limit(1)
            )
            if found is not None:
                return int(found)
        return int(
            txn.insert(
                "jobs",
                {
                    "kind": kind,
                    "params": asked,
                    "data_version": version,
                    "state": "queued",
                    "cancel_requested": 0,
                    "fraction": 0,
                    "created_at": now(),
                },
            )
        )


def get(store: Store, job_id: int) -> Job | None:
    """One job, None if there is none of that id."""
    frame = store.read(select(jobs).where(jobs.c.job_id == job_id))
    return _noted(store, _job(next(frame.itertuples()))) if len(frame) else None


def recent(store: Store, kind: str | None = None, limit: int = 50) -> list[Job]:
    """The newest jobs first."""
    statement = select(jobs).order_by(jobs.c.job_id.desc()).limit(limit)
    if kind:
        statement = statement.where(jobs.c.kind == kind)
    return [_noted(store, _job(row)) for row in store.read(statement).itertuples()]


def cancel(store: Store, job_id: int) -> None:
    """Ask for the end of a job: a waiting one ends at once, a running one when its worker sees it (within a second)."""
    job, asked = get(store, job_id), _cancel_file(store, job_id)
    if job is not None and job.state == "running" and asked is not None:
        with contextlib.suppress(OSError):
            asked.touch()
    with store.transaction() as txn:
        txn.execute(
            jobs.update()
            .where(jobs.c.job_id == job_id, jobs.c.state == "queued")
            .values(state="cancelled", finished_at=now())
        )
        txn.update("jobs", {"job_id": job_id}, {"cancel_requested": 1})
    job = get(store, job_id)
    if job is None or job.over:
        _drop_files(store, job_id)


def _claim(store: Store) -> Job | None:
    with store.transaction() as txn:
        frame = txn.read(select(jobs).where(jobs.c.state == "queued").order_by(jobs.c.job_id).limit(1))
        if frame.empty:
            return None
        job = _job(next(frame.itertuples()))
        txn.update(
            "jobs",
            {"job_id": job.job_id},
            {"state": "running", "started_at": now(), "heartbeat_at": now(), "pid": os.getpid()},
        )
    return job


def _finish(store: Store, job_id: int, state: str, *, result: Any = None, error: str | None = None) -> None:
    values: dict[str, Any] = {"state": state, "finished_at": now(), "error": error}
    if result is not None:
        values["result"] = json.dumps(result, sort_keys=True, default=str)
    if state == "done":
        values["fraction"] = SCALE
    with store.transaction() as txn:
        txn.execute(jobs.update().where(jobs.c.job_id == job_id, jobs.c.state == "running").values(**values))
    _drop_files(store, job_id)


def _child(url: str, registry: Registry, job: Job) -> None:
    os.setsid()
    store = Store.open(url)
    try:
        result = registry[job.kind](store, job.params, Progress(store, job.job_id))
        _finish(store, job.job_id, "done", result=result if result is not None else {})
    except Cancelled:
        _finish(store, job.job_id, "cancelled")
    except BadInput as problem:
        _finish(store, job.job_id, "failed", error=str(problem))
    except Exception as error:
        log.exception("job failed", job_id=job.job_id, kind=job.kind)
        _finish(store, job.job_id, "failed", error=f"internal error: {type(error).__name__}: {error}".splitlines()[0])


def _end(process: Any) -> None:
    """End a child and everything it started: first politely, then for certain."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        process.join(_GRACE_SECONDS)
    process.join()


def run_one(store: Store, registry: Registry) -> bool:
    """Do the oldest waiting job in a child process, watching for a cancel; False if nothing waits."""
    job = _claim(store)
    if job is None:
        return False
    if job.kind not in registry:
        _finish(store, job.job_id, "failed", error=f"no handler for jobs of kind {job.kind}")
        return True
    process = multiprocessing.get_context("fork").Process(target=_child, args=(store.full_url, registry, job))
    process.start()
    progress = Progress(store, job.job_id)
    while process.is_alive():
        process.join(_POLL_SECONDS)
        if process.is_alive() and progress.cancelled():
            process.join(_GRACE_SECONDS)
            if process.is_alive():
                _end(process)
            _finish(store, job.job_id, "cancelled")
    _finish(store, job.job_id, "failed", error=f"the work ended unexpectedly (exit code {process.exitcode})")
    return True


def requeue_lost(store: Store) -> int:
    """Fail running jobs whose worker is gone (a killed machine, a closed laptop); returns how many."""
    lost = 0
    for row in store.read(
        select(jobs.c.job_id, jobs.c.pid).where(jobs.c.state == "running", or_(jobs.c.pid.is_(None), jobs.c.pid > 0))
    ).itertuples():
        try:
            os.kill(int(row.pid), 0)
        except ProcessLookupError:
            _finish(store, int(row.job_id), "failed", error="the worker ended before the work was done; start it again")
            lost += 1
        except PermissionError:
            continue
    return lost


def run_worker(store: Store, registry: Registry, *, stop: Callable[[], bool] = lambda: False) -> None:
    """Do waiting jobs one after the other until `stop` says so."""
    requeue_lost(store)
    while not stop():
        if not run_one(store, registry):
            time.sleep(_POLL_SECONDS * 2)
