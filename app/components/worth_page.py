"""The studies of a scenario drawn one below the other: rules, carriers, timing, commitments, spend, changes, pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.components import worth_charts as charts
from app.components.charts import card
from app.components.evidence import facts
from app.components.job import start, watch
from app.components.layout import side_by_side
from app.components.states import nothing
from app.components.tables import Col, table
from app.page_text import escape
from app.views.worth import STUDIES, Worth

SECONDS = 8


def work_it_out(yaml: str, studies: Sequence[str], *, slot: str, label: str, done: bool, note: str) -> Any:
    """The button that asks for studies of a scenario, and their progress; the page is redrawn when they are there."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"{label} again" if done else label, type="secondary" if done else "primary", disabled=not yaml):
            params = {"scenario": yaml, "studies": list(studies), "time_limit": SECONDS}
            start("worth", params, slot=slot, again=done)
            st.rerun()
        st.caption(escape(note))
    job = watch(slot)
    if job is not None and job.state == "done" and st.session_state.get(f"seen-{slot}") != job.job_id:
        st.session_state[f"seen-{slot}"] = job.job_id
        st.cache_data.clear()
        st.rerun()
    return job


#: What the studies answer, shown until they are done.
QUESTIONS = (
    ("Rules", "What does each limit, kept plan and fee of the scenario cost a month?"),
    ("Carriers", "What would one carrier less cost, and who would stay?"),
    ("Commitments", "Which commitment is cheapest, and how likely is a shortfall?"),
    ("Spend", "What does one more unit of spend cost under each contract?"),
    ("Changes", "How few changes bring most of the saving?"),
    ("Pools", "What is one more GB in a pool worth?"),
    ("Timing", "When is the best month to act, and what does waiting cost?"),
    ("Futures", "Which plans hold if use turns out higher or lower?"),
)


def ask(data: Worth) -> None:
    """Ask for the studies of this page."""
    assert data.outcome is not None
    if not data.done:
        with card("What you will see", note="Each figure with its proven range"):
            facts(dict(QUESTIONS))
    work_it_out(
        data.outcome.yaml,
        STUDIES,
        slot="worth",
        label="Work it out",
        done=bool(data.done),
        note="Changes one thing at a time and solves the whole estate again, 40 to 80 times, in the background.",
    )


def worth_in_full(data: Worth) -> None:
    """Draw every study that has been computed."""
    money = data.currency
    if "policies" in data.done:
        with card("What each rule costs", note=f"{money} a month; the whisker is the proven range"):
            _policies(data)
    left, right = side_by_side(1, 1)
    if "carriers" in data.done:
        with left, card("Fewer carriers", note=f"{money} a month, fees for moving spread over the horizon"):
            _ladder(data)
    if len(data.delay):
        with right, card("When to act", note=f"{money} over the whole horizon, against acting now"):
            st.markdown(escape(data.delay_told))
            charts.delay_chart(data.delay, money, key="delay")
    for number in range(0, len(data.sweeps), 2):
        for place, sweep in zip(side_by_side(1, 1), data.sweeps[number : number + 2], strict=False):
            with place, card(f"Commitment: {sweep.contract}", note=f"What each level costs, {money} a month"):
                st.markdown(escape(sweep.sentence))
                charts.sweep_chart(sweep, money, key=f"sweep-{sweep.contract}")
                _levels(sweep.levels, key=f"levels-{sweep.contract}")
    if len(data.contracts):
        with card("One more unit of spend", note=f"{money} a month under the recommended plans; exact, from the terms"):
            _contracts(data)
    left, right = side_by_side(1, 1)
    if len(data.frontier):
        with left, card("How few changes bring most of it", note=f"{money} a month, each point solved"):
            charts.frontier_solved(data.frontier, money, key="frontier-solved")
    if "pools" in data.done:
        with right, card("A GB more in a pool", note=f"{money} a month for each GB in every month"):
            _pools(data)
    if len(data.futures):
        with card("If use turns out otherwise", note=f"{money} a month above the best plans for each future"):
            st.markdown(escape(data.futures_told))
            names = [str(c) for c in data.futures.columns if c not in ("choice", "max_regret")]
            columns = [Col("choice", "Plans chosen", width="medium"), *(Col(n, n.capitalize(), "money") for n in names)]
            table(data.futures, [*columns, Col("max_regret", "At most", "money")], key="futures")


def _policies(data: Worth) -> None:
    if data.policies["price"].notna().any():
        charts.priced_ranges(data.policies, data.currency, key="policies-chart")
    table(
        data.policies,
        [
            Col("name", "Rule", width="medium"),
            Col("price", "Costs", "money"),
            Col("low", "At least", "money"),
            Col("high", "At most", "money"),
            Col("cost", "Estate without it", "money"),
        ],
        key="policies",
        empty="No rule limits this scenario.",
    )


def _ladder(data: Worth) -> None:
    if data.ladder["cost"].notna().any():
        charts.ladder_chart(data.ladder, data.currency, key="ladder-chart")
    table(
        data.ladder,
        [
            Col("carriers", "At most", "count", width="small"),
            Col("extra", "Costs more", "money"),
            Col("who", "Carriers that stay", width="medium"),
            Col("moved", "Lines that move", "count"),
            Col("one_off", "One-off fees", "money"),
        ],
        key="ladder",
        empty="Only one carrier is in question.",
    )
    for row in data.ladder.itertuples(index=False):
        if row.note:
            st.caption(escape(f"{row.carriers}: {row.note}"))


def _levels(frame: Any, *, key: str) -> None:
    table(
        frame,
        [
            Col("commitment", "Committed a month", "money"),
            Col("extra", "Costs", "money"),
            Col("shortfall", "Shortfall paid", "money"),
            Col("probability", "Missed", "percent", help="Share of periods whose spend stays below the commitment."),
            Col("rebate_needed", "Rebate that pays for it", "percent"),
        ],
        key=key,
    )


def _contracts(data: Worth) -> None:
    shown = data.contracts.assign(marginal=data.contracts["marginal_price"], average=data.contracts["average_price"])
    table(
        shown,
        [
            Col("contract", "Contract", width="medium"),
            Col("carrier", "Carrier"),
            Col("spend", "Spend", "money"),
            Col(
                "marginal", "One more unit costs", "percent", help="0 % while a commitment is short: it is owed anyway."
            ),
            Col("average", "On average", "percent"),
            Col("above_commitment", "Above the commitment", "money"),
            Col("to_next_tier", "To the next tier", "money"),
            Col("next_tier_worth", "Charged more there", "money"),
        ],
        key="marginal",
    )


def _pools(data: Worth) -> None:
    if data.pools.empty:
        nothing("No pooled plan is in question.")
        return
    table(
        data.pools,
        [
            Col("pool", "Pool", width="medium"),
            Col("resolved_per_gb", "With new plans", "money", help="The relaxation solved again with 0.2 % more."),
            Col("as_plans_stand", "Plans as they stand", "money", help="Overage saved, per started block, exact."),
        ],
        key="pool-worth",
        height=300 if len(data.pools) > 8 else "auto",
    )
