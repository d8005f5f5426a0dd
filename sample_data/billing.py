"""The bills: every charge of every account and month, correct to the cent except where a plant says otherwise.

A bill covers a calendar month and is issued on its last day. Prorations count actual days, taxes are one charge per
invoice, rounded half up, and the Lumen volume discount is one credit per invoice.
"""

from __future__ import annotations

from collections import defaultdict

from sample_data import draw, records, settled, usage
from sample_data.catalogue import item_of
from sample_data.catalogue_data import FEATURES, ITEMS, TAX_RATES
from sample_data.contracts import rate_on, tier_rate
from sample_data.world import Charge, Invoice, Service, Span, World

DESCRIPTION = {(carrier, code): description for code, carrier, description, *_ in ITEMS}
ITEM_RATE = {code: rate for code, _, _, _, _, _, rate, *_ in ITEMS}
SPECIAL = {"SO", "LV", "CU", "TN", "SL"}
PREFIX = {"tmobile": "TM", "vodafone": "VF", "lumen": "LUM", "bt": "BT", "colt": "COLT", "kore": "KO"}
# Account-level surcharge and tax of the US carriers, in hundredths of a percent of recurring and usage charges.
SURCHARGE = {"tmobile": ("TM-RRF", 310), "lumen": ("LUM-USF", 450)}
US_TAX = {"tmobile": ("TM-TAX", 725), "lumen": ("LUM-TAX", 680)}
TAXED = {"mrc", "nrc", "usage", "occ", "credit", "adjustment", "equipment", "third_party"}


def build(world: World) -> None:
    """Fill `world.invoices` with the closed invoices of all accounts, in order of month and account."""
    by_account = defaultdict(list)
    for service in world.services.values():
        for account in dict.fromkeys(span.account_id for span in service.spans):
            by_account[account].append(service)
    for month in world.months:
        drafts = []
        for account in world.accounts:
            invoice = _invoice(world, account, month)
            for service in by_account[account]:
                _service_charges(world, service, invoice)
            invoice.charges += world.extra_charges.get((account, month), [])
            drafts.append(invoice)
        settled.answer(world, drafts)
        _volume_discount(world, drafts)
        for invoice in drafts:
            _surcharge_and_tax(world, invoice)
        world.invoices += drafts


def number_charges(world: World) -> None:
    """Give the charges their ids and close the totals (after plants that copy or drop whole invoices)."""
    count = 0
    for invoice in world.invoices:
        for charge in invoice.charges:
            count += 1
            charge.charge_id = f"C{count:07d}"
        invoice.total = sum(charge.amount for charge in invoice.charges) + invoice.total_error


def _invoice(world: World, account: str, month: str) -> Invoice:
    index = list(world.accounts).index(account)
    number = f"{index + 11}{month[2:4]}{month[5:]}{(index * 7919 + int(month[5:]) * 104729) % 9973:04d}"
    return Invoice(f"INV-{account}-{month}", account, number, month)


def billed_spans(service: Service, month: str, account: str) -> list[tuple[int, int, Span]]:
    """First and last day of the month, and the state, for each stretch billed on an account in the month."""
    total = draw.days_in(month)
    if (
        len(service.spans) == 1
        and service.activated_on <= f"{month}-01"
        and (not service.disconnected_on or service.disconnected_on > draw.last_day(month))
    ):
        return [(1, total, service.spans[0])] if service.spans[0].account_id == account else []
    found: list[tuple[int, int, Span]] = []
    for number in range(1, total + 1):
        state = service.state(draw.day(month, number))
        if state is None or state.account_id != account:
            continue
        if found and found[-1][1] == number - 1 and _same(found[-1][2], state):
            found[-1] = (found[-1][0], number, state)
        else:
            found.append((number, number, state))
    return found


def _same(left: Span, right: Span) -> bool:
    return (left.plan_id, left.status, left.account_id) == (right.plan_id, right.status, right.account_id)


def code_and_name(world: World, service: Service, plan_id: str) -> tuple[str, str]:
    """Item code and text of the recurring charge."""
    if not plan_id:
        return service.item_code, _unplanned(service.item_code)
    return item_of(world, plan_id), str(world.plans[plan_id]["name"])


def _unplanned(code: str) -> str:
    from sample_data.catalogue_data import UNPLANNED

    return next(description for item, _, _, description, _ in UNPLANNED if item == code)


def _suspended_rate(world: World, contract: str) -> int:
    row = next(row for row in world.tables["contracts"] if row["contract_id"] == contract)
    return round(float(str(row.get("suspended_rate") or 0)) * 100)


def recurring(
    world: World, service: Service, month: str, first: int, last: int, plan_id: str, percent: int = 100
) -> Charge:
    """The recurring charge of a stretch of days: the full monthly rate, the amount by actual days."""
    start, total = draw.day(month, first), draw.days_in(month)
    code, name = code_and_name(world, service, plan_id)
    rate = draw.half_up(rate_on(world, service.contract_id, code, start) * percent, 100)
    return Charge(
        "mrc",
        code,
        name,
        draw.half_up(rate * (last - first + 1), total),
        start,
        draw.day(month, last),
        service.service_id,
        service.number,
        1,
        "month",
        rate,
        service.carrier_id,
    )


def _service_charges(world: World, service: Service, invoice: Invoice) -> None:
    month, hooks = invoice.month, service.quirks
    for first, last, span in billed_spans(service, month, invoice.account_id):
        if span.status == "suspended":
            percent = _suspended_rate(world, service.contract_id)
            if percent:
                invoice.charges.append(recurring(world, service, month, first, last, span.plan_id, percent))
        else:
            invoice.charges.append(recurring(world, service, month, first, last, span.plan_id))
    item, fee = records.activation_fee(service)
    if item and service.activated_on[:7] == month and service.spans[0].account_id == invoice.account_id:
        fee_charge = _item(service, month, "nrc", item, DESCRIPTION[service.carrier_id, item], 1, "each", fee)
        fee_charge.period_start = fee_charge.period_end = service.activated_on
        invoice.charges.append(fee_charge)
    hook = hooks.get("bill")
    if callable(hook):
        hook(world, service, invoice)
    state = service.state(draw.last_day(month))
    if state is None or state.account_id != invoice.account_id:
        if not any(c.service_id == service.service_id for c in invoice.charges):
            return
        state = None
    if state is not None:
        for code in service.features:
            _, name, price = FEATURES[service.carrier_id]
            invoice.charges.append(_item(service, month, "mrc", code, name, 1, "month", price))
        packs = hooks.get("packs", {})
        assert isinstance(packs, dict)
        for when, code in sorted(packs):
            if when == month:
                invoice.charges.append(
                    _item(
                        service,
                        month,
                        "mrc",
                        code,
                        DESCRIPTION[service.carrier_id, code],
                        1,
                        "pass",
                        int(str(ITEM_RATE[code])),
                    )
                )
    _usage_charges(world, service, invoice)
    post = hooks.get("post")
    if callable(post):
        post(world, service, invoice)


def _item(
    service: Service,
    month: str,
    category: str,
    code: str,
    text: str,
    quantity: float,
    unit: str,
    rate: int,
    **more: str,
) -> Charge:
    return Charge(
        category,
        code,
        text,
        draw.half_up(round(quantity * 1000) * rate, 1000),
        draw.day(month, 1),
        draw.last_day(month),
        service.service_id,
        service.number,
        quantity,
        unit,
        rate,
        service.carrier_id,
        zone=more.get("zone", ""),
        country=more.get("country", ""),
    )


def _usage_charges(world: World, service: Service, invoice: Invoice) -> None:
    _, span = usage.active_share(service, invoice.month)
    if span is None or span.account_id != invoice.account_id:
        return
    for use in world.usage.get((service.service_id, invoice.month), []):
        if not use.cost:
            continue
        if use.zone == "home" and use.usage_type == "data":
            quantity = float(usage.blocks(world, span.plan_id, use.quantity))
            code = f"{PREFIX.get(service.carrier_id, '')}-DATA-OVG"
            rate, unit = use.cost // round(quantity), "MB" if service.carrier_id == "kore" else "GB"
            text = (
                "Data Overage"
                if service.carrier_id == "verizon"
                else DESCRIPTION.get((service.carrier_id, code), "Data overage")
            )
        else:
            kind = {"roaming": f"ROAM-{use.usage_type.upper()}", "international": "INTL-VOICE", "premium": "PREMIUM"}[
                use.zone
            ]
            special = kind == "INTL-VOICE" and use.country in SPECIAL
            code = f"{PREFIX[service.carrier_id]}-{'INTL-SPEC' if special else kind}"
            quantity, unit, rate = use.quantity, use.unit, int(str(ITEM_RATE[code]))
            text = DESCRIPTION[service.carrier_id, code]
        charge = _item(
            service, invoice.month, "usage", code, text, quantity, unit, rate, zone=use.zone, country=use.country
        )
        assert charge.amount == use.cost, (service.service_id, invoice.month, code, charge.amount, use.cost)
        invoice.charges.append(charge)


def _volume_discount(world: World, drafts: list[Invoice]) -> None:
    ours = [invoice for invoice in drafts if world.accounts[invoice.account_id]["carrier_id"] == "lumen"]
    spend = [sum(c.amount for c in invoice.charges if c.category == "mrc") for invoice in ours]
    rate = tier_rate(world, sum(spend))
    month = drafts[0].month
    wrong = world.wrong_tiers.get(month)
    for invoice, eligible in zip(ours, spend, strict=True):
        right = -draw.half_up(eligible * rate, 10000)
        amount = right if wrong is None else -draw.half_up(eligible * max(0, rate - 200), 10000)
        if amount == 0 and right == 0:
            continue
        charge = Charge(
            "credit", "LUM-TIER", "Volume discount", amount, draw.day(month, 1), draw.last_day(month), provider="lumen"
        )
        if wrong is not None and amount != right:
            charge.truths.append(
                {
                    "plant_id": wrong,
                    "rule": "R3",
                    "kind": "wrong_tier_credit",
                    "amount": amount - right,
                    "subject_type": "charge",
                    "note": f"credit at {max(0, rate - 200)} instead of {rate} hundredths of a percent",
                }
            )
        invoice.charges.append(charge)


def _surcharge_and_tax(world: World, invoice: Invoice) -> None:
    account = world.accounts[invoice.account_id]
    carrier, month = str(account["carrier_id"]), invoice.month
    first, last = draw.day(month, 1), draw.last_day(month)
    if carrier in SURCHARGE:
        code, rate = SURCHARGE[carrier]
        base = sum(c.amount for c in invoice.charges if c.category in {"mrc", "usage"})
        invoice.charges.append(
            Charge(
                "surcharge",
                code,
                DESCRIPTION[carrier, code],
                draw.half_up(base * rate, 10000),
                first,
                last,
                provider=carrier,
            )
        )
    if carrier in {"verizon", "att"}:
        _line_surcharges_and_taxes(world, invoice, carrier)
        return
    wrong = world.wrong_taxes.get((invoice.account_id, month))
    if account["tax_exempt"] == "all" and wrong is None:
        return
    base = sum(c.amount for c in invoice.charges if c.category in TAXED)
    if carrier in US_TAX:
        code, rate = US_TAX[carrier]
    elif carrier in {"vodafone", "bt", "colt"}:
        code, rate = TAX_RATES[str(account["country"])]
    else:
        code, rate = "KO-TAX", 0
    right = draw.half_up(base * rate, 10000)
    tax = Charge("tax", code, DESCRIPTION[carrier, code], right, first, last, provider=carrier)
    if wrong is not None:
        plant, billed_rate = wrong
        tax.amount = draw.half_up(base * billed_rate, 10000)
        tax.truths.append(
            {
                "plant_id": plant,
                "rule": "C7",
                "kind": "wrong_tax",
                "amount": tax.amount - right,
                "subject_type": "charge",
                "note": f"billed at {billed_rate}, due {rate} (1/100 %)",
            }
        )
    invoice.charges.append(tax)


def _line_surcharges_and_taxes(world: World, invoice: Invoice, carrier: str) -> None:
    """Verizon and AT&T print surcharges and taxes per line, and a small account-level surcharge."""
    bases: dict[tuple[str, str], int] = defaultdict(int)
    errors: dict[str, dict[str, object]] = {}
    first, last = draw.day(invoice.month, 1), draw.last_day(invoice.month)
    for charge in invoice.charges:
        if charge.category in {"mrc", "usage"}:
            bases[charge.billed_number, charge.service_id] += charge.amount
            for item in charge.truths:
                service = world.services.get(charge.service_id)
                if item["rule"] == "I1" or (item["rule"] == "I2" and service and service.disconnected_on < first):
                    errors[charge.billed_number] = item
    for (number, service_id), base in bases.items():
        for category, text, rate in (
            ("surcharge", "Fed Universal Service Charge", 320),
            ("tax", "State and Local Taxes", 610),
        ):
            if amount := draw.half_up(base * rate, 10000):
                line = Charge(category, text, text, amount, first, last, service_id, number, provider=carrier)
                if category == "surcharge" and number in errors:  # the line's surcharge should not exist either
                    line.truths.append({**errors[number], "amount": amount, "note": "surcharge of that line"})
                invoice.charges.append(line)
    whole = draw.half_up(sum(bases.values()) * 16, 10000)
    invoice.charges.append(
        Charge(
            "surcharge", "Account Regulatory Charge", "Account Regulatory Charge", whole, first, last, provider=carrier
        )
    )
