"""What a load asks the store, inside its own write transaction: known ids, existing rows, sums, batches."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    cast,
    column,
    delete,
    func,
    intersect,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy import Text as SqlText

from core.schema import CANONICAL, TABLES
from core.schema.billing import charges, invoices
from core.schema.inventory import service_history, services
from core.schema.reference import accounts
from core.schema.usage import usage, usage_events
from core.schema.work import batch_files, batches, quarantine, record_history
from core.store import Reader, Store, Txn

Row = dict[str, Any]
_SLICE = 50_000


def _among(txn: Reader, target: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """`target` is one of `values`, bound as one parameter however many there are."""
    document = json.dumps(list(values), ensure_ascii=False)
    if txn.connection.dialect.name == "postgresql":
        return cast(target, SqlText).in_(select(column("value")).select_from(_elements(document)))
    return target.in_(select(column("value")).select_from(func.json_each(document).table_valued("value")))


def _jsonb() -> Any:
    from sqlalchemy.dialects.postgresql import JSONB

    return JSONB()


def _elements(document: str) -> Any:
    return func.jsonb_array_elements_text(cast(literal(document), _jsonb())).table_valued("value")


def _slices(values: Collection[Any]) -> Iterator[list[Any]]:
    listed = sorted(values, key=str)
    for start in range(0, len(listed), _SLICE):
        yield listed[start : start + _SLICE]


def rows_by(txn: Reader, table: str, name: str, values: Collection[Any]) -> list[Row]:
    """Whole rows of `table` whose column `name` is one of `values`, in primary key order."""
    target = TABLES[table]
    found: list[Row] = []
    for part in _slices(values):
        query = select(target).where(_among(txn, target.c[name], part)).order_by(*target.primary_key.columns)
        found.extend(dict(row) for row in txn.connection.execute(query).mappings())
    return found


def known(txn: Reader, table: str, name: str, values: Collection[Any] | None = None) -> set[Any]:
    """Which of `values` (all, if None) the column holds."""
    target = TABLES[table].c[name]
    if values is None:
        return {row[0] for row in txn.connection.execute(select(target).distinct()) if row[0] is not None}
    result: set[Any] = set()
    for part in _slices(values):
        result.update(row[0] for row in txn.connection.execute(select(target).where(_among(txn, target, part))))
    return result


def all_rows(txn: Reader, table: str) -> list[Row]:
    """Every row of a table, in primary key order."""
    target = TABLES[table]
    return [
        dict(row) for row in txn.connection.execute(select(target).order_by(*target.primary_key.columns)).mappings()
    ]


def any_row(txn: Reader, table: str) -> bool:
    """Whether the table holds anything."""
    target = TABLES[table]
    return txn.scalar(select(next(iter(target.primary_key.columns))).limit(1)) is not None


def file_batches(txn: Reader, hashes: Collection[str]) -> dict[str, Row]:
    """For each content hash that a live batch holds: its batch_files row of the newest such batch."""
    joined = batch_files.join(batches, batches.c.batch_id == batch_files.c.batch_id)
    query = (
        select(batch_files)
        .select_from(joined)
        .where(batches.c.state == "committed", batch_files.c.content_sha256.in_(list(hashes)))
        .order_by(batch_files.c.row_id)
    )
    return {row["content_sha256"]: dict(row) for row in txn.connection.execute(query).mappings()}


def invoices_by_number(txn: Reader, pairs: Collection[tuple[str, str]]) -> list[Row]:
    """Invoices whose (account_id, number) is one of `pairs`."""
    wanted = set(pairs)
    found = rows_by(txn, "invoices", "account_id", {account for account, _ in wanted})
    return [row for row in found if (row["account_id"], row["number"]) in wanted]


def charge_sums(txn: Reader, invoice_ids: Collection[str]) -> dict[str, int]:
    """Sum of the charges of each invoice, in micros; invoices without a charge are absent."""
    result: dict[str, int] = {}
    for part in _slices(invoice_ids):
        query = (
            select(charges.c.invoice_id, func.sum(charges.c.amount))
            .where(_among(txn, charges.c.invoice_id, part))
            .group_by(charges.c.invoice_id)
        )
        result.update({row[0]: int(row[1]) for row in txn.connection.execute(query)})
    return result


def line_counts(txn: Reader, invoice_ids: Collection[str]) -> dict[str, int]:
    """How many numbers each invoice bills; invoices without any are absent."""
    result: dict[str, int] = {}
    for part in _slices(invoice_ids):
        query = (
            select(charges.c.invoice_id, func.count(charges.c.billed_number.distinct()))
            .where(_among(txn, charges.c.invoice_id, part), charges.c.billed_number.is_not(None))
            .group_by(charges.c.invoice_id)
        )
        result.update({row[0]: int(row[1]) for row in txn.connection.execute(query)})
    return result


def invoices_before(txn: Reader, batch_id: int, account_ids: Collection[str]) -> list[Row]:
    """The invoices of these accounts that older batches hold, in the order of their issue."""
    found: list[Row] = []
    for part in _slices(account_ids):
        query = select(invoices).where(invoices.c.batch_id < batch_id, _among(txn, invoices.c.account_id, part))
        found.extend(dict(row) for row in txn.connection.execute(query).mappings())
    return sorted(found, key=lambda row: (row["issued_on"] or "", row["invoice_id"]))


def services_charged(txn: Reader, batch_id: int, but: str) -> set[str]:
    """The services that the invoices of a batch charge, except the invoice `but`."""
    query = (
        select(charges.c.service_id)
        .join(invoices, invoices.c.invoice_id == charges.c.invoice_id)
        .where(invoices.c.batch_id == batch_id, invoices.c.invoice_id != but, charges.c.service_id.is_not(None))
        .distinct()
    )
    return {row[0] for row in txn.connection.execute(query)}


def use_in_batch(txn: Reader, table: str, batch_id: int, service_ids: Collection[str]) -> list[Row]:
    """Rows of `usage` or `usage_events` that a batch gave for these services."""
    target = TABLES[table]
    found: list[Row] = []
    for part in _slices(service_ids):
        query = select(target).where(_among(txn, target.c.service_id, part), target.c.batch_id == batch_id)
        found.extend(dict(row) for row in txn.connection.execute(query.order_by(target.c.row_id)).mappings())
    return found


def drop_rows(txn: Txn, table: str, row_ids: Collection[int]) -> None:
    """Take rows with surrogate keys out of a table, however many."""
    target = TABLES[table]
    for part in _slices(row_ids):
        txn.execute(delete(target).where(_among(txn, target.c.row_id, part)))


class Repeats:
    """A batch's rows of a table that equal, value by value, a row of an older batch.

    For facts without an id of their own (usage, events, payments): files that overlap must not count twice. A set
    operation finds them, sorted once whatever the number of rows that share a key; it takes two NULLs for equal. Rows
    of the services `but` are left alone.
    """

    def __init__(self, txn: Txn, table: str, batch_id: int, but: Collection[str] = ()) -> None:
        self._txn = txn
        self._batch_id = batch_id
        self._mine = TABLES[table]
        self._columns = [c for c in self._mine.c if c.name not in {"row_id", "batch_id"}]
        here = [self._mine.c.batch_id == batch_id]
        if but:
            here.append(not_(_among(txn, self._mine.c.service_id, sorted(but))))
        self._both = intersect(
            select(*self._columns).where(*here),
            select(*self._columns).where(self._mine.c.batch_id < batch_id),
        ).subquery("both")

    def __bool__(self) -> bool:
        return self._txn.scalar(select(literal(1)).select_from(self._both).limit(1)) is not None

    def _same(self) -> ColumnElement[bool]:
        pairs = [(self._both.c[c.name], c) for c in self._columns]
        return and_(*(both.is_not_distinct_from(c) if c.nullable else both == c for both, c in pairs))

    def older(self) -> list[Row]:
        """One of the older rows of each batch that has any."""
        mine = self._mine
        joined = select(func.min(mine.c.row_id)).join(self._both, self._same())
        found = joined.where(mine.c.batch_id < self._batch_id).group_by(mine.c.batch_id)
        idents = {row[0] for row in self._txn.connection.execute(found)}
        return rows_by(self._txn, mine.name, "row_id", idents)

    def sums(self) -> list[Row]:
        """Events added up as usage is: count, quantity, cost by service, month, usage type, zone, country, currency."""
        mine = self._mine
        month = func.substr(mine.c.started_at, 1, 7).label("month")
        key = [mine.c.service_id, month, mine.c.usage_type, mine.c.zone, mine.c.country, mine.c.currency]
        totals = [func.count().label("count"), func.sum(mine.c.quantity).label("quantity")]
        query = select(*key, *totals, func.sum(mine.c.cost).label("cost")).join(self._both, self._same())
        query = query.where(mine.c.batch_id == self._batch_id).group_by(*key).order_by(*key)
        return [dict(row) for row in self._txn.connection.execute(query).mappings()]

    def delete(self) -> int:
        """Remove them; returns how many there were."""
        mine = self._mine
        twins = select(mine.c.row_id).join(self._both, self._same()).where(mine.c.batch_id == self._batch_id)
        return self._txn.execute(delete(mine).where(mine.c.row_id.in_(twins)))


def report_batches(txn: Reader) -> set[int]:
    """Live batches that give use of lines without an invoice or single calls: portal reports, usage exports."""
    formats = ("verizon_report", "profile")
    query = select(batches.c.batch_id).where(batches.c.format.in_(formats), batches.c.state != "undone")
    for table in (invoices, usage_events):
        query = query.where(~select(table.c.batch_id).where(table.c.batch_id == batches.c.batch_id).exists())
    return {row[0] for row in txn.connection.execute(query)}


def changed_calls(txn: Reader, batch_id: int) -> tuple[int, int | None]:
    """How many events of a batch begin when an older one of the same line and number does, and the first such batch."""
    mine, older = usage_events, usage_events.alias("older")
    same = and_(
        older.c.service_id == mine.c.service_id,
        older.c.started_at == mine.c.started_at,
        older.c.usage_type == mine.c.usage_type,
        older.c.peer_number.is_not_distinct_from(mine.c.peer_number),
        older.c.batch_id < mine.c.batch_id,
    )
    query = select(func.count(mine.c.row_id.distinct()), func.min(older.c.batch_id)).join(older, same)
    count, first = txn.connection.execute(query.where(mine.c.batch_id == batch_id)).one()
    return int(count), first


def unmatched_charges(txn: Reader, carriers: Collection[str]) -> list[Row]:
    """Charges with a printed number but no service, of accounts of these carriers."""
    joined = charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id).join(
        accounts, accounts.c.account_id == invoices.c.account_id
    )
    query = (
        select(
            charges.c.charge_id,
            charges.c.billed_number,
            func.coalesce(charges.c.period_start, invoices.c.period_start, invoices.c.issued_on).label("day"),
            accounts.c.carrier_id,
            accounts.c.country,
        )
        .select_from(joined)
        .where(charges.c.service_id.is_(None), charges.c.billed_number.is_not(None))
        .where(accounts.c.carrier_id.in_(sorted(carriers)))
        .order_by(charges.c.charge_id)
    )
    return [dict(row) for row in txn.connection.execute(query).mappings()]


def set_service(txn: Txn, charge_ids: Mapping[str, str]) -> None:
    """Give each charge its service."""
    for charge_id, service_id in sorted(charge_ids.items()):
        txn.execute(update(charges).where(charges.c.charge_id == charge_id).values(service_id=service_id))


def move_facts(txn: Txn, old: str, new: str) -> None:
    """Hang everything that names the service `old` on the service `new`."""
    for name in ("charges", "usage", "usage_events", "sim_observations", "devices", "orders"):
        target = TABLES[name]
        txn.execute(update(target).where(target.c.service_id == old).values(service_id=new))


def accounts_with_inventory(txn: Reader) -> set[str]:
    """Accounts for which an inventory names services (not only their own bills)."""
    unconfirmed = func.coalesce(services.c.attributes, "").like('%"unconfirmed"%')
    query = select(services.c.account_id).where(services.c.account_id.is_not(None), ~unconfirmed).distinct()
    history = select(service_history.c.account_id).where(service_history.c.account_id.is_not(None)).distinct()
    return {row[0] for part in (query, history) for row in txn.connection.execute(part)}


def unconfirmed_services(txn: Reader) -> list[Row]:
    """Services that only bills name."""
    query = select(services).where(services.c.attributes.like('%"unconfirmed"%')).order_by(services.c.service_id)
    return [dict(row) for row in txn.connection.execute(query).mappings()]


def rows_with_attribute(txn: Reader, table: str, name: str) -> list[Row]:
    """Whole rows of `table` that have the attribute `name`, in primary key order."""
    target = TABLES[table]
    query = select(target).where(target.c.attributes.like(f'%"{name}"%')).order_by(*target.primary_key.columns)
    return [dict(row) for row in txn.connection.execute(query).mappings()]


def fact_months(txn: Reader, batch_id: int) -> set[str]:
    """The months that the facts of a batch touch in the rollups."""
    day = func.coalesce(charges.c.period_start, invoices.c.period_start, invoices.c.issued_on)
    billed = (
        select(func.substr(day, 1, 7))
        .select_from(charges.join(invoices, invoices.c.invoice_id == charges.c.invoice_id))
        .where(or_(charges.c.batch_id == batch_id, invoices.c.batch_id == batch_id))
        .distinct()
    )
    used = select(usage.c.month).where(usage.c.batch_id == batch_id).distinct()
    return {row[0] for part in (billed, used) for row in txn.connection.execute(part) if row[0]}


def set_aside(txn: Reader, batch_id: int, file: str) -> list[Row]:
    """The quarantine rows of one file (or its members) in one batch."""
    query = select(quarantine).where(quarantine.c.batch_id == batch_id).order_by(quarantine.c.row_id)
    rows = [dict(row) for row in txn.connection.execute(query).mappings()]
    return [row for row in rows if row["file"] == file or row["file"].startswith(f"{file}/")]


def quarantined(store: Store) -> list[Row]:
    """Everything that live batches set aside, in the order in which it was met."""
    joined = quarantine.join(batches, batches.c.batch_id == quarantine.c.batch_id)
    query = select(quarantine).select_from(joined).where(batches.c.state != "undone").order_by(quarantine.c.row_id)
    with store.reading() as reader:
        return [dict(row) for row in reader.connection.execute(query).mappings()]


def undo_order() -> tuple[str, ...]:
    """Canonical tables so that what names others comes first."""
    return tuple(reversed(CANONICAL))


def invoice_dependants(txn: Txn, invoice_ids: Collection[str]) -> dict[str, list[Row]]:
    """The invoices with their charges and payments, as they stand."""
    return {name: rows_by(txn, name, "invoice_id", invoice_ids) for name in ("invoices", "charges", "payments")}


def drop_invoices(txn: Txn, invoice_ids: Collection[str]) -> None:
    """Take invoices with their charges and payments out of the store."""
    for part in _slices(invoice_ids):
        for name in ("charges", "payments", "invoices"):
            target: Table = TABLES[name]
            txn.execute(delete(target).where(_among(txn, target.c.invoice_id, part)))


def charge_codes(txn: Reader, batch_id: int) -> dict[str, list[str]]:
    """The different item codes among the charges of a batch, by carrier, in order."""
    billed = (
        select(charges.c.invoice_id, charges.c.item_code)
        .where(charges.c.batch_id == batch_id, charges.c.item_code.is_not(None))
        .distinct()
        .subquery("billed")
    )
    joined = billed.join(invoices, invoices.c.invoice_id == billed.c.invoice_id).join(
        accounts, accounts.c.account_id == invoices.c.account_id
    )
    query = (
        select(accounts.c.carrier_id, billed.c.item_code)
        .select_from(joined)
        .where(accounts.c.carrier_id.is_not(None))
        .distinct()
        .order_by(accounts.c.carrier_id, billed.c.item_code)
    )
    found: dict[str, list[str]] = {}
    for carrier, code in txn.connection.execute(query):
        found.setdefault(carrier, []).append(code)
    return found


def live_invoices(txn: Reader, batch_id: int) -> bool:
    """Whether any invoice still stems from this batch."""
    return txn.scalar(select(literal(1)).where(invoices.c.batch_id == batch_id).limit(1)) is not None


def replaced_records(txn: Reader, batch_id: int) -> list[Row]:
    """What a batch replaced, newest first."""
    query = (
        select(record_history)
        .where(and_(record_history.c.replaced_by_batch == batch_id))
        .order_by(record_history.c.row_id.desc())
    )
    return [dict(row) for row in txn.connection.execute(query).mappings()]
