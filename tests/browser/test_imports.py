"""The imports page in a browser: an unknown table is mapped, an unknown PDF gets its template, both are imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.store import Store
from sample_data import pdf_invoices
from tests.browser.test_every_page import address, visit

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

BILL = (
    "Kundennummer;Rechnungsnummer;Rechnungsdatum;Rufnummer;Beschreibung;Betrag netto;Währung\n"
    "4711;R-77;31.08.2026;+49 171 5550001;Grundgebühr;1.029,95;EUR\n"
    "4711;R-77;31.08.2026;+49 171 5550001;Roaming;12,50;EUR\n"
)


def page_with(browser: Any, dashboard: Any, file: Path, width: int = 1440) -> Any:
    page = browser.new_page(viewport={"width": width, "height": 900})
    visit(page, address(dashboard.base, "imports"))
    page.locator("input[type=file]").first.set_input_files(str(file))
    return page


def imported(page: Any, rows: int) -> None:
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text(f"{rows} rows imported, 0 set aside.").wait_for(timeout=120_000)
    assert page.locator("[data-testid=stException]").count() == 0
    page.close()


def test_an_unknown_table_is_mapped_once_and_imported(dashboard: Any, browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "rechnung.csv"
    file.write_text(BILL, encoding="utf-8")
    page = page_with(browser, dashboard, file, width=390)
    page.get_by_text("Not known yet").wait_for(timeout=60_000)
    page.get_by_text("Still needed: Carrier").wait_for(timeout=60_000)
    carrier = page.get_by_role("combobox", name="Carrier *")
    carrier.click()
    carrier.fill("nordtel")
    page.wait_for_timeout(400)
    page.keyboard.press("Enter")
    page.get_by_text("2 rows would be read · 1 invoice, it ties").wait_for(timeout=60_000)
    sideways = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert sideways <= 390
    page.get_by_role("button", name="Save the profile rechnung").click()
    page.get_by_text("profile: rechnung").wait_for(timeout=60_000)
    imported(page, 2)
    store = Store.open(dashboard.url)
    frame = store.frame("invoices", ["number", "total"])
    store.close()
    assert ["R-77", 1_042_450_000] in frame.values.tolist()


def test_a_template_is_built_for_a_pdf_and_imported(dashboard: Any, browser: Any) -> None:
    page = page_with(browser, dashboard, pdf_invoices.FOLDER / "telesud.pdf")
    page.get_by_text("Build a template for this PDF").wait_for(timeout=60_000)
    page.get_by_text("it ties.").wait_for(timeout=60_000)
    page.get_by_role("button", name="Save the template").click()
    page.get_by_text("pdf: telesud-entreprises").wait_for(timeout=60_000)
    imported(page, 23)
