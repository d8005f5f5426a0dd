"""Everything that proves one finding: its charges, the clause, the rule, the other months, what was done so far."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app import formats
from app.views import rules
from core import periods
from core.money import parse_micros
from core.queries import workbench, workflow
from core.store import Store


@dataclass(frozen=True)
class Evidence:
    """`finding` is the stored row as a mapping (money in micros, documents as JSON text); `context` names the line.

    `charges` are the charges money is claimed on with `stake` (micros); `clause` facts of the contract; `months` the
    findings of the same cause; `trail` what people did; `deadlines` sentences with the days left. `model_facts` and
    `similar` (line, month, verdict, reason of decided cases) are what an alert of the model rests on.
    """

    finding: dict[str, Any]
    title: str
    rule_text: str
    context: dict[str, str]
    charges: pd.DataFrame
    clause: dict[str, str]
    months: pd.DataFrame
    trail: pd.DataFrame
    deadlines: tuple[str, ...]
    next_step: str
    model_facts: dict[str, str]
    similar: pd.DataFrame


def of(store: Store, *, finding_id: str) -> Evidence | None:
    """The evidence of a finding, None if there is none of that id."""
    frame = workbench.finding(store, finding_id)
    if frame.empty:
        return None
    row = {str(k): None if formats.missing(v) else v for k, v in frame.iloc[0].to_dict().items()}
    stakes = {s["charge_id"]: s["amount"] for s in json.loads(row["charge_stakes"] or "[]")}
    charges = workflow.charges_named(store, list(stakes)) if stakes else pd.DataFrame()
    if len(charges):
        charges["stake"] = pd.array([parse_micros(stakes[key]) for key in charges["charge_id"]], dtype="Int64")
    months = workbench.finding_of(store, row["episode_id"]) if row["episode_id"] else frame
    ids = [str(key) for key in months["finding_id"]]
    family = str(row["family"])
    number = _line(store, row)
    title = f"{rules.title(str(row['rule']), family)}: {number}"
    return Evidence(
        finding=row,
        title=title,
        rule_text=_rule_text(store, str(row["queue"]), str(row["rule"]), family),
        context=_context(store, row),
        charges=charges,
        clause=_clause(store, row, charges),
        months=months,
        trail=_trail(workbench.trail_of(store, ids)),
        deadlines=_deadlines(row, workflow.today(store)),
        next_step=row["default_reason"] or "",
        model_facts=_model_facts(_detail(row)),
        similar=_similar(store, _detail(row)),
    )


def _detail(row: dict[str, Any]) -> dict[str, Any]:
    return json.loads(row["detail"]) if row.get("detail") else {}


def _model_facts(detail: dict[str, Any]) -> dict[str, str]:
    named: dict[str, str] = {}
    if "tail_probability" in detail:
        share = formats.percent(float(detail["tail_probability"]), 1, 2)
        named["As surprising, of all line-months so far"] = share
    if detail.get("action"):
        text = detail["action"]["text"]
        named["Suggested"] = text[:1].upper() + text[1:]
    peers = detail.get("peers")
    if peers:
        unit = "" if detail["measure"]["unit"] == "money" else detail["measure"]["unit"]
        below = formats.percent(float(peers["share_below"]), 1, 0)
        named[f"{detail['measure']['title']}: {peers['group']}"] = (
            f"median {peers['p50']}, 90 of 100 up to {peers['p90']} {unit} "
            f"({formats.plural(int(peers['lines']), 'line')}; {below} below)"
        )
    reviewed = detail.get("feedback") or {}
    if reviewed.get("came_back"):
        named["Reviewed before"] = "Yes; it came back because it grew by half or more"
    elif reviewed.get("kept_back_by"):
        named["Reviewed before"] = f"Yes; kept back by the decision on {reviewed['kept_back_by']}"
    model = detail.get("model")
    if model:
        named["Model"] = (
            f"version {model['version']}, configuration {model['config_hash']}, data {model['data_hash']}, "
            f"seed {model['seed']}"
        )
    return named


def _similar(store: Store, detail: dict[str, Any]) -> pd.DataFrame:
    numbers = store.frame("services", ["service_id", "number"]).set_index("service_id")["number"]
    rows = []
    for case in detail.get("similar") or []:
        number = numbers.get(case["service_id"])
        line = case["service_id"] if formats.missing(number) else str(number)
        rows.append({"line": line, **{name: case[name] for name in ("month", "verdict", "reason")}})
    return pd.DataFrame(rows, columns=["line", "month", "verdict", "reason"])


_SET_BY = {
    "anomaly": "The line's own history and its peers set what was expected; surprise is in nats, money is not in it.",
    "spend": "The middle one of the last three billed months is what was expected; rises and falls are never netted.",
    "watch": "Worked out from usage events within the billing cycle, before the bill comes.",
}


def _rule_text(store: Store, queue: str, rule: str, family: str | None) -> str:
    if queue == "audit":
        from audit import registry

        known = registry.load_rules()
        found = known.get(rule) or known.get(family or "")
        return f"Rule {rule}: {found.description}" if found else f"Rule {rule}"
    if queue == "policy":
        from anomaly import rulebook

        held = next((item for item in rulebook.in_force(store) if item.id == rule), None)
        return f"Policy {rule}: {' '.join(held.message.split())} {held.action}".strip() if held else f"Policy {rule}"
    return _SET_BY.get(queue, "")


def _one(store: Store, table: str, key: str, value: Any) -> dict[str, Any]:
    if formats.missing(value):
        return {}
    frame = store.frame(table)
    frame = frame[frame[key] == value]
    if frame.empty:
        return {}
    return {str(k): None if formats.missing(v) else v for k, v in frame.iloc[0].to_dict().items()}


def _line(store: Store, row: dict[str, Any]) -> str:
    service = _one(store, "services", "service_id", row["service_id"])
    if service:
        return str(service["number"] or service["service_id"])
    pool = str(row["subject_id"]).split(":", 2)
    if pool[0] == "pool":
        return f"pool {pool[2]}"
    kind = str(row["subject_type"])
    table, named = {
        "account": ("accounts", "number"),
        "carrier": ("carriers", "name"),
        "contract": ("contracts", "name"),
        "cost_center": ("cost_centers", "name"),
        "employee": ("employees", "name"),
        "site": ("sites", "name"),
    }.get(kind, (None, ""))
    subject = _one(store, table, f"{kind}_id", row["subject_id"]) if table else {}
    return f"{formats.words(kind).lower()} {subject.get(named) or row['subject_id']}"


def _context(store: Store, row: dict[str, Any]) -> dict[str, str]:
    service = _one(store, "services", "service_id", row["service_id"])
    account = _one(store, "accounts", "account_id", row["account_id"] or service.get("account_id"))
    carrier = _one(store, "carriers", "carrier_id", row["carrier_id"] or account.get("carrier_id"))
    person = _one(store, "employees", "employee_id", service.get("employee_id"))
    center = _one(
        store, "cost_centers", "cost_center_id", service.get("cost_center_id") or person.get("cost_center_id")
    )
    plan = _one(store, "plans", "plan_id", service.get("plan_id"))
    site = _one(store, "sites", "site_id", service.get("site_id"))
    holder = person.get("name")
    if holder and person.get("left_on"):
        holder = f"{holder} (left {formats.day(person['left_on'])})"
    heads = workbench.invoice_heads(store, json.loads(row["invoice_ids"] or "[]"))
    named = {
        "Carrier": carrier.get("name") or row["carrier_id"],
        "Account (BAN)": account.get("number"),
        "Kind": formats.words(service["kind"]) if service.get("kind") else None,
        "Plan": plan.get("name") or service.get("plan_id"),
        "Holder": holder,
        "Cost center": center.get("name"),
        "Site": site.get("name"),
        "Invoice": ", ".join(str(n) for n in heads["number"].dropna()[:4]) if len(heads) else None,
    }
    return {key: str(value) for key, value in named.items() if value}


def _clause(store: Store, row: dict[str, Any], charges: pd.DataFrame) -> dict[str, str]:
    service = _one(store, "services", "service_id", row["service_id"])
    key = row["subject_id"] if row["subject_type"] == "contract" else service.get("contract_id")
    contract = _one(store, "contracts", "contract_id", key)
    if not contract:
        return {}
    result = {"Contract": str(contract["name"] or contract["contract_id"])}
    items = set(charges["item_code"].dropna()) if len(charges) else set()
    rates = store.frame("contract_rates")
    rates = rates[(rates["contract_id"] == contract["contract_id"]) & rates["item_code"].isin(items)]
    for rate in rates.head(3).itertuples(index=False):
        words = rate.description if not formats.missing(rate.description) else rate.item_code
        text = formats.cents(rate.rate, contract["currency"])
        if not formats.missing(rate.effective_from):
            text += f" from {formats.day(rate.effective_from)}"
        result[f"Rate: {words}"] = text
    if contract["dispute_window_days"] is not None:
        result["Dispute window"] = f"{contract['dispute_window_days']} days from the bill"
    if contract["withhold_window_days"] is not None:
        result["Withhold window"] = f"{contract['withhold_window_days']} days from the bill"
    return result


def _deadlines(row: dict[str, Any], as_of: str) -> tuple[str, ...]:
    told = []
    for name, verb in (("file_by", "File the dispute"), ("withhold_by", "Withhold payment")):
        day = row[name]
        if day is None:
            continue
        left = periods.days_between(as_of, day)
        if left < 0:
            told.append(f"{verb}: the window closed on {formats.day(day)}, {formats.plural(-left, 'day')} ago.")
        else:
            told.append(f"{verb} by {formats.day(day)}: {formats.plural(left, 'day')} left.")
    return tuple(told)


def _trail(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for entry in frame.itertuples(index=False):
        detail = json.loads(entry.detail) if isinstance(entry.detail, str) and entry.detail else {}
        said = [str(detail[name]) for name in ("reason", "owner") if detail.get(name)]
        rows.append(
            {"at": entry.at, "actor": entry.actor, "action": entry.action.replace(".", ": "), "detail": "; ".join(said)}
        )
    return pd.DataFrame(rows, columns=["at", "actor", "action", "detail"])
