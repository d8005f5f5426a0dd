"""Bids side by side: what is compared, total cost over the term, the award, what if, and the scorecard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from app import cache, formats, theme
from app.components.charts import card, draw, figure, money_axis, units
from app.components.layout import side_by_side
from app.components.states import nothing
from app.components.tables import Col, table
from app.components.worth_page import work_it_out
from app.page_text import escape
from app.views import bids
from app.views.bids import Bids

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def compare(data: Bids) -> None:
    """Ask for the comparison, and draw it where it is there."""
    with st.expander("What is compared", icon=":material/tune:", expanded=not data.done):
        _settings(data)
    work_it_out(
        data.asked if data.settings.offers else "",
        ("bids",),
        slot="bids",
        label="Compare the bids",
        done=data.done,
        note="Optimizes the estate anew under each bid, every combination and each what-if, in the background.",
    )
    if data.problem:
        with card("These bids cannot be compared"):
            nothing(data.problem)
    if not data.done:
        return
    with card(
        "Total cost over the term", note=f"{data.currency}, {data.settings.term} months; the same estate each time"
    ):
        _bars(data)
        _rows(data)
    left, right = side_by_side(1, 1)
    with left, card("Award", note=f"Every combination of bids solved; {data.currency} over the term"):
        _award(data)
    with right, card("When a bid has paid back", note="Saved against staying with today's best plans, added up"):
        _paid_back(data)
    with card("What each bid asks and moves", note=f"Commitment and spend: {data.currency} a month under that bid"):
        _terms(data)
    with card("Unit prices", note=f"{data.currency} a month, so that bids of any shape compare"):
        _units(data)
    with card("What if", note=f"{data.currency} over the term, each solved again"):
        _cases(data)
    with card("Scorecard", note="Cost and everything else that counts, weighed by you; kept with the comparison"):
        _scorecard(data)
    for note in data.notes:
        st.caption(escape(note))


def _settings(data: Bids) -> None:
    now = data.settings
    with st.form("bid-settings", border=False):
        ids = list(data.choices)
        offers = st.multiselect(
            "Bids", ids, [o for o in now.offers if o in data.choices], format_func=data.choices.__getitem__
        )
        with st.container(horizontal=True):
            term = st.number_input("Term, months", 1, 120, now.term, width=150)
            rate = st.number_input("Discount rate, % a year", 0.0, 50.0, now.discount_rate, 0.5, width=190)
            fee = st.text_input(
                f"Porting fee a line, {data.currency or ''}".rstrip(" ,"), now.porting_fee, max_chars=12, width=190
            )
            overlap = st.number_input(
                *("Months paid twice", 0, 12, now.overlap), width=170,
                help="A line that changes carrier pays its old monthly charge for so many months more.",
            )  # fmt: skip
        if st.form_submit_button("Use these"):
            _keep(
                replace(
                    now, offers=tuple(offers), term=term, discount_rate=rate, porting_fee=fee.strip(), overlap=overlap
                )
            )


def _keep(settings: bids.Settings) -> None:
    problems = bids.save(cache.store(), settings)
    for line in problems:
        st.error(escape(line), icon=None)
    if not problems:
        st.cache_data.clear()
        st.rerun()


def _bars(data: Bids) -> None:
    """The total of each row as one bar, by what it is paid for; credits to the left of zero."""
    colours, groups = theme.palette(), bids.groups(data)
    fills = (colours.spend, colours.waste, colours.series[1], colours.saving)
    totals = dict(zip(data.rows["key"], data.rows["total"], strict=True))
    keys = [str(key) for key in groups.index]
    chart = figure(64 + 52 * len(keys), barmode="relative")
    for name, fill in zip(groups.columns, fills, strict=True):
        if not groups[name].any():
            continue
        chart.add_bar(
            y=list(range(len(keys))),
            x=units(groups[name].tolist()),
            name=str(name),
            orientation="h",
            width=0.42,
            marker={"color": fill},
            customdata=[[bids.label(key), formats.money(v, data.currency)] for key, v in groups[name].items()],
            hovertemplate="%{customdata[0]}, %{fullData.name}: %{customdata[1]}<extra></extra>",
        )
    for place, key in enumerate(keys):
        chart.add_annotation(
            x=0, y=place - 0.42, xanchor="left", showarrow=False, font={"size": 12, "color": colours.text},
            text=f"{bids.label(key)} · {formats.money(totals[key], data.currency)}".replace("<", "&lt;"),
        )  # fmt: skip
    chart.update_yaxes(visible=False, autorange=False, range=[len(keys) - 0.5, -0.8])
    money_axis(chart, data.currency, "x")
    chart.update_xaxes(nticks=6)
    told = "; ".join(f"{bids.label(key)} {formats.money(totals[key], data.currency)}" for key in keys)
    draw(chart, alt=f"Total cost over {data.settings.term} months: {told}.", key="bid-bars")


def _rows(data: Bids) -> None:
    table(
        data.rows,
        [
            Col("bid", "Bid", width="medium"), Col("total", "Total cost", "money"),
            Col("npv", "Present value", "money", help="Each month paid at its end, discounted"),
            Col("saving", "Below today", "money"), Col("against_stay", "Below staying", "money"),
            Col("gap", "Still open", "money", help="The most that a better choice of plans could still save"),
            Col("moved", "Change carrier", "count"), Col("lines", "On the bid", "count"),
        ],
        key="bid-rows", height="content", alt="Total cost of each bid",
    )  # fmt: skip
    for row in data.rows.itertuples():
        if row.why:
            st.caption(escape(f"{row.bid}: {row.why}"))
    keys = [str(name) for name in data.parts.columns if name != "part"]
    with st.expander("What the money goes to, and month by month"):
        columns = [Col("part", "Over the term", width="medium"), *(Col(k, bids.label(k), "money") for k in keys)]
        table(data.parts, columns, key="bid-parts", height="content")
        months = data.months.assign(month=range(1, len(data.months) + 1))
        table(
            months, [Col("month", "Month", "count"), *(Col(k, bids.label(k), "money") for k in keys)], key="bid-months"
        )
    with st.container(horizontal=True):
        book = cache.later("app.reports.bid_comparison.of_store")
        st.download_button("Comparison (XLSX)", book, "bids.xlsx", _XLSX, icon=":material/download:", on_click="ignore")
        bid_sheet()


def bid_sheet() -> None:
    """The bid sheet to send to carriers."""
    sheet = cache.later("app.reports.bid_sheet.workbook")
    st.download_button(
        *("Bid sheet for carriers (XLSX)", sheet, "bid-sheet.xlsx", _XLSX), icon=":material/outgoing_mail:",
        on_click="ignore", key="bid-sheet",
    )  # fmt: skip


def _award(data: Bids) -> None:
    st.markdown(f"**{escape(data.award_told)}**")
    table(
        data.shares,
        [
            Col("carrier", "Carrier"), Col("bid", "Bid"), Col("lines", "Lines", "count"),
            Col("on_offer", "On the bid", "count"), Col("cost", "A month", "money"),
        ],
        key="bid-shares", height="content",
    )  # fmt: skip
    for name, words in data.rules.items():
        st.markdown(escape(f"{name}: {words[:1].lower()}{words[1:]}"))
    with st.expander("Every combination"):
        table(
            data.tried,
            [
                Col("offers", "Accepted", width="medium"), Col("total", "Total cost", "money"),
                Col("more", "More than the award", "money"), Col("gap", "Still open", "money"),
            ],
            key="bid-tried", height="content",
        )  # fmt: skip


def _paid_back(data: Bids) -> None:
    saved = bids.paid_back(data)
    if saved.empty:
        nothing("Staying is not possible under these limits, so there is nothing to pay back against.")
        return
    colours = theme.palette()
    chart = figure(280, showlegend=True)
    told = []
    for n, name in enumerate(map(str, saved.columns)):
        values = saved[name].tolist()
        chart.add_scatter(
            x=list(saved.index), y=units(values), mode="lines", name=bids.label(name),
            line={"color": colours.series[n % len(colours.series)],
                  "width": 2.5, "dash": ("solid", "dash", "dot")[n % 3]},
            customdata=[formats.money(v, data.currency, sign=True) for v in values],
            hovertemplate="%{fullData.name}, month %{x}: %{customdata}<extra></extra>",
        )  # fmt: skip
        last = next((month for month in reversed(saved.index) if saved.at[month, name] < 0), 0)
        back = "never" if last == saved.index[-1] else f"in month {last + 1}"
        told.append(f"{bids.label(name)} {back}, {formats.money(values[-1], data.currency, sign=True)} at the end")
    chart.add_hline(y=0, line={"color": colours.muted, "width": 1})
    money_axis(chart, data.currency)
    chart.update_yaxes(rangemode="normal")
    chart.update_xaxes(title="Month of the term", nticks=7)
    draw(chart, alt=f"Saved against staying, added up by month: {'; '.join(told)}.", key="bid-back")
    st.caption(escape(f"Paid back: {'; '.join(told)}."))


def _terms(data: Bids) -> None:
    table(
        data.terms,
        [
            Col("bid", "Bid", width="medium"), Col("carrier", "Carrier"), Col("term", "Months", "count"),
            Col("commitment", "Commitment", "money"), Col("spend", "Spend under it", "money"),
            Col("missed", "Missed with", "percent", help="Probability that a period of the commitment falls short"),
            Col("activation_fee", "Activation a line", "money"), Col("port_credit", "Credit a line", "money"),
            Col("signing_credit", "For signing", "money"), Col("valid_until", "Valid until", "day"),
            Col("note", "Note", width="large"),
        ],
        key="bid-terms", height="content",
    )  # fmt: skip
    moving = [(name, frame) for name, frame in data.moves.items() if len(frame)]
    for first in range(0, len(moving), 2):
        for place, (name, frame) in zip(side_by_side(1, 1), moving[first : first + 2], strict=False):
            with place:
                st.markdown(f"**{escape(name)}**: {formats.plural(int(frame['lines'].sum()), 'line')} on its plans")
                table(frame, [Col("plan", "Plan", width="medium"), Col("lines", "Lines", "count")], key=f"plans-{name}")


def _units(data: Bids) -> None:
    table(
        data.units,
        [
            Col("bid", "Bid"), Col("per_line", "Estate, a line", "money"), Col("per_gb", "Estate, a GB used", "money"),
            Col("bid_per_line", "Its lines, a line", "money", help="Lines on the bid's plans, pool overage left out"),
            Col("bid_per_gb", "Its lines, a GB used", "money"),
            Col("sheet", "Price sheet, a line", "money", help="Cheapest plan with today's allowances"),
        ],
        key="bid-units", height="content",
    )  # fmt: skip


def _cases(data: Bids) -> None:
    st.markdown(escape(data.case_told))
    offers = [str(c) for c in data.cases.columns if c not in ("case", "stay", "first")]
    table(
        data.cases,
        [
            Col("case", "Case", width="medium"), Col("first", "Cheapest bid"),
            *(Col(offer, offer, "money") for offer in offers), Col("stay", "Stay, optimized", "money"),
        ],
        key="bid-cases", height="content",
    )  # fmt: skip


def _scorecard(data: Bids) -> None:
    offers = list(data.settings.offers)
    told = data.card
    if told is not None:
        rows = [
            {"bid": row["offer_id"], "result": f"{row['result']:.2f}", "cost": f"{row['cost_score']:.2f}"}
            | {name: "none" if score is None else f"{score:g}" for name, score in row["scores"].items()}
            for row in told["rows"]
        ]
        names = list(told["weights"])
        shares = {name: told["weights"][name] / (told["cost_weight"] + sum(told["weights"].values())) for name in names}
        table(
            pd.DataFrame(rows),
            [
                Col("bid", "Bid", width="medium"), Col("result", "Result of 10", "figure"),
                Col("cost", f"Cost, {told['cost_share']:.0%}", "figure", help=f"Score: {told['formula']}"),
                *(Col(name, f"{name}, {shares[name]:.0%}", "figure") for name in names),
            ],
            key="bid-scores", height="content",
        )  # fmt: skip
        if told["sensitivity"]:
            _by_weight(told)
        if told["missing"] and names:
            st.caption(escape(f"No score yet, counted as 0: {', '.join(told['missing'])}."))
    with st.form("bid-scorecard", border=False):
        weight = st.number_input("Weight of cost", 0.0, 1000.0, data.settings.cost_weight, 5.0, width=190)
        edited = st.data_editor(
            bids.score_rows(data.settings), num_rows="dynamic", hide_index=True, key="bid-score-editor",
            column_config={
                "criterion": st.column_config.TextColumn("Criterion", max_chars=60, width="medium"),
                "weight": st.column_config.NumberColumn("Weight", min_value=0, max_value=1000),
                **{o: st.column_config.NumberColumn(f"{o}, 0 to 10", min_value=0, max_value=10) for o in offers},
            },
        )  # fmt: skip
        if st.form_submit_button("Keep weights and scores"):
            _keep(bids.with_scores(data.settings, weight, edited.to_dict("records")))


def _by_weight(told: Mapping[str, Any]) -> None:
    """The results by the share of cost in all weight: where the winner changes."""
    colours, cases = theme.palette(), told["sensitivity"]
    chart = figure(240)
    for n, offer in enumerate(cases[0]["results"]):
        chart.add_scatter(
            x=[case["cost_share"] * 100 for case in cases], y=[case["results"][offer] for case in cases],
            mode="lines", name=offer, hovertemplate="%{fullData.name}, cost %{x:.0f} %: %{y:.2f}<extra></extra>",
            line={"color": colours.series[n % len(colours.series)], "width": 2.5, 
                  "dash": ("solid", "dash", "dot")[n % 3]},
        )  # fmt: skip
    share = told["cost_share"] * 100
    chart.add_vline(x=share, line={"color": colours.muted, "dash": "dot", "width": 1},
                    annotation={"text": "yours", "font": {"size": 11, "color": colours.muted}})  # fmt: skip
    chart.update_xaxes(title="Weight of cost in all weight", ticksuffix=" %", nticks=6, range=[0, 101])
    chart.update_yaxes(title="Result of 10", range=[0, 10.4], nticks=6)
    turns = told["turns_at"]
    words = "; ".join(f"above {t['cost_share']:.0%} {t['above']}, below {t['below']}" for t in turns)
    winner = told["winner"]
    said = f"The winner changes with the weight of cost: {words}." if turns else f"{winner} wins at any weight of cost."
    draw(chart, alt=f"Scorecard by weight of cost. {said}", key="bid-weights")
    st.markdown(escape(said))
