"""Empty files to fill in: the contract template as workbook and as YAML."""

from __future__ import annotations

import streamlit as st

from loaders import template_of

_KINDS = {
    "Workbook": (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "YAML": (".yaml", "application/yaml"),
}


def template_buttons() -> None:
    """Buttons that download the empty contract template."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Contracts, tiers, rates, plans, offers: fill in a template and bring it in here.")
        for label, (suffix, mime) in _KINDS.items():
            st.download_button(
                label, template_of("contracts", suffix), f"contracts{suffix}", mime, icon=":material/download:"
            )
