"""The scenario file: what may change, at which prices, under which limits (interfaces.md section 4).

Every value is read as text and converted exactly; all problems of a file are collected and raised together as
:class:`core.issues.BadInput`. A key that is not known is refused by name, never ignored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from core.issues import BadInput, Issue
from core.money import MAX_MICROS, parse_micros
from core.periods import parse_month
from optimize.buckets import STEPS, Bucket, contradictions, read_buckets
from optimize.comparison import Comparison, read_comparison
from optimize.frames import SERVICE_COLUMNS
from optimize.methods import METHODS, POLISHES
from optimize.scenario_set import KINDS, MOST_DRAWS, MOST_FACTORS, TYPES, FactorCase, SetRule

#: Every key a scenario may hold, with its meaning; `docs/optimizer.md` lists them all.
KEYS: dict[str, str] = {
    "name": "a label for people",
    "currency": "the currency of all money in the scenario; default: that of the current plans",
    "months": "{from, to}: first and last month of the usage that is priced, both included",
    "objective": "expected (mean month) or cvar (mean and bad months weighted)",
    "cvar": "{alpha, weight}: tail level in [0,1) and its weight in [0,1]",
    "services": "{column: value or list}: which services may change",
    "carriers_allowed": "the carriers that selected services may be with",
    "max_carriers": "at most so many carriers among the selected services",
    "max_changes": "at most so many changed services",
    "min_saving_per_change": "what a change must bring each month to be worth it",
    "horizon_months": "months over which one-off fees are spread (default 12)",
    "change_fee": "one-off fee for a plan change or suspension at the same carrier",
    "porting_fee": "one-off fee for moving to another carrier",
    "joining_fee": "{carrier_id: amount}: one-off fee of a line that moves to the carrier; below 0: what it pays back",
    "overlap_months": "a line that changes carrier pays both for so many months (default 0)",
    "suspend_zero_use_months": "a service unused in each of the last n months may be suspended",
    "suspend_kinds": "kinds of service that may be suspended (default mobile)",
    "suspend_price": "monthly price of a suspended service (default 0)",
    "carrier_fixed_cost": "{carrier_id: amount}: what dealing with a carrier costs a month while a line is with it",
    "growth": "{data, voice, sms}: growth of home use a month (0.01 = 1 %)",
    "scenario_set": "{kind: history, bootstrap or factors, ...}: the months that the expectation is taken over",
    "overage_probability": "{limit, kinds}: in at most that share of the months may a pool be above its allowance",
    "plan_price": "{plan_id: mrc}: another monthly price for a plan",
    "offers": "offers whose plans may be used beside the catalogue",
    "target_accounts": "{carrier_id: account_id}: the account that services moving to the carrier join",
    "force": "{service_id: plan_id}: services that get this plan",
    "keep": "services that keep their plan",
    "gap": "relative optimality gap at which the search may stop (default 0.0001)",
    "seed": "seed of the solver (default 7)",
    "method": "auto (default), closed_form, count, lines, model, decomposition or branch_and_bound",
    "polish": "auto (default), fewest_changes or none: what is done among plans of the same cost",
    "polish_within": "what fewer changes may cost, relative to the best objective (default 0)",
    "buckets": "allowances that whole pools may buy: [{bucket_id, carrier_id, pool_group, allowance, mrc, ...}]",
    "bucket_steps": "one (default): buckets of one size at most in a pool; any: sizes may be combined",
    "other_currencies": "refuse (default) or leave_out: services and contracts in other currencies",
    "comparison": "{discount_rate, taxes, cost_weight, criteria}: for a comparison of offers alone",
}

_HINT = "known keys: " + ", ".join(KEYS)
POOLED = ("data", "voice")
_MAX_BYTES = 5_000_000
_MOST_FACTOR = 100 * 10**6  # millionths


@dataclass(frozen=True)
class OverageLimit:
    """At most `limit` of the months (by weight) may each pool of these kinds be above its allowance."""

    limit: Fraction
    kinds: tuple[str, ...] = POOLED


@dataclass(frozen=True)
class Scenario:
    """A checked scenario. Money, rates and prices are millionths; `None` means the key is absent."""

    name: str = ""
    currency: str | None = None
    first: str | None = None
    last: str | None = None
    objective: str = "expected"
    alpha: Fraction = Fraction(9, 10)
    weight: Fraction = Fraction(1, 2)
    services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    carriers_allowed: tuple[str, ...] | None = None
    max_carriers: int | None = None
    max_changes: int | None = None
    min_saving_per_change: int = 0
    horizon_months: int = 12
    change_fee: int = 0
    porting_fee: int = 0
    joining_fee: Mapping[str, int] = field(default_factory=dict)
    overlap_months: int = 0
    suspend_zero_use_months: int | None = None
    suspend_kinds: tuple[str, ...] = ("mobile",)
    suspend_price: int = 0
    carrier_fixed_cost: Mapping[str, int] = field(default_factory=dict)
    growth: Mapping[str, int] = field(default_factory=dict)
    scenario_set: SetRule = field(default_factory=SetRule)
    overage_probability: OverageLimit | None = None
    plan_price: Mapping[str, int] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    target_accounts: Mapping[str, str] = field(default_factory=dict)
    force: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    gap: Fraction = Fraction(1, 10_000)
    seed: int = 7
    method: str = "auto"
    polish: str = "auto"
    polish_within: Fraction = Fraction(0)
    buckets: tuple[Bucket, ...] = ()
    bucket_steps: str = "one"
    other_currencies: str = "refuse"
    comparison: Comparison = field(default_factory=Comparison)
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cvar_weight(self) -> Fraction:
        """Weight of CVaR in the objective: 0 for `expected`."""
        return self.weight if self.objective == "cvar" else Fraction(0)

    @property
    def limited_kinds(self) -> tuple[str, ...]:
        """Kinds of pool whose probability of overage is limited; a limit of 1 limits nothing."""
        rule = self.overage_probability
        return rule.kinds if rule is not None and rule.limit < 1 else ()

    @property
    def overage_unlimited(self) -> OverageLimit | None:
        """The limit on overage with a limit of 1: buckets of pools with free overage, meant for it, are still known."""
        rule = self.overage_probability
        return None if rule is None else replace(rule, limit=Fraction(1))

    @property
    def text(self) -> str:
        """The scenario as one line of JSON with sorted keys: what the input hash covers."""
        return json.dumps(self.document, sort_keys=True, ensure_ascii=False, default=str)

    def selects(self, service: Mapping[str, str | None]) -> bool:
        """Whether the filter `services` lets this service change."""
        return all((service.get(name) or "") in values for name, values in self.services.items())


class _Text(yaml.SafeLoader):
    """YAML in which every scalar stays the text it was written as, and a repeated key is an error."""


def _mapping(loader: _Text, node: yaml.MappingNode) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, "a key must be text", key_node.start_mark)
        if key in result:
            raise yaml.constructor.ConstructorError(None, None, f"key {key} stands twice", key_node.start_mark)
        result[key] = loader.construct_object(value_node, deep=True)
    return result


_Text.yaml_implicit_resolvers = {}
_Text.add_constructor("tag:yaml.org,2002:map", _mapping)


def read(source: Mapping[str, Any] | Path | str, **keys: str | None) -> Scenario:
    """A scenario from a file, a folder-less YAML path or a mapping; `keys` that are not None replace what it says.

    Raises:
        BadInput: with every problem of the file.
    """
    given = {key: value for key, value in keys.items() if value is not None}
    if isinstance(source, Mapping):
        return parse({**source, **given}, None)
    path = Path(source)
    name = str(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadInput(Issue(file=name, message=f"larger than {_MAX_BYTES} bytes", expected="a scenario file"))
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(Issue(file=name, message=f"cannot be read: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise BadInput(Issue(file=name, message="is not UTF-8 text", expected="a YAML scenario")) from error
    return parse({**read_text(text, name), **given}, name)


def read_text(text: str, name: str | None = None) -> dict[str, Any]:
    """The mapping that YAML text says; every scalar is the text it was written as, so that an id keeps its zeros.

    Raises:
        BadInput: if the text is no YAML, repeats a key or is no mapping.
    """
    try:
        document = yaml.load(text, _Text)  # noqa: S506  _Text is a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or "cannot be read"
        row = mark.line + 1 if mark else None
        raise BadInput(Issue(file=name, row=row, message=f"not valid YAML: {said}")) from error
    if document is None or document == "":
        document = {}
    if not isinstance(document, dict):
        raise BadInput(Issue(file=name, message="not a scenario", expected="a mapping of keys to values"))
    return document


class _Reader:
    """Converts values and collects what is wrong with them."""

    def __init__(self, file: str | None) -> None:
        self.file = file
        self.issues: list[Issue] = []

    def bad(self, key: str, found: object, expected: str, hint: str | None = None) -> None:
        self.issues.append(Issue(file=self.file, field=key, found=str(found), expected=expected, hint=hint))

    def text(self, key: str, value: Any) -> str | None:
        if isinstance(value, bool | Mapping | list | tuple):
            self.bad(key, value, "one value")
            return None
        return str(value).strip()

    def whole(self, key: str, value: Any, low: int) -> int | None:
        text = self.text(key, value)
        if text is None:
            return None
        if text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= low:
            return int(text)
        self.bad(key, text, f"a whole number from {low}")
        return None

    def micros(self, key: str, value: Any, low: int = 0, high: int = MAX_MICROS) -> int | None:
        text = self.text(key, value)
        if text is None:
            return None
        if isinstance(value, float):
            text = f"{value:.12f}".rstrip("0").rstrip(".") if abs(value) < 1e12 else repr(value)
        try:
            micros = parse_micros(text)
        except ValueError as error:
            self.bad(key, text, str(error))
            return None
        if not low <= micros <= high:
            span = f"from {low / 1e6:g}" + (f" to {high / 1e6:g}" if high < MAX_MICROS else "")
            self.bad(key, text, f"a number {span}")
            return None
        return micros

    def fraction(self, key: str, value: Any, *, below_one: bool = False, at_most_one: bool = True) -> Fraction | None:
        text = self.text(key, value)
        if text is None:
            return None
        expected = (
            "a number from 0, below 1" if below_one else ("a number from 0 to 1" if at_most_one else "a number from 0")
        )
        try:
            if len(text) > 40 or "/" in text or "_" in text or not text.isascii() or abs(float(text)) > 1e9:
                raise ValueError
            number = Fraction(text)
            if number and abs(number) < Fraction(1, 10**15):
                raise ValueError
        except (ValueError, OverflowError):
            self.bad(key, text, expected)
            return None
        if number < 0 or (below_one and number >= 1) or (at_most_one and number > 1):
            self.bad(key, text, expected)
            return None
        return number

    def items(self, key: str, value: Any) -> tuple[str, ...]:
        values = list(value) if isinstance(value, list | tuple) else [value]
        texts = [self.text(key, v) for v in values]
        return tuple(dict.fromkeys(t for t in texts if t is not None))

    def pairs(self, key: str, value: Any, convert: Callable[[str, Any], Any]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            self.bad(key, value, "a mapping")
            return {}
        found = {str(k).strip(): convert(f"{key}.{k}", v) for k, v in value.items()}
        return {k: v for k, v in found.items() if v is not None}


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in ("", "~", "null"))


def parse(document: Mapping[str, Any], file: str | None = None) -> Scenario:
    """A scenario from a mapping (of YAML or JSON values).

    Raises:
        BadInput: with one issue per problem.
    """
    reader = _Reader(file)
    got: dict[str, Any] = {}
    for key, value in document.items():
        if key not in KEYS:
            reader.issues.append(Issue(file=file, field=str(key), message="unknown key", hint=_HINT))
        elif not _absent(value):
            _READ[key](reader, got, value)
    if "months" in got:
        got["first"], got["last"] = got.pop("months")
        if got["first"] and got["last"] and got["first"] > got["last"]:
            reader.bad("months", f"{got['first']} to {got['last']}", "from not after to")
    got.update(got.pop("cvar", {}))
    if (got.get("overlap_months") or 0) > (got.get("horizon_months") or 12):
        reader.bad("overlap_months", got["overlap_months"], "at most horizon_months")
    reader.issues += contradictions(got.get("buckets", ()), got.get("bucket_steps", "one"), file)
    if reader.issues:
        raise BadInput(reader.issues)
    return Scenario(**got, document=_plain(document))


def _plain(value: Any) -> Any:
    """`value` with nothing in it but what JSON knows."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _months(reader: _Reader, got: dict[str, Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        reader.bad("months", value, "{from: YYYY-MM, to: YYYY-MM}")
        return
    ends: dict[str, str | None] = {"from": None, "to": None}
    for key, text in value.items():
        if key not in ends:
            reader.issues.append(Issue(file=reader.file, field=f"months.{key}", message="unknown key", hint="from, to"))
        elif not _absent(text):
            try:
                ends[key] = parse_month(str(text))
            except ValueError as error:
                reader.bad(f"months.{key}", text, str(error))
    got["months"] = (ends["from"], ends["to"])


def _cvar(reader: _Reader, got: dict[str, Any], value: Any) -> None:
    found: dict[str, Any] = {}
    if not isinstance(value, Mapping):
        reader.bad("cvar", value, "{alpha, weight}")
        return
    for key, number in value.items():
        if key not in ("alpha", "weight"):
            reader.issues.append(
                Issue(file=reader.file, field=f"cvar.{key}", message="unknown key", hint="alpha, weight")
            )
        elif (checked := reader.fraction(f"cvar.{key}", number, below_one=key == "alpha")) is not None:
            found[key] = checked
    got["cvar"] = found


def _growth(reader: _Reader, got: dict[str, Any], value: Any) -> None:
    found = reader.pairs("growth", value, lambda k, v: reader.micros(k, v, low=-999_999, high=10_000_000))
    for key in found:
        if key not in TYPES:
            hint = ", ".join(TYPES)
            reader.issues.append(Issue(file=reader.file, field=f"growth.{key}", message="unknown key", hint=hint))
    got["growth"] = found


def _set(reader: _Reader, got: dict[str, Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        reader.bad("scenario_set", value, "{kind: history, bootstrap or factors, ...}")
        return
    kind = str(value.get("kind", "")).strip()
    if kind not in KINDS:
        reader.bad("scenario_set.kind", kind, " or ".join(KINDS))
        return
    known = {"history": ("kind",), "bootstrap": ("kind", "draws", "seed"), "factors": ("kind", "factors")}[kind]
    found: dict[str, Any] = {"kind": kind}
    for key, part in value.items():
        name = f"scenario_set.{key}"
        if key not in known:
            said = f"unknown key for kind {kind}"
            reader.issues.append(Issue(file=reader.file, field=name, message=said, hint=", ".join(known)))
        elif key == "draws" and (draws := reader.whole(name, part, 1)) is not None:
            found["draws"] = draws
            if draws > MOST_DRAWS:
                reader.bad(name, draws, f"at most {MOST_DRAWS} draws")
        elif key == "seed":
            found["seed"] = reader.whole(name, part, 0)
        elif key == "factors":
            found["factors"] = _cases(reader, name, part)
    if kind == "factors" and "factors" not in found:
        reader.bad("scenario_set.factors", "none", "a list of factors")
    got["scenario_set"] = SetRule(**found)


def _cases(reader: _Reader, name: str, value: Any) -> tuple[FactorCase, ...]:
    """A list of factors of home use, each a number or `{data, voice, sms, weight}`."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_FACTORS:
        reader.bad(name, value, f"a list of 1 to {MOST_FACTORS} factors")
        return ()
    found = []
    for n, case in enumerate(value):
        here = f"{name}.{n + 1}"
        numbers = {key: Fraction(1) for key in (*TYPES, "weight")}
        if not isinstance(case, Mapping):
            numbers |= dict.fromkeys(TYPES, Fraction(reader.micros(here, case, high=_MOST_FACTOR) or 0, 10**6))
        for key, part in case.items() if isinstance(case, Mapping) else ():
            if key not in numbers:
                hint = ", ".join(numbers)
                reader.issues.append(Issue(file=reader.file, field=f"{here}.{key}", message="unknown key", hint=hint))
                continue
            low, high = (1, MAX_MICROS) if key == "weight" else (0, _MOST_FACTOR)
            numbers[key] = Fraction(reader.micros(f"{here}.{key}", part, low=low, high=high) or 0, 10**6)
        found.append(FactorCase((numbers["data"], numbers["voice"], numbers["sms"]), numbers["weight"]))
    return tuple(found)


def _overage_limit(reader: _Reader, got: dict[str, Any], value: Any) -> None:
    if not isinstance(value, Mapping):
        reader.bad("overage_probability", value, "{limit, kinds}")
        return
    limit: Fraction | None = None
    kinds: tuple[str, ...] = POOLED
    for key, part in value.items():
        name = f"overage_probability.{key}"
        if key == "limit":
            limit = reader.fraction(name, part)
        elif key == "kinds":
            kinds = reader.items(name, part)
            for kind in kinds or ("none",):
                if kind not in POOLED:
                    reader.bad(name, kind, " or ".join(POOLED))
        else:
            reader.issues.append(Issue(file=reader.file, field=name, message="unknown key", hint="limit, kinds"))
    if "limit" not in value:
        reader.bad("overage_probability.limit", "none", "a number from 0 to 1")
    elif limit is not None:
        got["overage_probability"] = OverageLimit(limit, kinds)


def _services(reader: _Reader, got: dict[str, Any], value: Any) -> None:
    found = reader.pairs("services", value, lambda k, v: reader.items(k, "" if _absent(v) else v))
    for key in found:
        if key not in SERVICE_COLUMNS:
            hint = "columns: " + ", ".join(SERVICE_COLUMNS)
            reader.issues.append(Issue(file=reader.file, field=f"services.{key}", message="unknown column", hint=hint))
    got["services"] = found


def _choice(key: str, *allowed: str) -> Callable[[_Reader, dict[str, Any], Any], None]:
    def read_choice(reader: _Reader, got: dict[str, Any], value: Any) -> None:
        text = reader.text(key, value)
        if text is not None and text not in allowed:
            reader.bad(key, text, " or ".join(allowed))
        got[key] = text

    return read_choice


def _by(method: str, key: str, *extra: Any, **named: Any) -> Callable[[_Reader, dict[str, Any], Any], None]:
    def read_value(reader: _Reader, got: dict[str, Any], value: Any) -> None:
        got[key] = getattr(reader, method)(key, value, *extra, **named)

    return read_value


def _texts(key: str) -> Callable[[_Reader, dict[str, Any], Any], None]:
    def read_texts(reader: _Reader, got: dict[str, Any], value: Any) -> None:
        got[key] = reader.pairs(key, value, reader.text)

    return read_texts


def _buckets(reader: _Reader, got: dict[str, Any], value: Any) -> None:
    got["buckets"] = read_buckets(reader, value)


def _comparison(reader: _Reader, got: dict[str, Any], value: Any) -> None:
    got["comparison"] = read_comparison(reader, value)


def _amounts(key: str, low: int = 0) -> Callable[[_Reader, dict[str, Any], Any], None]:
    def read_amounts(reader: _Reader, got: dict[str, Any], value: Any) -> None:
        got[key] = reader.pairs(key, value, lambda k, v: reader.micros(k, v, low=low))

    return read_amounts


_READ: dict[str, Callable[[_Reader, dict[str, Any], Any], None]] = {
    "name": _by("text", "name"),
    "currency": _by("text", "currency"),
    "months": _months,
    "objective": _choice("objective", "expected", "cvar"),
    "cvar": _cvar,
    "services": _services,
    "carriers_allowed": _by("items", "carriers_allowed"),
    "max_carriers": _by("whole", "max_carriers", 0),
    "max_changes": _by("whole", "max_changes", 0),
    "min_saving_per_change": _by("micros", "min_saving_per_change"),
    "horizon_months": _by("whole", "horizon_months", 1),
    "change_fee": _by("micros", "change_fee"),
    "porting_fee": _by("micros", "porting_fee"),
    "joining_fee": _amounts("joining_fee", low=-MAX_MICROS),
    "overlap_months": _by("whole", "overlap_months", 0),
    "suspend_zero_use_months": _by("whole", "suspend_zero_use_months", 1),
    "suspend_kinds": _by("items", "suspend_kinds"),
    "suspend_price": _by("micros", "suspend_price"),
    "carrier_fixed_cost": _amounts("carrier_fixed_cost"),
    "growth": _growth,
    "scenario_set": _set,
    "overage_probability": _overage_limit,
    "plan_price": _amounts("plan_price"),
    "offers": _by("items", "offers"),
    "target_accounts": _texts("target_accounts"),
    "force": _texts("force"),
    "keep": _by("items", "keep"),
    "gap": _by("fraction", "gap", at_most_one=False),
    "seed": _by("whole", "seed", 0),
    "method": _choice("method", *METHODS),
    "polish": _choice("polish", *POLISHES),
    "polish_within": _by("fraction", "polish_within"),
    "buckets": _buckets,
    "bucket_steps": _choice("bucket_steps", *STEPS),
    "other_currencies": _choice("other_currencies", "refuse", "leave_out"),
    "comparison": _comparison,
}
