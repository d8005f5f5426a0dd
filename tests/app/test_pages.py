"""Every page is drawn from the real entry script: on an empty store, and on the small estate."""

from __future__ import annotations

from pathlib import Path

import estate
import pytest
from streamlit.testing.v1 import AppTest

from app import navigation
from core.store import Store

ROOT = Path(__file__).resolve().parents[2]
KEYS = [entry.key for entry in navigation.entries()]
FAILED = {"This page could not be drawn", "The store cannot be read as it is"}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    urls = {name: f"sqlite:///{folder / name}.db" for name in ("empty", "filled")}
    Store.open(urls["empty"]).close()
    opened = Store.open(urls["filled"])
    estate.fill(opened)
    opened.close()
    return urls


def run(key: str, url: str, monkeypatch: pytest.MonkeyPatch, query: dict[str, str] | None = None) -> AppTest:
    monkeypatch.setenv("TEM_STORE_URL", url)
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=90)
    page.run()
    for name, value in (query or {}).items():
        page.query_params[name] = value
    return page.switch_page(f"../pages/{key}.py").run() if key != "overview" else page


def headings(page: AppTest) -> set[str]:
    return {item.value for item in [*page.title, *page.subheader]}


def test_every_registered_page_exists() -> None:
    assert [entry.key for entry in navigation.REGISTRY] == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_a_page_of_an_empty_store_is_calm(key: str, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    page = run(key, stores["empty"], monkeypatch)
    assert not page.exception
    assert page.title
    assert not headings(page) & FAILED


@pytest.mark.parametrize("key", KEYS)
def test_a_page_of_the_estate_is_drawn(key: str, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    page = run(key, stores["filled"], monkeypatch)
    assert not page.exception
    assert page.title
    assert not headings(page) & FAILED


def test_the_dossier_opens_by_its_address(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    page = run("inventory", stores["filled"], monkeypatch, {"service": "s1"})
    assert page.title[0].value == "5550001 · Verizon Wireless"


def test_a_failing_page_shows_words_and_no_traceback(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    import app.views.health

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom in a view")

    monkeypatch.setattr(app.views.health, "view", broken)
    monkeypatch.setenv("TEM_STORE_URL", stores["filled"])
    from app import cache

    cache._view.clear()
    page = run("health", stores["filled"], monkeypatch)
    assert headings(page) & FAILED
    assert not page.exception
    assert all("boom" not in item.value for item in page.markdown)


def test_the_month_filter_changes_every_figure(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    page = run("overview", stores["filled"], monkeypatch)
    before = page.title[0].value
    page.selectbox(key="month").set_value("2026-06").run()
    assert page.title[0].value != before
    assert "June" in page.title[0].value


def test_a_link_names_what_it_filters_by_its_id(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run("findings", stores["filled"], monkeypatch)
    page = run("findings", stores["filled"], monkeypatch, {"rule": "U1"})
    assert page.multiselect(key="rule").value == ["U1"]
    assert page.title[0].value != whole.title[0].value
    assert page.selectbox(key="queue").value == "audit"


def test_an_address_names_month_and_carrier_by_their_ids(
    stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEM_STORE_URL", stores["filled"])
    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=90)
    page.query_params["month"] = "2026-07"
    page.query_params["carrier"] = "verizon"
    page.run()
    assert page.title[0].value.startswith("We spent £162 in July")
    assert page.multiselect(key="carrier").value == ["verizon"]
