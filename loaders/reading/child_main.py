"""The child process that reads one file under limits: `python child_main.py READER PATH ARGUMENT`.

Started by its path, and it loads the reader by its path: importing the package would import the whole product. It
writes one JSON document per line.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

SECONDS = 120
MEMORY = 2 * 1024**3


def tell(document: Any) -> None:
    """Write one document."""
    sys.stdout.write(json.dumps(document, ensure_ascii=True, separators=(",", ":")) + "\n")


def limit() -> None:
    """Bound memory and processor time; a system without such limits has the parent's clock only."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(reader: str, path: str, argument: str) -> None:
    """Read one file."""
    limit()
    spec = importlib.util.spec_from_file_location(reader, Path(__file__).with_name(f"{reader}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.read(path, argument, tell)


if __name__ == "__main__":
    main(*sys.argv[1:4])
