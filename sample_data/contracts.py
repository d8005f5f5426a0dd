"""Contracts with terms, commitments, tiers and rates; credits the carriers promised."""

from __future__ import annotations

from sample_data.catalogue import item_of
from sample_data.catalogue_data import FEATURES, ITEMS, UNPLANNED
from sample_data.draw import half_up, plus_days
from sample_data.world import World

# Amendment: new prices for Vodafone lines from this month of the window on (share of the window).
AMENDMENT_AT = 0.5
AMENDED = {"VF-RED-L": 2800, "VF-RED-XL": 3450}  # the older, higher prices
EXPIRED = "CT-BT-ONEVOICE"

# contract_id, carrier, name, currency, start, initial, renewal, type, notice days, notice months, extras
_CONTRACTS: tuple[
    tuple[str, str, str, str, str, int, int | None, str, int | None, int | None, dict[str, object]], ...
] = (
    (
        "CT-VZW",
        "verizon",
        "Verizon enterprise agreement",
        "USD",
        "2024-07-01",
        36,
        12,
        "tacit",
        90,
        None,
        {"etf_rule": "fixed", "etf_amount": 15000},
    ),
    (
        "CT-ATT",
        "att",
        "AT&T corporate agreement",
        "USD",
        "2023-11-15",
        36,
        12,
        "tacit",
        30,
        None,
        {"etf_rule": "fixed", "etf_amount": 12500},
    ),
    (
        "CT-TMO",
        "tmobile",
        "T-Mobile master services agreement",
        "USD",
        "2025-02-01",
        36,
        12,
        "tacit",
        60,
        None,
        {"suspended_rate": "0", "etf_rule": "none"},
    ),
    (
        "CT-VF",
        "vodafone",
        "Vodafone global enterprise agreement",
        "USD",
        "2025-01-01",
        24,
        12,
        "tacit",
        None,
        3,
        {"suspended_rate": "0.25"},
    ),
    ("CT-KORE", "kore", "KORE IoT services order", "USD", "2024-03-01", 12, None, "month_to_month", 30, None, {}),
    ("CT-RC", "ringcentral", "RingCentral subscription", "USD", "2024-10-01", 24, 12, "tacit", 30, None, {}),
    (
        "CT-LUM",
        "lumen",
        "Lumen master service agreement",
        "USD",
        "2022-11-30",
        36,
        12,
        "tacit",
        90,
        None,
        {"etf_rule": "months_left_mrc", "etf_amount": "0.5"},
    ),
    ("CT-BT", "bt", "BT business services", "GBP", "2025-01-01", 36, 36, "express", 90, None, {}),
    ("CT-COLT", "colt", "Colt master services agreement", "EUR", "2024-03-01", 36, None, "express", 120, None, {}),
)


def build(world: World) -> None:
    """Add contracts, tiers and rates; `world.rates[(contract, item)]` is the price list in force by day."""
    for row in _CONTRACTS:
        contract_id, carrier, name, currency, start, initial, renewal, kind, days, notice_months, extra = row
        world.contract_of[carrier] = contract_id
        fields: dict[str, object] = {
            "contract_id": contract_id,
            "carrier_id": carrier,
            "name": name,
            "currency": currency,
            "start_date": start,
            "initial_term_months": initial,
            "renewal_term_months": renewal,
            "renewal_type": kind,
            "notice_days": days,
            "notice_months": notice_months,
            "proration": "actual_days",
            "late_fee_rate": "0.015",
            "dispute_window_days": 90,
            "withhold_window_days": 30,
            **extra,
        }
        if isinstance(fields.get("etf_amount"), int):
            fields["etf_amount"] = f"{int(str(fields['etf_amount'])) / 100:.2f}"
        fields.update(_commitment(world, contract_id))
        world.add("contracts", **fields)
    expired_on = f"{world.months[world.month_at(0.6)]}-01"
    start = f"{int(expired_on[:4]) - 2}{expired_on[4:]}"
    world.add(
        "contracts",
        contract_id=EXPIRED,
        carrier_id="bt",
        name="BT OneVoice order form",
        currency="GBP",
        start_date=start,
        initial_term_months=24,
        renewal_type="express",
        notice_days=60,
        proration="actual_days",
        dispute_window_days=90,
        withhold_window_days=30,
    )
    for plan in world.plans.values():
        carrier = str(plan["carrier_id"])
        if plan["offer_id"]:
            continue
        code, price = item_of(world, str(plan["plan_id"])), int(str(plan["mrc"]))
        change = f"{world.months[world.month_at(AMENDMENT_AT)]}-01"
        if code in AMENDED:
            _rate(
                world,
                world.contract_of[carrier],
                code,
                plan["name"],
                "mrc",
                "month",
                AMENDED[code],
                until=plus_days(change, -1),
                plan_id=plan["plan_id"],
            )
            _rate(
                world,
                world.contract_of[carrier],
                code,
                plan["name"],
                "mrc",
                "month",
                price,
                since=change,
                plan_id=plan["plan_id"],
            )
        else:
            _rate(world, world.contract_of[carrier], code, plan["name"], "mrc", "month", price, plan_id=plan["plan_id"])
    for code, carrier, _, description, price in UNPLANNED:
        contract = EXPIRED if code == "BT-ONEVOICE" else world.contract_of[carrier]
        until = plus_days(expired_on, -1) if contract == EXPIRED else ""
        _rate(world, contract, code, description, "mrc", "month", price, until=until)
    for code, carrier, description, _, category, unit, cents, *_ in ITEMS:
        if cents is not None:
            _rate(world, world.contract_of[carrier], code, description, category, unit, cents)
    for carrier, (code, description, price) in FEATURES.items():
        _rate(world, world.contract_of[carrier], code, description, "mrc", "month", price)
    for spend, rate in ((20000, "0.02"), (45000, "0.04"), (60000, "0.06"), (90000, "0.08")):
        spend_from = spend * world.size // 2500
        world.add(
            "contract_tiers",
            contract_id="CT-LUM",
            spend_from=f"{spend_from}.00",
            discount_rate=rate,
            mode="all_units",
            basis="mrc",
            period="month",
            item_code="LUM-TIER",
        )


def tier_rate(world: World, spend: int) -> int:
    """The Lumen discount in hundredths of a percent for a monthly spend in cents (spend_from inclusive)."""
    best = 0
    for row in world.tables["contract_tiers"]:
        if spend >= round(float(str(row["spend_from"])) * 100):
            best = max(best, round(float(str(row["discount_rate"])) * 10000))
    return best


def _commitment(world: World, contract_id: str) -> dict[str, object]:
    yearly = {"CT-VZW": 150000, "CT-ATT": 120000, "CT-TMO": 80000, "CT-LUM": 620000}
    if contract_id not in yearly:
        return {}
    amount = yearly[contract_id] * world.size // 2500
    return {
        "commitment_amount": f"{amount}.00",
        "commitment_period": "year",
        "commitment_basis": "gross",
        "shortfall_rate": {"CT-TMO": "0.5", "CT-LUM": "0"}.get(contract_id, "1"),
    }


def _rate(
    world: World,
    contract: str,
    code: str,
    description: object,
    category: str,
    unit: str,
    price: int,
    *,
    since: str = "",
    until: str = "",
    plan_id: object = "",
) -> None:
    listed = half_up(price * 125, 100) if category == "mrc" else price
    row: dict[str, object] = {"rate": price, "list_rate": listed, "from": since, "to": until}
    world.rates[contract, code].append(row)
    world.add(
        "contract_rates",
        contract_id=contract,
        item_code=code,
        description=description,
        category=category,
        plan_id=plan_id,
        unit=unit,
        rate=f"{price / 100:.2f}",
        list_rate=f"{listed / 100:.2f}" if category == "mrc" else "",
        effective_from=since,
        effective_to=until,
    )


def rate_on(world: World, contract: str, code: str, day: str, column: str = "rate") -> int:
    """The contract's price in cents of an item on a day; past its last day the last one known."""
    rows = world.rates[contract, code]
    for row in rows:
        if (not row["from"] or str(row["from"]) <= day) and (not row["to"] or day <= str(row["to"])):
            return int(str(row[column]))
    return int(str(rows[-1][column]))
