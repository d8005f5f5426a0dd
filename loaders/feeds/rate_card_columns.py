"""The columns of the contract template, in words; the template, its reader and its page are made from this one list."""

from __future__ import annotations

from core.schema import TABLES

#: section (a sheet, or a key of the YAML file) -> canonical table
SECTIONS: dict[str, str] = {
    "contracts": "contracts",
    "tiers": "contract_tiers",
    "rates": "contract_rates",
    "plans": "plans",
    "offers": "plans",
    "offer_terms": "offer_terms",
    "items": "items",
}

ABOUT: dict[str, str] = {
    "contracts": "One row per contract.",
    "tiers": "Volume discounts of a contract: the spend from which a discount holds.",
    "rates": "Agreed prices of a contract, by item or plan; bands by quantity, dates of validity.",
    "plans": "The carriers' catalogue today: what a plan costs and includes. Blank allowance: unlimited; 0: none.",
    "offers": "Plans that a rival (or the same carrier) offers; the optimizer weighs them against today's.",
    "offer_terms": "What else an offer asks and grants, one row per offer: commitment, discount, fees, credits.",
    "items": "What the carrier's charge codes mean.",
}

#: Columns without which a row of the template cannot be used, beyond those that the table itself requires.
NEEDED: dict[str, tuple[str, ...]] = {
    "contracts": ("contract_id", "carrier", "start_date"),
    "tiers": ("contract_id", "spend_from", "discount_rate"),
    "rates": ("contract_id", "rate"),
    "plans": ("plan_id", "carrier", "mrc"),
    "offers": ("offer_id", "plan_id", "carrier", "mrc"),
    "offer_terms": ("offer_id", "carrier"),
    "items": ("carrier", "item_code"),
}

_PLAN = {
    "plan_id": "your or the carrier's id of the plan, unique",
    "carrier": "the carrier's id or name",
    "name": "what the plan is called",
    "service_kind": "mobile, iot, fixed_voice, sip_trunk, circuit, internet, ...; blank: any",
    "mrc": "monthly recurring charge",
    "currency": "ISO code, such as USD",
    "data_mb": "data allowance in MB",
    "voice_min": "voice allowance in minutes",
    "sms": "message allowance",
    "data_overage_price": "price of each started block above the allowance; blank: free, throttled",
    "data_overage_block_mb": "size of that block in MB; blank: 1",
    "voice_overage_price": "price of a minute above the allowance",
    "sms_overage_price": "price of a message above the allowance",
    "roaming_data_price": "price of a MB abroad; blank: as rated by the carrier",
    "roaming_voice_price": "price of a minute abroad",
    "roaming_sms_price": "price of a message abroad",
    "roaming_countries": "where home allowances apply: * or ISO codes joined by |",
    "intl_min": "minutes to other countries included",
    "hotspot_mb": "tethering allowance in MB",
    "pool_group": "plans of one group share their data allowance",
    "voice_pool_group": "plans of one group share their minutes",
    "min_lines": "fewest lines, if any",
    "max_lines": "most lines",
    "item_code": "the code under which the MRC is billed; blank: plan_id",
}

COLUMNS: dict[str, dict[str, str]] = {
    "contracts": {
        "contract_id": "your id of the contract, unique",
        "carrier": "the carrier's id or name",
        "name": "what the contract is called",
        "currency": "ISO code, such as USD",
        "start_date": "first day",
        "initial_term_months": "length of the first term",
        "renewal_term_months": "length of each following term",
        "renewal_type": "tacit (renews by itself), express (ends by itself) or month_to_month",
        "notice_days": "notice in days before the end of a term; not together with notice_months",
        "notice_months": "notice in months",
        "terminated_on": "the day it ended, if it did",
        "notice_given_on": "the day you gave notice, if you did",
        "supersedes": "contract_id of the contract that this one replaced",
        "coterminous_with": "contract_id of the contract with which services end",
        "commitment_amount": "what you promised to spend",
        "commitment_period": "per month, quarter, year or term",
        "commitment_basis": "gross (before credits) or net",
        "shortfall_rate": "share of a shortfall that is owed, as a fraction or with %; blank: all",
        "etf_rule": "early termination: none, fixed (per service) or months_left_mrc",
        "etf_amount": "amount per service (fixed) or share of the months left (months_left_mrc)",
        "proration": "actual_days, thirty_day or full_month",
        "suspended_rate": "share of the MRC that a suspended line pays, as a fraction or with %",
        "late_fee_rate": "late fee as a fraction or with %",
        "dispute_window_days": "days after the invoice date in which a dispute may be filed",
        "withhold_window_days": "days after the invoice date in which money may be withheld",
    },
    "tiers": {
        "contract_id": "the contract",
        "spend_from": "spend from which the discount holds",
        "discount_rate": "the discount as a fraction (0.1) or with % (10%)",
        "mode": "all_units (on everything) or incremental (on the part above)",
        "basis": "mrc or mrc_usage: what counts as spend",
        "period": "month, quarter or year",
        "item_code": "the code under which the discount is credited",
    },
    "rates": {
        "contract_id": "the contract",
        "item_code": "the charge code on the bill",
        "description": "what it is",
        "category": "mrc, nrc, usage, ...",
        "plan_id": "the plan, if the rate is a plan's MRC",
        "unit": "MB, min, msg, line, ...",
        "rate": "the agreed price per unit",
        "list_rate": "the list price",
        "qty_from": "first quantity of the band",
        "qty_to": "last quantity of the band",
        "effective_from": "first day",
        "effective_to": "last day",
    },
    "plans": _PLAN,
    "offers": {"offer_id": "the offer this plan belongs to, as you will name it in a scenario", **_PLAN},
    "offer_terms": {
        "offer_id": "the offer, as its plans name it",
        "carrier": "the carrier's id or name",
        "name": "what the offer is called",
        "currency": "ISO code, such as USD",
        "term_months": "how long its prices hold",
        "commitment_amount": "what you would promise to spend; 0: nothing; blank: as in today's contract",
        "commitment_period": "per month, quarter, year or term",
        "commitment_basis": "gross (before discount) or net",
        "shortfall_rate": "share of a shortfall that is owed, as a fraction or with %; blank: all",
        "discount_from": "spend a month from which the discount holds; blank: 0",
        "discount_rate": "discount on all spend, as a fraction (0.1) or with % (10%)",
        "activation_fee": "one-off, for each line that moves to the carrier",
        "port_credit": "one-off, paid back for each line that moves to the carrier",
        "signing_credit": "one-off, paid to you in the first month",
        "monthly_credit": "paid to you each month",
        "valid_until": "last day on which the offer can be accepted",
        "note": "anything else worth knowing",
    },
    "items": {
        "carrier": "the carrier's id or name",
        "item_code": "the charge code on the bill",
        "description": "what the bill calls it",
        "category": "mrc, nrc, usage, occ, tax, surcharge, credit, adjustment, equipment, late_fee, third_party",
        "nature": "what it is: access, feature, roaming_pack, premium_block, install, late_fee, tax, ...",
        "countries": "where a pack holds: ISO codes joined by |",
        "data_mb": "data in the pack, MB",
        "voice_min": "minutes in the pack",
        "sms": "messages in the pack",
        "included_in": "plan_ids that include it, joined by |",
        "usage_type": "data, voice or sms",
        "zone": "home, roaming, international, premium or directory",
    },
}

#: Columns in which 10% may be written for 0.1.
SHARES = {"discount_rate", "shortfall_rate", "suspended_rate", "late_fee_rate", "etf_amount"}


def choices(section: str, column: str) -> tuple[str, ...]:
    """The words that a column admits; () for free text and numbers."""
    table = TABLES[SECTIONS[section]]
    return tuple(table.c[column].info.get("choices") or ()) if column in table.c else ()
