"""Which service a charge belongs to: by service_id, else by its printed number within the carrier.

Numbers are compared as printed first, then in one international form, because bills print `555-123-4567` where an
inventory says `+15551234567`. Where no inventory names services of an account, its bills create them, marked with the
attribute `unconfirmed`; the first inventory that names the number takes them over.
"""

from __future__ import annotations

import re
from typing import Any

from core.queries import loading
from loaders import dimensions
from loaders.batch import Batch
from loaders.contract import UNCONFIRMED
from loaders.names import number_key
from loaders.values import attributes_text

_FAR = "9999-12-31"
_EVER = "0000-00-00"
_SPELLED = {"cloud", "saas_seat"}  # digits of these are account numbers, not telephone numbers


class Matcher:
    """The services of the store as they are inside this batch's transaction."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.accounts = {row["account_id"]: row for row in loading.all_rows(batch.txn, "accounts")}
        self.inventoried = loading.accounts_with_inventory(batch.txn)
        self.services: dict[str, str | None] = {}
        self._numbers: dict[tuple[str | None, str], list[tuple[str, str, str]]] = {}
        spans: dict[str, list[tuple[str, str, str]]] = {}
        for row in loading.all_rows(batch.txn, "service_history"):
            if row["number"]:
                spans.setdefault(row["service_id"], []).append(
                    (row["number"], row["valid_from"], row["valid_to"] or _FAR)
                )
        for row in loading.all_rows(batch.txn, "services"):
            service = row["service_id"]
            carrier = row["carrier_id"] or (self.accounts.get(row["account_id"] or "") or {}).get("carrier_id")
            self.services[service] = carrier
            country = self._country(row["account_id"])
            begin, end = row["activated_on"] or _EVER, row["disconnected_on"] or _FAR
            for number, first, last in spans.get(service, []):
                self._add(carrier, number, country, service, first, last)
            if row["number"] and not any(number == row["number"] for number, _, _ in spans.get(service, [])):
                self._add(carrier, row["number"], country, service, begin, end)

    def _country(self, account_id: str | None) -> str | None:
        account = self.accounts.get(account_id or "")
        return account["country"] if account else None

    def _add(self, carrier: str | None, number: str, country: str | None, service: str, first: str, last: str) -> None:
        for key in {number, number_key(number, country)}:
            self._numbers.setdefault((carrier, key), []).append((service, first, last))

    def carrier_of(self, account_id: str | None) -> str | None:
        """The carrier of an account, None if the account is unknown."""
        account = self.accounts.get(account_id or "")
        return account["carrier_id"] if account else None

    def by_number(self, carrier: str | None, number: str | None, day: str | None, country: str | None) -> str | None:
        """The service that has the number at the carrier; of several the one that has it on that day.

        A number that was given up still matches its last service: being billed after that is a finding.
        """
        if not number or carrier is None:
            return None
        found = self._numbers.get((carrier, number)) or self._numbers.get((carrier, number_key(number, country)))
        if not found:
            return None
        if len(found) == 1 or day is None:
            return min(found, key=lambda span: (span[2] != _FAR, span[0]))[0]
        inside = [span for span in found if span[1] <= day < span[2]]
        before = [span for span in found if span[1] <= day]
        chosen = inside or before or found
        latest = max(span[1] for span in chosen)
        return min(span[0] for span in chosen if span[1] == latest)

    def in_account(self, account_id: str, number: str, day: str | None) -> str | None:
        """:meth:`by_number` with the carrier and country of an account."""
        return self.by_number(self.carrier_of(account_id), number, day, self._country(account_id))

    def may_create(self, account_id: str) -> bool:
        """Whether bills create this account's services: no inventory names any."""
        return account_id not in self.inventoried

    def create(self, account_id: str, number: str | None, service_id: str | None = None, **values: Any) -> str:
        """A service that only a bill names, marked unconfirmed; returns its id."""
        carrier = self.carrier_of(account_id)
        country = self._country(account_id)
        spelled = values.get("kind") in _SPELLED or not number or bool(re.search(r"[A-Za-z]", number))
        shown = (number or "").strip() if spelled else number_key(str(number), country)
        service = service_id or f"{account_id}:{shown.lstrip('+')}"
        if service in self.services:
            return service
        extra = values.pop("attributes", {})
        row = {
            "service_id": service,
            "number": shown or None,
            "carrier_id": carrier,
            "account_id": account_id,
            "status": "active",
            "attributes": attributes_text({**extra, **UNCONFIRMED}),
            **values,
        }
        dimensions.insert(self.batch, "services", [row])
        self.batch.services_made = True
        self.services[service] = carrier
        if number:
            self._add(carrier, number, country, service, _EVER, _FAR)
        return service


def rematch(batch: Batch) -> None:
    """After an inventory was loaded: give it the unconfirmed services and the unmatched charges it names."""
    matcher = Matcher(batch)
    unconfirmed = {row["service_id"]: row for row in loading.unconfirmed_services(batch.txn)}
    own = {key: [s for s in found if s[0] not in unconfirmed] for key, found in matcher._numbers.items()}
    matcher._numbers = {key: found for key, found in own.items() if found}
    for service, row in unconfirmed.items():
        heir = matcher.by_number(row["carrier_id"], row["number"], None, matcher._country(row["account_id"]))
        if heir:
            loading.move_facts(batch.txn, service, heir)
            batch.keep_history("services", service, row)
            batch.txn.delete("services", {"service_id": service})
    carriers = {carrier for carrier, _ in matcher._numbers if carrier}
    if not carriers:
        return
    found: dict[str, str] = {}
    for charge in loading.unmatched_charges(batch.txn, carriers):
        match = matcher.by_number(charge["carrier_id"], charge["billed_number"], charge["day"], charge["country"])
        if match:
            found[charge["charge_id"]] = match
    loading.set_service(batch.txn, found)
