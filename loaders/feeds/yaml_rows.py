"""YAML as rows with their lines: mappings of scalars kept as the text that stands there, so that money stays exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from core.issues import BadInput, Issue

MAX_DEPTH = 12
MAX_TEXT = 5_000_000
_NULL = {"", "~", "null", "Null", "NULL"}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Node:
    """A scalar (`text`, None for null), a list or a mapping; lines count from 1; `twice` are repeated keys."""

    line: int
    text: str | None = None
    items: list[Node] | None = None
    keys: dict[str, Node] | None = None
    end: int = 0
    twice: list[str] = field(default_factory=list)


def parse(text: str, shown: str) -> Node | None:
    """The document; None if it is empty.

    Raises:
        BadInput: for text that is no YAML, with its line; for anchors, several documents, more than 12 levels, 5 MB.
    """
    if len(text) > MAX_TEXT:
        raise BadInput(Issue(file=shown, message=f"is longer than {MAX_TEXT} characters"))
    root: Node | None = None
    stack: list[tuple[Node, str | None]] = []
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _refused(shown, line, "anchors and aliases are not read: write the values out")
            if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                done, _ = stack.pop()
                done.end = max(line, done.end, done.line)
                continue
            node = _node(event, line)
            if node is None:
                continue
            if stack:
                _put(stack, node, shown)
            elif root is not None:
                raise _refused(shown, line, "holds more than one document")
            else:
                root = node
            if node.items is not None or node.keys is not None:
                stack.append((node, None))
                if len(stack) > MAX_DEPTH:
                    raise _refused(shown, line, f"is nested more than {MAX_DEPTH} levels deep")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise _refused(shown, mark.line + 1 if mark else None, f"is no YAML: {said}") from error
    return root


def _refused(shown: str, line: int | None, message: str) -> BadInput:
    return BadInput(Issue(file=shown, row=line, message=message))


def _node(event: Any, line: int) -> Node | None:
    if isinstance(event, yaml.MappingStartEvent):
        return Node(line, keys={})
    if isinstance(event, yaml.SequenceStartEvent):
        return Node(line, items=[])
    if isinstance(event, yaml.ScalarEvent):
        plain = event.implicit[0] and event.value in _NULL
        end = event.end_mark.line + 1 if event.end_mark else line
        return Node(line, text=None if plain else event.value, end=end)
    return None


def _put(stack: list[tuple[Node, str | None]], node: Node, shown: str) -> None:
    parent, key = stack[-1]
    parent.end = max(parent.end, node.line, node.end)
    if parent.items is not None:
        parent.items.append(node)
    elif parent.keys is not None and key is None:
        if node.text is None:
            raise _refused(shown, node.line, "a key is no plain text")
        stack[-1] = (parent, node.text)
    elif parent.keys is not None and key is not None:
        if key in parent.keys:
            parent.twice.append(key)
        parent.keys[key] = node
        stack[-1] = (parent, None)
