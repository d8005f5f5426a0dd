"""What a validator checks in FOCUS 1.2 cost and usage rows, written from the specification, apart from the exporter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

MANDATORY = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
    *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
)
NEVER_NULL = set(MANDATORY) - {"ChargeClass", "PricingQuantity", "PricingUnit", "ChargeDescription"}
CATEGORIES = {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
SERVICES = {
    *("AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools"),
    *("Identity", "Integration", "Internet of Things", "Management and Governance", "Media", "Migration", "Mobile"),
    *("Multicloud", "Networking", "Other", "Security", "Storage", "Web"),
}
PRICED = ("PricingQuantity", "PricingUnit", "PricingCategory", "ListUnitPrice", "ContractedUnitPrice", "SkuId")
TOGETHER = (
    ("ConsumedQuantity", "ConsumedUnit"),
    ("PricingQuantity", "PricingUnit"),
    ("ResourceId", "ResourceType"),
    ("RegionId", "RegionName"),
    ("SubAccountId", "SubAccountName"),
    ("SubAccountId", "SubAccountType"),
    ("SkuId", "SkuPriceId"),
)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def violations(header: Iterable[str], rows: Iterable[Mapping[str, str]]) -> list[str]:
    """One sentence for each rule that a row breaks; blank cells are null."""
    header = list(header)
    found = [f"{name} is missing" for name in MANDATORY if name not in header]
    found += [f"{name} is no column of ours" for name in header if not re.fullmatch(r"(x_)?[A-Z][A-Za-z]+", name)]
    for number, row in enumerate(rows, 2):
        found += [f"row {number}: {text}" for text in _row(row)]
    return found


def _row(row: Mapping[str, str]) -> list[str]:
    found = [f"{name} is null" for name in sorted(NEVER_NULL) if not row[name]]
    category, correction = row["ChargeCategory"], row["ChargeClass"] == "Correction"
    checks = {
        "ChargeCategory": category in CATEGORIES,
        "ChargeClass": row["ChargeClass"] in {"", "Correction"},
        "ChargeFrequency": row["ChargeFrequency"] in {"One-Time", "Recurring", "Usage-Based"},
        "a purchase is not usage-based": not (category == "Purchase" and row["ChargeFrequency"] == "Usage-Based"),
        "PricingCategory": row["PricingCategory"] in {"", "Standard", "Dynamic", "Committed", "Other"},
        "ServiceCategory": row["ServiceCategory"] in SERVICES,
        "BillingCurrency": re.fullmatch(r"[A-Z]{3}", row["BillingCurrency"]) is not None,
        "no price on a tax": category != "Tax" or not any(row[name] for name in PRICED),
        "a price on usage and purchases": category not in {"Usage", "Purchase"}
        or correction
        or all(row[name] for name in PRICED),
        "consumption on usage only": category == "Usage" or not row["ConsumedQuantity"],
        "consumption on usage": category != "Usage" or correction or bool(row["ConsumedQuantity"]),
        "effective cost of other charges": category in {"Usage", "Purchase"}
        or row["EffectiveCost"] == row["BilledCost"],
        "Tags": isinstance(json.loads(row["Tags"] or "{}"), dict),
    }
    found += [f"{name} is wrong" for name, fine in checks.items() if not fine]
    found += [f"{a} without {b}" for a, b in TOGETHER if bool(row[a]) != bool(row[b])]
    if row["ResourceName"] and not row["ResourceId"]:
        found.append("ResourceName without ResourceId")
    for first, last in (("BillingPeriodStart", "BillingPeriodEnd"), ("ChargePeriodStart", "ChargePeriodEnd")):
        if not (MOMENT.fullmatch(row[first]) and MOMENT.fullmatch(row[last]) and row[first] < row[last]):
            found.append(f"{first} is no start of {last}")
    for cost, price in (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")):
        if row[price] and row["PricingQuantity"]:
            if Decimal(row[price]) < 0:
                found.append(f"{price} is negative")
            product = Decimal(row[price]) * Decimal(row["PricingQuantity"])
            if abs(product - Decimal(row[cost])) > Decimal("0.000001"):
                found.append(f"{cost} is not {price} times PricingQuantity")
    return found
