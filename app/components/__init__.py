"""Everything a page draws with; pages import from here and from `app.page`, never Streamlit charts or tables directly."""

from app.components.actions import Action, action_list
from app.components.charts import (
    Step,
    Term,
    bridge,
    card,
    draw,
    figure,
    ladder,
    lines,
    ranked,
    stacked_months,
    timeline,
)
from app.components.evidence import evidence_card, facts, proof
from app.components.footer import footer
from app.components.kpis import Kpi, kpi_row
from app.components.states import empty_state, error_state, nothing
from app.components.tables import Col, table

__all__ = [
    "Action",
    "Col",
    "Kpi",
    "Step",
    "Term",
    "action_list",
    "bridge",
    "card",
    "draw",
    "empty_state",
    "error_state",
    "evidence_card",
    "facts",
    "figure",
    "footer",
    "kpi_row",
    "ladder",
    "lines",
    "nothing",
    "proof",
    "ranked",
    "stacked_months",
    "table",
    "timeline",
]
