"""Charges as FOCUS cost and usage rows (FinOps Open Cost and Usage Specification, columns of version 1.2)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from core.contract_register import plain
from core.money import to_text
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
    *("ServiceSubcategory", "SkuId", "SubAccountId", "SubAccountName", "Tags"),
    *("x_ChargeId", "x_Category", "x_ServiceId", "x_CostCenterId"),
)

_CATEGORY = {"usage": "Usage", "third_party": "Usage", "tax": "Tax", "credit": "Credit", "adjustment": "Adjustment"}
_FREQUENCY = {"mrc": "Recurring", "usage": "Usage-Based", "third_party": "Usage-Based"}


def rows(store: Store, month: str | None = None) -> list[dict[str, Any]]:
    """One row for each charge (of one month of use, if given), in order of charge_id; period ends are exclusive.

    ListCost and ContractedCost equal BilledCost: the specification wants a figure, and a telecom bill states no other.
    """
    frames = store.frames("accounts", "carriers", "services", "invoices", "plans", "sites", "employees")
    accounts = _index(frames["accounts"], "account_id")
    carriers = _index(frames["carriers"], "carrier_id")
    services = _index(frames["services"], "service_id")
    invoices = _index(frames["invoices"], "invoice_id")
    plans = _index(frames["plans"], "plan_id")
    sites = _index(frames["sites"], "site_id")
    people = _index(frames["employees"], "employee_id")
    result = []
    for raw in workflow.all_charges(store, month).to_dict("records"):
        row = {str(k): plain(v) for k, v in raw.items()}
        account, invoice = accounts.get(row["account_id"], {}), invoices[row["invoice_id"]]
        carrier = carriers.get(row["carrier_id"], {}).get("name") or row["carrier_id"]
        line = services.get(row["service_id"], {})
        day = row["day"] or invoice["issued_on"]
        end = add_days(row["period_end"], 1) if row["period_end"] else add_days(day, 1) if day else None
        bill_start = invoice["period_start"] or (month_start(month_of(day)) if day else None)
        bill_end = invoice["period_end"] or (month_end(month_of(bill_start)) if bill_start else None)
        site = sites.get(line.get("site_id"), {})
        person = people.get(line.get("employee_id"), {})
        center = line.get("cost_center_id") or person.get("cost_center_id")
        cost = to_text(row["amount"])
        quantity = None if row["quantity"] is None else to_text(row["quantity"], 0)
        used = row["category"] == "usage"
        price = None if row["unit_rate"] is None else to_text(row["unit_rate"])
        tags = {"cost_center": center, "employee_id": line.get("employee_id"), "purpose": line.get("purpose")}
        result.append(
            {
                "BilledCost": cost,
                "BillingAccountId": account.get("number") or row["account_id"],
                "BillingAccountName": account.get("name"),
                "BillingAccountType": "Billing account",
                "BillingCurrency": row["currency"],
                "BillingPeriodEnd": _moment(add_days(bill_end, 1) if bill_end else None),
                "BillingPeriodStart": _moment(bill_start),
                "ChargeCategory": _CATEGORY.get(row["category"], "Purchase"),
                "ChargeClass": "Correction" if row["category"] == "adjustment" else None,
                "ChargeDescription": row["description"] or row["item_code"],
                "ChargeFrequency": _FREQUENCY.get(row["category"], "One-Time"),
                "ChargePeriodEnd": _moment(end),
                "ChargePeriodStart": _moment(day),
                "ConsumedQuantity": quantity if used else None,
                "ConsumedUnit": row["unit"] if used else None,
                "ContractedCost": cost,
                "ContractedUnitPrice": price,
                "EffectiveCost": cost,
                "InvoiceId": row["number"] or row["invoice_id"],
                "InvoiceIssuerName": carrier,
                "ListCost": cost,
                "ListUnitPrice": price,
                "PricingCategory": "Standard" if price is not None else None,
                "PricingQuantity": quantity,
                "PricingUnit": row["unit"],
                "ProviderName": carrier,
                "PublisherName": row["provider"] or carrier,
                "RegionId": line.get("site_id"),
                "RegionName": site.get("name"),
                "ResourceId": line.get("number") or row["billed_number"] or row["service_id"],
                "ResourceName": line.get("number") or row["billed_number"],
                "ResourceType": line.get("kind"),
                "ServiceCategory": "Networking",
                "ServiceName": plans.get(line.get("plan_id"), {}).get("name") or line.get("kind") or "Telecom services",
                "ServiceSubcategory": "Other (Networking)",
                "SkuId": row["item_code"],
                "SubAccountId": row["account_id"] if account.get("parent_account_id") else None,
                "SubAccountName": account.get("name") if account.get("parent_account_id") else None,
                "Tags": json.dumps({k: v for k, v in tags.items() if v is not None}, sort_keys=True),
                "x_ChargeId": row["charge_id"],
                "x_Category": row["category"],
                "x_ServiceId": row["service_id"],
                "x_CostCenterId": center,
            }
        )
    return result


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
