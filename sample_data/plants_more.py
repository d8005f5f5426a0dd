"""More planted errors: credits, late fees, suspensions, orders, taxes, tiers, and whole invoices."""

from __future__ import annotations

from sample_data import draw
from sample_data.billing import recurring
from sample_data.catalogue import item_of
from sample_data.contracts import rate_on
from sample_data.plants import Hook, Picker, ours, truth
from sample_data.world import Charge, Invoice, Service, World


def choose(picker: Picker) -> None:
    """Choose the remaining plants; see `truth/README.md` for each kind."""
    _promotions(picker)
    _suspended(picker)
    _arithmetic(picker)
    _orders(picker)
    _inventory(picker)
    _phantoms(picker)
    _account_level(picker)


def _promotions(picker: Picker) -> None:
    world, end = picker.world, len(picker.world.months) - 1
    rows = [("ok-promo", 12), ("R6", 4), ("R6", 4)]
    for variant, (rule, count) in enumerate(rows):
        for service in picker.pick(rule, "tmobile", count):
            first, last = picker.start(0.0, 0.2), max(2, picker.start(0.6, 0.85))
            last = min(last, end - 1)
            billed_last = (last, max(first, last - 3), min(end, last + 3))[variant]
            world.add(
                "credits_promised",
                credit_id=f"CR-{service.service_id}",
                carrier_id="tmobile",
                account_id=service.now.account_id,
                service_id=service.service_id,
                item_code="TM-PROMO",
                reason="promo",
                amount="5.00",
                currency="USD",
                cadence="monthly",
                starts_on=draw.day(world.months[first], 1),
                ends_on=draw.last_day(world.months[last]),
                promised_on=draw.day(world.months[first], 1),
            )
            service.quirks["bill"] = _promo_hook(first, last, billed_last)


def _promo_hook(first: int, last: int, billed_last: int) -> Hook:
    def hook(world: World, service: Service, invoice: Invoice) -> None:
        index = world.months.index(invoice.month)
        if first <= index <= billed_last:
            credit = Charge(
                "credit",
                "TM-PROMO",
                "Promotional credit",
                -500,
                draw.day(invoice.month, 1),
                draw.last_day(invoice.month),
                service.service_id,
                service.number,
                provider="tmobile",
            )
            invoice.charges.append(credit)
            if index > last:
                truth(credit, service.plant, "R6", "credit_runs_on", -500, "after the agreed end")
        elif billed_last < index <= last:
            world.expect(
                service.plant,
                "R6",
                "credit_stopped_early",
                "service",
                service.service_id,
                invoice.month,
                500,
                service=service,
                note="promised until later",
            )

    return hook


def _suspended(picker: Picker) -> None:
    def dormant(service: Service) -> bool:
        return any(span.status == "suspended" for span in service.spans) and not service.disconnected_on

    def hook(world: World, service: Service, invoice: Invoice) -> None:
        state = service.state(draw.day(invoice.month, 2))
        if state is None or state.status != "suspended" or state.account_id != invoice.account_id:
            return
        old = ours(service, invoice)
        invoice.charges = [c for c in invoice.charges if c not in old]
        charge = recurring(world, service, invoice.month, 1, draw.days_in(invoice.month), state.plan_id)
        truth(
            charge,
            service.plant,
            "I10",
            "suspended_billed_full",
            charge.amount - sum(c.amount for c in old),
            "suspended all month",
        )
        invoice.charges.append(charge)

    for carrier in ("tmobile", "vodafone"):
        for service in picker.pick("I10", carrier, 2, dormant):
            service.quirks["bill"] = hook


def _arithmetic(picker: Picker) -> None:
    def calls(service: Service) -> bool:
        return picker.calm(service) and service.kind == "fixed_voice" and int(service.service_id[1:]) % 3 == 0

    def make(when: int) -> Hook:
        def hook(world: World, service: Service, invoice: Invoice) -> None:
            if world.months.index(invoice.month) == when:
                charge = next(
                    (c for c in invoice.charges if c.service_id == service.service_id and c.category == "usage"), None
                )
                if charge is not None:
                    charge.amount += 1850
                    truth(charge, service.plant, "C11", "line_arithmetic", 1850, "quantity x rate is 18.50 less")

        return hook

    for service in picker.pick("C11", "bt", 3, calls):
        service.quirks["post"] = make(picker.start(0.2, 0.95))


def _orders(picker: Picker) -> None:
    world = picker.world
    for service in picker.pick("C5", "tmobile", 3):
        month = world.months[picker.start(0.2, 0.95)]
        charge = Charge(
            "nrc",
            "TM-ACTIVATE",
            "Activation fee",
            3500,
            draw.day(month, 5),
            draw.day(month, 5),
            service.service_id,
            service.number,
            1,
            "each",
            3500,
            "tmobile",
        )
        truth(charge, service.plant, "C5", "nrc_without_order", 3500, "no order within 90 days")
        world.extra_charges[service.now.account_id, month].append(charge)

    def fresh(service: Service) -> bool:
        return (
            service.kind == "mobile"
            and service.activated_on > world.months[1]
            and len(service.spans) == 1
            and service.activated_on[8:] > "02"
            and not service.disconnected_on
            and service.now.employee_id != ""
            and not world.employees[service.now.employee_id].left_on
        )

    def unprorated(world: World, service: Service, invoice: Invoice) -> None:
        if invoice.month == service.activated_on[:7]:
            for charge in ours(service, invoice):
                right, charge.amount = charge.amount, int(charge.unit_rate or 0)
                truth(charge, service.plant, "C9", "not_prorated", charge.amount - right, "full month for part of it")

    for carrier in ("tmobile", "vodafone"):
        for service in picker.pick("C9", carrier, 2, fresh):
            service.quirks["bill"] = unprorated


def _inventory(picker: Picker) -> None:
    world = picker.world
    for service in picker.pick("I7", "tmobile", 2):
        month = world.months[picker.start(0.3, 0.9)]
        other = "TMO-2" if service.now.account_id == "TMO-1" else "TMO-1"
        charge = recurring(world, service, month, 1, draw.days_in(month), service.now.plan_id)
        truth(
            charge, service.plant, "I7", "billed_in_two_accounts", charge.amount, f"belongs to {service.now.account_id}"
        )
        world.extra_charges[other, month].append(charge)

    def make(first: int) -> Hook:
        def hook(world: World, service: Service, invoice: Invoice) -> None:
            if first <= world.months.index(invoice.month) < first + 3:
                old = ours(service, invoice)
                invoice.charges = [c for c in invoice.charges if c not in old]
                if old:
                    world.expect(
                        service.plant,
                        "I3",
                        "never_billed",
                        "service",
                        service.service_id,
                        invoice.month,
                        -sum(c.amount for c in old),
                        service=service,
                        note="active, no recurring charge",
                    )

        return hook

    for service in picker.pick("I3", "vodafone", 2):
        service.quirks["bill"] = make(picker.start(0.3, 0.7))
    for number, service in enumerate(picker.pick("I8", "vodafone", 3) + picker.pick("I8", "tmobile", 3)):
        status = ("wiped", "retired", "enrolled")[number % 3]
        seen = draw.plus_days(world.today, -(150 if status == "enrolled" else 95))
        service.quirks["mdm"] = (status, seen)
        dead = seen if status != "enrolled" else draw.plus_days(seen, 60)
        service.quirks["bill"] = _owner_hook("I8", f"mdm_{status}", dead)

    def trunk(service: Service) -> bool:
        return picker.calm(service) and service.kind in {"fixed_voice", "sdwan"}

    for number, service in enumerate(picker.pick("I6", "lumen", 5, trunk)):
        service.now.cost_center_id = "CC4900" if number % 2 else ""
        closed = next(str(r["closed_on"]) for r in world.tables["cost_centers"] if r["cost_center_id"] == "CC4900")
        service.quirks["bill"] = _owner_hook(
            "I6", "closed_cost_center" if number % 2 else "no_owner", closed if number % 2 else ""
        )


def _owner_hook(rule: str, kind: str, after: str) -> Hook:
    """Expect a finding on the service in every month whose first day lies after a day."""

    def hook(world: World, service: Service, invoice: Invoice) -> None:
        for charge in ours(service, invoice):
            if charge.period_start > after:
                truth(charge, service.plant, rule, kind, charge.amount, f"since {after}" if after else "")

    return hook


def _phantoms(picker: Picker) -> None:
    world = picker.world
    number = 0
    for carrier, account, plan, count in (
        ("verizon", "VZW-EAST", "VZ-FLEX-5", 3),
        ("att", "ATT-1", "AT-5", 3),
        ("tmobile", "TMO-1", "TM-5", 3),
        ("kore", "KORE-1", "KO-250", 4),
    ):
        for _ in range(world.scaled(count)):
            number += 1
            first = picker.start(0.1, 0.7)
            printed = f"8931440999{number:08d}" if carrier == "kore" else f"64655{number:05d}"
            for month in world.months[first:]:
                rate = rate_on(world, world.contract_of[carrier], item_of(world, plan), draw.day(month, 1))
                charge = Charge(
                    "mrc",
                    item_of(world, plan),
                    str(world.plans[plan]["name"]),
                    rate,
                    draw.day(month, 1),
                    draw.last_day(month),
                    "",
                    printed,
                    1,
                    "month",
                    rate,
                    carrier,
                )
                truth(charge, f"I1-{number:03d}", "I1", "not_in_inventory", rate, f"number {printed} is unknown")
                world.extra_charges[account, month].append(charge)


def _account_level(picker: Picker) -> None:
    world, end = picker.world, len(picker.world.months) - 1
    for number, share in enumerate((0.35, 0.75), 1):
        world.wrong_tiers[world.months[world.month_at(share)]] = f"R3-{number:03d}"
    world.wrong_taxes["COLT-1", world.months[world.month_at(0.5)]] = ("C7-001", 2300)
    world.wrong_taxes["BT-1", world.months[world.month_at(0.8)]] = ("C7-002", 2300)
    world.wrong_taxes["KORE-1", world.months[world.month_at(0.3)]] = ("C7-003", 650)
    for plant, account, code, share, late in (
        ("C3-001", "LUM-1", "LUM-LATE", 0.4, False),
        ("C3-002", "BT-1", "BT-LATE", 0.6, True),
    ):
        index = max(1, world.month_at(share))
        month = world.months[index]
        fee = Charge(
            "late_fee",
            code,
            "Late payment charge",
            18500 if account == "LUM-1" else 6200,
            draw.day(month, 1),
            draw.last_day(month),
            provider=str(world.accounts[account]["carrier_id"]),
        )
        truth(fee, plant, "C3", "late_fee_paid_late" if late else "late_fee_paid_in_time", fee.amount)
        world.extra_charges[account, month].append(fee)
        if late:
            world.paid_late.add((account, world.months[index - 1]))
    for plant, account, code, amount, got in (
        ("C14-001", "COLT-1", "COLT-SLA", 60000, 0),
        ("C14-002", "VF-1", "VF-SIGN", 150000, 90000),
        ("ok-credit", "LUM-2", "LUM-SLA", 40000, 40000),
    ):
        carrier, start = str(world.accounts[account]["carrier_id"]), world.month_at(0.3)
        due = world.months[min(end - 1, start + 3)] if end > 1 else world.months[-1]
        world.add(
            "credits_promised",
            credit_id=plant.replace("-", ""),
            carrier_id=carrier,
            account_id=account,
            item_code=code,
            reason="signing" if code == "VF-SIGN" else "sla",
            amount=draw.money(amount),
            currency=world.accounts[account]["currency"],
            cadence="once",
            starts_on=draw.day(world.months[start], 1),
            promised_on=draw.day(world.months[start], 9),
            due_by=draw.last_day(due),
        )
        if got:
            month = world.months[min(end - 1, start + 1)]
            world.extra_charges[account, month].append(
                Charge(
                    "credit", code, "Credit as agreed", -got, draw.day(month, 1), draw.last_day(month), provider=carrier
                )
            )
        if got < amount:
            world.expect(
                plant,
                "C14",
                "credit_not_received" if not got else "credit_falls_short",
                "account",
                account,
                due,
                amount - got,
                account=account,
                note=f"credit {plant.replace('-', '')}",
            )


def invoices(world: World) -> None:
    """After billing: copy invoices, spoil totals, lose one invoice."""
    by_key = {(i.account_id, i.month): i for i in world.invoices}
    for plant, account, share in (("C1-001", "RC-1", 0.55), ("C1-002", "KORE-1", 0.7)):
        first = by_key[account, world.months[world.month_at(share)]]
        copy = Invoice(f"{first.invoice_id}-R", account, f"{first.number}9", first.month)
        for charge in first.charges:
            copy.charges.append(
                Charge(
                    **{
                        n: getattr(charge, n)
                        for n in (
                            "category",
                            "item_code",
                            "description",
                            "amount",
                            "period_start",
                            "period_end",
                            "service_id",
                            "billed_number",
                            "quantity",
                            "unit",
                            "unit_rate",
                            "provider",
                            "zone",
                            "country",
                            "related",
                        )
                    }
                )
            )
        world.invoices.insert(world.invoices.index(first) + 1, copy)
        world.expect(
            plant,
            "C1",
            "duplicate_invoice",
            "invoice",
            copy.invoice_id,
            copy.month,
            sum(c.amount for c in copy.charges if c.category != "tax"),
            account=account,
            invoice=copy,
        )
    for plant, account, share, error in (("C11-901", "KORE-1", 0.45, 9000), ("C11-902", "COLT-1", 0.9, 27000)):
        invoice = by_key[account, world.months[world.month_at(share)]]
        invoice.total_error = error
        world.expect(
            plant,
            "C11",
            "total_arithmetic",
            "invoice",
            invoice.invoice_id,
            invoice.month,
            error,
            account=account,
            invoice=invoice,
            note="total is above the sum of the charges",
        )
    lost = by_key["BT-1", world.months[max(1, world.month_at(0.3))]]
    world.invoices.remove(lost)
    world.expect("C12-001", "C12", "missing_invoice", "account", "BT-1", lost.month, 0, account="BT-1")
    for invoice in world.invoices:
        late = (invoice.account_id, invoice.month) in world.paid_late
        invoice.paid_on = draw.plus_days(draw.last_day(invoice.month), 52 if late else 22)
