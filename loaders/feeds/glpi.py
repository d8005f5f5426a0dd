"""GLPI lines (and the SIM cards on them): the CSV that a search list exports.

A line is a service; one with the same number at the same operator is the same service. The operator may carry its codes
(`Orange (208/01)`). PIN and PUK columns never enter the store.
"""

from __future__ import annotations

import re
from typing import Any

from loaders.contract import Cells, IfNew, Named
from loaders.feeds import cells
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.reading.declare import Layout, RowError

Row = dict[str, Any]
_KINDS = (
    (r"m2m|iot|telemetr|gps", "iot"),
    (r"sip|trunk|t2|isdn pri", "sip_trunk"),
    (r"fixe|fixed|land|analog|isdn|t0|pstn|pots", "fixed_voice"),
    (r"fib|dsl|internet|sdsl|ftt", "internet"),
    (r"mobile|data|voix|voice|gsm|4g|5g|smartphone|cell", "mobile"),
)
_STATUS = (
    (r"suspend", "suspended"),
    (r"order|command|pending|attente", "ordered"),
    (r"terminat|cancel|r[ée]sili|disconnect|inactive|close", "disconnected"),
    (r"activ|use|service|production|en cours", "active"),
)


def _match(table: tuple[tuple[str, str], ...], text: str | None) -> str | None:
    return next((value for pattern, value in table if re.search(pattern, (text or "").casefold())), None)


def _line(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    number = row["number"] or row["name"]
    if number is None:
        raise RowError("Caller number", "", "the line's number or name")
    operator = re.sub(r"\s*\(\s*\d{3}\s*/?\s*\d{0,3}\s*\)\s*$", "", row["operator"] or "") or None
    status = _match(_STATUS, row["status"])
    if row["status"] and status is None:
        notes.add(f'the status "{row["status"]}" is unknown and was left out', number)
    kind = _match(_KINDS, row["type"])
    if row["type"] and kind is None:
        notes.add(f'the line type "{row["type"]}" is unknown: read as other', number)
        kind = "other"
    found: Cells = {
        "service_id": Named("service", (number,), within=operator, otherwise=f"glpi:{row['id'] or number}"),
        "kind": IfNew(kind) if kind else None,
        "number": IfNew(number),
        "carrier_id": Named("carrier", (operator,)) if operator else None,
        "employee_id": Named("employee", (row["user"],) if row["user"] else ()),
        "site_id": Named("site", (row["location"],)) if row["location"] else None,
        "status": status,
        "attributes": {"iccid": row["iccid"], "line name": row["name"] if row["number"] else None},
    }
    return [("services", {name: value for name, value in found.items() if value is not None})]


GLPI = Feed(
    "glpi",
    "GLPI lines (CSV)",
    Kind(
        "lines",
        Layout(
            said("id", "ID", "id"),
            said("name", "Name", "Nom", "name"),
            said("number", "Caller number", "caller_num", "Numéro de l'appelant", "Caller num", parse=cells.phone),
            note("caller name", "Caller name", "caller_name", "Nom de l'appelant"),
            said("operator", "Line operator", "lineoperators_id", "Operator", "Opérateur de ligne", "Opérateur"),
            said("type", "Line type", "linetypes_id", "Type", "Type de ligne"),
            said("status", "Status", "states_id", "Statut", "State"),
            said("user", "User", "users_id", "Utilisateur"),
            note("group", "Group", "groups_id", "Groupe"),
            said("location", "Location", "locations_id", "Lieu"),
            said("iccid", "Serial number", "SIM card serial", "ICCID", "Simcard", parse=cells.iccid),
            note("msin", "MSIN", "Mobile Subscriber Identification Number"),
            note("entity", "Entity", "entities_id", "Entité"),
            note("comments", "Comments", "comment", "Commentaires"),
        ),
        (
            *(
                "Caller number",
                "Caller name",
                "Line operator",
                "Line type",
                "caller_num",
                "caller_name",
                "linetypes_id",
            ),
            *("lineoperators_id", "Numéro de l'appelant", "Opérateur de ligne", "Type de ligne", "Nom de l'appelant"),
        ),
        _line,
        enough=2,
    ),
)
