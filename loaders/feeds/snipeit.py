"""Snipe-IT exports and import files: assets, licences, users.

Assets are devices (by IMEI, then serial number), with the person they are checked out to; an asset that is archived or
lost is retired. A licence is a `saas_seat` service; several rows of one licence, each with its holder, are one
service each. Users are employees. Product keys never enter the store.
"""

from __future__ import annotations

from typing import Any

from loaders.contract import Cells, IfNew, Named
from loaders.feeds import cells, mdm, people
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.reading.declare import Layout, RowError

Row = dict[str, Any]
_GONE = ("archived", "lost", "stolen", "broken", "undeployable", "disposed", "sold", "retired")
_ACTIVE = ("deployed", "deployable", "ready", "pending", "assigned", "available")


def _asset(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    row["id"] = row["tag"]
    if row["tag"]:
        row["@asset tag"] = row["tag"]
    status = (row["status"] or "").casefold()
    row["state"] = "retired" if any(word in status for word in _GONE) else None
    if status and row["state"] is None and not any(word in status for word in _ACTIVE):
        notes.add(f'the status "{row["status"]}" is unknown and was left out', row["tag"] or "")
    row["kind"] = mdm.kind_of(row["category"], row["model"])
    row["enrolled_on"] = row["checked_out_on"]
    return mdm.device("snipeit", row, notes)


def _licence(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    if row["item"] is None:
        raise RowError("Item name", "", "the licence's name")
    holder = row["holder_email"] or row["username"] or row["licensed_to"]
    maker = row["supplier"] or row["maker"]
    key = "/".join(filter(None, (row["item"], row["order"], holder)))
    number = f"{row['item']} ({holder})" if holder else row["item"]
    found: Cells = {
        "service_id": Named("service", (number,), otherwise=f"snipeit:{key}"),
        "kind": "saas_seat",
        "number": IfNew(number),
        "carrier_id": Named("carrier", (maker,)) if maker else None,
        "employee_id": Named("employee", (holder,) if holder else ()),
        "status": "active",
        "activated_on": row["bought_on"],
        "term_end_on": row["expires_on"],
        "attributes": {"licence": row["item"]},
    }
    if row["ended_on"]:
        found |= {"status": "disconnected", "disconnected_on": row["ended_on"]}
    return [("services", {name: value for name, value in found.items() if value is not None})]


def _user(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    if not row["id"] and not row["email"]:
        row["id"] = row["@user name"]
    return [("employees", people.person(row, notes))]


ASSETS = Kind(
    "assets",
    Layout(
        said("tag", "Asset Tag", "Asset Tag No"),
        note("device name", "Asset Name", "Item Name", "Name"),
        note("serial number", "Serial", "Serial Number", "Serial Number (S/N)"),
        said("imei", "IMEI", "IMEI Number", "IMEI 1", "IMEI1", parse=cells.imeis),
        said("imei2", "IMEI 2", "IMEI2", parse=cells.imeis),
        said("iccid", "ICCID", "SIM", "SIM Number", "SIM Card Number", parse=cells.iccid),
        said("number", "Phone Number", "Phone", "Mobile Number", "Cell Number", "Line Number", parse=cells.phone),
        said("model", "Model", "Model Name", "Asset Model"),
        note("model number", "Model No.", "Model Number"),
        said("category", "Category"),
        note("manufacturer", "Manufacturer"),
        said("status", "Status", "Status Label"),
        said("email", "Email", "Checked Out To: Email", "Assigned To Email", parse=cells.email),
        said("user", "Username", "Checked Out To: Username", parse=cells.email),
        note("user", "Full Name", "Checked Out To", "Assigned To", "Checked Out"),
        note("location", "Location", "Default Location"),
        said("checked_out_on", "Checkout Date", "Last Checkout", parse=cells.day),
        note("bought on", "Purchase Date", "Purchased", parse=cells.day),
        note("cost", "Purchase Cost", "Cost", parse=cells.money),
        note("order number", "Order Number"),
        note("supplier", "Supplier"),
        note("warranty", "Warranty", "Warranty Months"),
    ),
    ("Asset Tag", "Asset Name", "Model No.", "Checked Out", "Checkout Date", "Default Location", "Status", "Item Name"),
    _asset,
    enough=2,
)
LICENCES = Kind(
    "licences",
    Layout(
        said("item", "Item name", "License", "Software Name", "License Name", "Software", "Name", needed=True),
        said("maker", "Manufacturer", "Publisher"),
        said("supplier", "Supplier", "Vendor"),
        said("username", "Username", parse=cells.email),
        said("holder_email", "Email", parse=cells.email),
        said("licensed_to", "Licensed to Email", "License Email", parse=cells.email),
        note("licensed to", "Licensed To Name", "Licensed To", "License Name", "Full Name"),
        said("order", "Order Number"),
        note("purchase order", "Purchase Order", "Purchase Order Number"),
        said("bought_on", "Purchase Date", "Purchased", parse=cells.day),
        said("expires_on", "Expiration Date", "Expires", "Expiration", parse=cells.day),
        said("ended_on", "Termination Date", parse=cells.day),
        note("cost", "Purchase Cost", "Cost", parse=cells.money),
        note("seats", "Seats", "Total"),
        note("maintained", "Maintained"),
        note("reassignable", "Reassignable"),
        note("category", "Category"),
        note("company", "Company"),
    ),
    (
        "Seats",
        "Licensed to Email",
        "Licensed To Name",
        "License Email",
        "Reassignable",
        "Maintained",
        "Expiration Date",
    ),
    _licence,
    enough=3,
    secret=("Serial", "Serial number", "Product Key"),
)
USERS = Kind(
    "users",
    Layout(
        said("id", "Employee Number", "Employee No."),
        said("first", "First Name"),
        said("last", "Last Name"),
        said("name", "Name", "Full Name", "Display Name"),
        said("email", "Email", parse=cells.email),
        note("user name", "Username", parse=cells.email),
        said("title", "Job Title", "Title"),
        said("location", "Location"),
        note("department", "Department"),
        note("login enabled", "Activated", "Login Enabled"),
        said("left_on", "End Date", parse=cells.day),
        note("hired on", "Start Date", parse=cells.day),
        note("work phone", "Phone", parse=cells.phone),
        note("mobile phone", "Mobile", parse=cells.phone),
        note("supervisor", "Manager"),
        note("company", "Company"),
        note("remote", "Remote"),
        note("vip", "VIP"),
    ),
    ("Username", "Activated", "VIP", "Remote", "Employee Number", "Login Enabled", "Autoassign Licenses"),
    _user,
    enough=3,
)
SNIPEIT = Feed("snipeit", "Snipe-IT assets, licences, users (CSV)", ASSETS, LICENCES, USERS)
