"""What to do next, ranked by money: plans, errors to recover, waste to end, notices to give."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from app import formats
from app.views import rules
from app.views.exchange import Exchange
from app.views.found import unfiled
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


def finding_actions(found: pd.DataFrame, month: str, as_of: str, money: Exchange) -> list[Action]:
    """One action for each rule: errors as what may be claimed on `as_of`, waste as what it costs in `month`.

    What is past its window to dispute is told apart and weighs a tenth: carriers may still give it, they need not.
    """
    open_ = found[found["state"].isin(["new", "triaged"]) & (found["amount"] > 0)]
    result = []
    for (rule, claim), group in open_.groupby(["rule", "claim"], sort=True):
        family = next((str(f) for f in group["family"].dropna()), None)
        if claim == "recoverable":
            result.append(_claim(str(rule), family, group, as_of, money))
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
                    query=(("rule", str(rule)), ("of", month)),
                    worth=worth * 12,
                )
            )
    return result


def _claim(rule: str, family: str | None, group: pd.DataFrame, as_of: str, money: Exchange) -> Action:
    timely, late = unfiled(group, as_of)
    shown = timely if len(timely) else late
    charges = sum(text.count("charge_id") for text in shown["charge_stakes"].fillna(""))
    months = sorted(shown["month"])
    span = (
        formats.month(months[0])
        if months[0] == months[-1]
        else f"{formats.month_short(months[0])} to {formats.month_short(months[-1])}"
    )
    lost = int(late["amount"].sum())
    why = f"{rules.title(rule, family)}, {span}"
    if not len(timely):
        why += "; too late to dispute, ask for goodwill"
    elif lost:
        why += f"; {formats.short(lost, money.target)} more is past its window"
    return Action(
        what=rules.advice(rule, family, formats.plural(charges or len(shown), "charge")),
        why=why,
        saving=formats.money(int(shown["amount"].sum()), money.target),
        confidence=EXACT,
        page="findings",
        query=(("rule", rule),),
        period="to recover" if len(timely) else "past its window",
        worth=int(timely["amount"].sum()) + lost // 10,
    )


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
                query=(("contract", str(row["contract_id"])),),
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
