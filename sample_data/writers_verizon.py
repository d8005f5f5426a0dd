"""Verizon Wireless raw data download: one ZIP per account and month, four tab files, with the quirks of real ones.

The header line ends with CRLF and the rows with LF; header cells stand in quotes; account rows have `N/A` as number and
numeric columns without a value `NA`; money is written `$1,234.56` or `(7.23)`.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from sample_data import draw, usage
from sample_data.world import Charge, Invoice, Service, World

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
PROFILE = "2184417"
SUMMARY = (
    "ECPD Profile ID",
    "Account Number",
    "Invoice Number",
    "Bill Cycle Date",
    "Bill Period",
    "Date Due",
    "Bill Name",
    "Remittance Address",
    "Previous Balance",
    "Payments",
    "Adjustments",
    "Balance Forward",
    "Late Fee",
    "Account Charges and Credits",
    "Monthly Charges",
    "Usage and Purchase Charges",
    "Equipment Charges",
    "Surcharges and OC&Cs",
    "Taxes, Governmental Surcharges, and Fees",
    "Third-Party Charges (includes Tax)",
    "Total Current Charges",
    "Total Amount Due",
)
WIRELESS = (
    "ECPD Profile ID",
    "Account Number",
    "Invoice Number",
    "Bill Cycle Date",
    "Bill Period",
    "Wireless Number",
    "User Name",
    "Cost Center",
    "Your Calling Plan",
    "Account Charges and Credits",
    "Monthly Charges",
    "Usage and Purchase Charges",
    "Equipment Charges",
    "Total Surcharges and Other Charges and Credits",
    "Taxes, Governmental Surcharges and Fees",
    "Third-Party Charges (includes Tax)",
    "Total Charges",
    "Voice Plan Usage",
    "Messaging Usage",
    "Data Usage (KB)",
    "Data Usage (MB)",
    "Data Usage (GB)",
    "Voice Roaming",
    "Messaging Roaming",
    "Data Roaming (KB)",
    "Data Roaming (MB)",
    "Data Roaming (GB)",
)
DETAIL = (
    "ECPD Profile ID",
    "Account Number",
    "Invoice Number",
    "Bill Cycle Date",
    "Wireless Number",
    "User Name",
    "Cost Center",
    "Date",
    "Item Category",
    "Item Type",
    "Charge Type",
    "Item Description",
    "Share Description",
    "Share Voice",
    "Share Messaging",
    "Share Data",
    "Share Other",
    "Usage Unit",
    "Allowance",
    "Used",
    "Billable",
    "Cost",
    "Vendor Name / Contact Information",
    "Order Details",
)
USAGE = (
    "ECPD Profile ID",
    "Account Number",
    "Invoice Number",
    "Wireless Number",
    "User Name",
    "Date",
    "Time",
    "Number",
    "Usage Category",
    "Origination",
    "Destination",
    "Minutes",
    "Charge",
)
CATEGORY = {
    "mrc": "Monthly Charges",
    "usage": "Data",
    "surcharge": "VZW Surcharges",
    "tax": "Taxes, Governmental Surcharges and Fees",
}


def dollars(cents: int) -> str:
    """Money as the carrier prints it: $1,234.56, negative in parentheses."""
    text = f"{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    return f"({text})" if cents < 0 else f"${text}"


def wireless(number: str) -> str:
    """A ten-digit number with dashes; `N/A` for account rows."""
    return f"{number[:3]}-{number[3:6]}-{number[6:]}" if number else "N/A"


def write(world: World, folder: Path) -> None:
    """Write the ZIPs of all Verizon invoices."""
    folder.mkdir(parents=True, exist_ok=True)
    services = {s.number: s for s in world.services.values() if s.carrier_id == "verizon"}
    for invoice in world.invoices:
        account = world.accounts[invoice.account_id]
        if account["carrier_id"] == "verizon":
            stamp = invoice.month.replace("-", "")
            with zipfile.ZipFile(folder / f"{account['number']}_{stamp}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for name, text in _files(world, invoice, services).items():
                    entry = zipfile.ZipInfo(f"{name}_{stamp}.txt", (1980, 1, 1, 0, 0, 0))
                    entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
                    archive.writestr(entry, text.encode("utf-8"))


def _table(header: tuple[str, ...], rows: list[list[str]], bom: bool = False) -> str:
    head = "\t".join(f'"{name}"' for name in header)
    body = "".join("\t".join(row) + "\n" for row in rows)
    return ("\ufeff" if bom else "") + head + "\r\n" + body


def _files(world: World, invoice: Invoice, services: dict[str, Service]) -> dict[str, str]:
    account, month = world.accounts[invoice.account_id], invoice.month
    name, last = MONTHS[int(month[5:]) - 1], draw.days_in(month)
    due = draw.plus_days(draw.last_day(month), 23)
    cycle, period = f"{name} {last:02d}, {month[:4]}", f"{name} 01 - {name} {last:02d}"
    key = [PROFILE, str(account["number"]), invoice.number]
    total = {c: sum(x.amount for x in invoice.charges if x.category == c) for c in CATEGORY}
    account_level = sum(c.amount for c in invoice.charges if not c.billed_number)
    head = [
        *key,
        cycle,
        period,
        f"{MONTHS[int(due[5:7]) - 1]} {due[8:]}, {due[:4]}",
        f"{account['name']}",
        "PO BOX 16810 NEWARK NJ 07101-6810",
        "$0.00",
        "$0.00",
        "$0.00",
        "$0.00",
        "$0.00",
        dollars(0),
        dollars(total["mrc"]),
        dollars(total["usage"]),
        dollars(0),
        dollars(total["surcharge"]),
        dollars(total["tax"]),
        dollars(0),
        dollars(invoice.total),
        dollars(invoice.total),
    ]
    lines: dict[str, list[Charge]] = {}
    for charge in invoice.charges:
        lines.setdefault(charge.billed_number, []).append(charge)
    summary, detail = [], []
    for number, charges in sorted(lines.items()):
        service = world.services.get(charges[0].service_id)
        user, center = _user(world, service.service_id if service else "", month)
        uses = {
            u.usage_type: u.quantity
            for u in world.usage.get((service.service_id if service else "", month), [])
            if u.zone == "home"
        }
        by = {c: sum(x.amount for x in charges if x.category == c) for c in CATEGORY}
        plan = next((c.description for c in charges if c.category == "mrc"), "NA")
        megabytes = round(uses.get("data", 0))
        if number:
            summary.append(
                [
                    *key,
                    cycle,
                    period,
                    wireless(number),
                    user,
                    center,
                    plan,
                    dollars(0),
                    dollars(by["mrc"]),
                    dollars(by["usage"]),
                    dollars(0),
                    dollars(by["surcharge"]),
                    dollars(by["tax"]),
                    dollars(0),
                    dollars(sum(by.values())),
                    str(round(uses.get("voice", 0))),
                    str(round(uses.get("sms", 0))),
                    f"{megabytes * 1024}",
                    f"{megabytes}",
                    f"{megabytes / 1024:.6f}",
                    "0",
                    "0",
                    "0",
                    "0",
                    "0",
                ]
            )
        for charge in charges:
            feature = charge.category == "mrc" and charge.item_code == "Call Filter Plus"
            share = ("Feature" if feature else "Plan") if charge.category == "mrc" else "NA"
            billable = draw.number_text(charge.quantity or 0) if charge.category == "usage" else "NA"
            detail.append(
                [
                    *key,
                    cycle,
                    wireless(number),
                    user,
                    center,
                    "",
                    CATEGORY[charge.category],
                    charge.category.upper(),
                    "",
                    f'"{charge.description}"',
                    share,
                    "NA",
                    "NA",
                    "NA",
                    "NA",
                    "NA",
                    "NA",
                    "NA",
                    billable,
                    dollars(charge.amount),
                    "",
                    "",
                ]
            )
        if megabytes:
            detail.append(
                [
                    *key,
                    cycle,
                    wireless(number),
                    user,
                    center,
                    "",
                    "Data",
                    "USAGE",
                    "",
                    '"GIGABYTE USAGE"',
                    "NA",
                    "NA",
                    "NA",
                    "NA",
                    "NA",
                    "KB",
                    "NA",
                    str(megabytes * 1024),
                    "NA",
                    dollars(0),
                    "",
                    "",
                ]
            )
    summary.append(
        [
            *key,
            cycle,
            period,
            "N/A",
            str(account["name"]),
            "NA",
            "NA",
            dollars(0),
            dollars(0),
            dollars(0),
            dollars(0),
            dollars(account_level),
            dollars(0),
            dollars(0),
            dollars(account_level),
            *(["NA"] * 10),
        ]
    )
    return {
        "AccountSummary": _table(SUMMARY, [head], bom=True),
        "Account & Wireless Summary": _table(WIRELESS, summary),
        "Acct & Wireless Charges Detail Summary Usage": _table(DETAIL, detail),
        "Wireless Usage Detail": _table(USAGE, []),
    }


def _user(world: World, service_id: str, month: str) -> tuple[str, str]:
    if not service_id:
        return "NA", "NA"
    _, span = usage.active_share(world.services[service_id], month)
    span = span or world.services[service_id].now
    holder = world.employees.get(span.employee_id)
    return (holder.name if holder else "SHARED DEVICE"), span.cost_center_id or "NA"
