"""Every page in a real browser: light and dark, desk and phone; no error, no request leaves the machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app import navigation

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

KEYS = [entry.key for entry in navigation.entries()]
SIZES = {"desk": (1440, 900), "phone": (390, 844)}
#: Streamlit first asks below a page's own address where the server is; that answer is 404 by design.
PROBE = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")


def visit(page: Any, address: str) -> None:
    """Open an address and wait until the page has been drawn and nothing runs any more."""
    page.goto(address)
    page.wait_for_selector("[data-testid=stMainBlockContainer] h1", timeout=60_000)
    page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')", timeout=60_000)
    page.wait_for_timeout(400)


def address(base: str, key: str) -> str:
    return f"{base}/" if key == "overview" else f"{base}/{key}"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_loads_and_stays_on_this_machine(
    dashboard: Any, browser: Any, scheme: str, size: str, tmp_path: Path
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    outside: list[str] = []
    errors: list[str] = []

    def on_request(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "localhost":
            outside.append(request.url)

    def on_console(message: Any) -> None:
        where = (message.location or {}).get("url", "")
        if message.type == "error" and not PROBE.search(urlsplit(where).path):
            errors.append(f"{page.url}: {message.text} {where}")

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    for key in KEYS:
        visit(page, address(dashboard.base, key))
        assert page.get_by_text("This page could not be drawn").count() == 0, key
        assert page.locator("[data-testid=stException]").count() == 0, key
        sideways = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert sideways <= width, f"{key} scrolls sideways on {size}: {sideways} px"
        page.screenshot(path=str(tmp_path / f"{key}-{scheme}-{size}.png"))
        assert (tmp_path / f"{key}-{scheme}-{size}.png").stat().st_size > 10_000
    background = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    context.close()
    assert outside == []
    assert errors == []
    dark = sum(int(part) for part in re.findall(r"\d+", background)[:3]) < 300
    assert dark == (scheme == "dark")


def test_the_font_is_the_bundled_one(dashboard: Any, browser: Any) -> None:
    page = browser.new_page()
    visit(page, address(dashboard.base, "overview"))
    assert page.evaluate("document.fonts.check('14px Inter')")
    assert "Inter" in page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily")
    page.close()


def test_a_filter_is_in_the_address_and_can_be_shared(dashboard: Any, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    visit(page, address(dashboard.base, "overview"))
    page.get_by_role("combobox", name="Month").click()
    page.get_by_role("option").nth(1).click()
    page.wait_for_function("() => location.search.includes('month=')", timeout=20_000)
    page.wait_for_timeout(1500)
    title = page.locator("h1").inner_text()
    other = browser.new_page(viewport={"width": 1440, "height": 900})
    visit(other, page.url)
    assert other.locator("h1").inner_text() == title
    page.close()
    other.close()


def test_a_file_is_looked_at_and_then_imported_by_the_worker(dashboard: Any, browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "carriers.csv"
    file.write_text("carrier_id,name,country\nbrowsercom,Browser Telecom,US\n", encoding="utf-8")
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    visit(page, address(dashboard.base, "imports"))
    page.locator("input[type=file]").first.set_input_files(str(file))
    page.get_by_text("1 would be loaded").wait_for(timeout=30_000)
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("1 row imported, 0 set aside.").wait_for(timeout=120_000)
    page.close()
    from core.store import Store

    store = Store.open(dashboard.url)
    assert "browsercom" in set(store.frame("carriers")["carrier_id"])
    store.close()
