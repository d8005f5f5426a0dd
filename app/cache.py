"""Every `st.cache_*` of the dashboard, in one place: keyed on store, version and filters; never a fact table."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from app.views.selection import Filters
from core.store import Store


def url() -> str | None:
    """The URL of the store this dashboard shows; None means the default of the settings."""
    return os.environ.get("TEM_STORE_URL")


@st.cache_resource(max_entries=4, show_spinner=False)
def _open(address: str | None) -> Store:
    return Store.open(address)


def store() -> Store:
    """The store, opened once per process and address."""
    return _open(url())


@st.cache_data(max_entries=200, show_spinner=False)
def _view(address: str | None, version: str, name: str, key: str, _filters: Filters, _arguments: dict[str, Any]) -> Any:
    module = importlib.import_module(f"app.views.{name}")
    return module.view(_open(address), _filters, **_arguments)


def view(name: str, filters: Filters | None = None, **arguments: Any) -> Any:
    """What `app.views.<name>.view(store, filters, **arguments)` returns, from the cache while nothing has changed."""
    chosen = filters or Filters()
    key = repr((chosen, sorted(arguments.items())))
    return _view(url(), store().version, name, key, chosen, arguments)


@st.cache_data(max_entries=50, show_spinner=False)
def _call(address: str | None, version: str, path: str, key: str, _arguments: dict[str, Any]) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)(_open(address), **_arguments)


def call(path: str, **arguments: Any) -> Any:
    """The result of any function of a store, named by its dotted path, as in `call("app.views.inventory.view")`."""
    return _call(url(), store().version, path, repr(sorted(arguments.items())), arguments)


def later(path: str, **arguments: Any) -> Callable[[], Any]:
    """:func:`call` put off until somebody asks for the result: a document is made when it is downloaded."""
    return partial(call, path, **arguments)
