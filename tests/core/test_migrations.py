"""A store of an older revision is migrated to exactly the schema that a new one is created with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from core.migrations import config, head
from core.queries import formats
from core.store import Store, _engine


def shape(path: Path) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        found: dict[str, object] = {}
        for name in names:
            indexes = sorted(
                (row[1], tuple(part[2] for part in db.execute(f"PRAGMA index_info({row[1]})")))
                for row in db.execute(f"PRAGMA index_list({name})")
                if not row[1].startswith("sqlite_autoindex")
            )
            found[name] = (db.execute(f"PRAGMA table_info({name})").fetchall(), indexes)
        return found


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    assert head() == ScriptDirectory.from_config(config()).get_current_head()


def test_a_store_of_the_first_revision_becomes_a_present_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    engine = _engine(f"sqlite:///{old}", create=True)
    command.upgrade(config(engine), "0001")
    with engine.connect().execution_options(tem_write=True) as connection, connection.begin():
        for counter in ("data_version", "work_version"):
            connection.exec_driver_sql(f"INSERT INTO meta VALUES ('{counter}', '0')")
    engine.dispose()
    assert "saved_formats" not in shape(old)
    migrated, fresh = Store.open(f"sqlite:///{old}"), Store.open(f"sqlite:///{new}")
    formats.save(migrated, "profile", "telco", "version: 1")
    assert formats.saved(migrated, "profile") == {"telco": "version: 1"}
    fresh.close()
    migrated.close()
    assert shape(old) == shape(new)


def test_older_findings_and_decisions_survive_and_new_queues_fit(tmp_path: Path) -> None:
    path = tmp_path / "tem.db"
    Store.open(f"sqlite:///{path}").close()
    engine = _engine(f"sqlite:///{path}", create=False)
    command.downgrade(config(engine), "0004")
    columns = (
        "finding_id, queue, rule, subject_type, subject_id, month, amount_at_stake, amount_counted, direction, claim"
    )
    insert = (
        f"INSERT INTO findings ({columns}, severity, state, current) VALUES (?, ?, 'r', 'account', 'A', '2026-01', 1,"
    )
    insert += " 0, 'over', 'informative', 'low', 'new', 1)"
    decided = (
        "INSERT INTO feedback (finding_id, queue, rule, service_id, month, verdict, scope, decided_by, decided_at)"
    )
    decided += " VALUES (?, ?, 'r', ?, '2026-01', 'confirmed', 'service', 'me', '2026-02-01T00:00:00Z')"
    with closing(sqlite3.connect(path)) as db:
        db.execute(insert, ("old", "audit"))
        db.execute(decided, ("old", "policy", "L0"))
        db.commit()
        with pytest.raises(sqlite3.IntegrityError, match="ck_findings_queue"):
            db.execute(insert, ("move", "spend"))
    command.upgrade(config(engine), "head")
    engine.dispose()
    with closing(sqlite3.connect(path)) as db:
        db.execute(insert, ("move", "spend"))
        db.execute(insert, ("warning", "watch"))
        db.execute(decided, ("move", "spend", None))
        for statement, values in ((insert, ("no", "other")), (decided, ("no", "audit", "L0"))):
            with pytest.raises(sqlite3.IntegrityError, match="queue"):
                db.execute(statement, values)
        assert db.execute("SELECT finding_id FROM findings ORDER BY 1").fetchall() == [
            ("move",),
            ("old",),
            ("warning",),
        ]
        assert db.execute("SELECT finding_id, service_id FROM feedback").fetchall() == [("old", "L0"), ("move", None)]
    assert shape(path) == shape_of_new(tmp_path)


def shape_of_new(folder: Path) -> dict[str, object]:
    Store.open(f"sqlite:///{folder / 'new.db'}").close()
    return shape(folder / "new.db")
