"""NetBox circuits, their terminations, provider accounts and providers: import files and table exports alike.

A circuit is a service of kind `circuit` whose number is its circuit id; an id that our books have already (blanks,
dashes and case apart) is the same service. The A side's site is the service's site. A provider is a carrier, a provider
account an account. The date `Terminates` is when the circuit's contract ends, or when a decommissioned circuit went.
"""

from __future__ import annotations

from typing import Any

from loaders.contract import Cells, IfNew, Named
from loaders.feeds import cells
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.names import slug
from loaders.reading.declare import Layout, RowError

Row = dict[str, Any]
_STATUS = {
    "planned": "ordered",
    "provisioning": "ordered",
    "active": "active",
    "offline": "suspended",
    "deprovisioning": "active",
    "decommissioned": "disconnected",
}


def _circuit(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    if row["cid"] is None:
        raise RowError("cid", "", "the circuit id")
    provider = row["provider"]
    status = _STATUS.get((row["status"] or "").casefold())
    if row["status"] and status is None:
        notes.add(f'the status "{row["status"]}" is unknown and was left out', row["cid"])
    found: Cells = {
        "service_id": Named(
            "service", (row["cid"],), within=provider, otherwise=f"netbox:{slug(provider or '')}:{row['cid']}"
        ),
        "kind": IfNew("internet" if "internet" in (row["type"] or "").casefold() else "circuit"),
        "number": IfNew(row["cid"]),
        "carrier_id": Named("carrier", (provider,)) if provider else None,
        "account_id": Named("account", (row["account"],), within=provider) if provider and row["account"] else None,
        "site_id": Named("site", (row["side_a"],)) if row["side_a"] else None,
        "status": status,
        "activated_on": row["installed_on"],
        "attributes": {"circuit type": row["type"], "far site": row["side_z"], "committed kbps": row["commit_rate"]},
    }
    if row["ends_on"]:
        found["disconnected_on" if status == "disconnected" else "term_end_on"] = row["ends_on"]
    return [("services", {name: value for name, value in found.items() if value is not None})]


def _termination(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    if row["circuit"] is None or row["side"] is None:
        raise RowError("circuit" if row["circuit"] is None else "term_side", "", "a value")
    side = row["side"].upper()
    if side not in {"A", "Z"}:
        raise RowError("term_side", row["side"], "A or Z")
    scope = (row["scope_type"] or "site").casefold()
    place = row["site"] or (f"site {row['scope_id']}" if row["scope_id"] else None)
    found: Cells = {"service_id": Named("service", (row["circuit"],))}
    if side == "A" and row["site"] and scope.endswith("site"):
        found["site_id"] = Named("site", (row["site"],))
    named = {f"{side} side": place, f"{side} port kbps": row["speed"], f"{side} upstream kbps": row["upstream"]}
    found["attributes"] = {name: value for name, value in named.items() if value}
    return [("services", found)]


def _account(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    if row["provider"] is None or row["account"] is None:
        raise RowError("provider" if row["provider"] is None else "account", "", "a value")
    provider = row["provider"]
    ident = f"{slug(provider)}:{row['account']}"
    found: Cells = {
        "account_id": Named("account", (row["account"],), within=provider, otherwise=ident),
        "carrier_id": Named("carrier", (provider,)),
        "number": row["account"],
        "name": row["name"],
    }
    return [("accounts", {name: value for name, value in found.items() if value is not None})]


def _provider(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    name = row["name"] or row["slug"]
    if name is None:
        raise RowError("name", "", "the provider's name")
    texts = tuple(filter(None, (row["name"], row["slug"])))
    return [("carriers", {"carrier_id": Named("carrier", texts, otherwise=slug(name)), "name": name})]


CIRCUITS = Kind(
    "circuits",
    Layout(
        said("cid", "cid", "Circuit ID", needed=True),
        said("provider", "provider", "Provider", needed=True),
        said("account", "provider_account", "Account", "Provider Account"),
        said("type", "type", "Type"),
        said("status", "status", "Status"),
        note("tenant", "tenant", "Tenant"),
        said("installed_on", "install_date", "Installed", "Install date", parse=cells.day),
        said("ends_on", "termination_date", "Terminates", "Termination date", parse=cells.day),
        said("commit_rate", "commit_rate", "Commit Rate", "Commit Rate (Kbps)"),
        said("side_a", "Side A", "Termination A", "termination_a"),
        said("side_z", "Side Z", "Termination Z", "termination_z"),
        note("distance", "distance", "Distance"),
        note("distance unit", "distance_unit"),
        note("description", "description", "Description"),
        note("comments", "comments", "Comments"),
        note("tags", "tags", "Tags"),
        note("netbox id", "id", "ID"),
    ),
    (
        "cid",
        "Circuit ID",
        "provider_account",
        "commit_rate",
        "install_date",
        "termination_date",
        "Side A",
        "Commit Rate",
    ),
    _circuit,
    enough=2,
)
TERMINATIONS = Kind(
    "circuit terminations",
    Layout(
        said("circuit", "circuit", "Circuit", needed=True),
        said("side", "term_side", "Side", "Term Side", needed=True),
        said("scope_type", "scope_type", "termination_type", "Termination type"),
        said("scope_id", "scope_id", "termination_id"),
        said("site", "site", "Site", "Termination", "Termination Point", "scope"),
        said("speed", "port_speed", "Port speed", "Port Speed (Kbps)"),
        said("upstream", "upstream_speed", "Upstream speed", "Upstream Speed (Kbps)"),
        note("cross-connect", "xconnect_id", "Cross-connect ID", "XConnect ID"),
        note("patch panel", "pp_info", "Patch panel/port(s)", "PP Info"),
        note("description", "description", "Description"),
    ),
    (
        "term_side",
        "Term Side",
        "port_speed",
        "Port Speed",
        "xconnect_id",
        "pp_info",
        "upstream_speed",
        "Cross-connect ID",
    ),
    _termination,
    enough=2,
)
ACCOUNTS = Kind(
    "provider accounts",
    Layout(
        said("provider", "provider", "Provider", needed=True),
        said("account", "account", "Account", "Account ID", needed=True),
        said("name", "name", "Name"),
        note("description", "description", "Description"),
        note("comments", "comments", "Comments"),
        note("tags", "tags", "Tags"),
        note("netbox id", "id", "ID"),
    ),
    ("provider", "account", "name", "description"),
    _account,
    enough=3,
)
PROVIDERS = Kind(
    "providers",
    Layout(
        said("name", "name", "Name", needed=True),
        said("slug", "slug", "Slug", needed=True),
        note("asns", "asns", "ASNs"),
        note("description", "description", "Description"),
        note("comments", "comments", "Comments"),
        note("tags", "tags", "Tags"),
    ),
    ("name", "slug", "asns", "ASNs", "accounts", "circuit_count"),
    _provider,
    enough=3,
)
NETBOX = Feed(
    "netbox", "NetBox circuits, terminations, provider accounts (CSV)", PROVIDERS, ACCOUNTS, CIRCUITS, TERMINATIONS
)
