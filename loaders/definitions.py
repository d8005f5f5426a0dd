"""What a user writes for the loaders (profiles, templates, charge rules): YAML text, checked into a model."""

from __future__ import annotations

from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from core.issues import BadInput, Issue

Model = TypeVar("Model", bound=BaseModel)
_MOST = 200_000  # characters
_LAST = ("numbers", "dates", "total_row", "header")


class Strict(BaseModel):
    """A part of a definition: unknown keys are refused, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse(model: type[Model], text: str, name: str) -> Model:
    """A definition from YAML text; `name` is how it is named in errors.

    Raises:
        BadInput: if it is no YAML mapping, or with one issue for each field that is wrong.
    """
    if len(text) > _MOST:
        raise BadInput(Issue(file=name, message=f"is longer than {_MOST} characters"))
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        row = mark.line + 1 if mark else None
        raise BadInput(Issue(file=name, row=row, message=f"is no YAML: {reason}")) from error
    if not isinstance(read, dict):
        raise BadInput(Issue(file=name, message="is no mapping", expected="keys such as version and name"))
    return validate(model, read, name)


def validate(model: type[Model], document: dict[str, Any], name: str) -> Model:
    """A definition from a mapping.

    Raises:
        BadInput: with one issue for each field that is wrong.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise BadInput([_issue(name, problem) for problem in error.errors()]) from error


def written(definition: BaseModel) -> str:
    """The definition as YAML text, without what stands at its default."""
    document = definition.model_dump(mode="json", exclude_defaults=True)
    document = {"version": 1} | {key: document[key] for key in sorted(document, key=_place)}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _place(key: str) -> int:
    return _LAST.index(key) if key in _LAST else -1


def _issue(name: str, problem: Any) -> Issue:
    place = ".".join(str(part) for part in problem["loc"])
    said = str(problem["msg"]).removeprefix("Value error, ")
    found = problem.get("input")
    shown = None if isinstance(found, dict | list) or found is None else str(found)
    return Issue(file=name, field=place or None, found=shown, message=said)
