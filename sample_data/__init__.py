"""A seeded generator of one believable organization with planted, documented errors; it writes files only.

`generate(out)` writes `canonical/`, `verizon/` and `att/` (to be loaded), `truth/` (to be compared with) and
`decisions/` (what was disputed at the time).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sample_data import (
    billing,
    budgets,
    catalogue,
    contracts,
    draw,
    estate,
    oddities,
    people,
    plants,
    plants_more,
    records,
    settled,
    sites,
    truth,
    usage,
    writers_att,
    writers_canonical,
    writers_verizon,
)
from sample_data.world import World

SMALL = {"seed": 7, "services": 60, "months": 4}
LOADED = ("canonical", "verizon", "att")
#: Invoices as PDF with the template of each beside it, written by `sample_data.pdf_invoices`.
PDF = Path(__file__).resolve().parent / "pdf"


@dataclass(frozen=True)
class Summary:
    """Key figures of a generated organization, as printed by the command."""

    out: Path
    figures: dict[str, object]

    def __str__(self) -> str:
        return "\n".join(f"{name.replace('_', ' '):26s} {value}" for name, value in self.figures.items())


def build(seed: int = 7, services: int = 2500, months: int = 18, today: str = "2026-09-30") -> World:
    """The whole organization in memory, bills included. Raises ValueError for sizes too small to be one."""
    if services < 40 or months < 4:
        raise ValueError("the sample needs at least 40 services and 4 months")
    world = World(seed, services, draw.months_to(today[:7], months), today)
    sites.build(world)
    people.build(world)
    catalogue.build(world)
    contracts.build(world)
    estate.build(world)
    picker = plants.choose(world)
    chosen = oddities.choose(world, picker)
    oddities.plan_travel(world, chosen)
    estate.settle(world)
    records.features(world)
    usage.build(world)
    oddities.apply(world, chosen)
    usage.price_overage(world)
    billing.build(world)
    plants_more.invoices(world)
    billing.number_charges(world)
    budgets.build(world)
    settled.items(world)
    world.truth = truth.collect(world)
    world.summary = truth.summarize(world)
    return world


def generate(out: Path, seed: int = 7, services: int = 2500, months: int = 18, today: str = "2026-09-30") -> Summary:
    """Write the organization below `out`; the same arguments give the same bytes.

    Folders of an earlier run below `out` are replaced. Raises ValueError for sizes too small, OSError where `out`
    cannot be written.
    """
    world = build(seed, services, months, today)
    out = Path(out)
    for name in (*LOADED, "truth", "decisions"):
        if (out / name).exists():
            shutil.rmtree(out / name)
    people.write_tables(world)
    records.write_tables(world)
    writers_canonical.write(world, out / "canonical")
    writers_verizon.write(world, out / "verizon")
    writers_att.write(world, out / "att")
    truth.write(world, out / "truth")
    settled.write(world, out / "decisions")
    return Summary(out, world.summary)
