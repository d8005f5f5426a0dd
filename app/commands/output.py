"""How commands speak: documents on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

from core.store import Store


def document(value: Any) -> None:
    """Print one JSON document on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def say(text: str) -> None:
    """Print a message on stderr."""
    print(text, file=sys.stderr)


def existing_store() -> Store:
    """The store of this run, which must exist already.

    Raises:
        BadInput: if there is none.
    """
    return Store.open(create=False)
