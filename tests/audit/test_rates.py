"""Prices against the contract: R1, R2, R3, R8."""

from __future__ import annotations
from audit_books import Books, found, short
from core.store import Store


def test_clean(store: Store) -> None:
    assert short(found(Books().clean().save(store))) == []
