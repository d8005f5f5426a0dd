"""`tem demo`: the sample enterprise in a fresh store, every analysis run, the dashboard on it."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.output import say

if TYPE_CHECKING:
    from core.store import Store

_MOBILE: dict[str, Any] = {
    "currency": "USD",
    "services": {"kind": ["mobile"]},
    "change_fee": 2,
    "porting_fee": 25,
    "horizon_months": 24,
    "min_saving_per_change": 1,
    "gap": 0.001,
}
#: What the demo optimizes: all that pays, the changes that pay most, and the rival's offer.
SCENARIOS: tuple[dict[str, Any], ...] = (
    {"name": "Every change that pays", **_MOBILE},
    {"name": "The best 200 changes", **_MOBILE, "max_changes": 200},
    {"name": "With T-Mobile's offer", **_MOBILE, "offers": ["TMO-2026-RFP"]},
)
#: The bids that the demo compares, with what counts beside cost.
BIDS: dict[str, Any] = {
    **{"name": "Bids", "currency": "USD", "services": {"kind": ["mobile"]}, "change_fee": 2, "porting_fee": 25},
    **{"overlap_months": 1, "horizon_months": 36, "gap": 0.001, "offers": ["ATT-2026-RFP", "TMO-2026-RFP"]},
    "comparison": {
        "discount_rate": 0.08,
        "cost_weight": 60,
        "criteria": {
            "Coverage": {"weight": 20, "scores": {"ATT-2026-RFP": 9, "TMO-2026-RFP": 7}},
            "Service levels": {"weight": 10, "scores": {"ATT-2026-RFP": 7, "TMO-2026-RFP": 6}},
            "Transition risk": {"weight": 10, "scores": {"ATT-2026-RFP": 8, "TMO-2026-RFP": 4}},
        },
    },
}


#: Seconds for each scenario, which ends when its gap is met: in about 5 on a free machine.
TIME_LIMIT = 120


@contextmanager
def _step(text: str) -> Iterator[Callable[[str], None]]:
    begun = time.monotonic()
    told = [""]
    yield lambda more: told.__setitem__(0, more)
    say(f"  {text:<34} {time.monotonic() - begun:6.1f} s   {told[0]}")


def build(
    url: str,
    folder: Path,
    *,
    services: int = 2500,
    months: int = 18,
    scenarios: Sequence[dict[str, Any]] = SCENARIOS,
    time_limit: float = TIME_LIMIT,
    compare: bool = True,
) -> None:
    """Generate the sample below `folder`, load it into the store at `url` and run every analysis.

    Shared with the browser tests, which build a small one; without `compare` the bids are left to be compared.
    """
    from app import jobs
    from audit.savings import freeze
    from core.store import Store
    from loaders import load_paths, teach
    from sample_data import LOADED, PDF, generate

    class Quiet:
        def say(self, *_: Any, **__: Any) -> None: ...

        def cancelled(self) -> bool:
            return False

    quiet: Any = Quiet()
    with _step("generate the sample enterprise") as tell:
        summary = generate(folder, services=services, months=months)
        tell(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in list(summary.figures.items())[:3]))
    store = Store.open(url)
    with _step("load bills, usage and inventory") as tell:
        report = load_paths(store, [folder / name for name in LOADED])
        rows = sum(file.rows_loaded for file in report.files)
        bills = [bill for file in report.files for bill in file.invoices]
        tell(f"{rows:,} rows, {sum(b.balanced for b in bills):,} of {len(bills):,} invoices balanced")
    for template in sorted(PDF.glob("*.yaml")):
        teach.save(store, template.read_text(encoding="utf-8"), template.name)
    with _step("audit the bills") as tell:
        tell(_counts(jobs.audit(store, {}, quiet)))
    with _step("flag policy hits, anomalies, moves of spend and early warnings") as tell:
        tell(_counts(jobs.flag(store, {}, quiet) | jobs.watch(store, {}, quiet)))
    freeze(store)
    with _step("enter what was decided in the past") as tell:
        filed, ended = _decide(store, folder / "decisions")
        tell(f"{filed:,} disputes filed, {ended:,} lines cancelled")
    for scenario in scenarios:
        with _step(f"optimize: {scenario['name'].lower()}") as tell:
            result = jobs.optimize(store, {"scenario": scenario, "time_limit": time_limit}, quiet)
            tell(f"{result['status']}, saves {float(result['saving'] or 0):,.2f} a month")
    if compare:
        with _step("compare the bids") as tell:
            tell(_bids(store))
    store.close()


def _bids(store: Store) -> str:
    """Keep the comparison of the two bids and work it out; says what to do."""
    from app import jobs
    from app.views import bids, studio
    from app.views.selection import Filters
    from core import jobs as work
    from core.queries import app as queries

    queries.save_scenario(store, bids.SAVED, "Bids", studio.yaml_text(BIDS))
    asked = bids.view(store, Filters()).asked
    work.enqueue(store, "worth", {"scenario": asked, "studies": ["bids"], "time_limit": 8})
    work.run_one(store, jobs.REGISTRY)
    found = bids.view(store, Filters())
    return f"{found.title[:1].lower()}{found.title[1:]}"


def _decide(store: Store, folder: Path) -> tuple[int, int]:
    """Enter what the organization did at the time: disputes, each on its day, and lines cancelled for want of use.

    The bills that follow prove what came of it, as they do for any user.
    """
    from audit import disputes
    from core import findings
    from core.queries import workflow

    stored = findings.load(store)
    stored = stored[stored["queue"] == "audit"]
    found = stored.set_index(["rule", "service_id", "month"])["finding_id"].to_dict()
    by_day: dict[str, list[str]] = {}
    refused: dict[str, str] = {}
    for row in _rows(folder / "disputes.csv"):
        key = found.get((row["rule"], row["service_id"], row["month"]))
        if key is not None:
            by_day.setdefault(row["filed_on"], []).append(key)
            if row["declined_on"]:
                refused[key] = row["declined_on"]
    filed = [item for day, keys in sorted(by_day.items()) for item in disputes.file(store, keys, day)]
    for item in filed:
        days = [refused[key] for key in item.finding_ids if key in refused]
        if days:
            disputes.set_state(store, item.dispute_id, "declined", max(days))
    disputes.settle(store, workflow.today(store))
    cancelled = {row["service_id"] for row in _rows(folder / "cancelled.csv")}
    ended = stored[(stored["rule"] == "U1") & stored["service_id"].isin(cancelled)]
    if len(ended):
        findings.set_state(store, list(ended["finding_id"]), "implemented", reason="nobody used it: line cancelled")
    return len(filed), ended["service_id"].nunique()


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _counts(found: dict[str, Any]) -> str:
    return ", ".join(f"{counts['new'] + counts['known']:,} {name}" for name, counts in found.items())


def demo(
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Build everything, open no dashboard.")] = False,
    port: Annotated[int, typer.Option(help="Port of the dashboard.", min=1, max=65535)] = 8501,
) -> None:
    """Build the sample enterprise in var/demo.db, run all analyses, open the dashboard on http://localhost:8501."""
    from app import server
    from core.issues import BadInput, Issue
    from core.settings import settings

    if not no_serve and not server.free(port):
        raise BadInput(Issue(field="--port", found=str(port), expected="a free port; something listens there already"))
    folder = Path("var").resolve()
    folder.mkdir(exist_ok=True)
    target = folder / "demo.db"
    for end in ("", "-wal", "-shm"):
        Path(f"{target}{end}").unlink(missing_ok=True)
    url = f"sqlite:///{target}"
    say(f"building the sample enterprise in {target.relative_to(Path.cwd())}")
    begun = time.monotonic()
    build(url, folder / "sample")
    say(f"ready after {time.monotonic() - begun:.0f} s")
    os.environ["TEM_STORE_URL"] = url
    settings.cache_clear()
    if not no_serve:
        server.serve(port)


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(demo)
