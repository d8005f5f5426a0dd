"""The registry of pages: what people do (Decide, Analyse, Negotiate, Data), in the order of the sidebar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

FOLDER = Path(__file__).resolve().parent.parent / "pages"


@dataclass(frozen=True, slots=True)
class Entry:
    """One page: `key` is its file name and its address."""

    key: str
    title: str
    icon: str
    group: str

    @property
    def path(self) -> Path:
        """The page's script."""
        return FOLDER / f"{self.key}.py"


REGISTRY: tuple[Entry, ...] = (
    Entry("overview", "Overview", ":material/monitoring:", "Decide"),
    Entry("savings", "Savings", ":material/savings:", "Decide"),
    Entry("forecast", "Forecast", ":material/trending_up:", "Decide"),
    Entry("renewals", "Renewals", ":material/event_upcoming:", "Decide"),
    Entry("programme", "Programme", ":material/checklist:", "Decide"),
    Entry("spend", "Spend and invoices", ":material/receipt_long:", "Analyse"),
    Entry("findings", "Audit", ":material/fact_check:", "Analyse"),
    Entry("disputes", "Disputes", ":material/gavel:", "Analyse"),
    Entry("usage", "Usage and anomalies", ":material/troubleshoot:", "Analyse"),
    Entry("policies", "Policies", ":material/policy:", "Analyse"),
    Entry("inventory", "Inventory", ":material/inventory_2:", "Analyse"),
    Entry("optimizer", "Optimizer", ":material/function:", "Analyse"),
    Entry("scenarios", "Scenarios", ":material/compare_arrows:", "Analyse"),
    Entry("contracts", "Contracts", ":material/contract:", "Negotiate"),
    Entry("brief", "Brief", ":material/handshake:", "Negotiate"),
    Entry("offers", "Offers", ":material/balance:", "Negotiate"),
    Entry("worth", "What it is worth", ":material/sell:", "Negotiate"),
    Entry("imports", "Imports", ":material/upload_file:", "Data"),
    Entry("allocation", "Allocation", ":material/account_tree:", "Data"),
    Entry("health", "Data health", ":material/verified:", "Data"),
)
BY_KEY = {entry.key: entry for entry in REGISTRY}


def entries() -> list[Entry]:
    """The registered pages whose script exists."""
    return [entry for entry in REGISTRY if entry.path.exists()]


def page(key: str) -> Any:
    """The Streamlit page of a registry key, None where there is none (then a link is simply not drawn)."""
    entry = BY_KEY.get(key)
    if entry is None or not entry.path.exists():
        return None
    return st.Page(entry.path, title=entry.title, icon=entry.icon, url_path=entry.key, default=entry.key == "overview")


def sections() -> dict[str, list[Any]]:
    """Pages by group, for `st.navigation`."""
    grouped: dict[str, list[Any]] = {}
    for entry in entries():
        grouped.setdefault(entry.group, []).append(page(entry.key))
    return grouped


def link(key: str, label: str, *, icon: str | None = None, query: dict[str, str] | None = None) -> None:
    """A link to another page, with query parameters; nothing where that page does not exist."""
    target = page(key)
    if target is not None:
        st.page_link(target, label=label, icon=icon, query_params=query)
