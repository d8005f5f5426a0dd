"""Links to confirm: a table of likely matches, and the two buttons that decide on the picked ones."""

from __future__ import annotations

import streamlit as st

from app import cache
from app.components.charts import card
from app.components.tables import Col, table
from app.page_text import escape
from app.views.matches import Matches
from core.issues import BadInput

_COLUMNS = (
    Col("record", "What"),
    Col("text", "Its system says"),
    Col("target", "Could be"),
    Col("score", "How likely", "bar"),
    Col("reason", "Why", width="large"),
)


def match_panel(data: Matches) -> None:
    """Draw the matches and apply the decision on the picked ones; nothing where there is none to decide."""
    told = st.session_state.pop("matches-told", None)
    if told:
        (st.success if told[0] else st.error)(escape(told[1]), icon=None)
    if data.rows.empty:
        return
    with card(
        data.sentence, note="Nothing is linked before somebody confirms it; a confirmed spelling is known from then on"
    ):
        picked = table(data.rows, _COLUMNS, key="matches", select="many", height=320)
        ids = [str(data.rows["proposal_id"].iloc[place]) for place in picked]
        with st.container(horizontal=True):
            accept = st.button("Link the picked", type="primary", disabled=not ids, icon=":material/link:")
            refuse = st.button("Not the same", disabled=not ids, icon=":material/link_off:")
    if accept or refuse:
        st.session_state["matches-told"] = _decide(ids, accept=accept)
        st.rerun()


def _decide(ids: list[str], *, accept: bool) -> tuple[bool, str]:
    from loaders import decide

    try:
        done = decide(cache.store(), accepted=ids if accept else (), refused=() if accept else ids)
    except BadInput as problem:
        return False, "Nothing was changed: " + "; ".join(str(issue) for issue in problem.issues[:3])
    return True, f"{len(done)} {'linked' if accept else 'refused'}."
