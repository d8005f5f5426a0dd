"""The sliders of the scenario studio; what they say becomes a scenario file that the command line runs as well."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import cache, formats
from app.views.studio import Answers, BucketAnswer, Options, decimal

_SETS = {"history": "As they were", "bootstrap": "Drawn from them at random", "factors": "At lower and higher use"}


def sliders(there: Options) -> Answers:
    """Draw the questions and return the answers; every question has a neutral default."""
    name = st.text_input("Name", value="What if", max_chars=80, key="sc-name")
    left, middle, right = st.columns(3, gap="medium")
    with left:
        st.markdown("**Scope**")
        currency = None
        if len(there.currencies) > 1:
            currency = st.selectbox(
                "Currency of the plans",
                there.currencies,
                key="sc-currency",
                format_func=lambda code: f"{code} ({formats.plural(there.lines[code], 'line')})",
                help="Nothing is converted: lines on plans in another currency need their own scenario.",
            )
        first, last = there.months[0], there.months[-1]
        if len(there.months) > 1:
            first, last = st.select_slider(
                "Months of use", there.months, value=(first, last), format_func=formats.month_short, key="sc-months"
            )
        kinds = st.multiselect(
            "Kinds of line that may change",
            there.kinds,
            format_func=formats.words,
            key="sc-kinds",
            placeholder="All that have a plan",
            default=[k for k in ("mobile",) if k in there.kinds],
        )
        suspend = st.slider(
            "Suspend after months without use",
            0,
            min(12, len(there.months)),
            0,
            key="sc-suspend",
            help="0: never suspend. Only kinds that may be suspended, by default mobile.",
        )
        offers = st.multiselect(
            "Offers included",
            list(there.offers),
            format_func=there.offers.__getitem__,
            key="sc-offers",
            placeholder="Today's catalogue only",
        )
    with middle:
        st.markdown("**Prices and use**")
        growth_data = st.slider("Growth of data use, % a month", -5.0, 5.0, 0.0, 0.1, key="sc-data", format="%.1f %%")
        growth_voice = st.slider(
            "Growth of voice use, % a month", -5.0, 5.0, 0.0, 0.1, key="sc-voice", format="%.1f %%"
        )
        past = st.selectbox(
            "Months the plans are chosen for", list(_SETS), format_func=_SETS.__getitem__, key="sc-set",
            help="The months of use as they were, months drawn from them at random, or each at lower and higher use.",
        )  # fmt: skip
        draws = st.slider("Months drawn", 12, 240, 24, 12, key="sc-draws") if past == "bootstrap" else 0
        spread = 0.0
        if past == "factors":
            spread = st.slider(
                "Use also lower and higher by, %", 5.0, 90.0, 20.0, 5.0, key="sc-spread", format="%.0f %%"
            )
        turned = {
            carrier: st.slider(
                f"Prices of {label}, %", -50.0, 50.0, 0.0, 0.5, key=f"sc-price-{carrier}", format="%.1f %%"
            )
            for carrier, label in list(there.carriers.items())[:8]
        }
    with right:
        st.markdown("**Limits and fees**")
        allowed = st.multiselect(
            "Carriers allowed",
            list(there.carriers),
            format_func=there.carriers.__getitem__,
            key="sc-carriers",
            placeholder="All carriers",
        )
        most = len(there.carriers)
        carriers = st.slider("At most so many carriers", 1, most, most, key="sc-max-carriers") if most > 1 else most
        capped = st.toggle("Limit how often a pool overflows", key="sc-over")
        overage = st.slider(
            "In at most so many of the months", 0, 100, 10, 1, key="sc-overage", format="%d %%", disabled=not capped
        )
        limit = st.toggle("Limit the number of changes", key="sc-limit")
        top = max(10, sum(there.lines.values()))
        changes = st.slider("At most so many changes", 0, top, min(200, top), key="sc-changes", disabled=not limit)
        change_fee = st.number_input("Fee for a change of plan, one-off", 0.0, 1000.0, 0.0, 1.0, key="sc-fee")
        porting_fee = st.number_input(
            "Fee for moving to another carrier, one-off", 0.0, 1000.0, 0.0, 5.0, key="sc-port"
        )
        dealing = st.number_input(
            "Fixed cost of each carrier in use, a month",
            0.0,
            1_000_000.0,
            0.0,
            100.0,
            key="sc-carrier-cost",
            help="What dealing with a carrier costs: account team, portal, invoices. Owed while any line is with it.",
        )
        worth = st.number_input("A change must save at least, a month", 0.0, 1000.0, 1.0, 0.5, key="sc-worth")
        horizon = st.slider("Months over which fees are spread", 1, 60, 24, key="sc-horizon")
    sold, combined = _buckets(there)
    return Answers(
        name=name,
        currency=currency,
        first=first,
        last=last,
        kinds=tuple(kinds) if set(kinds) != set(there.kinds) else (),
        carriers_allowed=tuple(allowed),
        max_carriers=carriers if carriers < most else None,
        max_changes=changes if limit else None,
        change_fee=decimal(change_fee),
        porting_fee=decimal(porting_fee),
        min_saving=decimal(worth),
        horizon_months=horizon,
        carrier_cost=decimal(dealing),
        growth_data=growth_data,
        growth_voice=growth_voice,
        price_change={key: value for key, value in turned.items() if value},
        offers=tuple(offers),
        suspend_months=suspend,
        overage_limit=float(overage) if capped else None,
        draws=draws,
        spread=spread,
        buckets=sold,
        combined=combined,
    )


def _buckets(there: Options) -> tuple[tuple[BucketAnswer, ...], bool]:
    """The sizes of buckets that pools may buy, and whether a pool may have several of them; none to begin with."""
    if not there.pools:
        return (), False
    with st.expander("Buckets that pools may buy"):
        st.caption(
            "Allowance that the pool of an account buys for all its lines together, each month. One row for each size: "
            "click the empty row to begin. What pools have bought already is said in the YAML."
        )
        edited = st.data_editor(
            pd.DataFrame(
                {"pool": pd.Series(dtype=str), **{n: pd.Series(dtype=float) for n in ("size", "mrc", "most")}}
            ),
            num_rows="dynamic",
            hide_index=True,
            key="sc-buckets",
            column_config={
                "pool": st.column_config.SelectboxColumn("Pools of", options=list(there.pools), width="medium"),
                "size": st.column_config.NumberColumn("GB (or minutes)", min_value=0.001, step=0.001, format="%g"),
                "mrc": st.column_config.NumberColumn("Price a month", min_value=0.0, step=0.01, format="%.2f"),
                "most": st.column_config.NumberColumn("At most per pool", min_value=1, max_value=99, step=1, default=1),
            },
        )
        combined = st.toggle("A pool may combine sizes", key="sc-combined")
    full = edited.dropna(subset=["pool", "size", "mrc"])
    return tuple(
        BucketAnswer(
            there.pools[row.pool], decimal(row.size), decimal(row.mrc), 1 if pd.isna(row.most) else int(row.most)
        )
        for row in full.itertuples(index=False)
    ), combined


def editor(saved: dict[str, str]) -> str:
    """A scenario as YAML: from a saved one or a file, free to edit."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start = st.selectbox("Start from", ["", *saved], format_func=lambda k: k or "An empty scenario", key="sc-saved")
        sent = st.file_uploader("or from a file", type=["yaml", "yml"], key="sc-file", max_upload_size=1)
    text = saved.get(start, "name: What if\nmonths: {from: , to: }\n")
    if sent is not None:
        text = sent.getvalue().decode("utf-8", errors="replace")
    return st.text_area("Scenario (YAML)", value=text, height=320, key=f"sc-yaml-{hash((start, text))}")


def text_of(answers: Answers) -> str:
    """The answers as a scenario file."""
    found: Any = cache.call("app.views.studio.scenario_text", answers=answers)
    return str(found)
