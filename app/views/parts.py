"""What a view hands to the drawing components: finished text and plain numbers, no Streamlit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure: `value` and `delta` are finished text, `tone` (neutral | good | bad | attention) says what the
    comparison means, `direction` (up | down | none) draws the arrow, `trend` is a series of plain numbers."""

    label: str
    value: str
    delta: str | None = None
    tone: str = "neutral"
    direction: str = "none"
    help: str | None = None
    trend: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One recommendation. `saving` and `confidence` are finished text; `page` is a registry key of the navigation,
    `query` its address parameters; `worth` orders the list (micros of the reporting currency)."""

    what: str
    why: str
    saving: str
    confidence: str
    page: str = ""
    query: tuple[tuple[str, str], ...] = ()
    period: str = "a month"
    worth: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a bridge: `kind` is total | change; a change above zero is added cost, below zero saved."""

    label: str
    amount: int
    kind: str = "change"


@dataclass(frozen=True, slots=True)
class Term:
    """One contract on a timeline (ISO days): until when notice works, when the term ends, what it is worth."""

    label: str
    notice_by: str | None
    ends: str | None
    note: str = ""
    tone: str = "neutral"


def change(new: int, old: int | None, text: str, *, more_is: str = "bad") -> tuple[str | None, str, str]:
    """(delta text, tone, direction) for a figure against its comparison; `more_is` says what a rise means."""
    if old is None:
        return None, "neutral", "none"
    if new == old:
        return f"{text} unchanged".strip(), "neutral", "none"
    other = {"bad": "good", "good": "bad"}.get(more_is, "neutral")
    return text, (more_is if new > old else other), ("up" if new > old else "down")
