"""Charges against use: rules U1 to U8.

None (U1), little (U2), an unused top plan (U3), paid twice (U4), pay-per-use roaming (U5), pools (U6), premium and
third parties (U7), single calls (U8).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from audit.build import evidence, make, money, of_charge
from audit.context import Books, rows
from audit.inventory_rules import by_service_month, running
from audit.registry import Rule, check
from core import periods
from core.findings import Finding
from core.money import SCALE, to_text


@check("U1")
def zero_use(books: Books, rule: Rule) -> Iterator[Finding]:
    """A line has had no use for months; what it costs in the month could be saved."""
    months, devices = rule.whole("months"), rule.names("device_kinds")
    for month in books.months:
        back = [periods.shift(month, -n) for n in range(months)]
        if back[-1] < books.months[0]:
            continue
        earlier = [books.steady_rows(m) for m in back[1:]]
        kinds, excused = rule.names("kinds"), rule.names("excused_purposes")
        for row in books.steady_rows(month).values():
            if row.kind not in kinds or row.device_kind not in devices or row.purpose in excused:
                continue
            known = all((row.carrier_id, m) in books.metered for m in back)
            if not known or any((row.service_id, m) in books.used for m in back):
                continue
            if not all(row.service_id in states for states in earlier):
                continue
            yield _unused(books, rule, row, month, months)


def _unused(books: Books, rule: Rule, row: Any, month: str, months: int) -> Finding:
    members = books.mrc_lines.get((row.service_id, month), [])
    plan = books.plans.get(row.plan_id or "")
    amount = sum(int(r.amount) for r in members)
    currency = members[0].currency if members else (plan.currency if plan else None)
    if not members and plan is not None and row.account_id and not _billed(books, row.account_id, month):
        amount = int(plan.mrc)
    since = _idle_since(books, row.service_id, row.carrier_id, month)
    said = (
        f"No data, call or message since {since}, for at least {months} months. The line costs "
        f"{money(amount, currency)} "
        f"in {month}."
    )
    facts = [
        evidence("usage", row.service_id, periods.shift(month, -n), "quantity", "0") for n in reversed(range(months))
    ]
    facts += [
        evidence("services", row.service_id, month, "device_kind", row.device_kind, f"purpose {row.purpose or '-'}")
    ]
    facts += [evidence("charges", r.charge_id, month, "amount", int(r.amount)) for r in members]
    return make(
        books,
        rule,
        subject=("service", row.service_id),
        month=month,
        cause=f"idle since {since}",
        text=said,
        amount=amount,
        currency=currency,
        expected=0,
        actual=amount,
        facts=facts,
        service_id=row.service_id,
        account_id=row.account_id,
        carrier_id=row.carrier_id,
        stakes={r.charge_id: int(r.amount) for r in members},
        invoices=sorted({r.invoice_id for r in members}),
        contract_id=row.contract_id,
    )


def _billed(books: Books, account: str, month: str) -> bool:
    invoices = books.frames["invoices"]
    return bool(((invoices["account_id"] == account) & (invoices["month"] == month)).any())


def _idle_since(books: Books, service: str, carrier: str, month: str) -> str:
    since = month
    while True:
        before = periods.shift(since, -1)
        if before < books.months[0] or (service, before) in books.used or (carrier, before) not in books.metered:
            return since
        if service not in books.steady_rows(before):
            return since
        since = before


def home_use(books: Books) -> dict[tuple[str, str], dict[str, int]]:
    """Use by (service, month): data, voice, sms at home, and `abroad` for anything international or roaming."""
    if "home_use" not in books.__dict__:
        result: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        usage = books.usage
        for service, month, kind, zone, quantity in zip(
            usage["service_id"], usage["month"], usage["usage_type"], usage["zone"], usage["quantity"], strict=True
        ):
            name = kind if zone == "home" else "abroad" if zone in ("roaming", "international") else "other"
            result[service, month][name] += int(quantity)
        books.__dict__["home_use"] = dict(result)
    found: dict[tuple[str, str], dict[str, int]] = books.__dict__["home_use"]
    return found


def _steady_lines(books: Books, rule: Rule, month: str, months: int) -> Iterator[tuple[Any, Any, list[str]]]:
    """(state, plan, months) of metered lines that were on one plan, active, through `months` months."""
    back = [periods.shift(month, -n) for n in range(months)]
    if back[-1] < books.months[0]:
        return
    earlier = [books.steady_rows(m) for m in back[1:]]
    kinds, excused = rule.names("kinds"), rule.names("excused_purposes")
    for row in books.steady_rows(month).values():
        plan = books.plans.get(row.plan_id or "")
        if plan is None or row.kind not in kinds or row.purpose in excused:
            continue
        if not all((row.carrier_id, m) in books.metered for m in back):
            continue
        before = [states.get(row.service_id) for states in earlier]
        if all(state is not None and state.plan_id == row.plan_id for state in before):
            yield row, plan, back


@check("U2")
def low_use(books: Books, rule: Rule) -> Iterator[Finding]:
    """A line stays far below its plan's allowance for months."""
    below, months = rule.micros("below"), rule.whole("months")
    use = home_use(books)
    for month in books.months:
        for row, plan, back in _steady_lines(books, rule, month, months):
            if plan.pool_group or plan.voice_pool_group:
                continue
            limits = {n: int(v) for n, v in (("data", plan.data_mb), ("voice", plan.voice_min), ("sms", plan.sms)) if v}
            if not limits or not all(
                use.get((row.service_id, m), {}).get(n, 0) * SCALE < below * limit
                for m in back
                for n, limit in limits.items()
            ):
                continue
            name = next(iter(limits))
            most = max(use.get((row.service_id, m), {}).get(name, 0) for m in back)
            said = (
                f"In each of {months} months up to {month} the line used less than "
                f"{to_text(below * 100, 0)} % of its plan's "
                f"{name} allowance of {to_text(limits[name], 0)}; the most was {to_text(most, 0)}."
            )
            yield _remark(
                books, rule, row, month, said, limits[name], most, "MB" if name == "data" else name, back, name, use
            )


def _remark(
    books: Books,
    rule: Rule,
    row: Any,
    month: str,
    said: str,
    expected: int,
    actual: int,
    unit: str,
    back: list[str],
    name: str,
    use: Any,
) -> Finding:
    facts = [
        evidence("usage", row.service_id, m, name, use.get((row.service_id, m), {}).get(name, 0))
        for m in reversed(back)
    ]
    facts.append(evidence("plans", row.plan_id, month, "mrc", int(books.plans[row.plan_id].mrc)))
    facts += [
        evidence("charges", r.charge_id, month, "amount", int(r.amount))
        for r in books.mrc_lines.get((row.service_id, month), [])
    ]
    return make(
        books,
        rule,
        subject=("service", row.service_id),
        month=month,
        cause=row.plan_id,
        text=said,
        expected=expected,
        actual=actual,
        unit=unit,
        facts=facts,
        service_id=row.service_id,
        account_id=row.account_id,
        carrier_id=row.carrier_id,
        currency=books.plans[row.plan_id].currency,
        contract_id=row.contract_id,
    )


@check("U3")
def top_plan(books: Books, rule: Rule) -> Iterator[Finding]:
    """A line on its carrier's dearest plan uses none of what makes it dear."""
    months, below = rule.whole("months"), rule.micros("below_mb")
    tops: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for plan in books.plans.values():
        if not plan.offer_id:
            tops[plan.carrier_id, plan.service_kind, plan.currency].append(plan)
    best = {
        p.plan_id
        for group in tops.values()
        if len({p.mrc for p in group}) > 1
        for p in group
        if p.mrc == max(q.mrc for q in group)
    }
    use = home_use(books)
    for month in books.months:
        for row, _, back in _steady_lines(books, rule, month, months):
            spent = [use.get((row.service_id, m), {}) for m in back]
            if row.plan_id not in best or any(s.get("abroad", 0) or s.get("data", 0) >= below for s in spent):
                continue
            most = max(s.get("data", 0) for s in spent)
            said = (
                f"The line is on {row.plan_id}, the dearest plan of its carrier, but in {months} "
                f"months up to {month} it had no "
                f"international use and at most {to_text(most, 0)} MB of data."
            )
            yield _remark(books, rule, row, month, said, below, most, "MB", back, "data", use)


@check("U4")
def paid_twice(books: Books, rule: Rule) -> Iterator[Finding]:
    """A feature is billed that the service's plan already includes."""
    included = {
        key: {p.strip() for p in row.included_in.split("|")} for key, row in books.items.items() if row.included_in
    }
    if not included:
        return
    lines = running(books)
    codes = {code for _, code in included}
    for row in rows(
        lines[(lines["category"] == "mrc") & lines["item_code"].isin(codes) & lines["plan_id"].notna()].sort_values(
            "charge_id"
        )
    ):
        if row.plan_id not in included.get((row.carrier_id, row.item_code), ()):
            continue
        said = f"{row.description or row.item_code} is billed although plan {row.plan_id} includes it."
        facts = [
            evidence(
                "items", row.item_code, row.month, "included_in", books.items[row.carrier_id, row.item_code].included_in
            ),
            evidence("services", row.service_id, row.month, "plan_id", row.plan_id),
        ]
        yield of_charge(
            books,
            rule,
            row,
            int(row.amount),
            said,
            cause=row.item_code,
            expected=0,
            actual=int(row.amount),
            facts=facts,
        )


@check("U5")
def roaming_without_pack(books: Books, rule: Rule) -> Iterator[Finding]:
    """Roaming is billed by use and costs more than a pack of the carrier for that country."""
    packs: dict[str, list[Any]] = defaultdict(list)
    for (carrier, _), item in books.items.items():
        if item.nature == "roaming_pack" and item.countries:
            packs[carrier].append(item)
    if not packs:
        return
    rates = {
        row.item_code: int(row.rate)
        for row in rows(books.frames["contract_rates"])
        if row.rate is not None and row.item_code
    }
    lines = running(books)
    chosen = lines[(lines["category"] == "usage") & (lines["zone"] == "roaming") & lines["country"].notna()]
    for service, month, members in by_service_month(chosen):
        places = {r.country for r in members}
        fits = [
            (rates[p.item_code], p.item_code)
            for p in packs.get(members[0].carrier_id, ())
            if p.item_code in rates and (p.countries == "*" or places <= set(p.countries.split("|")))
        ]
        cost = sum(int(r.amount) for r in members)
        if not fits or not rule.beyond(cost - min(fits)[0]) or cost < min(fits)[0]:
            continue
        price, code = min(fits)
        said = (
            f"Roaming in {', '.join(sorted(places))} cost {money(cost, members[0].currency)} by "
            f"use; the pack {code} costs "
            f"{money(price, members[0].currency)}."
        )
        yield make(
            books,
            rule,
            subject=("service", service),
            month=month,
            cause=code,
            text=said,
            currency=members[0].currency,
            expected=price,
            actual=cost,
            service_id=service,
            account_id=members[0].account_id,
            carrier_id=members[0].carrier_id,
            facts=[evidence("charges", r.charge_id, month, "amount", int(r.amount), r.country or "") for r in members]
            + [evidence("contract_rates", code, month, "rate", price)],
            invoices=sorted({r.invoice_id for r in members}),
            contract_id=members[0].terms_id,
        )


@check("U6")
def pool_fill(books: Books, rule: Rule) -> Iterator[Finding]:
    """A data or voice pool is far from full, or overfull."""
    low, high = rule.micros("below"), rule.micros("above")
    use = home_use(books)
    groups = {
        p: (("data", row.pool_group, row.data_mb), ("voice", row.voice_pool_group, row.voice_min))
        for p, row in books.plans.items()
        if row.pool_group or row.voice_pool_group
    }
    for month in books.months:
        pools: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        states = books.months_of_service(month)
        usable = states[
            states["plan_id"].isin(groups)
            & states["account_id"].notna()
            & (states["status"].fillna("active") != "ordered")
        ]
        start, end = periods.month_start(month), periods.month_end(month)
        for row in rows(usable):
            if (
                (row.activated_on or "") > end
                or (row.disconnected_on or "9999") < start
                or (row.status == "disconnected" and row.disconnected_on is None)
            ):
                continue
            for name, group, allowance in groups[row.plan_id]:
                if group and allowance is not None:
                    pool = pools[row.account_id, name, group]
                    pool[0] += int(allowance)
                    pool[1] += use.get((row.service_id, month), {}).get(name, 0)
                    pool[2] += (row.carrier_id, month) in books.metered
        odd: dict[str, list[tuple[str, str, list[int]]]] = defaultdict(list)
        for (account, name, group), pool in sorted(pools.items()):
            size, used, metered = pool
            if metered and size and (used * SCALE < low * size or used * SCALE > high * size):
                odd[account].append((name, group, pool))
        for account, members in odd.items():
            yield _pool(books, rule, account, month, members)


def _pool(books: Books, rule: Rule, account: str, month: str, members: list[tuple[str, str, list[int]]]) -> Finding:
    parts = [f"{group} ({name}) is filled to {used * 100 // size} %" for name, group, (size, used, _) in members]
    _, _, (size, used, _) = members[0]
    facts = []
    for name, group, (whole, some, count) in members:
        facts += [
            evidence("plans", group, month, f"{name} allowance", whole, f"{count} lines"),
            evidence("usage", group, month, name, some),
        ]
    return make(
        books,
        rule,
        subject=("account", account),
        month=month,
        cause="|".join(group for _, group, _ in members),
        text=f"In {month} the pool {', the pool '.join(parts)} of its allowance.",
        expected=size,
        actual=used,
        unit="MB" if members[0][0] == "data" else "min",
        facts=facts,
        account_id=account,
    )


@check("U7")
def premium(books: Books, rule: Rule) -> Iterator[Finding]:
    """A directory, premium or third-party charge."""
    lines = books.lines
    natures, zones = rule.names("natures"), rule.names("zones")
    chosen = lines[
        (lines["amount"] > 0)
        & (lines["category"] != "tax")
        & ((lines["category"] == "third_party") | lines["nature"].isin(natures) | lines["zone"].isin(zones))
    ]
    for row in rows(chosen.sort_values("charge_id")):
        what = "third-party" if row.category == "third_party" or row.nature == "third_party" else row.zone or row.nature
        said = f"{row.description or row.item_code} is a {what} charge of {money(int(row.amount), row.currency)}."
        facts = [evidence("items", row.item_code or "", row.month, "nature", row.nature or row.zone)]
        yield of_charge(
            books,
            rule,
            row,
            int(row.amount),
            said,
            cause=row.item_code or what,
            expected=0,
            actual=int(row.amount),
            facts=facts,
        )
    yield from _unbilled_premium(books, rule, zones)


def _unbilled_premium(books: Books, rule: Rule, zones: tuple[str, ...]) -> Iterator[Finding]:
    """Rated use in a premium zone of a line without usage charges; where both exist, charges win."""
    lines = books.lines
    charged = set(
        zip(
            *(
                lines.loc[(lines["category"] == "usage") & lines["service_id"].notna(), c]
                for c in ("service_id", "month")
            ),
            strict=True,
        )
    )
    usage = books.usage
    some = usage[usage["zone"].isin(zones) & (usage["cost"].fillna(0) > 0)]
    keys = ["service_id", "month"]
    for (service, month), group in some.groupby(keys, sort=True):
        if (service, month) in charged:
            continue
        cost, currency = int(group["cost"].sum()), next(iter(group["currency"].dropna()), None)
        if currency is None and service in books.services:
            account = books.accounts.get(books.services[service].account_id or "")
            currency = account.currency if account else None
        yield make(
            books,
            rule,
            subject=("service", str(service)),
            month=str(month),
            cause="premium use",
            text=f"Premium or directory use cost {money(cost, currency)} in {month}.",
            amount=cost,
            currency=currency,
            expected=0,
            actual=cost,
            service_id=str(service),
            facts=[
                evidence("usage", str(service), str(month), "cost", int(c), z)
                for c, z in zip(group["cost"], group["zone"], strict=True)
            ],
        )


@check("U8")
def single_calls(books: Books, rule: Rule) -> Iterator[Finding]:
    """A domestic call is very long or very dear."""
    minutes, cost = rule.micros("minutes"), rule.micros("cost")
    calls = books.calls
    if calls.empty:
        return
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in rows(calls):
        length = int(row.duration_s) // 60 if row.duration_s is not None else int(row.quantity or 0)
        if (length > minutes or (row.cost or 0) > cost) and row.started_at[:7] <= books.as_of[:7]:
            groups[row.service_id, row.started_at[:7]].append((row, length))
    for (service, month), found in sorted(groups.items()):
        amount = sum(int(row.cost or 0) for row, _ in found)
        longest = max(length for _, length in found)
        said = (
            f"{len(found)} domestic call{'s' if len(found) > 1 else ''} in {month} lasted up to "
            f"{to_text(longest, 0)} minutes and cost {to_text(amount)}."
        )
        yield make(
            books,
            rule,
            subject=("service", service),
            month=month,
            cause=month,
            text=said,
            currency=found[0][0].currency,
            expected=minutes,
            actual=longest,
            unit="min",
            service_id=service,
            facts=[
                evidence("usage_events", row.started_at, month, "minutes", length, row.peer_number or "")
                for row, length in found
            ],
        )
