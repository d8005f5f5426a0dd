"""The look: colours with meaning and one Plotly template, each in light and dark.

Blue is spend, green saving, amber added cost, red overdue or disputed, sand what recedes. Colour is never the only
signal: signs, arrows and words say the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one mode; `series` are for categories in order of size, the last recede."""

    spend: str
    saving: str
    waste: str
    dispute: str
    neutral: str
    text: str
    muted: str
    grid: str
    surface: str
    series: tuple[str, ...]


LIGHT = Palette(
    spend="#1F4E79",
    saving="#2E7D5B",
    waste="#C98A1B",
    dispute="#B23A2E",
    neutral="#D8D3C4",
    text="#20242A",
    muted="#6B675C",
    grid="#ECEAE3",
    surface="#FCFCFA",
    series=("#1F4E79", "#4F86B5", "#9DBBD6", "#C9C4B5", "#8A8574", "#B9A27A", "#E2DED1"),
)
DARK = Palette(
    spend="#7FB2DE",
    saving="#6CC29A",
    waste="#E0A94A",
    dispute="#E8796C",
    neutral="#4A4F55",
    text="#E6E4DE",
    muted="#A9A598",
    grid="#2A3037",
    surface="#14181D",
    series=("#7FB2DE", "#4F86B5", "#C3D8EA", "#8F8A78", "#C9C4B5", "#B9A27A", "#555B61"),
)

#: Tone of a number: what it means for the reader.
TONES = ("neutral", "good", "bad", "attention")

_CSS = """
<style>
  [data-testid="stMetricValue"], [data-testid="stMetricDelta"], [data-testid="stDataFrame"], table, .tem-num
    { font-variant-numeric: tabular-nums; }
  [data-testid="stMetricValue"] > div { white-space: nowrap; }
  [data-testid="stMainBlockContainer"] { max-width: 1280px; padding-left: 2rem; padding-right: 2rem; }
  [class*="st-key-kpis"] > div { flex: 1 1 10.5rem; min-width: 10.5rem; }
  [data-testid="stCaptionContainer"] { margin-top: -.55rem; }
  [data-testid="stMainBlockContainer"] h1 { padding-bottom: .2rem; line-height: 1.25; }
  .tem-sub { color: var(--tem-muted); font-size: .93rem; margin: 0; }
  .tem-foot { color: var(--tem-muted); font-size: .82rem; border-top: 1px solid var(--tem-line);
    padding-top: .7rem; margin-top: 1.2rem; }
  .tem-what { font-weight: 600; line-height: 1.35; }
  .tem-why { color: var(--tem-muted); font-size: .9rem; line-height: 1.4; }
  .tem-num { font-weight: 600; white-space: nowrap; }
  .tem-tag { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .8rem; white-space: nowrap;
    border: 1px solid var(--tem-line); color: var(--tem-muted); }
  .tem-facts { margin: 0; padding: 0; display: grid;
    grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .7rem 1.2rem; }
  .tem-facts > div { padding: 0; }
  .tem-k { color: var(--tem-muted); font-size: .82rem; }
  .tem-v { font-weight: 500; overflow-wrap: anywhere; }
  .tem-evidence { width: 100%; border-collapse: collapse; font-size: .88rem; }
  .tem-evidence th { text-align: left; font-weight: 500; color: var(--tem-muted); }
  .tem-evidence td, .tem-evidence th { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--tem-line);
    vertical-align: top; overflow-wrap: anywhere; }
  [class*="st-key-yaml-"] textarea { font-family: ui-monospace, "Source Code Pro", monospace; font-size: .86rem; }
  [data-testid="stPageLink"] a, [data-testid="stPageLink"] a * { white-space: normal; height: auto; }
  .tem-empty { text-align: center; padding: 2.6rem 1rem 1.4rem; }
  .tem-empty h3 { padding: 0 0 .4rem; }
  @media (max-width: 640px) {
    [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; padding-top: 3.4rem; }
    [class*="st-key-kpis"] > div { flex: 1 1 9.6rem; min-width: 9.6rem; }
    .st-key-head > div:first-child { min-width: 100%; }
    .tem-evidence { display: block; overflow-x: auto; }
    .tem-evidence td, .tem-evidence th { overflow-wrap: break-word; }
  }
  @media print {
    [data-testid="stSidebar"], [data-testid="stHeader"], .stButton { display: none !important; }
  }
</style>
"""


def is_dark() -> bool:
    """Whether the reader sees the dark theme."""
    try:
        return st.context.theme.type == "dark"
    except Exception:
        return False


def palette() -> Palette:
    """The colours of the mode in use."""
    return DARK if is_dark() else LIGHT


def tone_colour(tone: str) -> str:
    """The colour of a tone (see :data:`TONES`)."""
    colours = palette()
    return {"good": colours.saving, "bad": colours.dispute, "attention": colours.waste}.get(tone, colours.muted)


def template(colours: Palette) -> go.layout.Template:
    """The one Plotly template: no frames, quiet grid, horizontal legend on top, tabular figures."""
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zeroline": False,
        "ticks": "",
        "tickfont": {"size": 11, "color": colours.muted},
        "title": {"font": {"size": 11, "color": colours.muted}},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "font": {"family": "Inter, sans-serif", "size": 12, "color": colours.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(colours.series),
            "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.02,
                "yanchor": "bottom",
                "font": {"size": 11, "color": colours.muted},
            },
            "xaxis": {**axis, "showgrid": False},
            "yaxis": {**axis, "ticklabelstandoff": 4},
            "hoverlabel": {
                "font": {"family": "Inter, sans-serif", "size": 12, "color": colours.text},
                "bgcolor": colours.surface,
                "bordercolor": colours.grid,
            },
            "bargap": 0.35,
            "separators": ".,",
        }
    )


def apply() -> None:
    """Put the style sheet into the page; called once per run by the entry script."""
    colours = palette()
    st.html(f"<style>:root {{ --tem-muted: {colours.muted}; --tem-line: {colours.grid}; }}</style>{_CSS}")
