"""Everything a page draws with; pages import from here and from `app.page`."""

from app.components.actions import action_list
from app.components.charts import bridge, card, draw, figure, ladder, lines, ranked, stacked_months, timeline
from app.components.evidence import evidence_card, facts, proof
from app.components.footer import footer
from app.components.kpis import kpi_row
from app.components.states import empty_state, error_state, nothing
from app.components.tables import Col, table
from app.views.parts import Action, Kpi, Step, Term

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
