"""What a mapping profile can map onto: the canonical tables, `bill` and `line_usage`.

`bill` is what carriers really export: each row repeats account, invoice and dates, names a line and bears one amount,
or one amount per category side by side. `line_usage` is usage by the printed number, a row for each line and month.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from core.schema import CANONICAL, CANONICAL_COLUMNS, TABLES
from loaders.taxonomy import CATEGORIES

BILL = "bill"
LINE_USAGE = "line_usage"
TARGETS: tuple[str, ...] = (BILL, LINE_USAGE, *CANONICAL)


@dataclass(frozen=True, slots=True)
class Target:
    """One field that a column can be mapped to. `kind`: text, micro, day, month, stamp, integer, flag, json."""

    name: str
    kind: str
    required: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""
    label: str = ""

    @property
    def title(self) -> str:
        """The name in words."""
        return self.label or self.name.replace("_", " ").capitalize()


#: Wide exports have one column for each of these: the amount of a category.
WIDE = tuple(f"amount_{category}" for category in CATEGORIES)
#: Amount fields in the order in which a row's charges are made.
AMOUNTS = ("amount", *WIDE)
#: Quantity fields: usage type, unit, how many of the field's unit make one.
USED = {
    "data_gb": ("data", "MB", 1024, 1),
    "data_mb": ("data", "MB", 1, 1),
    "data_kb": ("data", "MB", 1, 1024),
    "voice_min": ("voice", "min", 1, 1),
    "voice_seconds": ("voice", "min", 1, 60),
    "sms": ("sms", "msg", 1, 1),
}
INVOICE_FIELDS = (
    *("carrier_id", "carrier_name", "country", "account_number", "account_name", "invoice_number", "issued_on"),
    *("period_start", "period_end", "due_on", "currency", "invoice_total", "previous_balance", "payments"),
)

_BILL_FIELDS = (
    Target("carrier_id", "text", True, help="short name, the same for all its files, such as nordtel", label="Carrier"),
    Target("carrier_name", "text", help="only where the carrier is new"),
    Target("country", "text", help="two letters; used to read phone numbers"),
    Target("account_number", "text", True),
    Target("account_name", "text"),
    Target("invoice_number", "text", help="without one, account number and invoice date make it"),
    Target("issued_on", "day", True, label="Invoice date"),
    Target("period_start", "day"),
    Target("period_end", "day"),
    Target("due_on", "day"),
    Target("currency", "text", True, help="three letters"),
    Target("invoice_total", "micro", help="the printed total, repeated in every row; the charges are tied to it"),
    Target("previous_balance", "micro"),
    Target("payments", "micro"),
    Target(
        *("number", "text"),
        help="phone number, circuit or other id of the line; blank = the account itself",
        label="Line (phone number or id)",
    ),
    Target("user_name", "text"),
    Target("cost_center", "text"),
    Target("plan", "text", help="the line's plan as the carrier calls it"),
    Target("category", "text", help="the carrier's own word; translate it with `values`, else the charge rules decide"),
    Target("item_code", "text"),
    Target("description", "text"),
    Target("quantity", "micro"),
    Target("unit", "text"),
    Target("unit_rate", "micro"),
    Target("charge_start", "day"),
    Target("charge_end", "day"),
    Target("amount", "micro", help="the charge, net of tax where tax stands apart"),
    *(Target(name, "micro", help=f"the row's amount of category {name[7:]}") for name in WIDE),
    Target("row_total", "micro", help="the sum of the row's amounts; checked"),
    *(Target(name, "micro", help=f"{kind} used") for name, (kind, *_) in USED.items()),
)


_USAGE_FIELDS = (
    Target("carrier_id", "text", True, label="Carrier"),
    Target("country", "text", help="two letters; used to read phone numbers"),
    Target("number", "text", True, label="Line (phone number or id)"),
    Target("month", "month", True, help="a month, or any day of it"),
    Target("zone", "text", choices=TABLES["usage"].c.zone.info["choices"], help="blank = home"),
    *(Target(name, "micro", help=f"{kind} used") for name, (kind, *_) in USED.items()),
)


@lru_cache(maxsize=64)
def fields(table: str) -> dict[str, Target]:
    """The fields of a target, by name, in order."""
    if table == BILL:
        return {target.name: target for target in _BILL_FIELDS}
    if table == LINE_USAGE:
        return {target.name: target for target in _USAGE_FIELDS}
    found = {}
    for name in CANONICAL_COLUMNS[table]:
        column = TABLES[table].c[name]
        choices = tuple(column.info.get("choices") or ())
        found[name] = Target(name, column.info["kind"], not column.nullable, choices)
    return found
