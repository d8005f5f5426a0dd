"""Charges against the inventory: rules I1 to I10.

Unknown (I1), disconnected (I2), unbilled (I3), leaver (I4), closed site (I5), no owner (I6), two accounts (I7), retired
device (I8), many lines (I9), suspended (I10).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pandas as pd

from audit.build import Evidence, evidence, make, money, of_charge
from audit.charges import foreign_numbers
from audit.context import RUNNING, Books, looked_up, rows
from audit.dating import ordinal
from audit.pricing import amount_of, full_rate, is_access, part_of_month, share_of, unit_of, with_rates
from audit.registry import Rule, check
from core import periods
from core.findings import Finding
from core.inventory import FIRST_DAY
from core.money import round_half_up


def running(books: Books) -> pd.DataFrame:
    """Positive charges that a service causes by existing or being used; tax, credits and one-off fees are left out."""
    lines = books.lines
    return lines[lines["category"].isin(RUNNING) & (lines["amount"] > 0) & lines["service_id"].notna()]


def by_service_month(lines: pd.DataFrame) -> Iterator[tuple[str, str, list[Any]]]:
    """(service, month, charges), in order."""
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in rows(lines.sort_values("charge_id")):
        groups[row.service_id, row.month].append(row)
    for (service, month), members in sorted(groups.items()):
        yield service, month, members


def of_service(
    books: Books,
    rule: Rule,
    service: str,
    month: str,
    members: list[Any],
    text: str,
    cause: str,
    facts: list[Evidence],
    **more: Any,
) -> Finding:
    """A finding on a service in a month: all its running charges are at stake."""
    amount = sum(int(row.amount) for row in members)
    facts = [
        *facts,
        *(evidence("charges", r.charge_id, month, "amount", int(r.amount), r.description or "") for r in members),
    ]
    return make(
        books,
        rule,
        subject=("service", service),
        month=month,
        cause=cause,
        text=text,
        amount=amount,
        currency=members[0].currency,
        expected=more.pop("expected", 0),
        actual=amount,
        facts=facts,
        service_id=service,
        account_id=members[0].account_id,
        carrier_id=members[0].carrier_id,
        stakes={r.charge_id: int(r.amount) for r in members},
        invoices=sorted({r.invoice_id for r in members}),
        contract_id=members[0].terms_id,
        **more,
    )


def unconfirmed(books: Books) -> set[str]:
    """Services that only bills name."""
    services = books.frames["services"]
    marked = services[services["attributes"].notna()]
    return {
        str(s)
        for s, text in zip(marked["service_id"], marked["attributes"], strict=True)
        if "unconfirmed" in text and json.loads(text).get("unconfirmed")
    }


@check("I1")
def not_in_inventory(books: Books, rule: Rule) -> Iterator[Finding]:
    """A charge names a service that the inventory of its account does not have."""
    doubtful = unconfirmed(books)
    spans = books.spans
    stocked = set(spans.loc[~spans["service_id"].isin(doubtful), "account_id"].dropna())
    carriers = {books.accounts[a].carrier_id for a in stocked if a in books.accounts}
    own = {_plain(row.number) for row in books.accounts.values() if row.number}
    pools = {_plain(p) for p in books.frames["plans"][["pool_group", "voice_pool_group"]].stack().dropna()}
    account_row = re.compile(str(rule.options["account_rows"]), re.IGNORECASE)
    foreign = foreign_numbers(books)
    lines = books.lines
    chosen = lines[(lines["amount"] > 0) & lines["category"].isin([*RUNNING, "nrc", "equipment"])]
    loose = chosen["service_id"].isna() & chosen["billed_number"].notna()
    chosen = chosen[
        (loose | chosen["service_id"].isin(doubtful))
        & (chosen["account_id"].isin(stocked) | (loose & chosen["carrier_id"].isin(carriers)))
    ]
    for row in rows(chosen.sort_values("charge_id")):
        number = row.billed_number or (books.services[row.service_id].number if row.service_id else None)
        printed = _plain(number or "")
        if row.charge_id in foreign or printed in own or printed in pools or account_row.fullmatch(number or ""):
            continue
        said = (
            f"{row.description or row.item_code} for {number} is billed, but the inventory of "
            f"account {row.account_id} has no "
            f"such service on {row.day}."
        )
        facts = [evidence("services", number or "", row.month, "number", None, "not in the inventory")]
        yield of_charge(
            books,
            rule,
            row,
            int(row.amount),
            said,
            cause=number or row.account_id,
            expected=0,
            actual=int(row.amount),
            facts=facts,
            episode_subject=number,
        )


def _plain(number: str) -> str:
    return "".join(c for c in number if c.isalnum()).upper()


@check("I2")
def after_disconnect(books: Books, rule: Rule) -> Iterator[Finding]:
    """A service is billed after its disconnection, also for the rest of the month where the contract prorates."""
    lines = running(books)
    gone = lines["disconnected_on"].copy()
    ended = (lines["status"] == "disconnected") & (lines["valid_from"] > FIRST_DAY)
    gone = gone.where(~ended, lines["valid_from"])
    lines = lines.assign(gone=gone)
    back = (lines["status"] == "active") & (lines["valid_from"] >= lines["gone"]) & (lines["valid_from"] > FIRST_DAY)
    until = lines["until"].fillna(lines["day"])
    reached = (lines["gone"] <= until) | (lines["gone"] < lines["day"])
    lines = lines[lines["gone"].notna() & reached.fillna(False).astype(bool) & ~back.fillna(False).astype(bool)]
    for row in rows(with_rates(books, lines).sort_values("charge_id")):
        amount, right = int(row.amount), 0
        prorates = row.category == "mrc" and row.proration not in (None, "full_month")
        if row.day <= row.gone:
            base = full_rate(row, row.rate)
            if not prorates or base is None or row.whole_months > 1:
                continue
            begin = max(row.day, row.activated_on or row.day)
            days = max(0, ordinal(row.gone) - ordinal(begin))
            right = amount_of(
                base, row.quantity, part_of_month(days, int(row.month_days), row.proration), unit_of(books, row)
            )
        stake = amount - right
        if not rule.beyond(stake) or stake < 0:
            continue
        said = (
            f"The service was disconnected on {row.gone}, but {row.description or row.item_code} is "
            f"billed for {row.day} to {row.until or row.day}."
        )
        if right:
            said += f" Until the disconnection {money(right, row.currency)} are due."
        facts = [
            evidence("services", row.service_id, row.month, "disconnected_on", row.gone),
            evidence("contracts", row.contract_id or "", row.month, "proration", row.proration),
            _use(books, row.service_id, row.month),
        ]
        yield of_charge(books, rule, row, stake, said, cause=row.gone, expected=right, actual=amount, facts=facts)


def _use(books: Books, service: str, month: str) -> Evidence:
    return evidence("usage", service, month, "quantity", "some" if (service, month) in books.used else "none")


@check("I3")
def never_billed(books: Books, rule: Rule) -> Iterator[Finding]:
    """A service was active all month, its account was billed, and there is no recurring charge for it."""
    lines = books.lines
    main = lines["nature"].isna() | lines["nature"].isin(["access", "other"])  # a pack or a feature is no MRC
    recurring = lines[(lines["category"] == "mrc") & lines["service_id"].notna() & main]
    covered: dict[str, set[str]] = defaultdict(set)
    for first, last, service in set(
        zip(
            recurring["month"],
            recurring["until"].fillna(recurring["day"]).str[:7],
            recurring["service_id"],
            strict=True,
        )
    ):
        for month in periods.months_between(first, last) if first <= last else [first]:
            covered[month].add(service)
    itemized = set(zip(recurring["account_id"], recurring["month"], strict=True))
    doubtful = unconfirmed(books)
    for month in books.months:
        states = books.months_of_service(month)
        states = states[states["steady"] & ~states.index.isin(covered[month]) & ~states.index.isin(doubtful)]
        billed = {a for a, m in itemized if m == month}
        chosen = states[states["account_id"].isin(billed)]
        if chosen.empty:
            continue
        prices = _monthly_prices(books, chosen, month)
        for row in rows(chosen.sort_values("service_id")):
            price, currency, source = prices.get(row.service_id, (0, None, "unknown"))
            said = (
                f"The service was active all of {month} and account {row.account_id} was billed, "
                "but it has no recurring "
                f"charge. {money(price, currency)} may be billed later."
            )
            yield make(
                books,
                rule,
                subject=("service", row.service_id),
                month=month,
                cause="not billed",
                text=said,
                amount=-price,
                currency=currency,
                expected=price,
                actual=0,
                service_id=row.service_id,
                account_id=row.account_id,
                facts=[
                    evidence("services", row.service_id, month, "status", row.status or "active", "all month"),
                    evidence(source, row.plan_id or "", month, "mrc", price, "the price to expect"),
                    evidence("charges", row.service_id, month, "amount", None, "no recurring charge"),
                    _use(books, row.service_id, month),
                ],
                contract_id=row.contract_id,
            )


def _monthly_prices(books: Books, states: pd.DataFrame, month: str) -> dict[str, tuple[int, str | None, str]]:
    """What a service's plan costs a month: by its contract, else by the catalogue."""
    asked = states[["service_id", "contract_id", "plan_id"]].copy()
    asked["item_code"] = looked_up(asked["plan_id"], books.plan_item)
    asked["charge_id"], asked["category"] = asked["service_id"], "mrc"
    asked["day"], asked["quantity"] = f"{month}-01", pd.NA
    result: dict[str, tuple[int, str | None, str]] = {}
    for row in rows(with_rates(books, asked)):
        plan, contract = books.plans.get(row.plan_id or ""), books.contracts.get(row.contract_id or "")
        if row.rate is not None:
            result[row.service_id] = (int(row.rate), contract.currency if contract else None, "contract_rates")
        elif plan is not None:
            result[row.service_id] = (int(plan.mrc), plan.currency, "plans")
    return result


@check("I4")
def owner_left(books: Books, rule: Rule) -> Iterator[Finding]:
    """The holder of a service has left and its charges go on."""
    lines = running(books)
    left = looked_up(lines["employee_id"], books.left_on)
    chosen = lines[(left < lines["day"]).fillna(False).astype(bool)]
    for service, month, members in by_service_month(chosen):
        holder = members[0].employee_id
        day = books.left_on[holder]
        said = (
            f"The holder {holder} left on {day}. The service still costs "
            f"{money(sum(int(r.amount) for r in members), members[0].currency)} in {month}."
        )
        facts = [
            evidence("employees", holder, month, "left_on", day),
            evidence("services", service, month, "employee_id", holder),
            _use(books, service, month),
        ]
        yield of_service(books, rule, service, month, members, said, f"{holder} left {day}", facts)


@check("I5")
def closed_site(books: Books, rule: Rule) -> Iterator[Finding]:
    """The site of a service is closed and its charges go on."""
    closed = {row.site_id: row.closed_on for row in rows(books.frames["sites"]) if row.closed_on}
    lines = running(books)
    chosen = lines[(looked_up(lines["site_id"], closed) < lines["day"]).fillna(False).astype(bool)]
    for service, month, members in by_service_month(chosen):
        site = members[0].site_id
        said = (
            f"Site {site} closed on {closed[site]}. The service still costs "
            f"{money(sum(int(r.amount) for r in members), members[0].currency)} in {month}."
        )
        facts = [
            evidence("sites", site, month, "closed_on", closed[site]),
            evidence("services", service, month, "site_id", site),
            _use(books, service, month),
        ]
        yield of_service(books, rule, service, month, members, said, f"{site} closed {closed[site]}", facts)


@check("I6")
def no_owner(books: Books, rule: Rule) -> Iterator[Finding]:
    """A service has neither holder nor cost center, or its cost center is unknown or closed."""
    centers = {row.cost_center_id: row for row in rows(books.frames["cost_centers"])}
    if not centers:
        return
    doubtful = unconfirmed(books)
    lines = running(books)
    lines = lines[~lines["service_id"].isin(doubtful)]
    closed = {c: row.closed_on for c, row in centers.items() if row.closed_on}
    center = lines["cost_center_id"]
    nobody = center.isna() & lines["employee_id"].isna()
    wrong = center.notna() & (
        ~center.isin(centers) | (looked_up(center, closed) < lines["day"]).fillna(False).astype(bool)
    )
    for service, month, members in by_service_month(lines[nobody | wrong]):
        owner = members[0].cost_center_id
        why = (
            "has no owner and no cost center"
            if owner is None
            else (
                f"is booked to cost center {owner}, which closed on {closed[owner]}"
                if owner in closed
                else f"is booked to cost center {owner}, which does not exist"
            )
        )
        said = f"The service {why}. Nobody answers for its cost in {month}."
        facts = [
            evidence("services", service, month, "cost_center_id", owner),
            evidence("cost_centers", owner or "", month, "closed_on", closed.get(owner)),
        ]
        yield of_service(books, rule, service, month, members, said, f"{owner}", facts)


@check("I7")
def two_accounts(books: Books, rule: Rule) -> Iterator[Finding]:
    """One service is billed its recurring charge in two accounts for the same days."""
    lines = books.lines
    recurring = lines[(lines["category"] == "mrc") & (lines["amount"] > 0) & lines["service_id"].notna()]
    several = recurring.groupby("service_id")["account_id"].transform("nunique") > 1
    chosen = recurring.assign(issued=recurring["issued_on"].fillna(""))[several]
    home = books.spans
    hit: set[str] = set()
    for _, group in chosen.sort_values(["issued", "invoice_id", "charge_id"]).groupby(
        ["service_id", "item_code"], sort=True, dropna=False
    ):
        members = list(rows(group.sort_values(["day", "issued", "charge_id"])))
        for index, one in enumerate(members):
            for two in members[index + 1 :]:
                if two.day > (one.until or one.day):
                    break
                if one.account_id == two.account_id:
                    continue
                begin, end = max(one.day, two.day), min(one.until or one.day, two.until or two.day)
                if begin > end:
                    continue
                wrong, other = _wrong_account(home, one, two, begin)
                if wrong.charge_id in hit:
                    continue
                hit.add(wrong.charge_id)
                days = ordinal(end) - ordinal(begin) + 1
                total = ordinal(wrong.until or wrong.day) - ordinal(wrong.day) + 1
                stake = round_half_up(Fraction(int(wrong.amount) * days, total), unit_of(books, wrong))
                said = (
                    f"{wrong.description or wrong.item_code} is billed in accounts "
                    f"{other.account_id} and {wrong.account_id} for "
                    f"{begin} to {end}. {money(stake, wrong.currency)} in {wrong.account_id} should not be billed."
                )
                facts = [
                    evidence(
                        "charges",
                        other.charge_id,
                        other.month,
                        "amount",
                        int(other.amount),
                        f"account {other.account_id}",
                    ),
                    evidence(
                        "services",
                        wrong.service_id,
                        wrong.month,
                        "account_id",
                        wrong.s_account,
                        f"state on {wrong.day}",
                    ),
                ]
                yield of_charge(
                    books,
                    rule,
                    wrong,
                    stake,
                    said,
                    cause=f"{wrong.account_id}",
                    expected=int(wrong.amount) - stake,
                    actual=int(wrong.amount),
                    facts=facts,
                )


def _wrong_account(spans: pd.DataFrame, one: Any, two: Any, day: str) -> tuple[Any, Any]:
    mine = spans[(spans["service_id"] == one.service_id) & (spans["valid_from"] <= day) & (spans["valid_to"] > day)]
    account = mine["account_id"].iloc[0] if len(mine) else None
    if account == one.account_id:
        return two, one
    if account == two.account_id:
        return one, two
    return (two, one) if (one.issued, one.invoice_id) <= (two.issued, two.invoice_id) else (one, two)


@check("I8")
def retired_device(books: Books, rule: Rule) -> Iterator[Finding]:
    """The only device of a service is retired, wiped, or has not been seen for days."""
    devices = books.frames["devices"]
    devices = devices[devices["service_id"].notna() & devices["last_seen_on"].notna()]
    if devices.empty:
        return
    unseen = rule.whole("unseen_days")
    last: dict[str, Any] = {}
    for row in rows(devices.sort_values(["service_id", "last_seen_on", "device_id"])):
        last[row.service_id] = row
    lines = running(books)
    chosen = lines[lines["service_id"].isin(last) & (lines["category"] == "mrc")]
    for service, month, members in by_service_month(chosen):
        device = last[service]
        gone = device.mdm_status in ("retired", "wiped")
        silent = periods.add_days(device.last_seen_on, 0 if gone else unseen)
        if silent >= members[0].day:
            continue
        state = device.mdm_status if gone else f"unseen for more than {unseen} days"
        said = f"The device {device.device_id} of the service is {state}; it was last seen on {device.last_seen_on}."
        facts = [
            evidence(
                "devices", device.device_id, month, "mdm_status", device.mdm_status, f"last seen {device.last_seen_on}"
            ),
            _use(books, service, month),
        ]
        yield of_service(books, rule, service, month, members, said, device.device_id, facts)


@check("I9")
def many_lines(books: Books, rule: Rule) -> Iterator[Finding]:
    """One employee holds many active mobile services."""
    least = rule.whole("services")
    for month in books.months:
        states = books.months_of_service(month)
        end = periods.month_end(month)
        mobile = states[
            (states["kind"] == "mobile")
            & states["employee_id"].notna()
            & (states["status"].fillna("active") == "active")
            & (states["valid_to"] > end)
            & ~(states["disconnected_on"] <= end).fillna(False).astype(bool)
            & ~(states["activated_on"] > end).fillna(False).astype(bool)
        ]
        mobile = mobile[mobile.groupby("employee_id")["service_id"].transform("size") >= least]
        for employee, group in mobile.groupby("employee_id", sort=True):
            ids = sorted(group["service_id"])
            yield make(
                books,
                rule,
                subject=("employee", str(employee)),
                month=month,
                cause="many lines",
                text=f"{employee} holds {len(ids)} active mobile services in {month}: {', '.join(ids)}.",
                expected=str(least - 1),
                actual=str(len(ids)),
                unit="services",
                facts=[evidence("services", s, month, "employee_id", str(employee)) for s in ids],
                episode_subject=str(employee),
            )


@check("I10")
def suspended(books: Books, rule: Rule) -> Iterator[Finding]:
    """A suspended span is billed above the contract's price for suspended lines."""
    rates = {c: row.suspended_rate for c, row in books.contracts.items() if row.suspended_rate is not None}
    lines = running(books)
    lines = lines[(lines["category"] == "mrc") & lines["contract_id"].isin(rates)]
    paused = books.spans.loc[books.spans["status"] == "suspended", "service_id"]
    for row in rows(with_rates(books, lines[lines["service_id"].isin(paused)]).sort_values("charge_id")):
        if not is_access(books, row):
            continue
        first, last = ordinal(row.day), ordinal(row.until or row.day)
        days = books.idle_days(row.service_id, row.day, row.until)
        total = last - first + 1
        if not days or (days < total and row.proration == "full_month"):
            continue
        base = int(row.rate) if row.rate is not None else full_rate(row)
        if base is None:
            continue
        part = Fraction(days, total)
        share = share_of(row, row.rate_unit) * (1 - part + part * Fraction(int(rates[row.contract_id]), 1_000_000))
        right = amount_of(base, row.quantity, share, unit_of(books, row))
        stake = int(row.amount) - right
        if stake < 0 or not rule.beyond(stake):
            continue
        said = (
            f"The service was suspended on {days} of the {total} days billed. The contract charges "
            f"{money(right, row.currency)} for them, billed are {money(int(row.amount), row.currency)}."
        )
        facts = [
            evidence("contracts", row.contract_id, row.month, "suspended_rate", int(rates[row.contract_id])),
            evidence("services", row.service_id, row.month, "status", "suspended", f"{days} days"),
        ]
        yield of_charge(
            books, rule, row, stake, said, cause="suspended", expected=right, actual=int(row.amount), facts=facts
        )
