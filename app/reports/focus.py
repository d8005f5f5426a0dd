"""Charges as FOCUS cost and usage rows (FinOps Open Cost and Usage Specification, columns of version 1.2).

The specification wants a price for every usage and purchase row. Where quantity times unit price is not the amount (a
prorated charge, a bill that states no quantity), the row is one charge at its amount; what the bill printed stays in
`x_Quantity` and `x_UnitRate`. A negative usage or purchase row takes back what was billed before: a correction.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from core.contract_register import plain
from core.money import SCALE, mul, to_text
from core.periods import add_days, month_end, month_of, month_start
from core.queries import workflow
from core.store import Store

#: The specification's columns that a telecom charge can fill; what the product adds carries the prefix x_.
COLUMNS = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription"),
    *("ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit"),
    *("ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost"),
    *("ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName"),
    *("RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName"),
    *("ServiceSubcategory", "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags"),
    *("x_ChargeId", "x_Category", "x_ServiceId", "x_CostCenterId", "x_Quantity", "x_UnitRate"),
)

_CATEGORY = {"usage": "Usage", "third_party": "Usage", "tax": "Tax", "credit": "Credit", "adjustment": "Adjustment"}
_FREQUENCY = {"mrc": "Recurring", "usage": "Usage-Based", "third_party": "Usage-Based"}
_SERVICE = {
    "mobile": ("Mobile", "Other (Mobile)"),
    "iot": ("Internet of Things", "Other (Internet of Things)"),
    "uc_seat": ("Business Applications", "Productivity and Collaboration"),
    "saas_seat": ("Business Applications", "Other (Business Applications)"),
    "cloud": ("Other", "Other (Other)"),
    "circuit": ("Networking", "Network Connectivity"),
    "internet": ("Networking", "Network Connectivity"),
    "sdwan": ("Networking", "Network Infrastructure"),
}
_NETWORKING = ("Networking", "Other (Networking)")


class _Books:
    """The dimension tables by their keys."""

    def __init__(self, store: Store) -> None:
        frames = store.frames("accounts", "carriers", "services", "invoices", "plans", "sites", "employees")
        self.accounts = _index(frames["accounts"], "account_id")
        self.carriers = _index(frames["carriers"], "carrier_id")
        self.services = _index(frames["services"], "service_id")
        self.invoices = _index(frames["invoices"], "invoice_id")
        self.plans = _index(frames["plans"], "plan_id")
        self.sites = _index(frames["sites"], "site_id")
        self.people = _index(frames["employees"], "employee_id")


def rows(store: Store, month: str | None = None) -> list[dict[str, Any]]:
    """One row for each charge (of one month of use, if given), in order of charge_id; period ends are exclusive.

    ListCost and ContractedCost equal BilledCost: the specification wants a figure, and a telecom bill states no other.
    """
    books = _Books(store)
    result = []
    for raw in workflow.all_charges(store, month).to_dict("records"):
        row = {str(k): plain(v) for k, v in raw.items()}
        billed = _billed(row, books)
        result.append({**billed, **_priced(row, billed), **_served(row, books)})
    return result


def _billed(row: dict[str, Any], books: _Books) -> dict[str, Any]:
    """Who bills what for which period."""
    account, invoice = books.accounts.get(row["account_id"], {}), books.invoices[row["invoice_id"]]
    carrier = books.carriers.get(row["carrier_id"], {}).get("name") or row["carrier_id"]
    day = row["day"] or invoice["issued_on"]
    end = add_days(row["period_end"], 1) if row["period_end"] else add_days(day, 1) if day else None
    bill_start = invoice["period_start"] or (month_start(month_of(day)) if day else None)
    bill_end = invoice["period_end"] or (month_end(month_of(bill_start)) if bill_start else None)
    category = _CATEGORY.get(row["category"], "Purchase")
    cost = to_text(row["amount"])
    taken_back = category in {"Usage", "Purchase"} and row["amount"] < 0
    sub = row["account_id"] if account.get("parent_account_id") else None
    return {
        "BilledCost": cost,
        "BillingAccountId": account.get("number") or row["account_id"],
        "BillingAccountName": account.get("name") or account.get("number") or row["account_id"],
        "BillingAccountType": "Billing account",
        "BillingCurrency": row["currency"],
        "BillingPeriodEnd": _moment(add_days(bill_end, 1) if bill_end else None),
        "BillingPeriodStart": _moment(bill_start),
        "ChargeCategory": category,
        "ChargeClass": "Correction" if category == "Adjustment" or taken_back else None,
        "ChargeDescription": row["description"] or row["item_code"] or row["category"],
        "ChargeFrequency": _FREQUENCY.get(row["category"], "One-Time"),
        "ChargePeriodEnd": _moment(end),
        "ChargePeriodStart": _moment(day),
        "ContractedCost": cost,
        "EffectiveCost": cost,
        "InvoiceId": row["number"] or row["invoice_id"],
        "InvoiceIssuerName": carrier,
        "ListCost": cost,
        "ProviderName": carrier,
        "PublisherName": row["provider"] or carrier,
        "SubAccountId": sub,
        "SubAccountName": (account.get("name") or sub) if sub else None,
        "SubAccountType": "Sub-account" if sub else None,
        "x_ChargeId": row["charge_id"],
        "x_Category": row["category"],
        "x_ServiceId": row["service_id"],
        "x_Quantity": None if row["quantity"] is None else to_text(row["quantity"], 0),
        "x_UnitRate": None if row["unit_rate"] is None else to_text(row["unit_rate"]),
    }


def _priced(row: dict[str, Any], billed: dict[str, Any]) -> dict[str, Any]:
    """Quantities and prices: only where the specification has them, and such that they make the cost."""
    category, quantity, rate = billed["ChargeCategory"], row["quantity"], row["unit_rate"]
    if category not in {"Usage", "Purchase"} or billed["ChargeClass"]:
        return {}
    unit = row["unit"] or "Units"
    exact = quantity is not None and rate is not None and quantity > 0 and mul(quantity, rate) == row["amount"]
    if not exact:
        used = quantity is not None and quantity > 0
        consumed = (to_text(quantity, 0), unit) if used else ("1", "Charges")
        quantity, rate, unit = SCALE, row["amount"], "Charges"
    else:
        consumed = (to_text(quantity, 0), unit)
    price = to_text(rate)
    sku = row["item_code"] or row["description"] or row["category"]
    return {
        "ConsumedQuantity": consumed[0] if category == "Usage" else None,
        "ConsumedUnit": consumed[1] if category == "Usage" else None,
        "ContractedUnitPrice": price,
        "ListUnitPrice": price,
        "PricingCategory": "Standard",
        "PricingQuantity": to_text(quantity, 0),
        "PricingUnit": unit,
        "SkuId": sku,
        "SkuPriceId": f"{sku}@{price}",
    }


def _served(row: dict[str, Any], books: _Books) -> dict[str, Any]:
    """Which line, where, for whom."""
    line = books.services.get(row["service_id"], {})
    site = books.sites.get(line.get("site_id"), {})
    person = books.people.get(line.get("employee_id"), {})
    center = line.get("cost_center_id") or person.get("cost_center_id")
    resource = line.get("number") or row["billed_number"] or row["service_id"]
    group, subgroup = _SERVICE.get(str(line.get("kind")), _NETWORKING)
    tags = {"cost_center": center, "employee_id": line.get("employee_id"), "purpose": line.get("purpose")}
    return {
        "RegionId": line.get("site_id"),
        "RegionName": site.get("name") or line.get("site_id"),
        "ResourceId": resource,
        "ResourceName": line.get("number") or row["billed_number"],
        "ResourceType": (line.get("kind") or "line") if resource else None,
        "ServiceCategory": group,
        "ServiceName": books.plans.get(line.get("plan_id"), {}).get("name") or line.get("kind") or "Telecom services",
        "ServiceSubcategory": subgroup,
        "Tags": json.dumps({k: v for k, v in tags.items() if v is not None}, sort_keys=True),
        "x_CostCenterId": center,
    }


def _index(frame: Any, key: str) -> dict[Any, dict[str, Any]]:
    return {row[key]: {str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")}


def _moment(day: str | None) -> str | None:
    return None if day is None else f"{day}T00:00:00Z"


def csv_text(found: list[dict[str, Any]], columns: tuple[str, ...] | list[str]) -> str:
    """Rows as CSV text with a header and LF line ends; None is empty. Text cannot start a formula in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(row.get(name)) for name in columns] for row in found])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    harmless = text[1:2].isdigit() or text[1:2] == "."
    return f"'{text}" if text[:1] in ("=", "@", "\t", "\r") or (text[:1] in "+-" and text and not harmless) else text
