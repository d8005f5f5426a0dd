"""Problems of the data that make a scenario impossible to price: each one line, all at once, exit code 2."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from core.issues import BadInput, Issue
from optimize.frames import Frames, rows
from optimize.scenario import Scenario
from optimize.scope import Setting, priced_services

PLAN_COLUMNS = (
    *("plan_id", "carrier_id", "service_kind", "mrc", "currency", "data_mb", "voice_min", "sms"),
    *("data_overage_price", "data_overage_block_mb", "voice_overage_price", "sms_overage_price"),
    *("roaming_data_price", "roaming_voice_price", "roaming_sms_price"),
    *("pool_group", "voice_pool_group", "min_lines", "max_lines", "offer_id"),
)
_NOT_NEGATIVE = (
    *("mrc", "data_mb", "voice_min", "sms", "data_overage_price", "voice_overage_price", "sms_overage_price"),
    *("roaming_data_price", "roaming_voice_price", "roaming_sms_price"),
)
_MILLION = 10**6


def check_tables(frames: Frames, scenario: Scenario, setting: Setting) -> None:
    """Raise :class:`BadInput` with every problem of plans, contracts and services that the scenario meets."""
    plans = {row[0]: dict(zip(PLAN_COLUMNS, row, strict=True)) for row in rows(frames, "plans", *PLAN_COLUMNS)}
    priced = priced_services(frames, setting.months)
    issues: list[Issue] = []
    current: set[str] = set()
    inside: set[str] = set()
    strangers: dict[str, list[str]] = defaultdict(list)
    for service_id, plan_id in priced:
        plan = plans.get(plan_id)
        if plan is None:
            issues.append(Issue(file="services", field="plan_id", found=plan_id, message=f"{service_id}: unknown plan"))
        elif plan["currency"] not in (None, setting.currency):
            strangers[f"{plan_id} ({plan['currency']})"].append(service_id)
        else:
            current.add(plan_id)
            inside.add(service_id)
    if scenario.other_currencies == "refuse":
        hint = "other_currencies: leave_out leaves them out"
        for found, ids in sorted(strangers.items()):
            said = f"{len(ids)} service(s), first {min(ids)}, on a plan in another currency"
            issues.append(
                Issue(file="services", field="plan_id", found=found, expected=setting.currency, message=said, hint=hint)
            )
    if not inside and not issues:
        span = f"{setting.months[0]} to {setting.months[-1]}"
        issues.append(Issue(field="months", found=span, message="no service with a plan is active in the range"))
    issues += _plan_problems(plans, current, scenario, setting)
    issues += _contract_problems(frames, scenario, setting)
    issues += _force_problems(frames, scenario, inside)
    issues += _bucket_problems(plans, usable_plans(plans, current, scenario, setting.currency), scenario)
    if issues:
        raise BadInput(issues)


def usable_plans(plans: dict[str, dict[str, Any]], current: set[str], scenario: Scenario, currency: str) -> list[str]:
    """The plans that count: those somebody has, the catalogue and the listed offers, in the scenario's currency."""
    return sorted(
        plan_id
        for plan_id, plan in plans.items()
        if plan_id in current
        or ((plan["offer_id"] is None or plan["offer_id"] in scenario.offers) and plan["currency"] in (None, currency))
    )


def _plan_problems(
    plans: dict[str, dict[str, Any]], current: set[str], scenario: Scenario, setting: Setting
) -> list[Issue]:
    issues: list[Issue] = []
    prices: dict[tuple[str, str, str], dict[tuple[int, int], str]] = defaultdict(dict)
    for plan_id in usable_plans(plans, current, scenario, setting.currency):
        plan = plans[plan_id]
        if plan["mrc"] is None or plan["carrier_id"] is None:
            name = "mrc" if plan["mrc"] is None else "carrier_id"
            issues.append(Issue(file="plans", field=name, message=f"{plan_id}: missing"))
            continue
        for name in _NOT_NEGATIVE:
            if plan[name] is not None and plan[name] < 0:
                found = f"{plan[name] / _MILLION:g}"
                issues.append(Issue(file="plans", field=name, found=found, expected="0 or more", message=plan_id))
        low, high = plan["min_lines"], plan["max_lines"]
        if low is not None and high is not None and low > high:
            issues.append(
                Issue(
                    file="plans",
                    field="min_lines",
                    found=str(low),
                    expected=f"at most max_lines {high}",
                    message=plan_id,
                )
            )
        block = _MILLION if plan["data_overage_block_mb"] is None else plan["data_overage_block_mb"]
        if block <= 0:
            issues.append(
                Issue(
                    file="plans", field="data_overage_block_mb", found=str(block), expected="above 0", message=plan_id
                )
            )
        if plan["pool_group"] is not None:
            price = (plan["data_overage_price"] or 0, block)
            prices["pool_group", plan["carrier_id"], plan["pool_group"]].setdefault(price, plan_id)
            if plan["data_mb"] is None:
                issues.append(
                    Issue(file="plans", field="data_mb", message=f"{plan_id}: a pooled plan needs an allowance")
                )
        if plan["voice_pool_group"] is not None:
            linear = (plan["voice_overage_price"] or 0, 0)
            prices["voice_pool_group", plan["carrier_id"], plan["voice_pool_group"]].setdefault(linear, plan_id)
            if plan["voice_min"] is None:
                issues.append(
                    Issue(file="plans", field="voice_min", message=f"{plan_id}: a pooled plan needs an allowance")
                )
    for (name, carrier, group), kinds in sorted(prices.items()):
        if len(kinds) > 1:
            said = f"plans {', '.join(sorted(kinds.values()))} of {carrier} differ in overage price or block"
            issues.append(Issue(file="plans", field=name, found=group, message=said, expected="one price in a pool"))
    return issues


def _contract_problems(frames: Frames, scenario: Scenario, setting: Setting) -> list[Issue]:
    from optimize.contracts import in_force

    tiers: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for contract_id, start, mode in rows(frames, "contract_tiers", "contract_id", "spend_from", "mode"):
        tiers[contract_id].append((start, mode or "all_units"))
    issues: list[Issue] = []
    names = ("contract_id", "currency", "start_date", "initial_term_months", "renewal_type")
    for row in rows(frames, "contracts", *names, "commitment_amount", "commitment_period"):
        contract_id, currency, start, term, renewal, amount, period = row
        if not in_force(start, term, renewal, setting.months):
            continue
        if currency not in (None, setting.currency):
            if (amount or tiers[contract_id]) and scenario.other_currencies == "refuse":
                said = f"{contract_id}: a contract in force with a commitment or tiers in another currency"
                issues.append(
                    Issue(file="contracts", field="currency", found=currency, expected=setting.currency, message=said)
                )
            continue
        if amount is not None and amount < 0:
            issues.append(
                Issue(file="contracts", field="commitment_amount", found=str(amount / _MILLION), expected="0 or more")
            )
        if amount and period == "term" and (term is None or term <= 0):
            said = f"{contract_id}: a commitment for the term needs the term's length"
            issues.append(Issue(file="contracts", field="initial_term_months", message=said))
        if len({mode for _, mode in tiers[contract_id]}) > 1:
            issues.append(
                Issue(file="contract_tiers", field="mode", message=f"{contract_id}: two modes in one contract")
            )
        starts = [start for start, _ in tiers[contract_id]]
        if len(set(starts)) < len(starts):
            said = f"{contract_id}: two tiers start at the same spend"
            issues.append(Issue(file="contract_tiers", field="spend_from", message=said))
    return issues


def _bucket_problems(plans: dict[str, dict[str, Any]], usable: list[str], scenario: Scenario) -> list[Issue]:
    issues: list[Issue] = []
    rule = scenario.overage_probability
    for bucket in scenario.buckets:
        group = "pool_group" if bucket.kind == "data" else "voice_pool_group"
        price, wanted = f"{bucket.kind}_overage_price", (bucket.carrier_id, bucket.pool_group)
        mine = [p for p, row in plans.items() if (row["carrier_id"], row[group]) == wanted]
        where = f"{bucket.bucket_id}: {group} {bucket.pool_group} of {bucket.carrier_id}"
        if not mine:
            issues.append(Issue(field="buckets", found=bucket.pool_group, message=f"{where} is in no plan"))
        elif (rule is None or bucket.kind not in rule.kinds) and any(p in usable and not plans[p][price] for p in mine):
            said = f"{where} has no overage price, so use above the allowance is free and no bucket is ever needed"
            issues.append(Issue(field="buckets", found=bucket.bucket_id, message=said))
    return issues


def _force_problems(frames: Frames, scenario: Scenario, inside: set[str]) -> list[Issue]:
    if not scenario.force:
        return []
    from optimize.frames import SERVICE_COLUMNS

    known = {row[0]: dict(zip(SERVICE_COLUMNS, row, strict=True)) for row in rows(frames, "services", *SERVICE_COLUMNS)}
    issues = []
    for service_id in scenario.force:
        if service_id not in inside:
            issues.append(
                Issue(field="force", found=service_id, message="the service is not active in the range or has no plan")
            )
        elif not scenario.selects(known[service_id]):
            issues.append(
                Issue(field="force", found=service_id, message="the filter `services` leaves this service out")
            )
    return issues
