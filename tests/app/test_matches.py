"""Links to confirm, on the inventory page: shown with their reason, decided by a person."""

from __future__ import annotations

import json
from pathlib import Path

import estate
import pytest
from streamlit.testing.v1 import AppTest

from app.components.matches import _decide
from app.views import matches
from app.views.selection import Filters
from core.store import Store

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def unlinked(store: Store) -> Store:
    estate.fill(store)
    number = str(store.frame("services").dropna(subset=["number"])["number"].iloc[0])
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    device = {"device_id": "X1", "attributes": json.dumps({"unmatched service": wrong})}
    with store.transaction() as txn:
        txn.append("devices", [device])
    return store


def test_the_view_says_what_is_similar_and_why(unlinked: Store) -> None:
    data = matches.view(unlinked, Filters())
    assert data.sentence == "1 link to confirm"
    assert set(data.rows["record"]) == {"Device X1"}
    assert all("digit" in reason for reason in data.rows["reason"])


def test_the_page_shows_them_and_a_decision_links(unlinked: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEM_STORE_URL", unlinked.full_url)
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=90)
    page.run()
    page.switch_page("../pages/inventory.py").run()
    assert not page.exception
    assert {"Link the picked", "Not the same"} <= {button.label for button in page.button}
    ident = str(matches.view(unlinked, Filters()).rows["proposal_id"].iloc[0])
    assert _decide([ident], accept=True) == (True, "1 linked.")
    assert unlinked.frame("devices").set_index("device_id").loc["X1", "service_id"]
    assert matches.view(unlinked, Filters()).rows.empty
    assert _decide([ident], accept=True)[0] is False


def test_the_imports_page_offers_the_templates(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEM_STORE_URL", store.full_url)
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=90)
    page.run()
    page.switch_page("../pages/imports.py").run()
    assert not page.exception
    assert len(page.get("download_button")) == 2
