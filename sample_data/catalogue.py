"""Carriers, accounts, plan catalogues, items and the rival carriers' offers become rows."""

from __future__ import annotations

from sample_data.catalogue_data import (
    ACCOUNTS,
    CARRIERS,
    EU,
    FEATURES,
    ITEMS,
    MOBILE,
    OFFER_TERMS,
    OFFERS,
    OTHER,
    OVERAGE_PER_GB,
    TAX_RATES,
    UNPLANNED,
)
from sample_data.world import World


def build(world: World) -> None:
    """Add carriers, accounts, plans, items and tax rules."""
    for carrier, name, country in CARRIERS:
        world.add("carriers", carrier_id=carrier, name=name, country=country)
    for account, carrier, number, name, currency, country, exempt in ACCOUNTS:
        row: dict[str, object] = {
            "account_id": account,
            "carrier_id": carrier,
            "number": number,
            "name": name,
            "currency": currency,
            "country": country,
            "cadence": "monthly",
            "bill_day": 28,
            "billing": "arrears",
            "opened_on": "2019-01-01",
            "tax_exempt": exempt,
            "paperless": 1,
        }
        world.accounts[account] = row
        world.add("accounts", **row)
    for carrier, rows in MOBILE.items():
        for plan_id, name, code, mrc, data_mb, minutes, pool in rows:
            _mobile_plan(world, carrier, plan_id, name, code, mrc, data_mb, minutes, pool)
    for (carrier, offer), offered in OFFERS.items():
        for plan_id, name, mrc, data_mb, minutes, pool, lines in offered:
            least = world.scaled(lines) if lines else None
            _mobile_plan(
                *(world, carrier, plan_id, name, "", mrc, data_mb, minutes, pool), offer_id=offer, min_lines=least
            )
    _offer_terms(world)
    for plan_id, carrier, kind, name, mrc, data_mb, pool in OTHER:
        iot = kind == "iot"
        _plan(
            world,
            plan_id=plan_id,
            carrier_id=carrier,
            name=name,
            service_kind=kind,
            mrc=mrc,
            currency="USD",
            data_mb=data_mb if iot else None,
            voice_min=0 if iot else None,
            sms=0 if iot else None,
            data_overage_price=4 if iot else None,
            data_overage_block_mb=1 if iot else None,
            pool_group=pool,
        )
    for code, carrier, description, nature, category, _, _, countries, usage_type, zone in ITEMS:
        world.add(
            "items",
            carrier_id=carrier,
            item_code=code,
            description=description,
            category=category,
            nature=nature,
            countries=countries,
            usage_type=usage_type,
            zone=zone,
        )
    for carrier, (code, description, _) in FEATURES.items():
        world.add(
            "items", carrier_id=carrier, item_code=code, description=description, category="mrc", nature="feature"
        )
    for plan in world.plans.values():
        if not plan["offer_id"]:
            world.add(
                "items",
                carrier_id=plan["carrier_id"],
                item_code=plan["item_code"] or plan["plan_id"],
                description=plan["name"],
                category="mrc",
                nature="access",
            )
    for code, carrier, _, description, _ in UNPLANNED:
        world.add("items", carrier_id=carrier, item_code=code, description=description, category="mrc", nature="access")
    for country, (code, rate) in TAX_RATES.items():
        world.add(
            "tax_rules",
            country=country,
            item_code=code,
            description=f"VAT {country}",
            applies_to="mrc|nrc|usage|occ|credit|adjustment|equipment|third_party",
            rate=f"0.{rate // 100:02d}",
            effective_from="2020-01-01",
        )
    world.add("fx_rates", day="2025-01-01", from_currency="EUR", to_currency="USD", rate="1.08")
    world.add("fx_rates", day="2025-01-01", from_currency="GBP", to_currency="USD", rate="1.27")


def _offer_terms(world: World) -> None:
    carriers = {offer: carrier for carrier, offer in OFFERS}
    for offer, name, months, commitment, share, fee, credit, signing, until, note in OFFER_TERMS:
        world.add(
            "offer_terms",
            offer_id=offer,
            carrier_id=carriers[offer],
            name=name,
            currency="USD",
            term_months=months,
            commitment_amount=f"{commitment * world.size // 2500}.00",
            commitment_period="year",
            commitment_basis="gross",
            shortfall_rate=share,
            activation_fee=f"{fee}.00",
            port_credit=f"{credit}.00",
            signing_credit=f"{signing * world.size // 2500}.00",
            valid_until=until,
            note=note,
        )


def _mobile_plan(
    world: World,
    carrier: str,
    plan_id: str,
    name: str,
    code: str,
    mrc: int,
    data_mb: int | None,
    minutes: int | None,
    pool: str,
    *,
    offer_id: str = "",
    min_lines: int | None = None,
) -> None:
    home = {"tmobile": "US|CA|MX", "vodafone": EU, "verizon": "US|CA|MX", "att": "US|CA|MX"}[carrier]
    limited = data_mb is not None
    _plan(
        world,
        plan_id=plan_id,
        carrier_id=carrier,
        name=name,
        service_kind="mobile",
        mrc=mrc,
        currency="USD",
        data_mb=data_mb,
        voice_min=minutes,
        sms=None,
        data_overage_price=OVERAGE_PER_GB[carrier] if limited else None,
        data_overage_block_mb=1024 if limited else None,
        voice_overage_price=25 if minutes is not None else None,
        roaming_countries=home,
        pool_group=pool,
        item_code=code,
        offer_id=offer_id,
        min_lines=min_lines,
    )


def _plan(world: World, **row: object) -> None:
    for column in ("roaming_countries", "item_code", "offer_id", "voice_overage_price", "min_lines"):
        row.setdefault(column, "" if column in {"roaming_countries", "item_code", "offer_id"} else None)
    world.plans[str(row["plan_id"])] = row


def item_of(world: World, plan_id: str) -> str:
    """The item code a plan's monthly charge is billed as."""
    plan = world.plans[plan_id]
    return str(plan["item_code"] or plan_id)
