"""The schema's history. A new store is created whole and stamped; an older one is migrated revision by revision."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from core.schema import metadata
from core.schema.work import meta

COUNTERS = ("data_version", "work_version")


def config(engine: Engine | None = None) -> Config:
    """Alembic's configuration for this package; `engine` is what the migrations run on."""
    result = Config()
    result.set_main_option("script_location", str(Path(__file__).parent))
    result.attributes["engine"] = engine
    return result


def head() -> str:
    """The newest revision."""
    revision = ScriptDirectory.from_config(config()).get_current_head()
    if revision is None:
        raise RuntimeError("no migrations in the package")
    return revision


def bring_up_to_date(engine: Engine) -> None:
    """Create the schema in an empty database, migrate an older one, leave a current one alone."""
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
        revision = None
        if "alembic_version" in names:
            revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if revision == head():
        return
    if meta.name not in names:
        _create(engine)
    else:
        command.upgrade(config(engine), "head")


def _create(engine: Engine) -> None:
    with engine.connect().execution_options(tem_write=True) as connection, connection.begin():
        metadata.create_all(connection)
        present = {row[0] for row in connection.execute(meta.select())}
        for name in COUNTERS:
            if name not in present:
                connection.execute(meta.insert().values(name=name, value="0"))
        connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
        if not connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar():
            connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{head()}')")  # noqa: S608  our own revision id
