"""`tem rules`: the policy rules in force, what they would have found, and their saved versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anomaly import preview, rulebook
from anomaly.rules import Rule, as_document, load_rules, to_yaml
from app.commands.output import document, existing_store, say
from core.issues import BadInput, Issue
from core.store import Store


def rules(
    rule: Annotated[list[str] | None, typer.Argument(metavar="[RULE]...", help="Only these rules.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Check a rule file and its cases, change nothing.", metavar="FILE")
    ] = None,
    preview_: Annotated[
        bool, typer.Option("--preview", help="Say what each rule would have found in the past.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option(help="Take the rules from this file instead of the store.", metavar="FILE")
    ] = None,
    months: Annotated[int | None, typer.Option(help="Months of the preview; default: all.", min=1)] = None,
    save: Annotated[
        Path | None, typer.Option(help="Save the rules of a file as new versions in force.", metavar="FILE")
    ] = None,
    enable: Annotated[str | None, typer.Option(help="Switch a rule on.", metavar="RULE")] = None,
    disable: Annotated[str | None, typer.Option(help="Switch a rule off.", metavar="RULE")] = None,
    revert: Annotated[str | None, typer.Option(help="Go back to the starter rule.", metavar="RULE")] = None,
    version: Annotated[
        int | None, typer.Option(help="With --revert: go back to this saved version instead.", min=1)
    ] = None,
    note: Annotated[str, typer.Option(help="Why: kept with the version and in the audit trail.")] = "",
    history: Annotated[bool, typer.Option("--history", help="List the saved versions.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the rules in force as a rule file.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Policy rules: list, check, preview on history, save versions, switch on and off, go back."""
    if check is not None:
        found = load_rules(check)
        said = {"file": str(check), "rules": len(found), "cases": sum(len(item.cases) for item in found)}
        document(said) if as_json else print(f"{said['rules']} rules and {said['cases']} cases are sound")
        return
    store = existing_store()
    if save is not None:
        _told(rulebook.save(store, load_rules(save), note), as_json)
    elif enable or disable:
        changed = [_switched(store, name, on) for name, on in ((enable, True), (disable, False)) if name]
        _told(rulebook.save(store, changed, note), as_json)
    elif revert:
        now = rulebook.revert(store, revert, version)
        say(f"{revert}: " + (f"version {now.version} is in force" if now else "no rule of this name is left"))
        if as_json:
            document(as_document(now) if now else None)
    elif history:
        _history(store, rule, as_json)
    else:
        chosen = _chosen(load_rules(file, cases=not preview_) if file else rulebook.in_force(store), rule)
        if out is not None:
            _write(out, to_yaml(chosen))
        _show(store, chosen, preview_, months, as_json)


def _chosen(there: tuple[Rule, ...], wanted: list[str] | None) -> list[Rule]:
    unknown = sorted(set(wanted or ()) - {item.id for item in there})
    if unknown:
        listed = ", ".join(item.id for item in there)
        raise BadInput([Issue(field="rule", found=name, expected=f"one of {listed}") for name in unknown])
    return [item for item in there if not wanted or item.id in wanted]


def _switched(store: Store, name: str, on: bool) -> Rule:
    from dataclasses import replace

    (found,) = _chosen(rulebook.in_force(store), [name])
    if on and found.monitors_people:
        say(f"{name} monitors people and is off by default: {' '.join(found.why_off.split())}")
    return replace(found, enabled=on)


def _told(fresh: list[Rule], as_json: bool) -> None:
    for item in fresh:
        say(f"{item.id}: version {item.version} is in force ({'on' if item.enabled else 'off'})")
    if not fresh:
        say("nothing to save: the rules in force say the same")
    if as_json:
        document([as_document(item) for item in fresh])


def _history(store: Store, wanted: list[str] | None, as_json: bool) -> None:
    rows = [item for item in rulebook.history(store) if not wanted or item.rule_id in wanted]
    if as_json:
        document([{name: getattr(item, name) for name in item.__dataclass_fields__} for item in rows])
        return
    for item in rows:
        print(
            f"{item.rule_id:24} {item.version:4} {'current' if item.current else '':8} "
            f"{item.saved_at[:16]}  {item.saved_by:16} {item.note}"
        )


def _show(store: Store, chosen: list[Rule], with_preview: bool, months: int | None, as_json: bool) -> None:
    seen: list[dict[str, Any]] = preview.preview(store, chosen, months=months) if with_preview else []
    if as_json:
        document(seen if with_preview else [as_document(item) for item in chosen])
        return
    for place, item in enumerate(chosen):
        print(f"{item.id:24} {item.version:4} {'on' if item.enabled else 'off':4} {item.owner:14} {item.title}")
        if with_preview:
            for line in (preview.sentence(seen[place]), *seen[place]["cases"]):
                print(f"{'':24} {line}")
        elif not item.enabled and item.why_off:
            print(f"{'':24} off: {' '.join(item.why_off.split())}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(Issue(file=str(path), message=f"cannot be written: {error.strerror}")) from error
    say(f"rules written to {path}")


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(rules)
