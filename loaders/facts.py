"""Rows of fact tables: known invoices and services only, ids once, re-issued invoices held back until all is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.queries import loading
from loaders import dimensions, overlap, reissue
from loaders.batch import Batch, FileState
from loaders.contract import Rejected
from loaders.links import Links, relink
from loaders.matching import Matcher
from loaders.values import Typed

if TYPE_CHECKING:
    from loaders.records import Desk

Row = dict[str, Any]
WITHOUT_ID = ("usage", "usage_events", "payments", "sim_observations")


@dataclass(slots=True)
class Held:
    """Rows of one invoice that the store knows already, until it is clear whether they say the same."""

    file: FileState
    table: str
    typed: Typed
    record: Row


@dataclass(slots=True)
class Contest:
    """An invoice of this batch against the older one in the store."""

    old_id: str
    rows: list[Held] = field(default_factory=list)


class Facts:
    """Adds the facts of a batch, chunk by chunk."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.txn = batch.txn
        self._matcher: Matcher | None = None
        self.links = Links(batch)
        self._invoices: dict[str, tuple[str, str | None, str | None]] | None = None
        self._services: set[str] | None = None
        self.contests: dict[str, Contest] = {}
        self.touched: dict[str, FileState] = {}
        self._seen_tables: set[str] = set()
        self._stored: dict[str, bool] = {}
        #: Services whose use is the sum of calls that are events of this batch.
        self.called: set[str] = set()

    @property
    def matcher(self) -> Matcher:
        """The services, read when first needed: dimension tables are loaded before facts."""
        if self._matcher is None:
            self._matcher = Matcher(self.batch)
        return self._matcher

    @cached_property
    def desk(self) -> Desk:
        """What takes the records of foreign systems."""
        from loaders.records import Desk

        return Desk(self.batch, self)

    def forget(self) -> None:
        """Dimensions changed: read them again when next needed."""
        self._matcher = None
        self._services = None

    def invoices(self) -> dict[str, tuple[str, str | None, str | None]]:
        """invoice_id -> (account_id, period_start or issued_on, currency) of everything in the store."""
        if self._invoices is None:
            self._invoices = {
                row["invoice_id"]: (row["account_id"], row["period_start"] or row["issued_on"], row["currency"])
                for row in loading.all_rows(self.txn, "invoices")
            }
        return self._invoices

    def apply(self, file: FileState, typed: Typed) -> None:
        """Add one chunk of a fact table."""
        if not len(typed):
            return
        self._seen_tables.add(typed.table)
        {
            "invoices": self._apply_invoices,
            "charges": self._apply_charges,
            "payments": self._apply_payments,
        }.get(typed.table, self._apply_usage)(file, typed)

    def _apply_invoices(self, file: FileState, typed: Typed) -> None:
        records = typed.records()
        mine = self.batch.batch_id
        by_id = {
            r["invoice_id"]: r
            for r in loading.rows_by(self.txn, "invoices", "invoice_id", set(typed.column("invoice_id")))
        }
        pairs = {(r["account_id"], r["number"]) for r in records if r.get("number")}
        by_number: dict[tuple[str, str], Row] = {}
        for row in loading.invoices_by_number(self.txn, pairs):
            if row["batch_id"] != mine:
                by_number.setdefault((row["account_id"], row["number"]), row)
        fresh: dict[str, Row] = {}
        wanted: list[int] = []
        repeats: list[Rejected] = []
        same = 0
        for index, record in enumerate(records):
            ident = record["invoice_id"]
            old = by_id.get(ident)
            if ident in fresh or ident in self.contests or (old and old["batch_id"] == mine):
                first = fresh.get(ident) or old or self.contests[ident].rows[0].record
                if _agrees(first, record):
                    same += 1
                else:
                    repeats.append(_repeated(typed, index, "invoice_id", ident))
                continue
            old = old or by_number.get((record["account_id"], record.get("number") or ""))
            if old:
                contest = self.contests.setdefault(ident, Contest(old["invoice_id"]))
                contest.rows.append(Held(file, "invoices", typed.keep([index]), record))
                continue
            fresh[ident] = record
            wanted.append(index)
        self._insert(typed.keep(wanted))
        known = self.invoices()
        for record in fresh.values():
            ident = record["invoice_id"]
            known[ident] = (
                record["account_id"],
                record.get("period_start") or record.get("issued_on"),
                record.get("currency"),
            )
            self.touched[ident] = file
        self.batch.loaded(file, len(wanted) + same)
        self.batch.reject(file, repeats)

    def _apply_charges(self, file: FileState, typed: Typed) -> None:
        known = self.invoices()
        contests = self.contests
        rejected: list[Rejected] = []
        wanted: list[int] = []
        ids = typed.column("charge_id")
        for index, invoice in enumerate(typed.column("invoice_id")):
            if invoice in contests:
                part = typed.keep([index])
                contests[invoice].rows.append(Held(file, "charges", part, part.records()[0]))
            elif invoice in known:
                wanted.append(index)
            else:
                rejected.append(_unknown(typed, index, "invoice_id", invoice, "an invoice that is loaded"))
        wanted, same = self._new_ids(typed, wanted, ids, rejected)
        typed = typed.keep(wanted)
        typed = self._match(typed, rejected)
        self._insert(typed)
        for invoice in set(typed.column("invoice_id")):
            self.touched.setdefault(invoice, file)
        self.batch.loaded(file, len(typed) + same)
        self.batch.reject(file, sorted(rejected, key=lambda item: item.row.line))

    def _new_ids(
        self, typed: Typed, wanted: list[int], ids: list[str], rejected: list[Rejected]
    ) -> tuple[list[int], int]:
        """Positions whose charge_id is new; a repeated id with the same content counts, with another it is rejected."""
        given = {ids[i] for i in wanted}
        stored: dict[str, Row] = {}
        if "charges" in self._stored or loading.any_row(self.txn, "charges"):
            stored = {r["charge_id"]: r for r in loading.rows_by(self.txn, "charges", "charge_id", given)}
        self._stored["charges"] = True
        if not stored and len(given) == len(wanted):
            return wanted, 0
        result: list[int] = []
        chosen: dict[str, int] = {}
        same = 0
        for index in wanted:
            ident = ids[index]
            if ident not in stored and ident not in chosen:
                chosen[ident] = index
                result.append(index)
                continue
            record = typed.keep([index]).records()[0]
            first = stored.get(ident) or typed.keep([chosen[ident]]).records()[0]
            if _agrees(first, record):
                same += 1
            else:
                rejected.append(_repeated(typed, index, "charge_id", ident))
        return result, same

    def _match(self, typed: Typed, rejected: list[Rejected]) -> Typed:
        """Give each charge its service; a service_id that is unknown in an account with inventory is rejected."""
        matcher, known = self.matcher, self.invoices()
        services: list[str | None] = []
        wanted: list[int] = []
        given, numbers = typed.column("service_id"), typed.column("billed_number")
        days = typed.column("period_start")
        for index, invoice in enumerate(typed.column("invoice_id")):
            account, day, _ = known[invoice]
            service, number = given[index], numbers[index]
            if service is not None and service not in matcher.services:
                if not matcher.may_create(account):
                    rejected.append(_unknown(typed, index, "service_id", service, "a service that is loaded"))
                    continue
                matcher.create(account, number, service)
            elif service is None and number is not None:
                service = matcher.in_account(account, number, days[index] or day)
                if service is None and matcher.may_create(account) and number.strip("0"):
                    service = matcher.create(account, number)
            services.append(service)
            wanted.append(index)
        typed = typed.keep(wanted)
        if "service_id" in typed.names:
            typed.columns[typed.names.index("service_id")] = services
        else:
            typed.names = [*typed.names, "service_id"]
            typed.columns = [*typed.columns, services]
        return typed

    def _apply_payments(self, file: FileState, typed: Typed) -> None:
        known = self.invoices()
        invoices = typed.column("invoice_id")
        self._checked(file, typed, "invoice_id", [i in known or i in self.contests for i in invoices], "an invoice")

    def _apply_usage(self, file: FileState, typed: Typed) -> None:
        services = self._services = self._services or loading.known(self.txn, "services", "service_id")
        self._checked(file, typed, "service_id", [s in services for s in typed.column("service_id")], "a service")

    def _checked(self, file: FileState, typed: Typed, name: str, known: Sequence[bool], what: str) -> None:
        if all(known):
            self._insert(typed)
            self.batch.loaded(file, len(typed))
            return
        values = typed.column(name)
        rejected = [
            _unknown(typed, i, name, values[i], f"{what} that is loaded") for i, fine in enumerate(known) if not fine
        ]
        good = typed.keep([i for i, fine in enumerate(known) if fine])
        self._insert(good)
        self.batch.loaded(file, len(good))
        self.batch.reject(file, rejected)

    def _insert(self, typed: Typed) -> None:
        if not len(typed):
            return
        names = [*typed.names, "batch_id"]
        columns: list[Sequence[Any]] = [*typed.columns, [self.batch.batch_id] * len(typed)]
        if typed.attributes is not None:
            names.append("attributes")
            columns.append(typed.attributes)
        self.txn.append_tuples(typed.table, names, zip(*columns, strict=True))

    def insert_records(self, table: str, records: list[Row]) -> None:
        """Add rows given as mappings."""
        self._seen_tables.add(table)
        dimensions.insert(self.batch, table, records)

    def settle(self) -> None:
        """All is read: decide on held invoices, link what was named before it was known, drop what overlaps."""
        reissue.settle(self)
        if self.batch.dimensions_changed or self.batch.services_made:
            relink(self.batch)
        overlap.settle(self.batch, [name for name in WITHOUT_ID if name in self._seen_tables], self.called)


def _agrees(old: Row, new: Row) -> bool:
    """Whether a row says what is stored; a service that was found by number does not count as a difference."""
    for name, value in new.items():
        if name in {"batch_id", "attributes", "row_id"}:
            continue
        if name == "service_id" and value is None:
            continue
        if old.get(name) != value:
            return False
    return True


agrees = _agrees


def _unknown(typed: Typed, index: int, name: str, value: object, expected: str) -> Rejected:
    return Rejected(typed.source(index), name, str(value), expected, f"the {name} is unknown", typed.table)


def _repeated(typed: Typed, index: int, name: str, value: object) -> Rejected:
    return Rejected(
        typed.source(index),
        name,
        str(value),
        f"each {name} once",
        f"the {name} repeats with other content",
        typed.table,
    )
