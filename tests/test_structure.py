"""The shape of the tree is a promise: thin pages, small modules, true documentation."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "optimize", "anomaly", "audit", "loaders", "core", "sample_data")
MODULES = sorted(
    path
    for package in (*PACKAGES, "pages", "benchmarks")
    for path in (ROOT / package).rglob("*.py")
    if "versions" not in path.parts
)
PAGES = sorted((ROOT / "pages").glob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_pages_are_thin_and_ask_the_app(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 80
    allowed = {"app", "streamlit", "__future__"} | set(sys.stdlib_module_names)
    assert imported(page) <= allowed


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_small_and_say_what_they_are(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 600
    assert "util" not in module.stem
    if text.strip():
        assert ast.get_docstring(ast.parse(text))


def test_the_map_in_the_architecture_page_equals_the_tree() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import tree
    finally:
        sys.path.pop(0)
    text = tree.PAGE.read_text(encoding="utf-8")
    assert tree.updated(text) == text, "run: python docs/tree.py"


def commands() -> dict[str, list[str]]:
    from app.cli import command
    from app.commands import COMMANDS

    return {
        name: [opt for param in command(name).params for opt in param.opts if opt.startswith("--") and opt != "--help"]
        for name in COMMANDS
    }


def test_the_table_of_commands_equals_what_the_modules_register() -> None:
    from app.commands import MODULES

    registered = {}
    for name in sorted(path.stem for path in (ROOT / "app" / "commands").glob("*.py")):
        module = importlib.import_module(f"app.commands.{name}")
        if hasattr(module, "register"):
            cli = typer.Typer()
            cli.callback()(lambda: None)
            module.register(cli)
            registered[name] = {key: found.help for key, found in typer.main.get_group(cli).commands.items()}
    assert registered == MODULES


def test_every_command_and_option_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    missing = [
        f"tem {name} {option}".strip()
        for name, options in commands().items()
        for option in ("", *options)
        if f"`tem {name}" not in text or option not in text.split(f"## `tem {name}", 1)[-1].split("\n## ", 1)[0]
    ]
    assert missing == []


def test_the_command_line_is_complete() -> None:
    assert set(commands()) >= {
        *("demo", "load", "quarantine", "bill", "audit", "flag", "optimize", "backtest", "contracts", "disputes"),
        *("savings", "allocate", "report", "export", "serve", "worker", "backup", "restore", "doctor"),
    }


def test_every_setting_is_documented() -> None:
    from core.settings import Settings

    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"TEM_{name.upper()}" not in text] == []


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_no_lock_file_or_registry_is_committed() -> None:
    assert not [name for name in ("requirements.txt", "uv.lock", "poetry.lock", "pdm.lock") if (ROOT / name).exists()]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert all(re.search(r"[<>=~]", requirement) for requirement in project["project"]["dependencies"])
