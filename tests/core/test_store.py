"""What every store promises, on the embedded engine and on a real PostgreSQL."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select

from core import trail
from core.issues import BadInput
from core.schema import TABLES
from core.store import Store, StoreError

CARRIERS = [{"carrier_id": "a", "name": "A"}, {"carrier_id": "b", "name": None}]


def test_what_is_appended_is_read_back(any_store: Store) -> None:
    with any_store.transaction() as txn:
        assert txn.append("carriers", CARRIERS) == 2
    frame = any_store.frame("carriers")
    assert frame["carrier_id"].tolist() == ["a", "b"]
    assert frame["name"].isna().tolist() == [False, True]
    assert str(frame["batch_id"].dtype) == "Int64"
    assert any_store.has_rows("carriers")
    assert not any_store.has_rows("plans")
    assert any_store.count("carriers") == 2


def test_a_failed_transaction_leaves_nothing(any_store: Store) -> None:
    before = any_store.version

    def fail_half_way() -> None:
        with any_store.transaction() as txn:
            txn.append("carriers", CARRIERS)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail_half_way()
    assert not any_store.has_rows("carriers")
    assert any_store.version == before


def test_versions_grow_with_what_was_written(any_store: Store) -> None:
    assert any_store.version == "0.0"
    with any_store.transaction() as txn:
        txn.append("carriers", CARRIERS)
        txn.append("sites", [{"site_id": "s"}])
    assert any_store.version == "1.0"
    with any_store.transaction() as txn:
        txn.insert("scenarios", {"scenario_id": "x", "name": "x", "yaml": "", "created_at": "2026-01-01"})
    assert any_store.version == "1.1"
    with any_store.transaction():
        pass
    assert any_store.version == "1.1"


def test_sums_of_large_money_stay_whole_numbers(any_store: Store) -> None:
    amount = 50_000_000_000_000
    with any_store.transaction() as txn:
        txn.append("accounts", [{"account_id": "x", "carrier_id": "a", "currency": "USD"}])
        txn.append("invoices", [{"invoice_id": f"i{n}", "account_id": "x", "total": amount + n} for n in range(1000)])
    invoices = TABLES["invoices"]
    frame = any_store.read(select(func.sum(invoices.c.total).label("total")))
    assert str(frame["total"].dtype) == "Int64"
    assert frame["total"].iloc[0] == 1000 * amount + 999 * 500


def test_values_outside_the_schema_are_refused(any_store: Store) -> None:
    with pytest.raises(StoreError), any_store.transaction() as txn:
        txn.append("services", [{"service_id": "s", "kind": "carrier pigeon"}])
    with pytest.raises(StoreError), any_store.transaction() as txn:
        txn.append("charges", [{"charge_id": "c", "invoice_id": "none", "category": "mrc", "amount": 1}])
    with pytest.raises(ValueError, match="no column colour"), any_store.transaction() as txn:
        txn.append("carriers", [{"carrier_id": "a", "colour": "red"}])


def test_floats_never_reach_the_store(any_store: Store) -> None:
    with pytest.raises(TypeError, match="floats"), any_store.transaction() as txn:
        txn.append("plans", pd.DataFrame({"plan_id": ["p"], "carrier_id": ["a"], "mrc": [1.5]}))


def test_a_bound_parameter_is_never_sql(any_store: Store) -> None:
    name = "x' OR '1'='1\\"
    with any_store.transaction() as txn:
        txn.append("carriers", [{"carrier_id": name, "name": "odd"}, *CARRIERS])
    carriers = TABLES["carriers"]
    assert any_store.read(select(carriers.c.name).where(carriers.c.carrier_id == name))["name"].tolist() == ["odd"]


def test_updates_and_deletes_touch_only_their_rows(any_store: Store) -> None:
    with any_store.transaction() as txn:
        txn.append("carriers", CARRIERS)
    with any_store.transaction() as txn:
        assert txn.update("carriers", {"carrier_id": "b"}, {"name": "B"}) == 1
        assert txn.delete("carriers", {"carrier_id": ["a", "none"]}) == 1
    assert any_store.frame("carriers")["name"].tolist() == ["B"]


def test_the_audit_trail_notices_a_changed_entry(any_store: Store) -> None:
    with any_store.transaction() as txn:
        for number in range(3):
            trail.record(txn, "test", f"subject {number}", {"n": number})
    assert trail.verify(any_store) == []
    with any_store.transaction() as txn:
        txn.update("audit_trail", {"subject": "subject 1"}, {"actor": "somebody else"})
    assert any("subject 1" in problem for problem in trail.verify(any_store))


def _write_many(url: str, worker: int, count: int) -> None:
    store = Store.open(url)
    for number in range(count):
        with store.transaction() as txn:
            txn.read(TABLES["carriers"])
            txn.append("carriers", [{"carrier_id": f"{worker}-{number}"}])


def test_four_writers_at_once_all_succeed(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'tem.db'}")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_many, args=(store.full_url, n, 15)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert store.count("carriers") == 60
    assert store.data_version == 60


def test_the_embedded_store_is_strict_and_in_wal_mode(store: Store) -> None:
    with sqlite3.connect(str(store.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("INSERT INTO invoices (invoice_id, account_id, total) VALUES ('x', 'y', 'lots')")


def test_backup_of_a_live_store_restores(store: Store, tmp_path: Path) -> None:
    with store.transaction() as txn:
        txn.append("carriers", CARRIERS)
    copy = tmp_path / "copy.db"
    with store.transaction() as txn:  # a writer is at work while the backup runs
        txn.append("carriers", [{"carrier_id": "c"}])
        store.backup(copy)
    with store.transaction() as txn:
        txn.delete("carriers")
    store.restore(copy)
    assert store.frame("carriers")["carrier_id"].tolist() == ["a", "b"]
    with pytest.raises(BadInput, match="exists already"):
        store.backup(copy)


def test_a_damaged_backup_changes_nothing(store: Store, tmp_path: Path) -> None:
    with store.transaction() as txn:
        txn.append("carriers", CARRIERS)
    for content in (b"", b"not a database at all, but long enough to look like one" * 100):
        bad = tmp_path / "bad.db"
        bad.write_bytes(content)
        with pytest.raises(BadInput, match=r"no store|damaged"):
            store.restore(bad)
    assert store.count("carriers") == 2


@pytest.mark.parametrize("url", ["sqlite://", "mysql://x/y", "nonsense", "postgresql://nobody@127.0.0.1:1/none"])
def test_an_unusable_store_is_bad_input_not_a_traceback(url: str) -> None:
    with pytest.raises(BadInput):
        Store.open(url)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("hello, I am a text file and not a database" * 50)
    with pytest.raises(BadInput, match="cannot be opened"):
        Store.open(f"sqlite:///{tmp_path / 'x.db'}")


def test_migrations_give_the_schema_of_the_metadata(tmp_path: Path) -> None:
    from alembic import command
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine

    from core.migrations import config
    from core.schema import metadata

    def shape(path: Path) -> list[tuple[str, str]]:
        with sqlite3.connect(path) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        return sorted((name, "STRICT" if sql and sql.rstrip().endswith("STRICT") else "") for name, sql in rows)

    migrated = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    command.upgrade(config(migrated), "head")
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    Store.open(f"sqlite:///{tmp_path / 'created.db'}").close()
    created = [row for row in shape(tmp_path / "created.db") if row[0] != "alembic_version"]
    assert [row for row in shape(tmp_path / "migrated.db") if row[0] != "alembic_version"] == created
    Store.open(f"sqlite:///{tmp_path / 'migrated.db'}").close()


def test_a_killed_writer_leaves_no_torn_transaction(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tem.db'}"
    store = Store.open(url)
    script = (
        "import os, signal, sys\nfrom core.store import Store, StoreError\n"
        "store = Store.open(sys.argv[1])\n"
        "with store.transaction() as txn:\n"
        "    txn.append('carriers', [{'carrier_id': str(n)} for n in range(50000)])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, url], check=False)
    assert done.returncode < 0
    assert store.count("carriers") == 0
    assert store.integrity() == []
