"""What a scenario means on a store: its months, its currency, the services it covers, and whether its ids exist."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.issues import BadInput, Issue
from core.periods import month_of, months_between
from optimize.frames import Frames, distinct, rows
from optimize.scenario import Scenario
from optimize.scenario_set import MOST_MONTHS, ScenarioSet, history, scenario_set


@dataclass(frozen=True)
class Setting:
    """What a scenario means on a store: the months of its range in order and its currency.

    `drawn`: the scenario months that the expectation is taken over, where they are not the range itself.
    """

    months: tuple[str, ...]
    currency: str
    drawn: ScenarioSet | None = None

    @cached_property
    def scenarios(self) -> ScenarioSet:
        """The scenario months: what costs are a mean of."""
        return self.drawn or history(len(self.months))


def settle(scenario: Scenario, frames: Frames) -> Setting:
    """The months and the currency, after every id of the scenario was found in the tables.

    Raises:
        BadInput: unknown ids, an empty range, no single currency.
    """
    issues = _unknown_ids(scenario, frames)
    used = distinct(frames, "usage", "month")
    first = scenario.first or (used[0] if used else None)
    last = scenario.last or (used[-1] if used else None)
    months: tuple[str, ...] = ()
    if first is None or last is None:
        issues.append(Issue(field="months", message="no usage is loaded, so a range is needed", expected="from and to"))
    elif first > last:
        issues.append(Issue(field="months", found=f"{first} to {last}", expected="from not after to"))
    elif len(months := tuple(months_between(first, last))) > 240:
        issues.append(Issue(field="months", found=f"{len(months)} months", expected="at most 240 months"))
    if issues:
        raise BadInput(issues)
    drawn = scenario_set(scenario.scenario_set, len(months), scenario.seed)
    if len(drawn.months) > MOST_MONTHS:
        found = f"{len(drawn.months)} scenario months (months x factors)"
        raise BadInput(Issue(field="scenario_set", found=found, expected=f"at most {MOST_MONTHS}"))
    return Setting(months, _currency(scenario, frames, months), None if drawn.is_range else drawn)


def priced_services(frames: Frames, months: tuple[str, ...]) -> list[tuple[str, str]]:
    """(service_id, plan_id) of the services that are active in a month of the range and have a plan."""
    found = []
    names = ("service_id", "plan_id", "status", "activated_on", "disconnected_on")
    for service_id, plan_id, status, start, end in rows(frames, "services", *names):
        if plan_id is None or status == "ordered" or (status == "disconnected" and end is None):
            continue
        if (start is None or month_of(start) <= months[-1]) and (end is None or month_of(end) >= months[0]):
            if start is not None and end is not None and month_of(start) > month_of(end):
                continue
            found.append((service_id, plan_id))
    return found


def _currency(scenario: Scenario, frames: Frames, months: tuple[str, ...]) -> str:
    if scenario.currency:
        return scenario.currency
    plans = dict(rows(frames, "plans", "plan_id", "currency"))
    priced = priced_services(frames, months)
    currencies = sorted({plans[plan] for _, plan in priced if plans.get(plan)})
    if not priced:
        raise BadInput(Issue(field="months", found=f"{months[0]} to {months[-1]}", message="no service is active"))
    if len(currencies) != 1:
        found = ", ".join(currencies) or "none"
        hint = "name one in the scenario; other_currencies: leave_out leaves the rest out"
        raise BadInput(Issue(field="currency", found=found, expected="current plans of one currency", hint=hint))
    return str(currencies[0])


def _unknown_ids(scenario: Scenario, frames: Frames) -> list[Issue]:
    plans = {p: (carrier, offer) for p, carrier, offer in rows(frames, "plans", "plan_id", "carrier_id", "offer_id")}
    accounts = dict(rows(frames, "accounts", "account_id", "carrier_id"))
    services = {s for (s,) in rows(frames, "services", "service_id")}
    carriers = {c for (c,) in rows(frames, "carriers", "carrier_id")} | {c for c, _ in plans.values()}
    carriers |= set(accounts.values()) | {c for (c,) in rows(frames, "services", "carrier_id")}
    offers = {offer for _, offer in plans.values() if offer}
    buckets = scenario.buckets
    wanted = [
        ("carriers_allowed", scenario.carriers_allowed or (), carriers, "carrier"),
        ("carrier_fixed_cost", scenario.carrier_fixed_cost, carriers, "carrier"),
        ("joining_fee", scenario.joining_fee, carriers, "carrier"),
        ("comparison.taxes", scenario.comparison.taxes, carriers, "carrier"),
        *(
            (f"comparison.criteria.{one.name}.scores", one.scores, offers, "offer")
            for one in scenario.comparison.criteria
        ),
        ("target_accounts", scenario.target_accounts, carriers, "carrier"),
        ("target_accounts", scenario.target_accounts.values(), set(accounts), "account"),
        ("offers", scenario.offers, offers | {b.offer_id for b in buckets}, "offer"),
        ("buckets", [b.carrier_id for b in buckets], carriers, "carrier"),
        ("buckets", [account for b in buckets for account in b.today], set(accounts), "account"),
        ("plan_price", scenario.plan_price, set(plans), "plan"),
        ("force", scenario.force, services, "service"),
        ("force", scenario.force.values(), set(plans), "plan"),
        ("keep", scenario.keep, services, "service"),
    ]
    issues = [
        Issue(field=key, found=name, message=f"unknown {what}")
        for key, names, known, what in wanted
        for name in dict.fromkeys(names)
        if name not in known
    ]
    for carrier, account in scenario.target_accounts.items():
        if account in accounts and carrier in carriers and accounts[account] not in (carrier, None):
            found = f"{account} of {accounts[account]}"
            issues.append(Issue(field="target_accounts", found=found, expected=f"an account of {carrier}"))
    return issues
