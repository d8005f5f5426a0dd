"""Everything a page draws with; pages import from here and from `app.page`."""

from app.components.actions import action_list
from app.components.charts import bridge, card, draw, figure, ladder, lines, ranked, stacked_months, timeline
from app.components.coverage import coverage_chart
from app.components.dossier import dossier
from app.components.downloads import file_row
from app.components.evidence import evidence_card, facts, proof
from app.components.footer import footer
from app.components.kpis import kpi_row
from app.components.layout import side_by_side
from app.components.matches import match_panel
from app.components.preview import preview_card
from app.components.states import empty_state, error_state, nothing
from app.components.tables import Col, table
from app.components.taught import charge_rules, taught
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
    "charge_rules",
    "coverage_chart",
    "dossier",
    "draw",
    "empty_state",
    "error_state",
    "evidence_card",
    "facts",
    "figure",
    "file_row",
    "footer",
    "kpi_row",
    "ladder",
    "lines",
    "match_panel",
    "nothing",
    "preview_card",
    "proof",
    "ranked",
    "side_by_side",
    "stacked_months",
    "table",
    "taught",
    "timeline",
]
