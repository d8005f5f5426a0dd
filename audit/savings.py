"""The savings ledger: what was found, agreed, done and proven on a bill, against a frozen baseline, counted once.

Every line has one stage; the totals of a stage are the sum of its lines, per currency. Money is in micros inside,
decimal text in documents. The meaning of each figure is in `docs/savings.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit import disputes as dispute_ledger
from audit.bridge import bridge
from core import findings, periods, trail
from core.contract_register import plain
from core.issues import BadInput, Issue
from core.money import parse_micros, to_text
from core.queries import spend, workflow
from core.store import Store, now

STAGES = ("identified", "approved", "implemented", "realized")
#: Months of the default baseline: the first year of the store.
BASELINE_MONTHS = 12

#: The stage that a finding's own state puts it in; findings in other states are no saving.
_STAGE = {
    "new": "identified",
    "triaged": "identified",
    "accepted": "approved",
    "disputed": "approved",
    "implemented": "implemented",
    "credited": "realized",
}
#: Rules whose money is a charge that comes every month: ending it lowers the bill, it does not only avoid a future one.
_RECURRING = frozenset({"I4", "I5", "I6", "I7", "I8", "I9", "U1", "U2", "U3", "U4", "U6", "zero_use"})


#: What a line of the ledger needs of a finding.
_READ = [
    *("finding_id", "queue", "rule", "family", "claim", "state", "month", "episode_id"),
    *("service_id", "subject_id", "carrier_id", "currency", "amount_counted"),
]


@dataclass(frozen=True, slots=True)
class Saving:
    """One line of the ledger; `amount` in micros of `currency`."""

    saving_id: str
    finding_ids: tuple[str, ...]
    kind: str
    stage: str
    amount: int
    currency: str | None
    source: str
    title: str
    carrier_id: str | None = None

    def document(self) -> dict[str, Any]:
        """The line as `tem savings` prints it."""
        return {
            "saving_id": self.saving_id,
            "finding_ids": list(self.finding_ids),
            "kind": self.kind,
            "stage": self.stage,
            "amount": to_text(self.amount),
            "currency": self.currency,
            "source": self.source,
            "title": self.title,
            "carrier_id": self.carrier_id,
        }


def savings(store: Store, as_of: str | None = None) -> dict[str, Any]:
    """The document of `tem savings`: baseline, totals by stage and currency, lines, bridge.

    Findings that a recorded saving names, and waste on lines that a recorded optimization changes, are not counted a
    second time. Lines of several months of one cause are one line.
    """
    items = lines(store, as_of or workflow.today(store))
    base = baseline(store)
    return {
        "baseline": {key: base[key] for key in ("sha256", "from", "to", "frozen")},
        "totals": {
            stage: {code: to_text(value) for code, value in sums.items()} for stage, sums in totals(items).items()
        },
        "lines": [item.document() for item in items],
        "bridge": bridge(store, base["from"], base["to"]) if base["from"] else [],
    }


def totals(items: Iterable[Saving]) -> dict[str, dict[str, int]]:
    """Micros by stage and currency."""
    result: dict[str, dict[str, int]] = {stage: {} for stage in STAGES}
    for item in sorted(items, key=lambda item: item.currency or ""):
        if item.currency is not None:
            here = result[item.stage]
            here[item.currency] = here.get(item.currency, 0) + item.amount
    return result


def lines(store: Store, as_of: str) -> list[Saving]:
    """Every line of the ledger, by stage, then amount (largest first), then id."""
    recorded = [{str(k): plain(v) for k, v in raw.items()} for raw in store.frame("savings").to_dict("records")]
    named: set[str] = set()
    changed: set[str] = set()
    result = []
    for row in recorded:
        detail = json.loads(row["detail"] or "{}")
        keys = tuple(json.loads(row["finding_ids"] or "[]"))
        named |= set(keys)
        changed |= set(detail.get("services", []))
        result.append(
            Saving(
                saving_id=row["saving_id"],
                finding_ids=keys,
                kind=row["kind"],
                stage=row["stage"],
                amount=row["amount"],
                currency=row["currency"],
                source=row["source"],
                title=detail.get("title", row["source"]),
                carrier_id=detail.get("carrier_id"),
            )
        )
    result += _from_findings(store, as_of, named, changed)
    return sorted(result, key=lambda item: (STAGES.index(item.stage), -item.amount, item.saving_id))


def _from_findings(store: Store, as_of: str, named: set[str], changed: set[str]) -> list[Saving]:
    frame = findings.load(store)
    frame = frame[
        (frame["amount_counted"] > 0)
        & (frame["claim"] != "informative")
        & frame["state"].isin(_STAGE)
        & ~frame["finding_id"].isin(named)
        & ~((frame["claim"] == "avoidable") & frame["service_id"].isin(changed))
    ]
    rows = [{str(k): plain(v) for k, v in raw.items()} for raw in frame[_READ].to_dict("records")]
    credited = dispute_ledger.proven(store, as_of)
    refused = dispute_ledger.refused(store)
    for row in rows:
        if row["finding_id"] in refused:  # what the carrier declined is no saving, what it credited all the same is
            row["amount_counted"] = min(row["amount_counted"], credited.get(row["finding_id"], 0))
    rows = [row for row in rows if row["amount_counted"] > 0]
    last_month = workflow.last_invoice_day(store)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    counted: set[tuple[str, str]] = set()
    for row in sorted(rows, key=lambda r: (r["queue"] != "audit", r["month"], r["finding_id"])):
        # Policy hits on money that the audit counts already: one line and month is claimed once.
        here = (row["service_id"] or row["subject_id"], row["month"])
        if row["queue"] != "audit" and here in counted:
            continue
        counted.add(here)
        cause = row["episode_id"] or row["finding_id"]
        groups.setdefault((row["queue"], row["rule"], cause, row["currency"] or ""), []).append(row)
    result = []
    for key, members in sorted(groups.items()):
        for stage in STAGES:
            part = [row for row in members if _STAGE[row["state"]] == stage]
            if part:
                result += _saving_lines(key, stage, part, credited, last_month)
    return result


def _saving_lines(
    key: tuple[str, ...],
    stage: str,
    rows: list[dict[str, Any]],
    credited: Mapping[str, int],
    last_month: str | None,
) -> list[Saving]:
    ids = tuple(sorted(row["finding_id"] for row in rows))
    amount = sum(row["amount_counted"] for row in rows)
    proven = min(amount, sum(credited.get(i, 0) for i in ids))
    sample = rows[-1]
    recoverable = sample["claim"] == "recoverable"
    hard = (
        recoverable or (sample["queue"] == "audit" and sample["family"] in _RECURRING) or sample["rule"] == "zero_use"
    )

    def line(to: str, value: int) -> Saving:
        return Saving(
            saving_id="S-" + hashlib.sha256(json.dumps([*key, to]).encode()).hexdigest()[:12],
            finding_ids=ids,
            kind="hard" if hard else "avoidance",
            stage=to,
            amount=value,
            currency=sample["currency"],
            source="finding",
            title=_title(sample, len(rows)),
            carrier_id=sample["carrier_id"],
        )

    if stage == "approved" and 0 < proven < amount:
        return [line("approved", amount - proven), line("realized", proven)]
    if stage in ("approved", "realized") and recoverable:
        # Recovered money is realized when a credit on a bill proves it; a state alone proves nothing.
        return [line("realized" if proven >= amount else "implemented" if stage == "realized" else stage, amount)]
    if stage == "implemented" and last_month is not None:
        quiet = periods.month_distance(max(row["month"] for row in rows), last_month[:7])
        if quiet > 0:
            newest = max(rows, key=lambda row: row["month"])
            return [line("realized", newest["amount_counted"] * quiet)]
    return [line(stage, amount)]


def _title(row: dict[str, Any], months: int) -> str:
    subject = row["service_id"] or row["subject_id"]
    return f"{row['rule']} {subject}" + (f", {months} findings" if months > 1 else "")


def baseline(store: Store) -> dict[str, Any]:
    """The newest frozen baseline, else one computed over the first :data:`BASELINE_MONTHS` months with charges.

    Keys: sha256 (of the figures), from, to (months), frozen (whether it is kept in the store), figures.
    """
    kept = store.frame("baselines")
    if len(kept):
        row = kept.sort_values(["frozen_at", "sha256"]).iloc[-1]
        figures = json.loads(row["figures"])
        return {
            "sha256": row["sha256"],
            "from": row["from_month"],
            "to": row["to_month"],
            "frozen": True,
            "figures": figures,
        }
    months = spend.months(store)
    if not months:
        return {"sha256": None, "from": None, "to": None, "frozen": False, "figures": []}
    first, last = months[0], min(months[-1], periods.shift(months[0], BASELINE_MONTHS - 1))
    figures = _figures(store, first, last)
    return {"sha256": _digest(first, last, figures), "from": first, "to": last, "frozen": False, "figures": figures}


def freeze(store: Store, first: str | None = None, last: str | None = None, *, actor: str | None = None) -> str:
    """Keep the figures of `first`..`last` (default: those of :func:`baseline`) and return their hash.

    Later loads do not change a frozen baseline; freezing again adds a newer one, with an entry in the trail.

    Raises:
        BadInput: if the store has no charges in those months.
    """
    current = baseline(store)
    first, last = first or current["from"], last or current["to"]
    if first is None or last is None or first > last:
        raise BadInput(Issue(field="--freeze", found=f"{first} to {last}", expected="months with charges, in order"))
    figures = _figures(store, first, last)
    if not figures:
        raise BadInput(
            Issue(field="--freeze", found=f"{first} to {last}", message="there are no charges in these months")
        )
    key = _digest(first, last, figures)
    with store.transaction() as txn:
        txn.delete("baselines", {"sha256": key})
        row = {"sha256": key, "from_month": first, "to_month": last, "figures": json.dumps(figures), "frozen_at": now()}
        txn.append("baselines", [row])
        trail.record(txn, "baseline.freeze", key, {"from": first, "to": last}, actor=actor)
    return key


def _figures(store: Store, first: str, last: str) -> list[list[Any]]:
    frame = spend.spend(store, by=("month", "carrier_id", "category"), first=first, last=last)
    rows = [
        [row.month, plain(row.carrier_id), row.category, plain(row.currency), to_text(int(row.amount))]
        for row in frame.itertuples(index=False)
    ]
    return sorted(rows, key=lambda row: [str(cell) for cell in row])


def _digest(first: str, last: str, figures: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps([first, last, figures]).encode()).hexdigest()


def record_result(store: Store, result_id: str, *, months: int = 12, actor: str | None = None) -> str:
    """Put the joint saving of an optimization result into the ledger as approved, over `months`; returns its id.

    The saving is the one of the re-solve (`saving` of the result), never a sum of single recommendations.

    Raises:
        BadInput: if there is no such result or it saves nothing.
    """
    rows = store.frame("results")
    rows = rows[rows["result_id"] == result_id]
    if rows.empty:
        raise BadInput(Issue(field="--record", found=result_id, expected="the id of a stored optimization result"))
    document = json.loads(rows.iloc[0]["document"])
    monthly = parse_micros(f"{pd.to_numeric(document.get('saving') or 0):.6f}")
    if monthly <= 0:
        raise BadInput(Issue(field="--record", found=result_id, message="this result saves nothing"))
    recommended = document.get("recommendations") or []
    changed = sorted(r["service_id"] for r in recommended if r.get("action") != "keep")
    key = "S-" + hashlib.sha256(json.dumps(["result", result_id]).encode()).hexdigest()[:12]
    detail = {
        "title": str(document.get("scenario") if isinstance(document.get("scenario"), str) else "Optimization"),
        "result_id": result_id,
        "services": changed,
        "monthly": to_text(monthly),
        "months": months,
    }
    with store.transaction() as txn:
        txn.delete("savings", {"saving_id": key})
        row = {
            "saving_id": key,
            "finding_ids": "[]",
            "source": "result",
            "kind": "hard",
            "stage": "approved",
            "amount": monthly * months,
            "currency": _currency(store, changed),
            "detail": json.dumps(detail, sort_keys=True),
            "changed_at": now(),
        }
        txn.append("savings", [row])
        trail.record(txn, "saving.approved", key, detail, actor=actor)
    return key


def _currency(store: Store, services: Sequence[str]) -> str | None:
    lines_ = store.frame("services", ["service_id", "plan_id"]).set_index("service_id")["plan_id"]
    plans = store.frame("plans", ["plan_id", "currency"]).set_index("plan_id")["currency"]
    found = {plain(plans.get(plain(lines_.get(key)))) for key in services} - {None}
    return min(found) if found else None


def set_stage(store: Store, saving_id: str, stage: str, *, actor: str | None = None) -> None:
    """Move a recorded saving to another stage, with an entry in the trail.

    Raises:
        BadInput: if the stage is unknown or the saving is none that was recorded (those of findings follow them).
    """
    if stage not in STAGES:
        raise BadInput(Issue(field="--set", found=stage, expected="one of " + ", ".join(STAGES)))
    with store.transaction() as txn:
        if not txn.update("savings", {"saving_id": saving_id}, {"stage": stage, "changed_at": now()}):
            why = "the id of a recorded saving; lines from findings follow the state of their findings"
            raise BadInput(Issue(field="--set", found=saving_id, expected=why))
        trail.record(txn, f"saving.{stage}", saving_id, {}, actor=actor)
