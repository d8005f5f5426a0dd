"""Entry script of the dashboard: `streamlit run app/main.py`, or better `tem serve`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402
import structlog  # noqa: E402

from app import navigation, theme  # noqa: E402
from app.components.states import error_state  # noqa: E402
from core.issues import BadInput  # noqa: E402

log = structlog.get_logger("opentem.app")

st.set_page_config(page_title="OpenTEM", page_icon=str(ROOT / "app" / "static" / "icon.png"), layout="wide")
theme.apply()
STATIC = ROOT / "app" / "static"
st.logo(str(STATIC / ("wordmark-dark.png" if theme.is_dark() else "wordmark.png")), icon_image=str(STATIC / "icon.png"))
chosen = st.navigation(navigation.sections(), expanded=True)
try:
    chosen.run()
except BadInput as problem:
    error_state([str(issue) for issue in problem.issues], title="The store cannot be read as it is")
except Exception:
    log.exception("page failed", page=chosen.url_path)
    error_state(["Something in this page failed; it is a bug, not your data."])
