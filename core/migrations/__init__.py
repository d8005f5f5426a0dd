"""The schema's history. A new store is created whole and stamped; an older one is migrated revision by revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect

from core.schema import metadata
from core.schema.work import meta

if TYPE_CHECKING:
    from alembic.config import Config

COUNTERS = ("data_version", "work_version")


def config(engine: Engine | None = None) -> Config:
    """Alembic's configuration for this package; `engine` is what the migrations run on."""
    from alembic.config import Config

    result = Config()
    result.set_main_option("script_location", str(Path(__file__).parent))
    result.attributes["engine"] = engine
    return result


def head() -> str:
    """The newest revision: the number that the name of the last migration begins with.

    Read from the names, because nearly every command opens a store that is current: it needs no Alembic.
    """
    return max(path.name for path in (Path(__file__).parent / "versions").glob("[0-9]*.py")).partition("_")[0]


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
        from alembic import command

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
