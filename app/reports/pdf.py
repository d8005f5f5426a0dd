"""PDF through Typst: a template, a document of texts and figures, the bundled fonts; nothing leaves the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typst

TEMPLATES = Path(__file__).resolve().parent / "templates"
FONTS = Path(__file__).resolve().parent.parent / "static"


def pdf(template: str, document: dict[str, Any]) -> bytes:
    """The PDF of `templates/<template>.typ` filled with `document`; the same document gives the same bytes."""
    found = typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        font_paths=[FONTS],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(document, ensure_ascii=False)},
        timestamp=0,
    )
    assert isinstance(found, bytes)
    return found
