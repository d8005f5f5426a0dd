"""Reading of PDF files and workbooks in a child process with time and memory limits.

A file that makes a reader loop or swell ends the child, not the product: the parent refuses that one file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

from loaders.reading.child_main import MEMORY, SECONDS
from loaders.reading.source import Source

_SCRIPT = Path(__file__).with_name("child_main.py")


def stream(source: Source, reader: str, argument: str = "", *, seconds: float = SECONDS) -> Generator[Any]:
    """What a reader (`pdf_text` or `sheets`) says of the file, document by document.

    Raises:
        BadInput: if the file cannot be read, or took more than `seconds` or 2 GiB.
    """
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(
            [sys.executable, "-P", str(_SCRIPT), reader, str(source.path), argument],
            stdout=subprocess.PIPE,
            stderr=complaints,
            stdin=subprocess.DEVNULL,
        )
        late = threading.Event()

        def end() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        assert child.stdout is not None
        try:
            for line in child.stdout:
                if not line.endswith(b"\n"):
                    break  # the child was ended while it wrote
                document = json.loads(line)
                if isinstance(document, dict) and "refused" in document:
                    raise source.refused(document["refused"], document.get("expected"), document.get("hint"))
                yield document
            code = child.wait()
        finally:
            timer.cancel()
            if child.poll() is None:
                child.kill()
                child.wait()
            child.stdout.close()
        if late.is_set():
            raise source.refused(f"could not be read within {seconds:g} seconds", "a smaller or sound file")
        if code:
            complaints.seek(0)
            said = complaints.read()[-4000:].decode(errors="replace").strip().splitlines()
            raise source.refused(f"cannot be read: {_reason(code, said)}", "a complete file")


def _reason(code: int, said: list[str]) -> str:
    if any("MemoryError" in line or "alloc" in line for line in said[-3:]):
        return f"it needs more than {MEMORY // 1024**3} GiB of memory"
    if code < 0:
        return f"its reader was ended (signal {-code})"
    return said[-1] if said else f"its reader failed (code {code})"
