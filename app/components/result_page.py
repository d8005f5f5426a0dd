"""One result in full: changes, frontier, carriers, plans, pools, back-test, certificate."""

from __future__ import annotations

import streamlit as st

from app import formats
from app.components.bullet import gauges
from app.components.charts import card
from app.components.evidence import facts
from app.components.job import start, watch
from app.components.layout import side_by_side
from app.components.outcome import change_table, downloads, follow, frontier_chart, moves_chart
from app.components.states import nothing
from app.components.tables import Col, table
from app.components.worth_charts import frontier_solved
from app.page_text import escape
from app.views.optimizer import Optimizer
from app.views.results import Outcome


def result_in_full(data: Optimizer, item: Outcome) -> str | None:
    """Draw a result; returns the service of the change that was picked."""
    note = f"Ranked by money; {item.currency} a month, use of {item.period}, everything else as recommended"
    with card("Changes", note=note):
        rows = change_table(data.changes, item.currency, key="changes")
        downloads(item, key="optimizer")
    left, right = side_by_side(1, 1)
    with left, card("How few changes bring most of it", note=f"{item.currency} a month"):
        if len(data.solved):
            frontier_solved(data.solved, item.currency, key="frontier-solved")
            st.caption("Each point is solved; the band is what could still be possible.")
        elif len(data.frontier):
            frontier_chart(data.frontier, item.currency, key="frontier")
        else:
            nothing("No line changes.")
    with right, card("Carriers, before and after", note=f"{item.currency} a month, before discounts and fees"):
        table(
            data.carriers,
            [
                Col("carrier", "Carrier"),
                Col("before", "Today", "money"),
                Col("after", "Recommended", "money"),
                Col("lines_before", "Lines today", "count"),
                Col("lines_after", "Lines then", "count"),
            ],
            key="carriers",
        )
    with card("From plan to plan", note="Lines that move; rows: today's plan, columns: the recommended one"):
        if len(data.moves):
            moves_chart(data.moves, key="moves")
        table(
            data.plans,
            [
                Col("plan", "Plan", width="medium"),
                Col("mrc", f"MRC, {item.currency}", "money"),
                Col("before", "Lines today", "count"),
                Col("after", "Lines then", "count"),
                Col("change", "Change", "count"),
            ],
            key="plans",
            height=320 if len(data.plans) > 8 else "auto",
            empty="No plan gains or loses lines.",
        )
    note = f"Share of the allowance used, mean of {item.period}"
    if item.overage is not None:
        then, now = (formats.percent(share, 1, 0) for share in item.overage)
        note += f"; some pool is above its allowance in {then} of the months (today {now})"
    with card("Pools", note=note):
        if data.pools:
            gauges(data.pools, key="pools")
        else:
            nothing("No pooled plan is in use or recommended.")
        if len(data.buckets):
            table(
                data.buckets,
                [
                    Col("change", "To order", "count"),
                    Col("bucket", "Bucket"),
                    Col("pool", "Pool", width="medium"),
                    Col("size", "Allowance a month"),
                    Col("mrc", f"MRC each, {item.currency}", "money"),
                    Col("today", "Today", "count"),
                    Col("count", "Recommended", "count"),
                ],
                key="buckets",
                height=320 if len(data.buckets) > 8 else "auto",
                alt="Buckets of each pool, today and recommended",
            )
    back_test(data, item)
    with card("Certificate", note="Cost re-priced from raw usage by code that shares nothing with the solver"):
        facts(data.facts)
    return str(data.changes["service_id"].iloc[rows[0]]) if rows else None


def back_test(data: Optimizer, item: Outcome) -> None:
    """Which policy would have paid least, or the button that finds out."""
    with card("Back-test", note="Decide on earlier months, pay on later ones: which policy would have paid least"):
        if len(data.backtest):
            st.markdown(escape(data.conclusion))
            table(
                data.backtest,
                [
                    Col("policy", "Policy"),
                    Col("meaning", "What it does", width="large"),
                    Col("paid", f"Paid a month, {item.currency}", "money"),
                    Col("regret", "Above the clairvoyant", "percent"),
                    Col("error", "Standard error", "percent"),
                    Col("over", "Months over, worst pool", "percent"),
                    Col("winner", "Winner", "yes"),
                ],
                key="backtest",
            )
            if st.button("Use the winner's plans", help="The next policy where the winner's plans break a limit"):
                params = {"scenario": item.yaml, "name": item.name, "ranking": list(data.ranking)}
                start("recommend", params, slot="recommend")
                st.rerun()
            follow(watch("recommend"))
        elif st.button("Run the back-test", disabled=not item.yaml):
            start("backtest", {"scenario": item.yaml}, slot="backtest")
            st.rerun()
        job = watch("backtest")
        if job is not None and job.state == "done" and not len(data.backtest):
            st.cache_data.clear()
            st.rerun()
