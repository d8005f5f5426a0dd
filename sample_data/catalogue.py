"""Carriers, accounts, plan catalogues, items and the rival carrier's offer."""

from __future__ import annotations

from sample_data.world import World

EU = "AT|BE|CH|CZ|DE|DK|ES|FI|FR|GB|IE|IT|LU|NL|NO|PL|PT|SE"
ONLY_MOBILE = ("verizon", "att", "tmobile", "vodafone")
OFFER_ID = "TMO-2026-RFP"

CARRIERS = (
    ("verizon", "Verizon Wireless", "US"),
    ("att", "AT&T Mobility", "US"),
    ("tmobile", "T-Mobile for Business", "US"),
    ("vodafone", "Vodafone Global Enterprise", "DE"),
    ("kore", "KORE Wireless IoT", "US"),
    ("ringcentral", "RingCentral", "US"),
    ("lumen", "Lumen Technologies", "US"),
    ("bt", "BT Business", "GB"),
    ("colt", "Colt Technology Services", "NL"),
)

# account_id, carrier, BAN, name, currency, country, tax exempt
ACCOUNTS = (
    ("VZW-EAST", "verizon", "642350544-00001", "Wireless East", "USD", "US", ""),
    ("VZW-CENTRAL", "verizon", "642350544-00002", "Wireless Central", "USD", "US", ""),
    ("VZW-WEST", "verizon", "642350544-00003", "Wireless West", "USD", "US", ""),
    ("ATT-1", "att", "287301456789", "Mobility Corporate", "USD", "US", ""),
    ("ATT-2", "att", "287301456790", "Mobility Operations", "USD", "US", ""),
    ("TMO-1", "tmobile", "971234001", "Business Mobile", "USD", "US", ""),
    ("TMO-2", "tmobile", "971234002", "Business Mobile Travel", "USD", "US", ""),
    ("VF-1", "vodafone", "DE-4711-0815", "Global Mobile", "USD", "DE", ""),
    ("KORE-1", "kore", "KORE-88213", "IoT SIMs", "USD", "US", "all"),
    ("RC-1", "ringcentral", "RC-60411", "Cloud phone", "USD", "US", "all"),
    ("LUM-1", "lumen", "5-QXK7TR", "Network East", "USD", "US", ""),
    ("LUM-2", "lumen", "5-QXK7TS", "Network West", "USD", "US", ""),
    ("BT-1", "bt", "GB-VP-99812", "UK voice and data", "GBP", "GB", ""),
    ("COLT-1", "colt", "COLT-NL-3301", "European network", "EUR", "NL", ""),
)

# plan_id, name, item_code, MRC in cents, data MB (None = unlimited), voice minutes (None = unlimited), pool group
_MOBILE = {
    "verizon": (
        ("VZ-UNL-START", "Business Unlimited Start", "Business Unlimited Start", 3400, None, None, ""),
        ("VZ-UNL-PLUS", "Business Unlimited Plus", "Business Unlimited Plus", 4200, None, None, ""),
        ("VZ-UNL-PRO", "Business Unlimited Pro", "Business Unlimited Pro", 5200, None, None, ""),
        ("VZ-FLEX-2", "Flexible Business 2GB", "Flexible Business 2GB", 2400, 2048, None, ""),
        ("VZ-FLEX-5", "Flexible Business 5GB", "Flexible Business 5GB", 2900, 5120, None, ""),
        ("VZ-FLEX-10", "Flexible Business 10GB", "Flexible Business 10GB", 3600, 10240, None, ""),
        ("VZ-FLEX-20", "Flexible Business 20GB", "Flexible Business 20GB", 4500, 20480, None, ""),
        ("VZ-SHARE-1", "Account Share 1GB", "Account Share 1GB", 1900, 1024, None, "vz-share"),
        ("VZ-SHARE-4", "Account Share 4GB", "Account Share 4GB", 2600, 4096, None, "vz-share"),
        ("VZ-MBB-10", "Mobile Broadband 10GB", "Mobile Broadband 10GB", 3000, 10240, 0, ""),
        ("VZ-STANDBY", "Standby Line", "Standby Line", 900, 0, 0, ""),
    ),
    "att": (
        ("AT-UNL-STD", "Business Unlimited Standard", "BUNLSTD", 3300, None, None, ""),
        ("AT-UNL-ELITE", "Business Unlimited Elite", "BUNLELT", 5000, None, None, ""),
        ("AT-2", "Business Select 2GB", "BSEL02", 2300, 2048, None, ""),
        ("AT-5", "Business Select 5GB", "BSEL05", 2800, 5120, None, ""),
        ("AT-10", "Business Select 10GB", "BSEL10", 3500, 10240, None, ""),
        ("AT-20", "Business Select 20GB", "BSEL20", 4400, 20480, None, ""),
        ("AT-POOL-3", "Mobile Select Pooled 3GB", "MSP03", 2400, 3072, None, "att-msp"),
        ("AT-POOL-6", "Mobile Select Pooled 6GB", "MSP06", 3000, 6144, None, "att-msp"),
        ("AT-MBB-10", "DataConnect 10GB", "DCON10", 2900, 10240, 0, ""),
        ("AT-STANDBY", "Business Standby", "BSTBY", 1000, 0, 0, ""),
    ),
    "tmobile": (
        ("TM-UNL-ADV", "Business Unlimited Advanced", "", 3500, None, None, ""),
        ("TM-UNL-ULT", "Business Unlimited Ultimate", "", 4700, None, None, ""),
        ("TM-2", "Business Data 2GB", "", 2200, 2048, None, ""),
        ("TM-5", "Business Data 5GB", "", 2700, 5120, None, ""),
        ("TM-10", "Business Data 10GB", "", 3300, 10240, None, ""),
        ("TM-20", "Business Data 20GB", "", 4100, 20480, None, ""),
        ("TM-POOL-2", "Team Pool 2GB", "", 2000, 2048, None, "tm-team"),
        ("TM-POOL-8", "Team Pool 8GB", "", 2900, 8192, None, "tm-team"),
        ("TM-MBB-10", "Business Internet 10GB", "", 2800, 10240, 0, ""),
        ("TM-STANDBY", "Voice Standby", "", 1000, 0, 0, ""),
    ),
    "vodafone": (
        ("VF-RED-S", "Red Business 2GB", "", 1700, 2048, None, ""),
        ("VF-RED-M", "Red Business 5GB", "", 2100, 5120, None, ""),
        ("VF-RED-L", "Red Business 10GB", "", 2600, 10240, None, ""),
        ("VF-RED-XL", "Red Business 20GB", "", 3200, 20480, None, ""),
        ("VF-UNL", "Business Prime Unlimited", "", 4200, None, None, ""),
        ("VF-POOL-3", "Team Data 3GB", "", 1800, 3072, None, "vf-team"),
        ("VF-POOL-6", "Team Data 6GB", "", 2300, 6144, None, "vf-team"),
        ("VF-MBB-10", "Data Go 10GB", "", 2200, 10240, 0, ""),
        ("VF-STANDBY", "Notruf Standby", "", 600, 0, 0, ""),
    ),
}
_OFFER = (
    ("TMO-RFP-UNL", "RFP Unlimited", 2950, None, None, "", 250),
    ("TMO-RFP-5", "RFP 5GB", 2150, 5120, None, "", None),
    ("TMO-RFP-10", "RFP 10GB", 2650, 10240, None, "", None),
    ("TMO-RFP-POOL-2", "RFP Team Pool 2GB", 1550, 2048, None, "tm-team", None),
    ("TMO-RFP-POOL-8", "RFP Team Pool 8GB", 2350, 8192, None, "tm-team", 50),
    ("TMO-RFP-MBB-10", "RFP Internet 10GB", 2300, 10240, 0, "", None),
)
# plan_id, carrier, kind, name, MRC in cents, data MB, pool group
_OTHER = (
    ("KO-50", "kore", "iot", "IoT Pool 50MB", 250, 50, "kore-iot"),
    ("KO-250", "kore", "iot", "IoT Pool 250MB", 450, 250, "kore-iot"),
    ("KO-1G", "kore", "iot", "IoT Camera 1GB", 1100, 1024, ""),
    ("KO-5G", "kore", "iot", "IoT Camera 5GB", 2100, 5120, ""),
    ("RC-CORE", "ringcentral", "uc_seat", "RingEX Core", 2000, None, ""),
    ("RC-ADV", "ringcentral", "uc_seat", "RingEX Advanced", 2500, None, ""),
    ("RC-ULTRA", "ringcentral", "uc_seat", "RingEX Ultra", 3500, None, ""),
    ("LUM-ETH-1G", "lumen", "circuit", "Ethernet private line 1G", 168000, None, ""),
    ("LUM-MPLS-100", "lumen", "circuit", "MPLS port 100M", 94000, None, ""),
    ("LUM-WAVE-10G", "lumen", "circuit", "Wavelength 10G", 395000, None, ""),
    ("LUM-DIA-500", "lumen", "internet", "Dedicated internet 500M", 78000, None, ""),
    ("LUM-DIA-1G", "lumen", "internet", "Dedicated internet 1G", 119000, None, ""),
    ("LUM-SDW-M", "lumen", "sdwan", "SD-WAN edge M", 31000, None, ""),
    ("LUM-SDW-L", "lumen", "sdwan", "SD-WAN edge L", 52000, None, ""),
    ("LUM-SIP-23", "lumen", "sip_trunk", "SIP trunk 23 channels", 34500, None, ""),
    ("LUM-SIP-100", "lumen", "sip_trunk", "SIP trunk 100 channels", 118000, None, ""),
    ("LUM-POTS", "lumen", "fixed_voice", "Business line", 4800, None, ""),
)
# Services without plan: item code, carrier, kind, description, MRC in cents of the account's currency
UNPLANNED = (
    ("BT-LINE", "bt", "fixed_voice", "Business line rental", 2150),
    ("BT-ONEVOICE", "bt", "fixed_voice", "OneVoice access channel", 1650),
    ("BT-ETH-1G", "bt", "circuit", "Ethernet access 1G", 98000),
    ("BT-DIA-1G", "bt", "internet", "BTnet 1G", 64000),
    ("COLT-ETH-1G", "colt", "circuit", "Ethernet line 1G", 121000),
    ("COLT-WAVE-10G", "colt", "circuit", "Wave 10G", 289000),
    ("COLT-IP-1G", "colt", "internet", "IP access 1G", 69000),
    ("COLT-SIP-60", "colt", "sip_trunk", "SIP trunk 60 channels", 46000),
)
OVERAGE_PER_GB = {"verizon": 1500, "att": 1400, "tmobile": 1200, "vodafone": 1000}
FEATURES = {
    "verizon": ("Call Filter Plus", "Call Filter Plus", 299),
    "tmobile": ("TM-PROTECT", "Device protection", 700),
    "vodafone": ("VF-SECNET", "Secure Net", 150),
}
# item_code, carrier, description, nature, category, unit, rate in cents, countries, usage type, zone
ITEMS = (
    ("TM-IPASS-EU", "tmobile", "International pass Europe", "roaming_pack", "mrc", "pass", 3500, EU, "", ""),
    ("TM-IPASS-WORLD", "tmobile", "International pass world", "roaming_pack", "mrc", "pass", 5000, "*", "", ""),
    ("VF-WORLD", "vodafone", "World traveller pass", "roaming_pack", "mrc", "pass", 3000, "*", "", ""),
    ("TM-PREMBLOCK", "tmobile", "Premium service block", "premium_block", "mrc", "line", 0, "", "", ""),
    ("TM-DATA-OVG", "tmobile", "Data overage, per GB", "other", "usage", "GB", 1200, "", "data", "home"),
    ("VF-DATA-OVG", "vodafone", "Data overage, per GB", "other", "usage", "GB", 1000, "", "data", "home"),
    ("TM-ROAM-DATA", "tmobile", "Data roaming, per MB", "other", "usage", "MB", 25, "", "data", "roaming"),
    ("TM-ROAM-VOICE", "tmobile", "Voice roaming, per minute", "other", "usage", "min", 150, "", "voice", "roaming"),
    ("VF-ROAM-DATA", "vodafone", "Data roaming, per MB", "other", "usage", "MB", 20, "", "data", "roaming"),
    ("VF-ROAM-VOICE", "vodafone", "Voice roaming, per minute", "other", "usage", "min", 120, "", "voice", "roaming"),
    ("TM-INTL-VOICE", "tmobile", "International calls, per minute", "other", "usage", "min", 20, "", "voice",
     "international"),
    ("VF-INTL-VOICE", "vodafone", "International calls, per minute", "other", "usage", "min", 18, "", "voice",
     "international"),
    ("LUM-INTL-VOICE", "lumen", "International calls, per minute", "other", "usage", "min", 6, "", "voice",
     "international"),
    ("BT-INTL-VOICE", "bt", "International calls, per minute", "other", "usage", "min", 9, "", "voice",
     "international"),
    ("COLT-INTL-VOICE", "colt", "International calls, per minute", "other", "usage", "min", 5, "", "voice",
     "international"),
    ("TM-INTL-SPEC", "tmobile", "International calls, special destinations", "other", "usage", "min", 190, "",
     "voice", "international"),
    ("VF-INTL-SPEC", "vodafone", "International calls, special destinations", "other", "usage", "min", 180, "",
     "voice", "international"),
    ("LUM-INTL-SPEC", "lumen", "International calls, special destinations", "other", "usage", "min", 170, "",
     "voice", "international"),
    ("COLT-INTL-SPEC", "colt", "International calls, special destinations", "other", "usage", "min", 160, "",
     "voice", "international"),
    ("KO-TAX", "kore", "State and local taxes", "tax", "tax", "", None, "", "", ""),
    ("KO-DATA-OVG", "kore", "Data overage, per MB", "other", "usage", "MB", 4, "", "data", "home"),
    ("TM-PREMIUM", "tmobile", "Premium rate calls, per minute", "premium", "usage", "min", 299, "", "voice",
     "premium"),
    ("VF-PREMIUM", "vodafone", "Premium rate calls, per minute", "premium", "usage", "min", 249, "", "voice",
     "premium"),
    ("LUM-PREMIUM", "lumen", "Premium rate calls, per minute", "premium", "usage", "min", 250, "", "voice",
     "premium"),
    ("TM-THIRD", "tmobile", "Third-party subscription", "third_party", "third_party", "", None, "", "", ""),
    ("TM-ACTIVATE", "tmobile", "Activation fee", "install", "nrc", "each", 3500, "", "", ""),
    ("VF-ACTIVATE", "vodafone", "Activation fee", "install", "nrc", "each", 2500, "", "", ""),
    ("LUM-INSTALL", "lumen", "Installation", "install", "nrc", "each", 50000, "", "", ""),
    ("COLT-INSTALL", "colt", "Installation", "install", "nrc", "each", 60000, "", "", ""),
    ("BT-REPAIR", "bt", "Engineer visit", "repair", "nrc", "each", None, "", "", ""),
    ("TM-RRF", "tmobile", "Regulatory programs and recovery fee", "surcharge", "surcharge", "", None, "", "", ""),
    ("LUM-USF", "lumen", "Universal service fund surcharge", "surcharge", "surcharge", "", None, "", "", ""),
    ("TM-TAX", "tmobile", "State and local taxes", "tax", "tax", "", None, "", "", ""),
    ("LUM-TAX", "lumen", "State and local taxes", "tax", "tax", "", None, "", "", ""),
    ("VAT-DE", "vodafone", "VAT Germany 19 %", "tax", "tax", "", None, "", "", ""),
    ("VAT-GB", "bt", "VAT United Kingdom 20 %", "tax", "tax", "", None, "", "", ""),
    ("VAT-NL", "colt", "VAT Netherlands 21 %", "tax", "tax", "", None, "", "", ""),
    ("LUM-TIER", "lumen", "Volume discount", "discount", "credit", "", None, "", "", ""),
    ("TM-PROMO", "tmobile", "Promotional credit", "discount", "credit", "", None, "", "", ""),
    ("VF-PROMO", "vodafone", "Loyalty credit", "discount", "credit", "", None, "", "", ""),
    ("LUM-SLA", "lumen", "SLA credit", "discount", "credit", "", None, "", "", ""),
    ("COLT-SLA", "colt", "SLA credit", "discount", "credit", "", None, "", "", ""),
    ("VF-SIGN", "vodafone", "Signing credit", "discount", "credit", "", None, "", "", ""),
    ("LUM-LATE", "lumen", "Late payment charge", "late_fee", "late_fee", "", None, "", "", ""),
    ("BT-LATE", "bt", "Late payment charge", "late_fee", "late_fee", "", None, "", "", ""),
    ("TM-CREDIT", "tmobile", "Correction of a duplicate", "other", "credit", "", None, "", "", ""),
)
TAX_RATES = {"DE": ("VAT-DE", 1900), "GB": ("VAT-GB", 2000), "NL": ("VAT-NL", 2100)}


def build(world: World) -> None:
    """Add carriers, accounts, plans, items and tax rules."""
    for carrier, name, country in CARRIERS:
        world.add("carriers", carrier_id=carrier, name=name, country=country)
    for account, carrier, number, name, currency, country, exempt in ACCOUNTS:
        row: dict[str, object] = {
            "account_id": account, "carrier_id": carrier, "number": number, "name": name, "currency": currency,
            "country": country, "cadence": "monthly", "bill_day": 28, "billing": "arrears",
            "opened_on": "2019-01-01", "tax_exempt": exempt, "paperless": 1,
        }
        world.accounts[account] = row
        world.add("accounts", **row)
    for carrier, rows in _MOBILE.items():
        for plan_id, name, code, mrc, data_mb, minutes, pool in rows:
            _mobile_plan(world, carrier, plan_id, name, code, mrc, data_mb, minutes, pool)
    for plan_id, name, mrc, data_mb, minutes, pool, lines in _OFFER:
        _mobile_plan(world, "tmobile", plan_id, name, "", mrc, data_mb, minutes, pool, offer=True,
                     min_lines=world.scaled(lines) if lines else None)
    for plan_id, carrier, kind, name, mrc, data_mb, pool in _OTHER:
        iot = kind == "iot"
        _plan(world, plan_id=plan_id, carrier_id=carrier, name=name, service_kind=kind, mrc=mrc, currency="USD",
              data_mb=data_mb if iot else None, voice_min=0 if iot else None, sms=0 if iot else None,
              data_overage_price=4 if iot else None, data_overage_block_mb=1 if iot else None, pool_group=pool)
    for code, carrier, description, nature, category, _, _, countries, usage_type, zone in ITEMS:
        world.add("items", carrier_id=carrier, item_code=code, description=description, category=category,
                  nature=nature, countries=countries, usage_type=usage_type, zone=zone)
    for carrier, (code, description, _) in FEATURES.items():
        world.add("items", carrier_id=carrier, item_code=code, description=description, category="mrc",
                  nature="feature")
    for plan in world.plans.values():
        if not plan["offer_id"]:
            world.add("items", carrier_id=plan["carrier_id"], item_code=plan["item_code"] or plan["plan_id"],
                      description=plan["name"], category="mrc", nature="access")
    for code, carrier, _, description, _ in UNPLANNED:
        world.add("items", carrier_id=carrier, item_code=code, description=description, category="mrc",
                  nature="access")
    for country, (code, rate) in TAX_RATES.items():
        world.add("tax_rules", country=country, item_code=code, description=f"VAT {country}",
                  applies_to="mrc|nrc|usage|occ|credit|adjustment|equipment|third_party", rate=f"0.{rate // 100:02d}",
                  effective_from="2020-01-01")
    world.add("fx_rates", day="2025-01-01", from_currency="EUR", to_currency="USD", rate="1.08")
    world.add("fx_rates", day="2025-01-01", from_currency="GBP", to_currency="USD", rate="1.27")


def _mobile_plan(world: World, carrier: str, plan_id: str, name: str, code: str, mrc: int, data_mb: int | None,
                 minutes: int | None, pool: str, *, offer: bool = False, min_lines: int | None = None) -> None:
    home = {"tmobile": "US|CA|MX", "vodafone": EU, "verizon": "US|CA|MX", "att": "US|CA|MX"}[carrier]
    limited = data_mb is not None
    _plan(
        world, plan_id=plan_id, carrier_id=carrier, name=name, service_kind="mobile", mrc=mrc, currency="USD",
        data_mb=data_mb, voice_min=minutes, sms=None,
        data_overage_price=OVERAGE_PER_GB[carrier] if limited else None,
        data_overage_block_mb=1024 if limited else None,
        voice_overage_price=25 if minutes is not None else None,
        roaming_countries=home, pool_group=pool, item_code=code, offer_id=OFFER_ID if offer else "",
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
