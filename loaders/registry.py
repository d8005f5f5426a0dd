"""Which loaders there are, and which one takes a file: the surest; two equally sure ones stop it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import entry_points

from core.issues import BadInput, Issue
from core.queries import formats
from core.store import Store
from loaders import teach
from loaders.built_in import BUILT_IN
from loaders.contract import Loader
from loaders.pdf.loader import PdfInvoices
from loaders.profiles.loader import Profiles
from loaders.reading import grid
from loaders.reading.source import Source

#: What a user may take for a file to load.
_TAUGHT = {"profile": "a mapping profile", "pdf": "a PDF template", "charge_rules": "charge rules"}


@lru_cache(maxsize=1)
def _third_party() -> tuple[Loader, ...]:
    found: list[Loader] = []
    for entry in entry_points(group="tem.loaders"):
        loaded = entry.load()
        found.append(loaded() if isinstance(loaded, type) else loaded)
    return tuple(found)


#: What users define for the loaders: by kind and name, YAML text.
Saved = Mapping[str, Mapping[str, str]]


def saved_in(store: Store) -> Saved:
    """The mapping profiles and PDF templates that are saved in the store."""
    return {kind: formats.saved(store, kind) for kind in ("profile", "pdf")}


def loaders(saved: Saved | None = None) -> tuple[Loader, ...]:
    """All loaders: the built-in ones, those that read by `saved` definitions, those of other packages
    (entry point group `tem.loaders`).

    Raises:
        BadInput: if a saved definition cannot be read.
    """
    saved = saved or {}
    own = (Profiles(saved.get("profile")), PdfInvoices(saved.get("pdf")))
    return (*BUILT_IN, *own, *_third_party())


def by_name(name: str, candidates: Sequence[Loader] | None = None) -> Loader:
    """The loader that the user named, among `candidates` (all without a store, if None).

    Raises:
        BadInput: if there is none of that name.
    """
    candidates = loaders() if candidates is None else candidates
    for loader in candidates:
        if loader.name == name:
            return loader
    known = ", ".join(loader.name for loader in candidates)
    raise BadInput(Issue(field="format", found=name, message="no such format", expected=f"one of {known}"))


def detect(source: Source, candidates: Sequence[Loader] | None = None) -> Loader:
    """The loader that is surest of the file, among `candidates` (all without a store, if None).

    Raises:
        BadInput: if the file is empty, an unsafe archive, claimed by two loaders alike, or known to none.
    """
    if source.size == 0:
        raise source.refused("is empty", "a file with content")
    if source.is_locked:
        raise source.refused("is protected by a password", "a workbook without one", "save it again without a password")
    _ = source.members  # refuses a damaged or unsafe archive before any loader looks into it
    claims: list[tuple[float, Loader]] = []
    candidates = loaders() if candidates is None else candidates
    for loader in candidates:
        with contextlib.suppress(BadInput):
            claims.append((loader.sniff(source), loader))
    best = max((sure for sure, _ in claims), default=0.0)
    takers = [loader for sure, loader in claims if sure == best and best > 0]
    if len(takers) > 1:
        names = " and ".join(loader.name for loader in takers)
        raise source.refused(f"is claimed by {names} alike", None, "name one with --format")
    if not takers:
        kind = "binary content" if source.head_text is None and not source.is_archive else "its content"
        if source.is_workbook:  # what cannot be opened is refused with the reason
            kind = f"its sheets ({', '.join(map(str, grid.sheets(source)))[:120]})"
        raise source.refused(f"no loader recognises {kind}", "a format that docs/formats.md lists", _hint(source))
    return takers[0]


def _hint(source: Source) -> str | None:
    text = source.head_text
    if source.suffix in {".yaml", ".yml"}:
        with contextlib.suppress(BadInput):
            return f"it holds {_TAUGHT[teach.check(text or '')[0]]}: keep it with `tem profile add`"
    told = "" if not grid.is_table(source) else "map its columns on the imports page, or see `tem profile propose`"
    line = next((line for line in (text or "").splitlines() if line.strip()), "")
    first = f'its first line is "{line.strip()[:120]}"' if line else ""
    return "; ".join(part for part in (first, told) if part) or None
