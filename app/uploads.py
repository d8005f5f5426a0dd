"""Uploaded files: kept in a private folder, looked at, then imported by a job."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app import cache, formats
from app.components import preview_card
from app.components.job import start, watch
from app.components.teach_pdf import review_pdf, teach_pdf
from app.components.teach_table import teach_table
from core import jobs

_ASKED = 3
_ROOT = Path(tempfile.gettempdir()) / "opentem-uploads"


def keep(files: Sequence[Any]) -> Path:
    """Write the uploaded files into a folder named by their content, and return it."""
    digest = hashlib.sha256()
    for item in sorted(files, key=lambda f: f.name):
        digest.update(item.name.encode() + b"\0" + hashlib.sha256(item.getbuffer()).digest())
    _ROOT.mkdir(mode=0o700, exist_ok=True)
    folder = _ROOT / digest.hexdigest()[:24]
    folder.mkdir(mode=0o700, exist_ok=True)
    for item in files:
        target = folder / (Path(item.name).name or "file")
        if not target.exists() or target.stat().st_size != item.size:
            target.write_bytes(item.getbuffer())
    return folder


@dataclass(frozen=True)
class _Sample:
    """A sample file in the place of an uploaded one."""

    name: str
    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def getbuffer(self) -> memoryview:
        return memoryview(self.content)


def samples() -> list[_Sample]:
    """Where the store has the templates of the sample invoices: offer these, and return those that were picked."""
    there = cache.call("app.views.teaching.sample_invoices")
    if not there:
        return []
    picked = st.pills("Or try a sample invoice (PDF)", list(there), selection_mode="multi", key="samples")
    return [_Sample(there[name].name, there[name].read_bytes()) for name in picked]


@st.cache_data(max_entries=20, show_spinner="Reading the files")
def _previews(folder: str, version: str) -> list[Any]:
    from loaders import preview

    return [preview(path, store=cache.store()) for path in sorted(Path(folder).iterdir())]


def previews(folder: Path) -> list[Any]:
    """A :class:`loaders.Preview` for each file of the folder, checked against the store."""
    return _previews(str(folder), cache.store().version)


def teachable(folder: Path, item: Any) -> Callable[[Path], None] | None:
    """What lets a person say how to read a file that cannot be read as it is; None where nothing can."""
    from loaders import Source
    from loaders.pdf.loader import is_pdf
    from loaders.reading import grid

    source = Source(folder / item.file)
    if not item.refused or item.format not in {None, "profile", "pdf", "canonical"}:
        return None
    if is_pdf(source):
        return teach_pdf if "no text in this file" not in str(item.report.error) else None
    return teach_table if grid.is_table(source) else None


def look(folder: Path) -> bool:
    """Draw what each file is and, for the first three that are not known yet, ask how to read them; whether any file
    can be imported."""
    asked = 0
    ready = []
    for item in previews(folder):
        ask = teachable(folder, item)
        ready.append(preview_card(item, teachable=ask is not None))
        if ask is not None and asked < _ASKED:
            asked += 1
            ask(folder / item.file)
        elif item.format == "pdf" and not item.refused:
            review_pdf(folder / item.file, str(item.report.layout))
    return any(ready)


def commit(folder: Path, *, supersede: bool) -> None:
    """Ask the worker to import the folder and to run the analyses after it."""
    start("load", {"paths": [str(folder)], "supersede": supersede}, slot="load")
    st.rerun()


def told(job: jobs.Job) -> None:
    """Say what an import did."""
    files = (job.result or {}).get("files") or []
    loaded = sum(int(f.get("rows_loaded") or 0) for f in files)
    aside = sum(int(f.get("rows_quarantined") or 0) for f in files)
    again = sum(1 for f in files if f.get("duplicate_of"))
    refused = [f"{f['file']}: {f['error']}" for f in files if f.get("error")]
    text = f"{formats.plural(loaded, 'row')} imported, {formats.count(aside)} set aside."
    if again:
        text += f" {formats.plural(again, 'file')} had been imported before; nothing was changed for them."
    (st.warning if refused or aside else st.success)(text)
    for line in refused[:10]:
        st.caption(line)


def undo_panel(batches: Any, picked: list[int]) -> None:
    """Offer to take back the picked import; a worker does it and runs the analyses again."""
    if picked:
        row = batches.iloc[picked[0]]
        number = int(row["batch_id"])
        if row["state"] != "committed":
            st.caption(f"Import no. {number} is {formats.words(row['state']).lower()}; there is nothing to take back.")
        elif st.button(f"Take back import no. {number}: {row['file']}", icon=":material/undo:", key="undo"):
            start("undo", {"batch_id": number}, slot="undo", again=True)
            st.rerun()
    done = watch("undo")
    if done is not None and done.state == "done":
        st.success(f"Import no. {done.params['batch_id']} was taken back; what it had replaced is there again.")


def templates() -> None:
    """Offer the empty contract template."""
    from app.components.templates import template_buttons

    template_buttons()
