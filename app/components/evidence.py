"""The evidence card of a finding: what was expected, what was billed, what it costs, and the lines that prove it."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import formats
from app.page_text import escape
from core.money import minor_places, parse_micros

QUEUES = {
    "audit": "Audit", "policy": "Policy", "anomaly": "Anomaly", "spend": "Spend that moved", "watch": "Early warning"
}  # fmt: skip
_SEVERITY = {"info": "gray", "low": "gray", "medium": "orange", "high": "red", "critical": "red"}


def facts(pairs: Mapping[str, str]) -> None:
    """Names and values side by side, wrapping on a narrow screen."""
    cells = "".join(
        f"<div><div class='tem-k'>{html.escape(k)}</div><div class='tem-v'>{html.escape(v)}</div></div>"
        for k, v in pairs.items()
    )
    st.html(f"<div class='tem-facts'>{cells}</div>")


def _document(value: Any) -> Any:
    if isinstance(value, str):
        return json.loads(value) if value else None
    return None if formats.missing(value) else value


def said(value: Any, currency: Any = None) -> str:
    """An `expected` or `actual` document in words: `$39.00` where its unit is `currency`, `1.2 to 3.4 GB`.

    A price finer than a cent keeps its figures: `0.0125 USD`.
    """
    document = _document(value) or {}
    unit = document.get("unit") or ""
    if document.get("value") is not None:
        told = str(document["value"])
        if unit and unit == currency and len(told.partition(".")[2].rstrip("0")) <= minor_places(unit):
            return formats.cents(parse_micros(told), unit)
        return f"{told} {unit}".strip()
    if document.get("low") is not None or document.get("high") is not None:
        return f"{document.get('low', '0')} to {document.get('high', '…')} {unit}".strip()
    return formats.UNKNOWN


def evidence_card(finding: Mapping[str, Any], *, title: str, rule_text: str = "", key: str) -> None:
    """Draw one finding (a row of :func:`core.findings.load` as a mapping): money in micros, JSON columns as text."""
    currency = finding.get("currency")
    with st.container(border=True, key=f"evidence-{key}"):
        left, right = st.columns([4, 1], vertical_alignment="top")
        with left:
            st.subheader(escape(title), anchor=False)
            severity = str(finding.get("severity") or "info")
            queue = QUEUES.get(str(finding.get("queue")), "")
            badges = [f":{_SEVERITY.get(severity, 'gray')}-badge[{severity.capitalize()}]", f":gray-badge[{queue}]"]
            badges.append(f":gray-badge[{formats.words(finding.get('state') or 'new')}]")
            st.markdown(" ".join(badges))
        with right:
            direction = {"under": "billed too little"}.get(str(finding.get("direction")), "at stake")
            st.metric(direction.capitalize(), escape(formats.cents(finding.get("amount_at_stake"), currency)))
        if not formats.missing(finding.get("explanation")):
            st.markdown(escape(str(finding["explanation"])))
        pairs = {
            "Expected": said(finding.get("expected"), currency),
            "Found": said(finding.get("actual"), currency),
            "Month of use": formats.month(finding.get("month")),
            "Counted": formats.cents(finding.get("amount_counted"), currency),
        }
        if not formats.missing(finding.get("owner")):
            pairs["Owner"] = str(finding["owner"])
        for label, name in (("Dispute until", "file_by"), ("Withhold until", "withhold_by"), ("Due", "due_on")):
            if not formats.missing(finding.get(name)):
                pairs[label] = formats.day(finding[name])
        facts(pairs)
        if rule_text:
            st.caption(escape(rule_text))
        proof(_document(finding.get("evidence")) or [])


def proof(rows: list[Mapping[str, Any]]) -> None:
    """The evidence rows `{table, key, month, field, value, note}` as a small table."""
    if not rows:
        return
    names = ("table", "key", "month", "field", "value", "note")
    used = [name for name in names if any(not formats.missing(row.get(name)) and row.get(name) != "" for row in rows)]

    def cell(value: Any) -> str:
        return "" if formats.missing(value) else html.escape(str(value))

    head = "".join(f"<th scope='col'>{'Source' if name == 'table' else name.capitalize()}</th>" for name in used)
    body = "".join("<tr>" + "".join(f"<td>{cell(row.get(name))}</td>" for name in used) + "</tr>" for row in rows[:40])
    st.html(f"<table class='tem-evidence'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
