"""Bucket plans of a scenario: allowance that is bought for a whole pool, in steps (50, 85 or 150 GB, say).

A bucket brings its allowance to its pool and costs its MRC in every month of the range, whoever is in the pool then.
How many are bought is a decision of the pool, beside the plans of its members; a pool that nobody is in buys none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Any, Protocol

from core.issues import Issue

STEPS: dict[str, str] = {
    "one": "a pool has buckets of one size at most (stair-step)",
    "any": "a pool may combine sizes",
}
_KINDS = ("data", "voice")
_REQUIRED = ("bucket_id", "carrier_id", "pool_group", "allowance", "mrc")
_KNOWN = (*_REQUIRED, "kind", "max_per_pool", "offer_id", "today")
_MOST, _COMBINATIONS = 999, 2_000


@dataclass(frozen=True)
class Bucket:
    """One size of bucket: `allowance` a month (millionths of MB or minutes), `mrc` a month (millionths).

    `today`: how many each account has of it now. One of an offer can be bought where the scenario lists the offer;
    what an account has it may keep.
    """

    bucket_id: str
    carrier_id: str
    pool_group: str
    allowance: int
    mrc: int
    kind: str = "data"
    max_per_pool: int = 1
    offer_id: str | None = None
    today: Mapping[str, int] = field(default_factory=dict)

    @property
    def pools(self) -> tuple[str, str, str]:
        """Kind, carrier and group of the pools it serves, one per account."""
        return self.kind, self.carrier_id, self.pool_group

    def most(self, account_id: str, offers: Sequence[str]) -> int:
        """How many of it the pool of an account may have."""
        listed = self.offer_id is None or self.offer_id in offers
        return self.max_per_pool if listed else self.today.get(account_id, 0)


def most_brought(sizes: Iterable[tuple[int, int]], *, one: bool) -> int:
    """The most allowance that sizes, each with how many there may be, can bring together; with `one`, of one size."""
    brought = [allowance * most for allowance, most in sizes]
    return max(brought, default=0) if one else sum(brought)


def combinations(most: Sequence[int], *, one: bool) -> list[tuple[int, ...]]:
    """Every combination of counts a pool may have, given how many of each size; with `one`, of one size at most."""
    if not one:
        return list(product(*(range(m + 1) for m in most)))
    none = (0,) * len(most)
    return [none, *((*none[:b], n, *none[b + 1 :]) for b, m in enumerate(most) for n in range(1, m + 1))]


class Reader(Protocol):
    """What converts values of a scenario and collects what is wrong with them."""

    file: str | None
    issues: list[Issue]

    def bad(self, key: str, found: object, expected: str, hint: str | None = None) -> None: ...

    def text(self, key: str, value: Any) -> str | None: ...

    def whole(self, key: str, value: Any, low: int) -> int | None: ...

    def micros(self, key: str, value: Any, low: int = 0) -> int | None: ...


def read_buckets(reader: Reader, value: Any) -> tuple[Bucket, ...]:
    """The buckets of the scenario's key `buckets`; problems go to the reader."""
    if not isinstance(value, list | tuple):
        reader.bad("buckets", value, "a list of buckets, each with " + ", ".join(_REQUIRED))
        return ()
    found: dict[str, Bucket] = {}
    for number, row in enumerate(value, start=1):
        bucket = _bucket(reader, f"buckets.{number}", row)
        if bucket is None:
            continue
        if bucket.bucket_id in found:
            reader.bad(f"buckets.{number}.bucket_id", bucket.bucket_id, "an id of its own")
        found[bucket.bucket_id] = bucket
    return tuple(found.values())


def _bucket(reader: Reader, key: str, row: Any) -> Bucket | None:
    if not isinstance(row, Mapping):
        reader.bad(key, row, "a bucket with " + ", ".join(_REQUIRED))
        return None
    before = len(reader.issues)
    for name in row:
        if name not in _KNOWN:
            hint = "known: " + ", ".join(_KNOWN)
            reader.issues.append(Issue(file=reader.file, field=f"{key}.{name}", message="unknown key", hint=hint))
    got = {name: row[name] for name in _KNOWN if row.get(name) not in (None, "", "~", "null")}
    for name in _REQUIRED:
        if name not in got:
            reader.issues.append(Issue(file=reader.file, field=f"{key}.{name}", message="missing"))
    texts = {
        name: reader.text(f"{key}.{name}", got[name]) or ""
        for name in ("bucket_id", "carrier_id", "pool_group", "kind", "offer_id")
        if name in got
    }
    if texts.get("kind", "data") not in _KINDS:
        reader.bad(f"{key}.kind", texts["kind"], " or ".join(_KINDS))
    allowance = reader.micros(f"{key}.allowance", got["allowance"], low=1) if "allowance" in got else 0
    mrc = reader.micros(f"{key}.mrc", got["mrc"]) if "mrc" in got else 0
    most = reader.whole(f"{key}.max_per_pool", got["max_per_pool"], 1) if "max_per_pool" in got else 1
    today: dict[str, int] = {}
    held = got.get("today", {})
    if isinstance(held, Mapping):
        for account, count in held.items():
            many = reader.whole(f"{key}.today.{account}", count, 0)
            if many is not None and most is not None and many > most:
                reader.bad(f"{key}.today.{account}", many, f"at most max_per_pool {most}")
            today[str(account).strip()] = many or 0
    else:
        reader.bad(f"{key}.today", held, "{account_id: count}")
    if most is not None and most > _MOST:
        reader.bad(f"{key}.max_per_pool", most, f"a whole number from 1 to {_MOST}")
    if len(reader.issues) > before:
        return None
    return Bucket(**texts, allowance=allowance or 0, mrc=mrc or 0, max_per_pool=most or 1, today=today)


def contradictions(buckets: Iterable[Bucket], steps: str, file: str | None) -> list[Issue]:
    """What buckets of the same pools contradict each other in."""
    by_pools: dict[tuple[str, str, str], list[Bucket]] = defaultdict(list)
    for bucket in buckets:
        by_pools[bucket.pools].append(bucket)
    issues = []
    for (kind, carrier, group), mine in by_pools.items():
        where = f"{kind} pools {group} of {carrier}"
        many = prod(b.max_per_pool + 1 for b in mine)
        if steps == "any" and many > _COMBINATIONS:
            said = f"{where}: more than {_COMBINATIONS:,} combinations of counts"
            issues.append(Issue(file=file, field="buckets", found=f"{many:,}", message=said, hint="lower max_per_pool"))
        for account in dict.fromkeys(a for b in mine for a in b.today):
            held = [b.bucket_id for b in mine if b.today.get(account)]
            if steps == "one" and len(held) > 1:
                said = f"{where}: account {account} has several sizes today, bucket_steps allows one"
                issues.append(Issue(file=file, field="buckets", found=", ".join(held), message=said))
    return issues
