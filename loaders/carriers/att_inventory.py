"""AT&T Premier / FirstNet inventory and upgrade eligibility exports (43 to 44 columns and the customer's own).

A row is a line: its service, the device in it, and what SIM and IMEI the network saw. Columns are matched by name; the
customer's own ones (department, asset tag, UDL) stand in between and become attributes of the line. The rate plan and
the contract's words stay attributes; the contract's end date is the line's term end.
"""

from __future__ import annotations

import re
from typing import Any

from loaders.contract import Cells, Named
from loaders.feeds import cells
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.feeds.mdm import kind_of
from loaders.names import number_key
from loaders.reading.declare import Layout, RowError

Row = dict[str, Any]
_MACHINES = re.compile(r"connected|m2m|\biot\b|telemet|modem|sensor|camera|tracker|vehicle|meter", re.IGNORECASE)
_STATUS = (
    (r"suspend|hold", "suspended"),
    (r"cancel|disconnect|deactiv|inactive|terminat", "disconnected"),
    (r"reserv|pending|order", "ordered"),
    (r"activ", "active"),
)


def status_of(text: str | None, notes: Notes) -> str | None:
    """The canonical status of a carrier's word; None, with a remark, for one that is unknown."""
    if text is None:
        return None
    found = next((status for pattern, status in _STATUS if re.search(pattern, text.casefold())), None)
    if found is None:
        notes.add(f'the status "{text}" is unknown and was left out', text)
    return found


def line_rows(row: Row, carrier: tuple[str, str], notes: Notes) -> list[tuple[str, Cells]]:
    """The service, device and SIM observation of one row of a carrier's inventory, by the keys of the layouts here.

    `carrier` is (id, name) where no carrier of the store has either.

    Raises:
        RowError: for a row without a wireless number.
    """
    number = row["number"]
    if number is None or not number.strip("0"):
        raise RowError("Wireless number", number or "", "a wireless number")
    ident, name = carrier
    whole_number = number_key(number, "US")
    own_id = f"{ident}:{row['account'] or 'lines'}:{whole_number.lstrip('+')}"
    service = Named("service", (number,), within=ident, otherwise=own_id)
    status = status_of(row["status"], notes)
    what = f"{row['device_type'] or ''} {row['plan'] or ''}".casefold()
    machine = _MACHINES.search(what)
    device_kind = kind_of(row["device_type"], row["model"])
    if machine and device_kind in {None, "phone"}:
        device_kind = "camera" if "camera" in what else "sensor" if "sensor" in what or "meter" in what else "other"
    found: Cells = {
        "carrier_id": Named("carrier", (ident, name), name=name),
        "service_id": service,
        "kind": "iot" if machine else "mobile",
        "device_kind": device_kind,
        "number": whole_number,
        "account_id": Named("account", (row["account"],), within=ident) if row["account"] else None,
        "employee_id": Named("employee", (row["email"],)) if row["email"] else None,
        "status": status,
        "activated_on": row["activated_on"],
        "disconnected_on": row["ended_on"] if status == "disconnected" else None,
        "term_end_on": row.get("term_end_on"),
        "attributes": {"rate plan": row["plan"], "user name": row["user"], "cost center": row.get("cost_center")},
    }
    made = [("services", {key: value for key, value in found.items() if value is not None})]
    imei = row["imei"]
    if imei:
        for wrong in (text for text in imei if not cells.check_digit_fits(text)):
            notes.add("the IMEI's check digit does not fit", wrong)
        maker, model = row.get("make"), row["model"]
        whole = model if not maker or (model and maker.casefold() in model.casefold()) else f"{maker} {model or ''}"
        device: Cells = {
            "device_id": Named("device", imei, otherwise=f"{ident}:{imei[0]}"),
            "service_id": service,
            "kind": device_kind,
            "imei": imei[0],
            "model": whole.strip() if whole else None,
            "assigned_on": row.get("device_on"),
        }
        made.append(("devices", {key: value for key, value in device.items() if value is not None}))
    seen = row.get("network_imei") or imei
    if row["seen_on"] and (seen or row["iccid"]):
        observed: Cells = {"service_id": service, "observed_on": row["seen_on"], "iccid": row["iccid"]}
        made.append(("sim_observations", {**observed, "imei": seen[0] if seen else None}))
    return made


def _line(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    if row["network_imei"] and row["imei"] and row["network_imei"][0][:14] != row["imei"][0][:14]:
        notes.add("the network sees another device than the inventory names", row["number"] or "")
    return line_rows(row, ("att", "AT&T Mobility"), notes)


ATT_INVENTORY = Feed(
    "att_inventory",
    "AT&T / FirstNet inventory or upgrade eligibility (CSV)",
    Kind(
        "lines",
        Layout(
            said("seen_on", "Last updated date", parse=cells.day),
            note("foundation account", "Foundation account"),
            said("foundation_name", "Foundation account name"),
            said("account", "Billing account number", needed=True),
            said("account_name", "Billing account name"),
            said("number", "Wireless number", parse=cells.phone, needed=True),
            said("user", "Wireless user name"),
            said("status", "Status", needed=True),
            said("ended_on", "Status effective date", parse=cells.day),
            said("plan", "Rate plan name"),
            note("pcn", "PCN"),
            said("device_type", "Device type"),
            said("imei", "Device IMEI", parse=cells.imeis),
            said("make", "Device make"),
            said("model", "Device model"),
            note("network imei mismatch", "Network IMEI mismatch"),
            said("network_imei", "Device IMEI (network)", parse=cells.imeis),
            note("network device make", "Device make (network)"),
            note("network device model", "Device model (network)"),
            note("operating system", "Operating system"),
            note("os version", "Operating system version"),
            note("imei software version", "IMEI software version"),
            note("sim type", "SIM Type"),
            note("sim network", "SIM network"),
            said("iccid", "SIM number (ICCID)", parse=cells.iccid),
            note("rate plan code", "Rate plan SOC: Name"),
            note("group", "Group ID"),
            note("group plan", "Group plan SOC: Name"),
            note("group line plan", "Group line SOC: Name"),
            note("primary line", "Primary line"),
            said("activated_on", "Activation date", parse=cells.day),
            note("last upgrade", "Last upgrade date", parse=cells.day),
            note("upgrade in progress", "Upgrade in progress"),
            note("contract type", "Contract type"),
            note("contract start", "Contract start date", parse=cells.day),
            said("term_end_on", "Contract end date", parse=cells.day),
            note("contract term", "Contract term"),
            note("contract status", "Contract status"),
            said("email", "Email address", parse=cells.email),
            note("place of use", "Primary place of use"),
            said("device_on", "Device effective date", parse=cells.day),
            note("monthly installment", "Monthly installment"),
        ),
        (
            *("Billing account number", "Wireless user name", "Status effective date", "Network IMEI mismatch"),
            *("SIM number (ICCID)", "Rate plan SOC: Name", "Last upgrade date", "Contract status", "SIM Type"),
        ),
        _line,
        enough=4,
    ),
)
