"""Device purchase orders: what was bought, for which line and person, when it came, what it cost.

Each line of an order is an order of type `add` with its amount as `nrc_amount`; where it names an IMEI or a serial
number it is a device as well. Quantity times unit price counts only where the file gives no line total.
"""

from __future__ import annotations

from typing import Any

from core.money import SCALE, mul, parse_micros, to_text
from loaders.contract import Cells, Named
from loaders.feeds import cells, mdm
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.reading.declare import Layout, RowError

Row = dict[str, Any]
_STATUS = (
    ("cancel", "cancelled"),
    ("return", "cancelled"),
    ("reject", "cancelled"),
    ("deliver", "installed"),
    ("complete", "installed"),
    ("received", "installed"),
    ("activated", "installed"),
    ("closed", "installed"),
    ("ship", "ordered"),
    ("order", "ordered"),
    ("open", "ordered"),
    ("process", "ordered"),
    ("pending", "requested"),
    ("request", "requested"),
    ("approv", "requested"),
)


def _amount(row: Row) -> str | None:
    if row["total"] is not None:
        return str(row["total"])
    if row["price"] is None:
        return None
    return to_text(mul(parse_micros(row["price"]), _quantity(row)))


def _quantity(row: Row) -> int:
    """Micros of the quantity, one where the file has none."""
    if row["quantity"] is None:
        return SCALE
    try:
        quantity = parse_micros(row["quantity"])
    except ValueError as problem:
        raise RowError("Quantity", row["quantity"], str(problem)) from problem
    if quantity < 0:
        raise RowError("Quantity", row["quantity"], "0 or more")
    return quantity


def _order(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    if row["order"] is None:
        raise RowError("Order Number", "", "the order's number")
    devices = tuple(filter(None, (*(row["imei"] or ()), row["@serial number"])))
    if len(devices) > 1 and not row["imei"]:
        devices = devices[:1]
    ident = "-".join(filter(None, (row["order"], row["line"] or (devices[0] if devices else row["sku"]))))
    text = (row["status"] or "").casefold()
    status = next((value for word, value in _STATUS if word in text), None)
    if text and status is None:
        notes.add(f'the status "{row["status"]}" is unknown and was left out', ident)
    if status is None:
        status = "installed" if row["delivered_on"] else "ordered"
    number = row["number"]
    line = Named("service", (number,) if number else ())
    found: Cells = {
        "order_id": ident,
        "service_id": line,
        "account_id": Named("account", (row["account"],), within=row["vendor"])
        if row["account"] and row["vendor"]
        else None,
        "type": "add",
        "requested_on": row["requested_on"],
        "ordered_on": row["ordered_on"],
        "due_on": row["due_on"],
        "completed_on": row["delivered_on"],
        "item_code": row["sku"] or row["model"],
        "nrc_amount": _amount(row),
        "currency": (row["currency"] or "").upper() or None,
        "to_value": row["model"],
        "status": status,
        "attributes": {"vendor": row["vendor"], "quantity": to_text(_quantity(row), 0), "phone number": number},
    }
    made = [("orders", {name: value for name, value in found.items() if value is not None})]
    if devices and status != "cancelled":
        row |= {"id": None, "seen_on": None, "enrolled_on": row["delivered_on"], "upn": None}
        made += mdm.device("orders", row, notes, weak=True)
    return made


ORDERS = Feed(
    "orders",
    "Device purchase orders (CSV)",
    Kind(
        "orders",
        Layout(
            said(
                "order",
                "Order Number",
                "PO Number",
                "Purchase Order",
                "Order No",
                "Order ID",
                "PO #",
                "PO",
                needed=True,
            ),
            said("line", "Line", "Line Number", "Line Item", "Item Number", "Order Line"),
            said("vendor", "Vendor", "Supplier", "Carrier", "Seller"),
            said("account", "Account Number", "Billing Account", "BAN", "Account"),
            said("requested_on", "Request Date", "Requested On", parse=cells.day),
            said("ordered_on", "Order Date", "PO Date", "Ordered On", "Date Ordered", parse=cells.day),
            said("due_on", "Due Date", "Expected Delivery", "Promised Date", "ETA", parse=cells.day),
            note("shipped on", "Ship Date", "Shipped On", "Date Shipped", parse=cells.day),
            said("delivered_on", "Delivery Date", "Delivered On", "Received Date", "Completed On", parse=cells.day),
            said("sku", "SKU", "Item Code", "Part Number", "Product Code", "MPN"),
            said("model", "Model", "Device", "Description", "Item Description", "Product", "Item", "Device Model"),
            said("quantity", "Quantity", "Qty", "Quantity Ordered"),
            said("price", "Unit Price", "Price", "Unit Cost", parse=cells.money),
            said(
                "total",
                "Line Total",
                "Total Price",
                "Extended Price",
                "Total",
                "Amount",
                "Total Cost",
                parse=cells.money,
            ),
            said("currency", "Currency", "Currency Code"),
            said("imei", "IMEI", "Device ID/IMEI", "IMEI/ESN", "Device IMEI", parse=cells.imeis),
            said("iccid", "ICCID", "SIM", "SIM Number", parse=cells.iccid),
            note("serial number", "Serial Number", "Serial"),
            said(
                "number", "Wireless Number", "Phone Number", "Mobile Number", "Number", "MTN", "CTN", parse=cells.phone
            ),
            said("user", "Employee ID", "Employee Number", "User ID", parse=cells.email),
            said("email", "Email", "User Email", "Employee Email", "Requester Email", parse=cells.email),
            said("status", "Status", "Order Status", "Line Status"),
            note("tracking number", "Tracking Number", "Tracking #"),
            note("order type", "Order Type"),
        ),
        (
            *(
                "Order Number",
                "PO Number",
                "Purchase Order",
                "Order Date",
                "PO Date",
                "Ship Date",
                "Delivery Date",
                "SKU",
            ),
            *("Order Status", "Tracking Number", "Unit Price", "Order ID", "Wireless Number", "IMEI", "Line Total"),
        ),
        _order,
        enough=4,
    ),
)
