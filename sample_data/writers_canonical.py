"""Canonical CSV tables (`interfaces.md` section 2), with stable column order and line ends."""

from __future__ import annotations

import csv
from pathlib import Path

from sample_data import draw
from sample_data.usage import currency_of
from sample_data.world import Service, World

FILE_CARRIERS = ("verizon", "att")  # these send their own formats; their bills are not in the canonical folder

COLUMNS = {
    "carriers": "carrier_id name country",
    "accounts": "account_id carrier_id number name currency country cadence bill_day billing opened_on closed_on "
    "tax_exempt paperless",
    "sites": "site_id name country region opened_on closed_on",
    "cost_centers": "cost_center_id name parent_id owner business_unit gl_account closed_on",
    "employees": "employee_id name email cost_center_id site_id status left_on role country",
    "contracts": "contract_id carrier_id name currency start_date initial_term_months renewal_term_months "
    "renewal_type notice_days notice_months commitment_amount commitment_period commitment_basis "
    "shortfall_rate etf_rule etf_amount proration suspended_rate late_fee_rate dispute_window_days "
    "withhold_window_days",
    "contract_tiers": "contract_id spend_from discount_rate mode basis period item_code",
    "contract_rates": "contract_id item_code description category plan_id unit rate list_rate effective_from "
    "effective_to",
    "plans": "plan_id carrier_id name service_kind mrc currency data_mb voice_min sms data_overage_price "
    "data_overage_block_mb voice_overage_price roaming_countries pool_group min_lines item_code offer_id",
    "offer_terms": "offer_id carrier_id name currency term_months commitment_amount commitment_period commitment_basis "
    "shortfall_rate activation_fee port_credit signing_credit valid_until note",
    "items": "carrier_id item_code description category nature countries usage_type zone",
    "services": "service_id kind device_kind purpose number carrier_id account_id contract_id plan_id employee_id "
    "cost_center_id site_id status activated_on disconnected_on term_end_on",
    "service_history": "service_id valid_from valid_to account_id contract_id plan_id employee_id cost_center_id "
    "site_id number status",
    "service_items": "service_id item_code quantity valid_from valid_to",
    "coverage": "site_id carrier_id",
    "devices": "device_id service_id employee_id kind imei model mdm_status last_seen_on assigned_on released_on",
    "sim_observations": "service_id observed_on iccid imei",
    "orders": "order_id service_id account_id type requested_on ordered_on due_on completed_on item_code nrc_amount "
    "currency from_value to_value status",
    "invoices": "invoice_id account_id number kind issued_on period_start period_end due_on received_on currency "
    "previous_balance payments total",
    "charges": "charge_id invoice_id service_id billed_number category item_code description provider zone country "
    "quantity unit unit_rate amount period_start period_end related_charge_id",
    "payments": "invoice_id paid_on amount",
    "usage": "service_id month usage_type zone country quantity unit cost currency period_start period_end",
    "usage_events": "service_id started_at direction usage_type zone country peer_number peer_country quantity unit "
    "duration_s cost currency",
    "credits_promised": "credit_id carrier_id account_id service_id item_code reason amount currency cadence "
    "starts_on ends_on promised_on due_by",
    "tax_rules": "country item_code description applies_to rate effective_from effective_to",
    "fx_rates": "day from_currency to_currency rate",
    "travel": "travel_id employee_id country starts_on ends_on source",
    "budgets": "budget_id month cost_center_id carrier_id amount currency note",
    "policy_exemptions": "exemption_id rule scope_type scope_id effective_from effective_to reason",
}
_PRICES = ("mrc", "data_overage_price", "voice_overage_price")


def write(world: World, folder: Path) -> None:
    """Write every canonical table that has rows into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _fill(world)
    for table, names in COLUMNS.items():
        rows = world.tables.get(table, [])
        if rows:
            write_rows(folder / f"{table}.csv", names.split(), rows)


def write_rows(path: Path, columns: list[str], rows: list[dict[str, object]]) -> None:
    """One CSV file: UTF-8, LF line ends, blanks for what is unknown."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow(["" if row.get(name) is None else row.get(name, "") for name in columns])


def _fill(world: World) -> None:
    for plan in world.plans.values():
        row = dict(plan)
        for name in _PRICES:
            value = row.get(name)
            row[name] = None if value is None else draw.money(int(str(value)))
        world.add("plans", **row)
    for service in world.services.values():
        _service(world, service)
    _usage(world)
    _bills(world)
    world.tables["usage_events"] = sorted(
        world.events, key=lambda e: (str(e["service_id"]), str(e["started_at"]), str(e["peer_number"]))
    )


def _service(world: World, service: Service) -> None:
    last = service.now
    status = "disconnected" if service.disconnected_on else last.status
    shared: dict[str, object] = {
        "contract_id": service.contract_id,
        "site_id": service.site_id,
        "number": service.number,
        "service_id": service.service_id,
    }
    world.add(
        "services",
        kind=service.kind,
        device_kind=service.device_kind,
        purpose=service.purpose,
        carrier_id=service.carrier_id,
        account_id=last.account_id,
        plan_id=last.plan_id,
        employee_id=last.employee_id,
        cost_center_id=last.cost_center_id,
        status=status,
        activated_on=service.activated_on,
        disconnected_on=service.disconnected_on,
        term_end_on=service.term_end_on,
        **shared,
    )
    if len(service.spans) == 1:
        return
    for span, after in zip(service.spans, [*service.spans[1:], None], strict=True):
        until = after.valid_from if after else service.disconnected_on
        world.add(
            "service_history",
            valid_from=span.valid_from,
            valid_to=until,
            account_id=span.account_id,
            plan_id=span.plan_id,
            employee_id=span.employee_id,
            cost_center_id=span.cost_center_id,
            status=span.status,
            **shared,
        )
    if service.disconnected_on:
        world.add(
            "service_history",
            valid_from=service.disconnected_on,
            account_id=last.account_id,
            plan_id=last.plan_id,
            employee_id=last.employee_id,
            cost_center_id=last.cost_center_id,
            status="disconnected",
            **shared,
        )


def _usage(world: World) -> None:
    for (service_id, month), uses in world.usage.items():
        service = world.services[service_id]
        currency = currency_of(world, service)
        for use in uses:
            if service.carrier_id in FILE_CARRIERS and use.zone == "home":
                continue
            world.add(
                "usage",
                service_id=service_id,
                month=month,
                usage_type=use.usage_type,
                zone=use.zone,
                country=use.country,
                quantity=draw.number_text(use.quantity),
                unit=use.unit,
                cost=draw.money(use.cost),
                currency=currency,
                period_start=draw.day(month, 1),
                period_end=draw.last_day(month),
            )


def _bills(world: World) -> None:
    for invoice in world.invoices:
        account = world.accounts[invoice.account_id]
        if account["carrier_id"] in FILE_CARRIERS:
            continue
        issued = draw.last_day(invoice.month)
        if invoice.paid_on and invoice.paid_on <= world.today:
            world.add(
                "payments", invoice_id=invoice.invoice_id, paid_on=invoice.paid_on, amount=draw.money(invoice.total)
            )
        world.add(
            "invoices",
            invoice_id=invoice.invoice_id,
            account_id=invoice.account_id,
            number=invoice.number,
            kind=invoice.kind,
            issued_on=issued,
            period_start=draw.day(invoice.month, 1),
            period_end=issued,
            due_on=draw.plus_days(issued, 30),
            received_on=issued,
            currency=account["currency"],
            previous_balance="0.00",
            payments="0.00",
            total=draw.money(invoice.total),
        )
        for charge in invoice.charges:
            world.add(
                "charges",
                charge_id=charge.charge_id,
                invoice_id=invoice.invoice_id,
                service_id=charge.service_id,
                billed_number=charge.billed_number,
                category=charge.category,
                item_code=charge.item_code,
                description=charge.description,
                provider=charge.provider,
                zone=charge.zone,
                country=charge.country,
                quantity=None if charge.quantity is None else draw.number_text(charge.quantity),
                unit=charge.unit,
                unit_rate=None if charge.unit_rate is None else draw.money(charge.unit_rate),
                amount=draw.money(charge.amount),
                period_start=charge.period_start,
                period_end=charge.period_end,
                related_charge_id=charge.related.charge_id if charge.related else "",
            )
