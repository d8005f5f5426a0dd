"""The truth table: what each planted thing should be found as, and what follows from the rules' exact conditions.

Zero use and the policy hits are derived here from the finished world by the words of `interfaces.md` section 5, so that
overlaps (a leaver's silent line is also a zero-use line) are listed too.
"""

from __future__ import annotations

from pathlib import Path

from sample_data import draw, usage
from sample_data.catalogue_data import ITEMS
from sample_data.truth_readme import README
from sample_data.world import Charge, Invoice, Service, World
from sample_data.writers_canonical import write_rows

# fmt: off
COLUMNS = [
    "plant_id", "queue", "rule", "kind", "subject_type", "subject_id", "service_id", "account_id", "invoice",
    "month", "amount", "currency", "note", "charge_id", "billed_number",
]
# fmt: on
ON_SERVICE = {"I4", "I5", "I6", "I8", "R4"}
RUNNING = {"mrc", "usage", "occ", "surcharge", "third_party"}
EXEMPT = {"standby", "emergency", "backup"}


def collect(world: World) -> list[dict[str, object]]:
    """All expected findings, sorted; amounts in cents."""
    rows = list(world.expected)
    bills = _Bills(world)
    for invoice in world.invoices:
        for charge in invoice.charges:
            rows += [
                _of_service(bills, invoice, charge, item)
                if item["rule"] in ON_SERVICE
                else _of_charge(world, invoice, charge, item)
                for item in charge.truths
            ]
            rows += _premium_charge(world, invoice, charge)
    for service in world.services.values():
        rows += _zero_use(world, service, bills)
        rows += _policy(world, service)
    rows += _pools(world)
    return sorted(
        rows,
        key=lambda r: (
            str(r["queue"]),
            str(r["rule"]),
            str(r["plant_id"]),
            str(r["month"]),
            str(r["subject_id"]),
            str(r.get("charge_id", "")),
        ),
    )


def write(world: World, folder: Path) -> None:
    """Write planted.csv and its README."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{**row, "amount": draw.money(int(str(row["amount"])))} for row in world.truth]
    write_rows(folder / "planted.csv", COLUMNS, rows)
    (folder / "README.md").write_text(README, encoding="utf-8")


class _Bills:
    """Positive charges by service and month, without invoices that repeat another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.charges: dict[tuple[str, str], list[Charge]] = {}
        for invoice in world.invoices:
            if not invoice.invoice_id.endswith("-R"):
                for charge in invoice.charges:
                    if charge.amount > 0:
                        self.charges.setdefault((charge.service_id, charge.period_start[:7]), []).append(charge)

    def amount(self, service_id: str, month: str, categories: set[str]) -> int:
        """Sum over the categories."""
        return sum(c.amount for c in self.charges.get((service_id, month), []) if c.category in categories)


def _of_service(bills: _Bills, invoice: Invoice, charge: Charge, item: dict[str, object]) -> dict[str, object]:
    """A service that should be gone costs everything it is billed in the month."""
    month = charge.period_start[:7]
    wanted = {"mrc"} if item["rule"] == "I8" else RUNNING
    return {
        **_of_charge(bills.world, invoice, charge, item),
        "subject_type": "service",
        "subject_id": charge.service_id,
        "charge_id": "",
        "amount": item["amount"] if item["rule"] == "R4" else bills.amount(charge.service_id, month, wanted),
    }


def _row(
    world: World, service: Service, queue: str, rule: str, kind: str, month: str, amount: int, note: str = ""
) -> dict[str, object]:
    return {
        "plant_id": service.plant or "accidental",
        "queue": queue,
        "rule": rule,
        "kind": kind,
        "subject_type": "service",
        "subject_id": service.service_id,
        "service_id": service.service_id,
        "account_id": service.now.account_id,
        "invoice": "",
        "month": month,
        "amount": amount,
        "currency": usage.currency_of(world, service),
        "note": note,
    }


def _of_charge(world: World, invoice: Invoice, charge: Charge, item: dict[str, object]) -> dict[str, object]:
    account = world.accounts[invoice.account_id]
    in_files = account["carrier_id"] in {"verizon", "att"}
    return {
        "queue": "audit",
        **item,
        "subject_id": "" if in_files else charge.charge_id,
        "charge_id": "" if in_files else charge.charge_id,
        "service_id": charge.service_id,
        "account_id": invoice.account_id,
        "invoice": "" if account["carrier_id"] == "att" else invoice.number,
        "month": charge.period_start[:7],
        "currency": account["currency"],
        "billed_number": charge.billed_number,
    }


def _premium_charge(world: World, invoice: Invoice, charge: Charge) -> list[dict[str, object]]:
    if charge.zone != "premium" or charge.category != "usage":
        return []
    plant = world.services[charge.service_id].plant
    return [
        _of_charge(
            world,
            invoice,
            charge,
            {
                "plant_id": plant,
                "rule": "U7",
                "kind": "premium",
                "amount": charge.amount,
                "subject_type": "charge",
                "note": "",
            },
        )
    ]


def quantity(world: World, service: Service, month: str) -> float:
    """All use of a service in a month, whatever its type."""
    return sum(use.quantity for use in world.usage.get((service.service_id, month), []))


def _zero_use(world: World, service: Service, bills: _Bills) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    if service.kind not in {"mobile", "iot"} or service.purpose in EXEMPT:
        return rows
    for before, month in zip(world.months, world.months[1:], strict=False):
        whole = all(service.active_whole(draw.day(m, 1), draw.last_day(m)) for m in (before, month))
        if whole and not quantity(world, service, before) and not quantity(world, service, month):
            state = service.state(draw.last_day(month))
            assert state is not None
            if service.device_kind in {"phone", "tablet", "hotspot"}:
                rows.append(
                    _row(
                        world,
                        service,
                        "audit",
                        "U1",
                        "zero_use",
                        month,
                        bills.amount(service.service_id, month, {"mrc"}),
                    )
                )
            rows.append(
                _row(
                    world, service, "policy", "zero_use", "zero_use", month, int(str(world.plans[state.plan_id]["mrc"]))
                )
            )
    return rows


def _pools(world: World) -> list[dict[str, object]]:
    """Pools filled below half or beyond their allowance: only in small organizations, where few lines share one."""
    pools: dict[tuple[str, str, str], list[float]] = {}
    for service in world.services.values():
        for month in world.months:
            state = service.state(draw.last_day(month)) or service.now
            begun = service.activated_on <= draw.last_day(month)
            gone = bool(service.disconnected_on) and service.disconnected_on < draw.day(month, 1)
            plan = world.plans.get(state.plan_id)
            if plan is None or not plan["pool_group"] or not begun or gone:
                continue
            pool = pools.setdefault((state.account_id, str(plan["pool_group"]), month), [0.0, 0.0])
            pool[0] += float(str(plan["data_mb"]))
            uses = world.usage.get((service.service_id, month), [])
            pool[1] += sum(u.quantity for u in uses if u.usage_type == "data" and u.zone == "home")
    rows: list[dict[str, object]] = []
    for (account, group, month), (size, used) in pools.items():
        if not 0.5 * size <= used <= size:
            rows.append(
                {
                    "plant_id": f"pool-{group}",
                    "queue": "audit",
                    "rule": "U6",
                    "kind": "pool_fill",
                    "subject_type": "account",
                    "subject_id": account,
                    "service_id": "",
                    "account_id": account,
                    "invoice": "",
                    "month": month,
                    "amount": 0,
                    "currency": world.accounts[account]["currency"],
                    "note": f"{used / size:.0%} used",
                }
            )
    return rows


def _policy(world: World, service: Service) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    countries = {code: str(c) for code, _, _, nature, _, _, _, c, *_ in ITEMS if nature == "roaming_pack"}
    for month in world.months:
        uses = world.usage.get((service.service_id, month), [])
        _, span = usage.active_share(service, month)
        if span is None or not uses:
            continue
        holder = world.employees.get(span.employee_id)
        cost = sum(use.cost for use in uses)
        if holder and holder.left_on and holder.left_on[:7] < month and quantity(world, service, month):
            mrc = int(str(world.plans[span.plan_id]["mrc"])) if span.plan_id else 0
            rows.append(_row(world, service, "policy", "use_after_leaving", "use_after_leaving", month, mrc + cost))
        premium = sum(use.cost for use in uses if use.zone == "premium")
        if premium:
            rows.append(_row(world, service, "policy", "premium_use", "premium", month, premium))
        roaming = [use for use in uses if use.zone == "roaming"]
        covered = str(world.plans[span.plan_id]["roaming_countries"]).split("|") if span.plan_id else []
        packs = service.quirks.get("packs", {})
        assert isinstance(packs, dict)
        covered += [c for when, code in packs if when == month for c in countries[code].split("|")]
        bare = sum(u.cost for u in roaming if u.country not in covered and "*" not in covered)
        if bare:
            rows.append(_row(world, service, "policy", "roam_no_bundle", "roaming_unbundled", month, bare))
        trips = {
            c
            for c, first, last in (holder.travels if holder else [])
            if first <= draw.last_day(month) and last >= draw.day(month, 1)
        }
        alone = [u for u in roaming if u.country not in trips]
        if alone:
            rows.append(
                _row(world, service, "policy", "roam_no_travel", "roaming_no_travel", month, sum(u.cost for u in alone))
            )
    return rows


def summarize(world: World) -> dict[str, object]:
    """Key figures: spend, unused capacity, share of spend touched by billing errors."""
    to_usd = {"USD": 1.0, "EUR": 1.08, "GBP": 1.27}
    spend = touched = 0.0
    for invoice in world.invoices:
        factor = to_usd[str(world.accounts[invoice.account_id]["currency"])]
        spend += invoice.total * factor
        errors = {str(item["rule"]) for charge in invoice.charges for item in charge.truths}
        touched += factor * sum(abs(c.amount) for c in invoice.charges if c.truths)
        if any(row["rule"] == "C1" and row["invoice"] == invoice.number for row in world.expected):
            touched += factor * invoice.total
        elif "C7" in errors:
            touched += 0
    bought = used = 0.0
    for (service_id, month), uses in world.usage.items():
        service = world.services[service_id]
        _, span = usage.active_share(service, month)
        size = world.plans[span.plan_id]["data_mb"] if span and span.plan_id else None
        if size:
            bought += float(str(size))
            used += min(float(str(size)), sum(u.quantity for u in uses if u.usage_type == "data" and u.zone == "home"))
    for service in world.services.values():
        silent = service.quirks.get("silent", ())
        assert isinstance(silent, tuple)
        if service.now.plan_id and world.plans[service.now.plan_id]["data_mb"]:
            bought += len(silent) * float(str(world.plans[service.now.plan_id]["data_mb"]))
    months = len(world.months)
    return {
        "services": len(world.services),
        "employees": len(world.employees),
        "months": months,
        "invoices": len(world.invoices),
        "charges": sum(len(i.charges) for i in world.invoices),
        "usage_rows": sum(map(len, world.usage.values())),
        "events": len(world.events),
        "spend_per_month_usd": round(spend / 100 / months),
        "unused_capacity": round(1 - used / bought, 4),
        "spend_touched_by_errors": round(touched / spend, 4),
        "truth_rows": len(world.truth),
        "plants": len({row["plant_id"] for row in world.truth}),
    }
