"""Text for Markdown: what people and carriers write must not turn into formulas, links or emphasis."""

from __future__ import annotations


def escape(text: str) -> str:
    """`text` with the signs that Markdown would read as its own escaped."""
    for sign in "\\$[]*_~`<":
        text = text.replace(sign, "\\" + sign)
    return text
