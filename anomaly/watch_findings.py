"""Early warnings as findings of the queue `watch`: kept, decided on, and not told again once somebody has.

Kept are the warnings of the running cycles and of the ones just before them, as the newest event sees them. An older
warning that nobody has worked on goes, since its bill has come; the policy and anomaly queues speak about that month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anomaly import repeats
from anomaly.units import fleet_units
from anomaly.watch import MEASURES, PROBLEMS, Alert, recent
from core import findings
from core.findings import Finding
from core.money import parse_micros
from core.queries import anomaly as queries
from core.store import Store

TITLES = {
    **{f"watch.overrun_predicted.{kind}": f"Overrun of {kind} predicted" for kind in MEASURES},
    **{f"watch.allowance_reached.{kind}": f"Allowance of {kind} reached" for kind in MEASURES},
    "watch.bill_shock": "Roaming cost of a line",
    "watch.irsf_burst": "Burst of calls abroad",
    "watch.irsf_trunk": "Burst of calls of a trunk",
    "watch.wangiri_burst": "Burst of short calls abroad",
    **{f"watch.data_problem.{problem}": "Records to check" for problem in PROBLEMS},
}
_MEASURE_OF = {unit: kind for kind, (_, unit) in MEASURES.items()}
#: Warnings whose kind is none of the findings' kinds, by the kind of a finding that says the same.
_KINDS = {"bill_shock": "roaming_excess", "overrun_predicted": "other", "allowance_reached": "other"}


def keep(store: Store) -> tuple[list[Finding], dict[str, int]]:
    """Look at the store as its newest event sees it and keep what is found; the findings, newest first, and counts."""
    found = of(store, recent(store))
    counts = findings.save(store, found, "watch")
    return findings.with_states(store, found), counts


def of(store: Store, alerts: Sequence[Alert]) -> list[Finding]:
    """Alerts as findings, in their order, with what earlier decisions say about them."""
    months = sorted({alert.on[:7] for alert in alerts})
    units = fleet_units(queries.line_spend(store), months)
    carriers = dict(store.frame("accounts", ["account_id", "carrier_id"]).itertuples(index=False))
    made = [_finding(alert, units, carriers) for alert in alerts]
    return repeats.keep_back(made, repeats.reviewed(store, "watch", _size), _size)


def told(items: Sequence[Finding]) -> str:
    """One sentence on what earlier decisions did to the warnings; blank where they did nothing."""
    kept, grown = repeats.counts(items)
    if not kept and not grown:
        return ""
    return f"{kept} warnings kept back because they were reviewed, {grown} came back grown"


def _size(amount: int, actual: Mapping[str, Any]) -> float:
    """How large a warning is: its use, its money or its number of records."""
    return abs(float(amount)) or float(actual["value"])


def _rule(alert: Alert) -> str:
    if alert.rule:
        return f"watch.{alert.rule}"
    apart = _MEASURE_OF.get(alert.unit) or (alert.level if alert.kind == "data_problem" else "")
    return f"watch.{alert.kind}" + (f".{apart}" if apart else "")


def _finding(alert: Alert, units: Mapping[tuple[str, str], int], carriers: Mapping[str, str]) -> Finding:
    in_money = alert.rule is not None or alert.kind == "bill_shock"
    amount = parse_micros(alert.used) if in_money else 0
    currency = (alert.unit or None) if in_money else None
    rule, month = _rule(alert), alert.on[:7]
    evidence = {
        "table": "usage_events",
        "key": alert.service_id or alert.subject,
        "month": month,
        "field": "cost" if in_money else alert.unit,
        "value": alert.used,
        "note": f"{alert.level} on {alert.on}",
    }
    return Finding(
        queue="watch",
        rule=rule,
        family="watch",
        kind=_KINDS.get(alert.kind, alert.kind),
        subject_type="service" if alert.service_id else "account",
        subject_id=alert.subject,
        service_id=alert.service_id,
        account_id=alert.account_id,
        carrier_id=carriers.get(alert.account_id or ""),
        month=month,
        occasion=f"{alert.on} {alert.level} {alert.unit}",
        episode_id=findings.episode_id("watch", rule, alert.subject, alert.cycle[0]),
        amount_at_stake=amount,
        currency=currency,
        direction="over" if amount > 0 else "none",
        severity=findings.severity_for(amount, units.get((currency or "", month))),
        expected={"value": alert.limit, "low": "0", "high": alert.limit, "unit": alert.unit},
        actual={"value": alert.used, "unit": alert.unit},
        evidence=[evidence],
        explanation=alert.explanation,
        detail={
            "on": alert.on,
            "level": alert.level,
            "cycle": {"from": alert.cycle[0], "to": alert.cycle[1]},
            "expected_on": alert.expected_on,
            "action": {"code": alert.kind, "text": alert.action},
        },
    )
