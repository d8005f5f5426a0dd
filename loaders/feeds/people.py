"""Employee lists as HR systems export them (BambooHR, Workday, Microsoft Entra and the like): who, where, until when.

A row updates the employee with the same id; in a list without ids, the one with the same e-mail. Department and
location become cost center and site where our books name them so; those that are unknown are made and marked
unconfirmed. A termination date makes a leaver; one in the future is kept and the status stays as the list has it.
Columns that no expense system needs (birth date, salary, home address ...) never enter the store.
"""

from __future__ import annotations

import re
from typing import Any

from loaders.contract import Cells, Named
from loaders.feeds import cells
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.reading.declare import Layout, RowError

_STATUS = {
    "active": "active",
    "employed": "active",
    "current": "active",
    "enabled": "active",
    "true": "active",
    "yes": "active",
    "1": "active",
    "full-time": "active",
    "part-time": "active",
    "full time": "active",
    "part time": "active",
    "contractor": "active",
    "probation": "active",
    "on leave": "leave",
    "leave": "leave",
    "leave of absence": "leave",
    "maternity leave": "leave",
    "parental leave": "leave",
    "sabbatical": "leave",
    "suspended": "leave",
    "inactive": "left",
    "terminated": "left",
    "left": "left",
    "resigned": "left",
    "retired": "left",
    "former": "left",
    "disabled": "left",
    "false": "left",
    "no": "left",
    "0": "left",
}
_ACTIVE = ("Status", "Employment Status", "Employee Status", "Worker Status", "Active Status", "Active", "Activated")


def person(row: dict[str, Any], notes: Notes, *, cost_center: str | None = None) -> Cells:
    """Cells of an employee out of a row with the keys that :data:`LAYOUT` declares.

    Raises:
        RowError: if neither an id nor an e-mail says who it is.
    """
    ident, email = row.get("id"), row.get("email")
    if not ident and not email:
        raise RowError("Employee ID", "", "an employee id or an e-mail address")
    name = row.get("name") or " ".join(filter(None, (row.get("preferred") or row.get("first"), row.get("last"))))
    found: Cells = {
        "employee_id": Named("employee", (str(ident or email),), otherwise=ident or email),
        "name": name or None,
        "email": email,
        "role": row.get("title"),
        "country": _country(row.get("country"), notes),
    }
    center = row.get("center_id") or row.get("center") or cost_center
    if center:
        found["cost_center_id"] = Named("cost_center", (center,), name=row.get("center") or center)
    if row.get("location"):
        found["site_id"] = Named("site", (row["location"],))
    found |= _employment(row, notes)
    return {key: value for key, value in found.items() if value is not None or key in {"left_on", "leave_to"}}


def _employment(row: dict[str, Any], notes: Notes) -> Cells:
    text, left_on = row.get("status"), row.get("left_on")
    status = None
    if text:
        key = text.casefold().replace("_", " ").strip()
        words = [word for word in _STATUS if key == word or key.startswith(f"{word} ") or key.endswith(f" {word}")]
        status = _STATUS[max(words, key=len)] if words else None
        if status is None:
            notes.add(f'the status "{text}" is unknown and was left out', row.get("id") or row.get("email") or "")
    if status is None and left_on:
        status = "left"
    result: Cells = {"status": status} if status else {}
    if left_on:
        result["left_on"] = left_on
    elif status in {"active", "leave"}:
        result["left_on"] = None  # somebody who came back
    elif status == "left":
        notes.add("somebody left, but the list does not say when", row.get("id") or row.get("email") or "")
    for key in ("leave_from", "leave_to"):
        if row.get(key):
            result[key] = row[key]
    return result


def _country(text: str | None, notes: Notes) -> str | None:
    if text is None or len(text) == 2:
        return text.upper() if text else None
    code = _COUNTRIES.get(text.casefold().replace("the ", ""))
    if code is None:
        notes.add("the country is no ISO code and was left out", text)
    return code


def _countries() -> dict[str, str]:
    from babel import Locale

    names = {str(name).casefold(): code for code, name in Locale("en").territories.items() if len(code) == 2}
    return names | {"usa": "US", "united states of america": "US", "uk": "GB", "great britain": "GB", "holland": "NL"}


_COUNTRIES: dict[str, str] = {}


def _rows(row: dict[str, Any], notes: Notes) -> list[tuple[str, Cells]]:
    if not _COUNTRIES:
        _COUNTRIES.update(_countries())
    made = person(row, notes)
    attributes = {"department": row["department"]} if row["department"] else {}
    if row["department"] and "cost_center_id" not in made:
        made["cost_center_id"] = Named("cost_center", (row["department"],))
    return [("employees", {**made, "attributes": attributes})]


LAYOUT = Layout(
    said("id", "Employee ID", "Employee #", "Employee Number", "EmployeeID", "Worker ID", "EEID", "Person ID"),
    said(
        "name",
        "Display name",
        "Full Name",
        "Name",
        "Worker",
        "Worker Name",
        "Legal Name",
        "Employee Name",
        "displayName",
    ),
    said("first", "First Name", "Legal First Name", "Given name", "firstName"),
    said("preferred", "Preferred Name", "Preferred First Name", "preferredName"),
    said("last", "Last Name", "Legal Last Name", "Surname", "lastName"),
    said(
        "email",
        *("Work Email", "Email", "Email Address", "Primary Work Email", "Email - Primary Work", "Business Email"),
        *("workEmail", "Work Email Address", "User principal name", "mail"),
        parse=cells.email,
    ),
    said("title", "Job title", "Title", "Job Profile", "Business Title", "Position", "Position Title", "Role"),
    said("department", "Department", "Supervisory Organization", "Team", "Organization"),
    said(
        "center_id", "Cost Center ID", "Cost Center - ID", "Cost Center Code", "Cost centre code", "Cost Center Number"
    ),
    said("center", "Cost Center", "Cost Centre", "Cost Center - Name", "Cost Center Name"),
    said(
        "location",
        "Location",
        "Work Location",
        "Office",
        "Site",
        "Primary Location",
        "Location Name",
        "Office location",
    ),
    said("country", "Country", "Country Code", "Location Country", "Work Country", "Country/Region"),
    said("status", *_ACTIVE),
    said(
        "left_on",
        *(
            "Termination Date",
            "Last Day of Work",
            "Leaving Date",
            "End Date",
            "Left On",
            "Exit Date",
            "terminationDate",
        ),
        parse=cells.day,
    ),
    said("leave_from", "Leave Start Date", "First Day of Leave", "Leave From", parse=cells.day),
    said("leave_to", "Leave End Date", "Estimated Last Day of Leave", "Leave To", parse=cells.day),
    note("hired on", "Hire Date", "Start Date", "Original Hire Date", "Continuous Service Date", parse=cells.day),
    note("supervisor", "Supervisor", "Manager", "Reports To", "Reporting to", "Worker's Manager"),
    note("division", "Division", "Business Unit", "Company"),
    note("work phone", "Work phone", "Business phone", "Primary Work Phone", parse=cells.phone),
    note("mobile phone", "Mobile phone", "Mobile", "Work Mobile", parse=cells.phone),
    note("user name", "Username", "User name", "Login", "Network ID", parse=cells.email),
)
EMPLOYEES = Feed(
    "employees",
    "Employee list (BambooHR, Workday or alike)",
    Kind(
        "employees",
        LAYOUT,
        (
            *("Employee ID", "Employee #", "Employee Number", "Worker ID", "EEID", "Job title", "Business Title"),
            *(
                "Work Email",
                "Primary Work Email",
                "Email - Primary Work",
                "Hire Date",
                "Termination Date",
                "Supervisor",
            ),
            *("Supervisory Organization", "Worker Status", "Employment Status", "Worker", "Cost Center", "Department"),
        ),
        _rows,
        enough=3,
        never=re.compile(r"charge|invoice|\bbill(ed|ing)?\b|imei|iccid|rate ?plan|usage|wireless", re.IGNORECASE),
    ),
)
