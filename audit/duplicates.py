"""Invoices that bill the same thing again (rule C1)."""

from __future__ import annotations

from typing import Any

import pandas as pd


def repeated_invoices(invoices: pd.DataFrame, lines: pd.DataFrame) -> dict[str, str]:
    """Later invoice -> the earliest invoice it repeats.

    Two invoices of one account are the same bill if their number is the same, or if they cover the same period with
    the same charge lines. Credit notes are none.
    """
    bills = invoices[invoices["kind"].fillna("invoice") == "invoice"].copy()
    if bills.empty:
        return {}
    for column in ("issued_on", "received_on", "period_start", "period_end", "number", "month"):
        bills[column] = bills[column].fillna("")
    bills = bills.sort_values(["month", "issued_on", "received_on", "invoice_id"])
    result: dict[str, str] = {}
    numbered = bills[bills["number"] != ""]
    _later(result, numbered, ["account_id", "number"])
    rest = bills[~bills["invoice_id"].isin(result)]
    crowded = rest.duplicated(["account_id", "period_start", "period_end"], keep=False)
    rest = rest[crowded].copy()
    if len(rest):
        rest["content"] = rest["invoice_id"].map(_contents(lines[lines["invoice_id"].isin(rest["invoice_id"])]))
        _later(result, rest[rest["content"].notna()], ["account_id", "period_start", "period_end", "content"])
    return result


def _later(result: dict[str, str], bills: pd.DataFrame, keys: list[str]) -> None:
    first: dict[Any, str] = {}
    for key, invoice in zip(bills[keys].itertuples(index=False, name=None), bills["invoice_id"], strict=True):
        if key in first:
            result[str(invoice)] = first[key]
        else:
            first[key] = str(invoice)


def _contents(lines: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    names = ["service_id", "billed_number", "category", "item_code", "amount", "period_start", "period_end"]
    plain = lines[names].astype(object).where(lines[names].notna(), "")
    found: dict[str, list[Any]] = {}
    for invoice, row in zip(lines["invoice_id"], plain.itertuples(index=False, name=None), strict=True):
        found.setdefault(str(invoice), []).append(row)
    return {invoice: tuple(sorted(items, key=repr)) for invoice, items in found.items()}
