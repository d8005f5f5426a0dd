"""The normalized store: one SQLAlchemy metadata for every engine.

Canonical tables carry the names and columns of `interfaces.md` section 2; system tables hold what the product adds.
"""

from __future__ import annotations

from sqlalchemy import Table

from core.schema import billing, contracts, inventory, reference, rollups, usage, work
from core.schema.columns import metadata

#: Canonical tables in the order in which a folder is loaded: what is named comes before what names it.
CANONICAL: tuple[str, ...] = (
    *("carriers", "sites", "cost_centers", "employees", "employee_history", "accounts"),
    *("contracts", "contract_tiers", "contract_rates", "plans", "offer_terms", "items"),
    *("services", "service_history", "service_items", "coverage", "devices", "sim_observations", "orders"),
    *("invoices", "charges", "payments", "usage", "usage_events"),
    *("credits_promised", "tax_rules", "fx_rates", "travel", "policy_exemptions", "budgets"),
)

TABLES: dict[str, Table] = dict(metadata.tables)

#: For each table, the columns that hold millionths.
MICRO_COLUMNS: dict[str, frozenset[str]] = {
    name: frozenset(c.name for c in table.columns if c.info.get("kind") == "micro") for name, table in TABLES.items()
}

#: For each canonical table, its columns in the order of `interfaces.md`, without surrogate key, batch and attributes.
CANONICAL_COLUMNS: dict[str, tuple[str, ...]] = {name: TABLES[name].info["columns"] for name in CANONICAL}

__all__ = [
    "CANONICAL",
    "CANONICAL_COLUMNS",
    "MICRO_COLUMNS",
    "TABLES",
    "billing",
    "contracts",
    "inventory",
    "metadata",
    "reference",
    "rollups",
    "usage",
    "work",
]
