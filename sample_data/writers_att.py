"""AT&T "All Wireless Charges and Usage": one CSV per month over all accounts of the foundation account.

Customer-defined columns stand in the middle, kilobytes carry thousands separators, pools come as rows whose wireless
number is their group id, and what belongs to the account alone has the number 0.
"""

from __future__ import annotations

import csv
from pathlib import Path

from sample_data import draw, usage
from sample_data.world import Charge, World

COLUMNS = (
    "Foundation account",
    "Foundation account name",
    "Account number",
    "Account and descriptions",
    "Billing account name",
    "Wireless number and descriptions",
    "Wireless number",
    "DEPARTMENT NAME",
    "User name",
    "VIS CODE",
    "ASSET TAG",
    "Market cycle end date",
    "Invoice date",
    "Rate code",
    "Rate plan name",
    "Group ID",
    "Total current charges",
    "Total monthly charges",
    "Total activity since last bill",
    "Total taxes",
    "Total company fees and surcharges",
    "Total KB usage",
    "Total minutes usage",
    "Total messages",
    "Total FAN level charges",
    "Total adjustments",
)
FAN, FAN_NAME = "58812340", "NORTHWIND INDUSTRIES"


def amount(cents: int) -> str:
    """Money with thousands separators; negative in parentheses."""
    text = f"{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    return f"({text})" if cents < 0 else text


def write(world: World, folder: Path) -> None:
    """Write one file per month."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {str(row["cost_center_id"]): str(row["name"]) for row in world.tables["cost_centers"]}
    for month in world.months:
        rows = []
        for invoice in world.invoices:
            account = world.accounts[invoice.account_id]
            if account["carrier_id"] == "att" and invoice.month == month:
                lines: dict[str, list[Charge]] = {}
                for charge in invoice.charges:
                    lines.setdefault(charge.billed_number, []).append(charge)
                rows.append(_row(world, account, month, names, "G000117", []))
                rows += [_row(world, account, month, names, number, lines[number]) for number in sorted(lines)]
        with (folder / f"charges_{month.replace('-', '')}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\r\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows)


def _row(
    world: World, account: dict[str, object], month: str, names: dict[str, str], number: str, charges: list[Charge]
) -> list[str]:
    service = world.services.get(charges[0].service_id) if charges else None
    by = {c: sum(x.amount for x in charges if x.category == c) for c in ("mrc", "usage", "tax", "surcharge")}
    user, department, center, asset, uses = "", "", "", "", {}
    if service is not None:
        _, span = usage.active_share(service, month)
        span = span or service.now
        holder = world.employees.get(span.employee_id)
        user, center = (holder.name if holder else "SHARED DEVICE"), span.cost_center_id
        department, asset = names.get(center, ""), f"A-{service.service_id}"
        uses = {u.usage_type: u.quantity for u in world.usage.get((service.service_id, month), []) if u.zone == "home"}
    recurring = next((c for c in charges if c.category == "mrc"), None)
    group = number.startswith("G")
    pooled = service is not None and service.now.plan_id.startswith("AT-POOL")
    printed = number or "0"
    date = f"{month[5:]}/{draw.days_in(month):02d}/{month[:4]}"
    return [
        FAN,
        FAN_NAME,
        str(account["number"]),
        f"{account['number']} - {account['name']}",
        str(account["name"]),
        f"{printed} - {user}" if user else printed,
        printed,
        department,
        user,
        center,
        asset,
        date,
        date,
        recurring.item_code if recurring else "NORATEPLAN",
        recurring.description if recurring else ("Mobile Select Pool" if group else "NO CURRENT RATE PLAN"),
        "G000117" if pooled or group else "",
        amount(sum(by.values())),
        amount(by["mrc"]),
        amount(by["usage"]),
        amount(by["tax"]),
        amount(by["surcharge"]),
        f"{round(uses.get('data', 0)) * 1024:,}",
        f"{round(uses.get('voice', 0)):,}",
        f"{round(uses.get('sms', 0)):,}",
        "0.00",
        "0.00",
    ]
