"""Keep what a user defines: a mapping profile, a PDF template or charge rules, told apart by their keys."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from core.issues import BadInput, Issue
from core.queries import formats
from core.store import Store
from loaders.pdf.template import parse_template
from loaders.profiles.profile import parse_profile
from loaders.taxonomy import OWN, parse_rules

_COUNTERS = re.compile(r"(?<!\d)(?:19|20)\d\d(?:[-_. ]?\d\d){0,2}(?!\d)|\d{3,}")


def save(store: Store, text: str, file: str = "definition") -> tuple[str, str]:
    """Check a definition and keep it; returns its kind and name.

    Raises:
        BadInput: with one issue for each thing that is wrong.
    """
    kind, name = check(text, file)
    formats.save(store, kind, name, text)
    return kind, name


def check(text: str, file: str = "definition") -> tuple[str, str]:
    """Kind and name of a definition that is right.

    Raises:
        BadInput: with one issue for each thing that is wrong.
    """
    try:
        keys = yaml.safe_load(text)
    except yaml.YAMLError:
        keys = None
    if not isinstance(keys, dict):
        parse_profile(text, file)
        keys = {}
    if "rules" in keys:
        parse_rules(text, file)
        return "charge_rules", OWN
    if "fields" in keys and "table" in keys:
        return "profile", parse_profile(text, file).name
    if "recognise" in keys:
        return "pdf", parse_template(text, file).name
    raise BadInput(
        Issue(
            file=file, message="is neither a profile, a template nor charge rules", expected="keys as in docs/formats"
        )
    )


def name_for(path: str) -> str:
    """A name for a profile made from a file: its stem without dates and counters."""
    stem = re.sub(r"[^a-z0-9]+", "-", _COUNTERS.sub("", Path(path).stem.casefold())).strip("-")
    return stem[:60] or "profile"
