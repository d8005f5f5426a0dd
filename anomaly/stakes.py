"""Which charges a policy hit claims, so that every cent of a charge counts once over all findings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from anomaly.estate import Estate
from core import findings
from core.findings import Finding
from core.money import parse_micros
from core.queries import anomaly as queries
from core.store import Store

#: The parts of a line's money that a rule claims: recurring charge, and zones of use (None = all of them).
CLAIMS: dict[str, tuple[bool, tuple[str, ...] | None]] = {
    "mrc": (True, ()),
    "mrc_and_usage": (True, None),
    "cost": (False, ("roaming",)),
    "data_voice_cost": (False, ("roaming",)),
    "premium_cost": (False, ("premium",)),
    "usage_cost": (False, None),
    "international_cost": (False, ("international",)),
    "roaming_cost": (False, ("roaming",)),
    "call_cost": (False, ("international", "premium", "roaming")),
    "amount": (False, ()),
    "above_cap": (False, ()),
    "none": (False, ()),
}
_UNBILLED = "use:"


Listed = tuple[Finding, str, tuple[str, ...], tuple[str, ...]]


def count_once(store: Store, estate: Estate, items: Sequence[Listed]) -> list[Finding]:
    """Set charge_stakes and amount_counted of policy findings; `items` are (finding, stake name, countries, items).

    Money of use that was never billed is shared out in the same way, under keys that are taken off afterwards. What
    saved audit findings already count on a charge is left to them.
    """
    services = [item.service_id or "" for item, *_ in items]
    charges = queries.charges_of(store, services) if items else pd.DataFrame()
    by_line = dict(iter(charges.groupby(["service_id", "month"]))) if len(charges) else {}
    used = estate.use[estate.use["service_id"].isin(set(services)) & (estate.use["cost"] > 0)]
    used_by_line = dict(iter(used.groupby(["service_id", "month"]))) if len(used) else {}
    amounts: dict[str, int] = {}
    claimed = []
    for item, stake, countries, what in items:
        key = (item.service_id, item.month)
        if stake == "amount":
            parts = _item_parts(item, what, by_line.get(key), amounts)
        else:
            parts = _parts(item, stake, countries, by_line.get(key), used_by_line.get(key), amounts)
        claimed.append(replace(item, charge_stakes=parts if item.claim != "informative" else {}))
    for text in findings.load(store, queue="audit")["charge_stakes"]:
        for row in json.loads(text) if isinstance(text, str) else []:
            if row["charge_id"] in amounts:
                taken = max(parse_micros(row["amount"]), 0)
                amounts[row["charge_id"]] = max(amounts[row["charge_id"]] - taken, 0)
    settled = findings.settle(claimed, amounts)
    return [
        replace(item, charge_stakes={c: s for c, s in item.charge_stakes.items() if not c.startswith(_UNBILLED)})
        for item in settled
    ]


def _parts(
    item: Finding,
    stake: str,
    countries: tuple[str, ...],
    charges: pd.DataFrame | None,
    used: pd.DataFrame | None,
    amounts: dict[str, int],
) -> dict[str, int]:
    recurring, zones = CLAIMS[stake]
    parts: dict[str, int] = {}
    left = item.amount_at_stake
    usage_cost = 0
    if zones is None or zones:
        wanted = {} if used is None else _use_rows(used, zones, countries, talk=stake == "data_voice_cost")
        usage_cost = min(sum(wanted.values()), left)
        billed = {} if charges is None else _charge_rows(charges, zones, countries)
        taken = _take(billed, usage_cost, parts)
        amounts.update({name: billed[name] for name in parts if name in billed})
        if not billed:
            for (zone, country, kind), cost in wanted.items():
                name = f"{_UNBILLED}{item.service_id}:{item.month}:{zone}:{country}:{kind}"
                amounts[name] = cost
                parts[name] = cost
            taken = usage_cost
        left -= taken
    if recurring and left > 0:
        owed = item.amount_at_stake - usage_cost
        mrc = {} if charges is None else _mrc_rows(charges)
        if mrc:
            amounts.update(mrc)
            _take(mrc, owed, parts)
        elif owed > 0:
            name = f"{_UNBILLED}{item.service_id}:{item.month}:mrc"
            amounts[name] = owed
            parts[name] = owed
    return parts


def _item_parts(
    item: Finding, what: tuple[str, ...], charges: pd.DataFrame | None, amounts: dict[str, int]
) -> dict[str, int]:
    """The charges of the items that a hit names."""
    parts: dict[str, int] = {}
    if charges is None:
        return parts
    names = tuple(name.split(" (")[0] for name in what)
    rows = charges[(charges["category"] != "usage") & (charges["amount"] > 0)]
    code = rows["item_code"].fillna(rows["description"]).fillna(rows["category"])
    rows = rows[code.str.split(" (", regex=False).str[0].isin(names)]
    billed = {str(name): int(amount) for name, amount in zip(rows["charge_id"], rows["amount"], strict=True)}
    _take(billed, item.amount_at_stake, parts)
    amounts.update({name: billed[name] for name in parts})
    return parts


def _take(billed: dict[str, int], wanted: int, parts: dict[str, int]) -> int:
    taken = 0
    for name, amount in sorted(billed.items(), key=lambda pair: (-pair[1], pair[0])):
        part = min(amount, wanted - taken)
        if part > 0:
            parts[name] = part
            taken += part
    return taken


def _use_rows(
    used: pd.DataFrame, zones: tuple[str, ...] | None, countries: tuple[str, ...], *, talk: bool
) -> dict[tuple[str, str, str], int]:
    result: dict[tuple[str, str, str], int] = {}
    for zone, country, kind, cost in zip(
        used["zone"], used["country"].fillna(""), used["usage_type"].fillna(""), used["cost"], strict=True
    ):
        if (zones is not None and zone not in zones) or (talk and kind == "sms"):
            continue
        if countries and country and country not in countries:
            continue
        result[zone, country, kind] = result.get((zone, country, kind), 0) + int(cost)
    return result


def _charge_rows(charges: pd.DataFrame, zones: tuple[str, ...] | None, countries: tuple[str, ...]) -> dict[str, int]:
    rows = charges[(charges["category"] == "usage") & (charges["amount"] > 0)]
    if zones is not None:
        rows = rows[rows["zone"].isin(zones)]
    if countries:
        rows = rows[rows["country"].isna() | rows["country"].isin(countries)]
    return {str(name): int(amount) for name, amount in zip(rows["charge_id"], rows["amount"], strict=True)}


def _mrc_rows(charges: pd.DataFrame) -> dict[str, int]:
    rows = charges[(charges["category"] == "mrc") & (charges["amount"] > 0)]
    return {str(name): int(amount) for name, amount in zip(rows["charge_id"], rows["amount"], strict=True)}
