"""The editor of a policy rule: a form, the conditions beside it, a preview on history, versions."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import cache, formats, theme
from app.components.charts import card, draw, figure
from app.components.job import start, watch
from app.components.states import nothing
from app.components.tables import Col, table
from app.page_text import escape
from app.views import policies
from app.views.policies import Entry, Policies


def edit(data: Policies, entry: Entry) -> None:
    """Draw the editor of one rule, its preview and its versions."""
    told = st.session_state.pop("policy-told", None)
    if told:
        (st.success if told[0] else st.error)(escape(told[1]), icon=None)
    with card(entry.title, note=f"{entry.rule_id}, version {entry.version}; a row stands for {entry.about}"):
        if entry.watches_people:
            st.warning(f"About people, off by default: {escape(entry.why_off)}", icon=":material/shield_person:")
        elif entry.why_off:
            st.caption(escape(entry.why_off))
        text, problems = _form(entry)
        for line in problems:
            st.error(escape(line), icon=None)
        with st.expander("The facts that conditions may name"):
            columns = [Col("fact", "Fact"), Col("meaning", "Meaning", width="large")]
            table(data.facts[entry.document["over"]], columns, key=f"facts-{entry.rule_id}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if st.button(
                "Preview on history", disabled=bool(problems), icon=":material/history:", key="policy-preview"
            ):
                start("preview_rule", {"rule": text, "in_force": data.config}, slot="preview")
                st.session_state["policy-previewed"] = entry.rule_id
                st.rerun()
            note = st.text_input("Why", placeholder="Kept with the version", key="policy-note", max_chars=200)
            if st.button("Save version", type="primary", disabled=bool(problems), key="policy-save"):
                _after(policies.save(cache.store(), text, note))
    if st.session_state.get("policy-previewed") == entry.rule_id:
        done = watch("preview")
        if done is not None and done.state == "done":
            _preview(policies.seen(done.result))
    watch("policy-flag")
    _versions(entry)


def _form(entry: Entry) -> tuple[str, list[str]]:
    document, key = entry.document, f"{entry.rule_id}-{entry.version}"
    answers: dict[str, Any] = {}
    left, right = st.columns(2, gap="medium")
    with left:
        answers["title"] = st.text_input("Title", document["title"], key=f"p-title-{key}", max_chars=120)
        answers["enabled"] = st.toggle("In force", bool(document["enabled"]), key=f"p-on-{key}")
        with st.container(horizontal=True):
            answers["min_money"] = st.text_input(
                "Minimum of money", str(document["min_money"]), key=f"p-min-{key}", max_chars=20, width=160,
                help="In the line's own currency; a hit below it is not reported.",
            )  # fmt: skip
            answers["severity"] = st.selectbox(
                "Severity", list(policies.SEVERITY_WORDS), format_func=policies.SEVERITY_WORDS.__getitem__,
                index=list(policies.SEVERITY_WORDS).index(document.get("severity", "by_money")),
                key=f"p-severity-{key}", width=180,
            )  # fmt: skip
            answers["claim"] = st.selectbox(
                "Money is", list(policies.CLAIM_WORDS), format_func=policies.CLAIM_WORDS.__getitem__,
                index=list(policies.CLAIM_WORDS).index(document.get("claim", "informative")), key=f"p-claim-{key}",
                width=160, help="Avoidable money counts in totals, informative money does not.",
            )  # fmt: skip
        with st.container(horizontal=True):
            for name, label in (("valid_from", "Valid from"), ("valid_to", "No longer from")):
                value = st.date_input(label, document.get(name), key=f"p-{name}-{key}", width=180)
                answers[name] = value.isoformat() if value else None
        answers["owner"] = st.text_input("Owner", document.get("owner", ""), key=f"p-owner-{key}", max_chars=80)
        message = " ".join(document["message"].split())
        answers["message"] = st.text_area("Message", message, key=f"p-message-{key}", height=90)
        answers["action"] = st.text_area("What to do", document.get("action", ""), key=f"p-action-{key}", height=70)
    with right:
        conditions = st.text_area(
            "Conditions, scope, exemptions and cases (YAML)", entry.conditions, key=f"p-when-{key}", height=560
        )
    return policies.draft(answers, conditions)


def _preview(found: policies.Seen) -> None:
    with card("Preview", note="On everything that is loaded; nothing is saved"):
        st.markdown(f"**{escape(found.sentence)}** {escape(found.against)}")
        for line in found.warnings:
            st.warning(f"The rule's own {escape(line)}; it can be saved once its cases fit.", icon=None)
        colours = theme.palette()
        chart = figure(180, showlegend=False)
        chart.add_bar(
            x=[formats.month_short(month) for month in found.months],
            y=list(found.hits),
            marker={"color": colours.spend},
            hovertemplate="%{x}: %{y} hits<extra></extra>",
        )
        chart.update_xaxes(type="category", nticks=10)
        chart.update_yaxes(rangemode="tozero", tickformat="d", nticks=4)
        draw(chart, alt=f"Hits by month: {', '.join(map(str, found.hits))}.", key="policy-months")
        table(
            found.examples,
            [
                Col("service_id", "Line"), Col("month", "Month", "month"), Col("amount", "At stake", "money"),
                Col("currency", "Cur."), Col("what", "What", width="large"),
            ],
            key="policy-examples", height=260, empty="It would not have fired.", alt="Hits with most money",
        )  # fmt: skip


def _versions(entry: Entry) -> None:
    with card("Versions", note="Every version stays; a finding names the one that made it"):
        if entry.versions.empty:
            nothing("This is the starter rule; nobody has changed it.")
            return
        picked = table(
            entry.versions,
            [
                Col("version", "Version", "count", width="small"), Col("saved_at", "Saved (UTC)", "stamp"),
                Col("saved_by", "By"), Col("note", "Why", width="large"), Col("current", "In force", "yes"),
            ],
            key=f"versions-{entry.rule_id}", select="one", height="content",
        )  # fmt: skip
        with st.container(horizontal=True):
            chosen = int(entry.versions["version"].iloc[picked[0]]) if picked else None
            label = f"Go back to version {chosen}" if chosen else "Pick a version to go back to"
            if st.button(label, disabled=chosen is None, key="policy-back"):
                _after(policies.go_back(cache.store(), entry.rule_id, chosen))
            if st.button("Go back to the starter rule", key="policy-starter"):
                _after(policies.go_back(cache.store(), entry.rule_id, None))


def _after(told: tuple[bool, str]) -> None:
    """Say what happened; what changed a rule lets the worker find its hits anew."""
    st.session_state["policy-told"] = told
    if told[0]:
        start("flag", {"queue": "policy", "rules": cache.store().version}, slot="policy-flag")
    st.rerun()
