"""A store of an older revision is migrated to exactly the schema that a new one is created with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command

from core.migrations import config
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
