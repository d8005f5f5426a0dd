"""The filters of a queue of findings, bound to the address, its picked rows and its CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import cache, formats
from app.components.tables import MOST_ROWS
from app.filters import asked
from app.views import rules
from app.views.findings import OPEN, SEVERITIES
from app.views.selection import Filters
from core.money import to_text
from core.schema.work import FINDING_STATES

QUEUES = {"audit": "Audit", "policy": "Policy", "anomaly": "Anomalies", "all": "All three"}


def queue_filters(filters: Filters) -> dict[str, Any]:
    """Queue, rule, state, severity, owner and month as arguments of :func:`app.views.findings.view`."""
    known = rules.titles()
    rule_asked = st.query_params.get("rule")
    if rule_asked in known and "queue" not in st.query_params:
        st.session_state["queue"] = "audit" if rule_asked in _audit_rules() else "policy"
    asked("queue", QUEUES)
    with st.container(horizontal=True, vertical_alignment="bottom", key="queue-filters"):
        queue = st.selectbox("Queue", list(QUEUES), format_func=QUEUES.__getitem__, key="queue", bind="query-params")
        there = cache.view("findings", filters, queue=queue, state=()).choices
        with st.popover("Rule, state, severity, owner, month", icon=":material/tune:"):
            offered = [key for key in known if key in there.rules] or list(there.rules)
            asked("rule", offered, many=True)
            rule = st.multiselect(
                "Rule", offered, format_func=lambda k: f"{k} · {there.rules.get(k, k)}", key="rule",
                bind="query-params", placeholder="All rules",
            )  # fmt: skip
            asked("state", FINDING_STATES, many=True)
            state = st.multiselect(
                "State", list(FINDING_STATES), default=list(OPEN), format_func=formats.words, key="state",
                bind="query-params", placeholder="All states",
            )  # fmt: skip
            asked("severity", SEVERITIES, many=True)
            severity = st.multiselect(
                "Severity", list(SEVERITIES), format_func=formats.words, key="severity", bind="query-params",
                placeholder="All severities",
            )  # fmt: skip
            owner = st.multiselect("Owner", there.owners, key="owner", bind="query-params", placeholder="All owners")
            asked("of", there.months)
            month = st.selectbox(
                "Month of use", ["", *there.months], format_func=lambda m: formats.month(m) if m else "All months",
                key="of", bind="query-params",
            )  # fmt: skip
    return {
        "queue": queue,
        "rule": tuple(rule),
        "state": tuple(state),
        "severity": tuple(severity),
        "owner": tuple(owner),
        "month": month or None,
    }


def _audit_rules() -> set[str]:
    from audit import registry

    return set(registry.load_rules())


def picked_ids(rows: Sequence[int], members: Sequence[Sequence[str]]) -> list[str]:
    """The findings of the picked rows."""
    return [key for row in rows if row < len(members) for key in members[row]]


def csv_button(frame: pd.DataFrame, name: str, *, key: str, label: str = "Download CSV") -> None:
    """A download of a frame as CSV, money as plain decimals."""
    if len(frame):
        st.download_button(
            label, csv_text(frame), name, "text/csv", key=key, icon=":material/download:", on_click="ignore"
        )


def csv_text(frame: pd.DataFrame) -> str:
    """A frame as CSV text: columns of micros become decimals, at most :data:`MOST_ROWS` rows."""
    result = frame.head(MOST_ROWS).copy()
    for name in result.columns:
        if name in MONEY:
            result[name] = [None if formats.missing(v) else to_text(int(v)) for v in result[name]]
    return result.to_csv(index=False)


#: Columns of the views that hold millionths.
MONEY = {
    "amount",
    "worth",
    "saving",
    "cost",
    "quantity",
    "score",
    "monthly_saving",
    "spend",
    "rate",
    "list_rate",
    "fee",
    "expected",
    "actual",
    "difference",
    "up",
    "down",
}
