"""The dossier of one line: facts, plan, cost and use by month, history, devices, findings, recommendation."""

from __future__ import annotations

import streamlit as st

from app.components.charts import card, lines
from app.components.evidence import facts
from app.components.layout import side_by_side
from app.components.states import nothing
from app.components.tables import Col, table
from app.page_text import escape
from app.views.dossier import Dossier


def dossier(data: Dossier) -> None:
    """Draw everything about one service."""
    st.title(escape(data.title), anchor=False)
    st.markdown(f":gray[{escape(data.sentence)}]")
    if data.recommendation:
        st.success(escape(data.recommendation), icon=":material/lightbulb:")
    left, right = side_by_side(3, 2)
    with left, card("Who, where, under what"):
        facts(data.facts)
    with right, card("Plan"):
        if data.plan:
            facts(data.plan)
        else:
            nothing("No plan of the catalogue is recorded for this line.")
    _history(data)
    with card("Findings", note="Newest first, each in its own currency"):
        table(
            data.findings,
            [
                Col("month", "Month", "month"),
                Col("title", "Finding", width="medium"),
                Col("amount_at_stake", "At stake", "money"),
                Col("currency", "Currency"),
                Col("severity", "Severity", "code"),
                Col("state", "State", "code"),
                Col("explanation", "Why", width="large"),
            ],
            key="dossier-findings",
            empty="Nothing was found on this line.",
        )
    _details(data)


def _history(data: Dossier) -> None:
    left, right = side_by_side(1, 1)
    months = list(data.history["month"])
    with left, card("Cost by month", note=f"{data.currency or ''}, up to 18 months"):
        if months:
            lines(
                months,
                {"Total": list(data.history["total"]), "Recurring": list(data.history["mrc"])},
                title="Cost by month",
                key="dossier-cost",
                currency=data.currency,
            )
        else:
            nothing("No charge of this line has been loaded.")
    with right:
        used = {
            name: unit
            for name, unit in (("data_mb", "MB"), ("voice_min", "min"), ("sms", "messages"))
            if len(data.history) and int(data.history[name].sum()) > 0
        }
        with card("Use by month", note="Home, roaming and international together"):
            if not used:
                nothing("No use in these months.")
                return
            labels = {"data_mb": "Data, MB", "voice_min": "Voice, minutes", "sms": "Messages"}
            chosen = next(iter(used))
            if len(used) > 1:
                picked = st.segmented_control(
                    "Use", list(used), format_func=labels.__getitem__, default=chosen, label_visibility="collapsed"
                )
                chosen = picked or chosen
            lines(
                months,
                {labels[chosen]: list(data.history[chosen])},
                title="Use by month",
                key="dossier-use",
                unit=used[chosen],
            )


def _details(data: Dossier) -> None:
    spans = [
        Col("valid_from", "From", "day"),
        Col("valid_to", "Until", "day"),
        Col("plan_id", "Plan"),
        Col("employee_id", "Holder"),
        Col("cost_center_id", "Cost center"),
        Col("status", "Status", "code"),
    ]
    parts = (
        ("History", data.spans, spans),
        (
            "Features and packs",
            data.items,
            [
                Col("item_code", "Item"),
                Col("quantity", "Quantity", "quantity"),
                Col("valid_from", "From", "day"),
                Col("valid_to", "Until", "day"),
            ],
        ),
        (
            "Devices",
            data.devices,
            [
                Col("model", "Model"),
                Col("kind", "Kind", "code"),
                Col("imei", "IMEI"),
                Col("mdm_status", "Management", "code"),
                Col("last_seen_on", "Last seen", "day"),
            ],
        ),
        (
            "Orders",
            data.orders,
            [
                Col("type", "Order", "code"),
                Col("requested_on", "Requested", "day"),
                Col("completed_on", "Completed", "day"),
                Col("status", "Status", "code"),
            ],
        ),
    )
    for name, frame, columns in parts:
        if len(frame):
            with card(name):
                table(frame, columns, key=f"dossier-{name}")
