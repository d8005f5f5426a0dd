"""Recall and precision of the audit rules, in counts and in money, against the truth table of the sample enterprise."""

from __future__ import annotations

import csv
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import audit
import sample_data
from benchmarks import Row
from core.findings import Finding
from core.money import SCALE, parse_micros
from core.store import Store
from loaders import load_paths

TITLE = "Audit rules against the sample's truth table"

#: Rules whose every hit on the sample stands in its truth table; the others describe, they do not accuse.
PLANTED = (
    *("R1", "R2", "R3", "R4", "R6", "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "U1", "U5", "U7"),
    *("C1", "C2", "C3", "C5", "C7", "C9", "C11", "C12", "C14"),
)
Key = tuple[str, str, str]


@dataclass
class Score:
    """What one rule should find and what it found: (subject, month) -> micros."""

    rule: str
    wanted: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    found: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    @property
    def hits(self) -> set[tuple[str, str]]:
        """What was wanted and found, with the same money to the cent."""
        return {key for key, amount in self.wanted.items() if self.found.get(key) == amount}

    @property
    def missed(self) -> dict[tuple[str, str], int]:
        """Wanted, but not found or with other money."""
        return {key: amount for key, amount in self.wanted.items() if key not in self.hits}

    @property
    def false(self) -> dict[tuple[str, str], int]:
        """Found, but not wanted or with other money."""
        return {key: amount for key, amount in self.found.items() if key not in self.hits}


def truth(folder: Path) -> list[dict[str, str]]:
    """The rows of the audit queue of the truth table."""
    with (folder / "truth" / "planted.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["queue"] == "audit"]


def compare(found: list[Finding], rows: list[dict[str, str]], numbers: dict[str, str]) -> dict[str, Score]:
    """Scores by rule; findings and truth meet at (service, else number, else invoice or account; month).

    `numbers` gives the billed number of a charge whose service is unknown.
    """
    scores = {rule: Score(rule) for rule in PLANTED}
    for row in rows:
        score = scores.setdefault(row["rule"], Score(row["rule"]))
        whole = row["subject_id"] if row["subject_type"] == "invoice" else row["account_id"]
        subject = row["service_id"] or plain(row["billed_number"]) or whole
        score.wanted[subject, row["month"]] += parse_micros(row["amount"])
    for item in found:
        if item.rule not in scores:
            continue
        subject = item.service_id or plain(numbers.get(item.subject_id, ""))
        subject = subject or (item.subject_id if item.subject_type == "invoice" else item.account_id) or item.subject_id
        scores[item.rule].found[subject, item.month] += item.amount_at_stake
    return scores


def plain(number: str) -> str:
    """A number as its digits and letters: carriers print it with their own dashes."""
    return "".join(c for c in number if c.isalnum())


def billed_numbers(store: Store) -> dict[str, str]:
    """The number printed on charges that belong to no known service."""
    charges = store.frame("charges", ("charge_id", "service_id", "billed_number"))
    loose = charges[charges["service_id"].isna() & charges["billed_number"].notna()]
    return dict(zip(loose["charge_id"], loose["billed_number"], strict=True))


def measure(folder: Path, services: int, months: int) -> tuple[dict[str, Score], float, int]:
    """Generate, load, audit; returns the scores by rule, the seconds of the audit and the number of charges."""
    sample_data.generate(folder, services=services, months=months)
    store = Store.open(f"sqlite:///{folder / 'tem.db'}")
    try:
        load_paths(store, [folder / name for name in sample_data.LOADED])
        start = time.perf_counter()
        found = audit.run(store)
        seconds = time.perf_counter() - start
        return compare(found, truth(folder), billed_numbers(store)), seconds, store.count("charges")
    finally:
        store.close()


def run(smoke: bool) -> list[Row]:
    """One row per rule, then the totals and the time."""
    with tempfile.TemporaryDirectory() as folder:
        scores, seconds, charges = measure(Path(folder), 150 if smoke else 2500, 6 if smoke else 18)
    rows = []
    for rule in PLANTED:
        score = scores[rule]
        wanted, found, hits = len(score.wanted), len(score.found), len(score.hits)
        money = sum(abs(score.wanted[key]) for key in score.hits) // SCALE
        rows.append(
            Row(
                what=rule,
                value=f"recall {_share(hits, wanted)}, precision {_share(hits, found)}",
                against=f"{hits} of {wanted} planted, {found} found, {money} in money exact",
                bar="1.000 and 1.000",
            )
        )
    total = [sum(len(getattr(scores[r], name)) for r in PLANTED) for name in ("hits", "wanted", "found")]
    rows.append(
        Row("all", f"recall {_share(total[0], total[1])}, precision {_share(total[0], total[2])}", str(total), "1.000")
    )
    rows.append(Row("seconds", f"{seconds:.1f}", f"{charges} charges", "20"))
    return rows


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"
