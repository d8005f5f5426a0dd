"""Writes the map of the tree into docs/architecture.md: `python docs/tree.py`. A test fails when the two differ."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
START, END = "<!-- map: python docs/tree.py -->", "<!-- end of map -->"
PACKAGES = ("app", "pages", "optimize", "anomaly", "audit", "loaders", "core", "sample_data", "benchmarks")


def sentence(path: Path) -> str:
    """The first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = " ".join(text.split("\n\n")[0].split())
    return first.split(". ")[0].rstrip(".")


def lines() -> list[str]:
    """One line for each package and module."""
    result = ["```"]
    for package in PACKAGES:
        for path in sorted(
            (ROOT / package).rglob("*.py"), key=lambda p: (p.parent.parts, p.name != "__init__.py", p.name)
        ):
            relative = path.relative_to(ROOT)
            if "versions" in relative.parts or "__pycache__" in relative.parts:
                continue
            if path.name == "__init__.py":
                result.append(f"{relative.parent}/".ljust(34) + sentence(path))
            else:
                result.append(("  " * (len(relative.parts) - 1) + path.name).ljust(34) + sentence(path))
    return [line.rstrip() for line in [*result, "```"]]


def updated(text: str) -> str:
    """The page with the map of the tree as it is now."""
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    return "\n".join([head + START, *lines(), END]) + tail


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
