"""What to do next, ranked by money: plans, errors to recover, waste to end, notices to give."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from app import formats
from app.views import rules
from app.views.exchange import Exchange
from app.views.parts import Action
from app.views.renewals import otherwise
from core.money import SCALE
from core.queries import app as queries
from core.store import Store

#: Tells a reader how sure a finding of the kind is: the rule compares two recorded facts, or it is a judgement.
EXACT = "Exact: two records disagree"
SURE = "High: seen in your records"


def plan_actions(store: Store, money: Exchange) -> list[Action]:
    """The newest result of each scenario with a positive saving, best first; only the best is proposed."""
    best: Action | None = None
    for row in queries.newest_results(store).itertuples(index=False):
        document = json.loads(row.document)
        certificate = document.get("certificate") or {}
        saving = money.amount(round(float(document.get("saving") or 0) * SCALE), document.get("currency"))
        moves = [r for r in document.get("recommendations") or [] if r.get("action") != "keep"]
        if not saving or saving <= 0 or not moves:
            continue
        gap = certificate.get("rel_gap")
        proof = "Proven optimal" if document.get("status") == "optimal" else f"Proven, gap {formats.percent(gap, 1, 3)}"
        suspended = sum(1 for r in moves if r["action"] == "suspend")
        why = f"Scenario “{row.name}”"
        if suspended:
            why += f"; {formats.plural(suspended, 'line')} of them can be suspended"
        action = Action(
            what=f"Change the plan of {formats.plural(len(moves), 'line')}",
            why=why,
            saving=formats.money(saving, money.target),
            confidence=proof,
            page="scenarios",
            worth=saving * 12,
        )
        if best is None or action.worth > best.worth:
            best = action
    return [best] if best else []


def finding_actions(found: pd.DataFrame, month: str, money: Exchange) -> list[Action]:
    """One action for each rule: errors as what can be recovered in all, waste as what it costs in `month`."""
    open_ = found[found["state"].isin(["new", "triaged"]) & (found["amount"] > 0)]
    result = []
    for (rule, claim), group in open_.groupby(["rule", "claim"], sort=True):
        family = next((str(f) for f in group["family"].dropna()), None)
        if claim == "recoverable":
            worth = int(group["amount"].sum())
            charges = sum(text.count("charge_id") for text in group["charge_stakes"].fillna(""))
            cases = formats.plural(charges or len(group), "charge")
            months = sorted(group["month"])
            span = (
                formats.month(months[0])
                if months[0] == months[-1]
                else f"{formats.month_short(months[0])} to {formats.month_short(months[-1])}"
            )
            result.append(
                Action(
                    what=rules.advice(str(rule), family, cases),
                    why=f"{rules.title(str(rule), family)}, {span}",
                    saving=formats.money(worth, money.target),
                    confidence=EXACT,
                    page="findings",
                    query=(("rule", str(rule)),),
                    period="to recover",
                    worth=worth,
                )
            )
        elif claim == "avoidable":
            now = group[group["month"] == month]
            worth = int(now["amount"].sum())
            if not worth:
                continue
            lines = formats.plural(int(now["service_id"].nunique()) or len(now), "line")
            result.append(
                Action(
                    what=rules.advice(str(rule), family, lines),
                    why=f"{rules.title(str(rule), family)}; in {formats.month(month)}",
                    saving=formats.money(worth, money.target),
                    confidence=SURE if (group["queue"] == "audit").all() else "Breaks your policy",
                    page="findings",
                    query=(("rule", str(rule)),),
                    worth=worth * 12,
                )
            )
    return result


def notice_actions(contracts: list[dict[str, Any]], exposure: dict[str, int], money: Exchange) -> list[Action]:
    """One for each contract of :func:`app.views.renewals.due`, with the yearly spend that notice keeps open."""
    result = []
    for row in contracts:
        days = row["days_to_notice"]
        yearly = exposure.get(str(row["contract_id"]), 0)
        result.append(
            Action(
                what=f"Decide on {row['name'] or row['contract_id']} by {formats.day(row['notice_by'])}",
                why=f"{formats.plural(int(days), 'day')} left; {otherwise(row)}",
                saving=formats.short(yearly, money.target),
                confidence="Date from the contract",
                page="contracts",
                period="a year at stake",
                worth=yearly // 10,
            )
        )
    return result


def ranked(*groups: list[Action], most: int = 9) -> tuple[Action, ...]:
    """The actions worth most, largest first; the same advice is given once."""
    seen: set[str] = set()
    result = []
    for action in sorted((a for group in groups for a in group), key=lambda a: (-a.worth, a.what)):
        kind = action.what.split(" ", 1)[0] + action.what.rsplit(" ", 2)[-1]
        if kind not in seen:
            seen.add(kind)
            result.append(action)
    return tuple(result[:most])
