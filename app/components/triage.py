"""The decision bar under a queue, and the whole evidence of one finding beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app import cache, formats, triage
from app.components.charts import card
from app.components.evidence import evidence_card, facts
from app.components.tables import Col, table
from app.page_text import escape
from app.views.evidence import Evidence


def decision_bar(
    ids: Sequence[str], *, choices: Sequence[str], key: str, what: str, scopes: Mapping[str, str] | None = None
) -> None:
    """Decision, reason, owner and one button for the findings `ids`; says what happened, then draws the page anew.

    With `scopes` (scope -> words) it also asks for what and until when a dismissal keeps repetitions back.
    """
    told = st.session_state.pop(f"{key}-told", None)
    if told:
        (st.success if told[0] else st.error)(escape(told[1]), icon=None)
    with st.form(f"{key}-form", border=True):
        st.markdown(f"**Decide on {escape(what)}**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            state = st.selectbox(
                "Decision", list(choices), format_func=triage.DECISIONS.__getitem__, key=f"{key}-state"
            )
            reason = st.text_input("Reason", placeholder="Needed to dismiss", key=f"{key}-reason", max_chars=300)
            owner = st.text_input("Owner", placeholder="Unchanged", key=f"{key}-owner", max_chars=80)
            scope, until = _reach(key, scopes) if scopes else ("service", None)
            sent = st.form_submit_button("Apply", type="primary", disabled=not ids)
    if sent:
        st.session_state[f"{key}-told"] = triage.decide(
            cache.store(), ids, state, reason=reason, owner=owner, scope=scope, expires_on=until
        )
        st.rerun()


def _reach(key: str, scopes: Mapping[str, str]) -> tuple[str, str | None]:
    scope = st.selectbox(
        "A dismissal holds for",
        list(scopes),
        format_func=scopes.__getitem__,
        key=f"{key}-scope",
        help="Repetitions are kept back there for three months, unless they grow by half",
    )
    until = st.date_input("Until", value=None, key=f"{key}-until", help="Blank: three months")
    return scope, until.isoformat() if until else None


def kept_back_shown(told: str, *, key: str) -> None:
    """Say what earlier decisions keep back, with a switch (`key`-kept in the session) that shows those rows as well."""
    if told:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(escape(told))
            st.toggle("Show what is kept back", key=f"{key}-kept")


def flag_facts(seen: Evidence, *, key: str) -> None:
    """What an alert of the model rests on: how rare, who the peers are, what to do, cases like it, which model."""
    if seen.model_facts:
        with card("How unusual, and what to do"):
            facts(seen.model_facts)
    if len(seen.similar):
        with card("Cases like this one, already decided"):
            table(
                seen.similar,
                [
                    Col("line", "Line"), Col("month", "Month", "month"), Col("verdict", "Decision", "code"),
                    Col("reason", "Reason", width="large"),
                ],
                key=f"{key}-similar",
            )  # fmt: skip


def whole_evidence(seen: Evidence, *, key: str) -> None:
    """The evidence card, then deadlines, line, clause, charges, the other months and the trail."""
    evidence_card(seen.finding, title=seen.title, rule_text=seen.rule_text, key=key)
    for line in seen.deadlines:
        st.markdown(f":material/event: {escape(line)}")
    flag_facts(seen, key=key)
    left, right = st.columns(2, gap="small")
    with left, card("The line"):
        facts(seen.context or {"Line": "not in the inventory"})
    with right, card("The contract"):
        facts(seen.clause or {"Contract": "none is recorded for this line"})
    if len(seen.charges):
        with card("Charges", note=f"Money in {seen.finding['currency'] or 'the currency of the bill'}"):
            table(
                seen.charges,
                [
                    Col("charge_id", "Charge"), Col("number", "Invoice"), Col("issued_on", "Billed", "day"),
                    Col("description", "Description"), Col("quantity", "Quantity", "quantity"),
                    Col("unit_rate", "Rate", "money"), Col("amount", "Amount", "money"),
                    Col("stake", "Claimed", "money"), Col("period_start", "From", "day"),
                    Col("period_end", "To", "day"),
                ],
                key=f"{key}-charges",
                alt="Charges on which money is claimed",
            )  # fmt: skip
    if len(seen.months) > 1:
        with card("The same cause, month by month", note=f"Money in {seen.finding['currency'] or 'its currency'}"):
            table(
                seen.months.iloc[::-1],
                [
                    Col("month", "Month", "month"), Col("amount_at_stake", "At stake", "money"),
                    Col("amount_counted", "Counted", "money"), Col("file_by", "Dispute until", "day"),
                    Col("state", "State", "code"),
                ],
                key=f"{key}-months",
            )  # fmt: skip
    if len(seen.trail):
        with card("What was done"):
            table(
                seen.trail,
                [Col("at", "When (UTC)", "stamp"), Col("actor", "Who"), Col("action", "What"), Col("detail", "Detail")],
                key=f"{key}-trail",
            )


def case_label(count: int, findings: int) -> str:
    """`3 cases (17 findings)`."""
    return f"{formats.plural(count, 'case')} ({formats.plural(findings, 'finding')})"
