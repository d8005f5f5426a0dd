"""Names of audit and policy rules as their registries give them, and what to do about each."""

from __future__ import annotations

from functools import lru_cache

#: What a reader does about a rule, as a verb phrase; `{n}` is the number of cases.
_DO = {
    "R1": "Dispute {n} above the contract rate",
    "R2": "Dispute {n} without the contract's discount",
    "R3": "Dispute {n} with the wrong volume tier",
    "R4": "Renew or end the contract behind {n}",
    "R5": "Dispute {n} still priced by the superseded contract",
    "R6": "Claim {n} whose dated credit stopped early",
    "R7": "Close the gap to the commitment on {n}",
    "I1": "Dispute {n} not in your inventory",
    "I2": "Dispute {n} billed after disconnection",
    "I4": "Cancel or reassign {n} of people who left",
    "I5": "Cancel {n} at closed sites",
    "I6": "Find an owner for {n}, or cancel them",
    "I7": "Dispute {n} billed in two accounts",
    "I8": "Cancel {n} whose device is retired or unseen",
    "I10": "Dispute {n} billed in full while suspended",
    "U1": "Cancel {n} without any use",
    "U4": "Remove paid features that the plan of {n} includes",
    "U7": "Block premium and third-party charges on {n}",
    "C1": "Dispute {n} of repeated invoices",
    "C2": "Dispute {n} billed twice",
    "C3": "Pay in time: late fees on {n}",
    "C5": "Dispute {n} without an order",
    "C6": "Switch off avoidable extras on {n}",
    "C7": "Dispute {n} with wrong tax",
    "C9": "Dispute {n} with wrong proration",
    "C10": "Dispute {n} from a carrier you did not choose",
    "C11": "Dispute {n} that do not add up",
    "C14": "Claim promised credits on {n}",
    "zero_use": "Cancel {n} not used for two months",
    "use_after_leaving": "Take back {n} still used after the holder left",
    "premium_use": "Block premium numbers on {n}",
    "roam_no_bundle": "Add roaming packs to {n}",
    "roam_no_travel": "Ask about roaming of {n} without travel",
    "role_cap": "Review {n} above the cap of the holder's role",
    "off_hours_use": "Review use outside working hours on {n}",
    "irsf_burst": "Bar calls abroad on {n} after bursts of calls",
    "irsf_trunk": "Secure the exchange behind {n} with night calls abroad",
    "wangiri_burst": "Look for self-dialling apps on {n}",
    "wangiri_callback": "Warn holders of {n} about calls back abroad",
    "premium_prefix": "Bar premium and satellite prefixes on {n}",
    "many_destinations": "Ask about calls of {n} to many countries",
    "unknown_third_party": "Dispute third-party charges on {n}",
    "recurring_unexplained": "Find the order behind recurring charges on {n}",
    "data_abroad": "Check packs of {n} with much data abroad",
    "idle_spare": "Review {n} kept as spares",
    "sim_swap": "Ask the carrier about new SIM cards of {n}",
    "corrupt_usage": "Check the usage records of {n}",
    "device_mismatch": "Check the SIM of {n} in unknown equipment",
}


def title(rule: str, family: str | None = None) -> str:
    """The title of a rule, else its id in words."""
    known = titles()
    found = known.get(rule) or known.get(family or "")
    return found or rule.replace("_", " ").replace(".", " ").capitalize()


def advice(rule: str, family: str | None, cases: str) -> str:
    """What to do about `cases` (finished text such as `12 lines`) of a rule."""
    pattern = _DO.get(rule) or _DO.get(family or "")
    return pattern.format(n=cases) if pattern else f"{title(rule, family)}: {cases}"


@lru_cache(maxsize=1)
def titles() -> dict[str, str]:
    """Titles by rule id, of the audit, the policy rules, the anomaly queue, moves of spend and early warnings."""
    from anomaly import policy, spend, watch_findings
    from audit import registry

    found = {rule_id: str(rule.title) for rule_id, rule in registry.load_rules().items()}
    found |= {rule.id: str(rule.title) for rule in policy.load_rules()}
    return found | spend.TITLES | watch_findings.TITLES | {"anomaly.line_month": "Unusual line-month"}
