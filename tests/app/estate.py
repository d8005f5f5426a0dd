"""A small estate made by hand: two mobile carriers, a fixed one, eight lines, six months, findings, one result."""

from __future__ import annotations

import json
from typing import Any

from core import rollups
from core.findings import Finding, episode_id, save
from core.money import SCALE
from core.store import Store

MONTHS = ("2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09")


def _m(value: float) -> int:
    return round(value * SCALE)


PLANS: list[dict[str, Any]] = [
    {"plan_id": "v-10", "carrier_id": "verizon", "name": "Business 10 GB", "mrc": _m(60), "data_mb": _m(10240)},
    {"plan_id": "v-2", "carrier_id": "verizon", "name": "Business 2 GB", "mrc": _m(30), "data_mb": _m(2048)},
    {
        "plan_id": "v-pool",
        "carrier_id": "verizon",
        "name": "Pool 1 GB",
        "mrc": _m(20),
        "data_mb": _m(1024),
        "pool_group": "flex",
    },
    {"plan_id": "a-10", "carrier_id": "att", "name": "Mobile Select 10", "mrc": _m(55), "data_mb": _m(10240)},
    {
        "plan_id": "a-deal",
        "carrier_id": "att",
        "name": "Deal 8 GB",
        "mrc": _m(35),
        "data_mb": _m(8192),
        "offer_id": "att-2027",
    },
]
SERVICES = (
    ("s1", "mobile", "verizon", "ac-v", "c-v", "v-10", "e1", "5550001"),
    ("s2", "mobile", "verizon", "ac-v", "c-v", "v-10", "e2", "5550002"),
    ("s3", "mobile", "verizon", "ac-v", "c-v", "v-10", "e3", "5550003"),
    ("s4", "mobile", "verizon", "ac-v", "c-v", "v-2", "e4", "5550004"),
    ("s5", "mobile", "att", "ac-a", "c-a", "a-10", "e5", "5550005"),
    ("s6", "mobile", "att", "ac-a", "c-a", "a-10", "e6", "5550006"),
    ("s7", "iot", "att", "ac-a", "c-a", None, None, "5550007"),
    ("s8", "circuit", "colt", "ac-c", "c-c", None, None, "LON-77"),
)
RESULT: dict[str, Any] = {
    "scenario": {"name": "Right-size now", "months": {"from": "2026-04", "to": "2026-09"}},
    "status": "gap_met",
    "currency": "USD",
    "months": {"from": "2026-04", "to": "2026-09"},
    "services": 6,
    "certificate": {
        "cost": 268.5,
        "objective": 268.5,
        "bound": 268.48,
        "abs_gap": 0.02,
        "rel_gap": 0.0000745,
        "total_cost": 1611.0,
        "solver": "HiGHS",
        "solver_status": "Optimal",
        "versions": {"pulp": "3.3.2", "highspy": "1.15.1"},
        "seed": 7,
        "input_sha256": "ab" * 32,
        "seconds": 1.25,
    },
    "baseline_cost": 350.0,
    "saving": 81.5,
    "by_carrier": [
        {"carrier_id": "att", "lines": 2, "baseline_lines": 2, "baseline_cost": 110.0, "cost": 110.0},
        {"carrier_id": "verizon", "lines": 3, "baseline_lines": 4, "baseline_cost": 240.0, "cost": 158.5},
    ],
    "pools": [
        {
            "kind": "data",
            "account_id": "ac-v",
            "carrier_id": "verizon",
            "pool_group": "flex",
            "members": 2,
            "baseline_members": 0,
            "allowance": 2048.0,
            "used": 1843.2,
            "utilization": 0.9,
            "overage_cost": 0.0,
            "baseline_overage_cost": 0.0,
            "months": [],
        }
    ],
    "recommendations": [
        {
            "service_id": "s1",
            "current_plan_id": "v-10",
            "plan_id": "v-2",
            "current_carrier_id": "verizon",
            "carrier_id": "verizon",
            "action": "change_plan",
            "monthly_saving": 30.0,
            "reason": "Used 1.1 GB at most; the 10 GB plan is never needed.",
        },
        {
            "service_id": "s2",
            "current_plan_id": "v-10",
            "plan_id": None,
            "current_carrier_id": "verizon",
            "carrier_id": "verizon",
            "action": "suspend",
            "monthly_saving": 51.5,
            "reason": "No use in 6 months.",
        },
    ],
    "sensitivities": None,
    "infeasible": None,
}


def fill(store: Store, *, findings: bool = True, results: bool = True) -> Store:
    """Put the estate into an empty store."""
    tables: dict[str, list[dict[str, Any]]] = {
        "carriers": [
            {"carrier_id": "verizon", "name": "Verizon Wireless", "country": "US"},
            {"carrier_id": "att", "name": "AT&T Mobility", "country": "US"},
            {"carrier_id": "colt", "name": "Colt", "country": "GB"},
        ],
        "sites": [
            {"site_id": "nyc", "name": "New York", "country": "US"},
            {"site_id": "lon", "name": "London", "country": "GB"},
        ],
        "cost_centers": [
            {"cost_center_id": "cc1", "name": "Sales", "owner": "Ann Lee", "business_unit": "Commercial"},
            {"cost_center_id": "cc2", "name": "Field service", "owner": "Bo Diaz", "business_unit": "Operations"},
        ],
        "employees": [
            {
                "employee_id": f"e{n}",
                "name": f"Employee {n}",
                "cost_center_id": "cc1" if n < 4 else "cc2",
                "site_id": "nyc",
                "status": "left" if n == 3 else "active",
                "left_on": "2026-06-15" if n == 3 else None,
                "role": "rep",
            }
            for n in range(1, 7)
        ],
        "accounts": [
            {
                "account_id": "ac-v",
                "carrier_id": "verizon",
                "number": "100-200",
                "name": "US mobile",
                "currency": "USD",
            },
            {"account_id": "ac-a", "carrier_id": "att", "number": "287001", "name": "US mobile 2", "currency": "USD"},
            {"account_id": "ac-c", "carrier_id": "colt", "number": "C-9", "name": "London WAN", "currency": "GBP"},
        ],
        "contracts": [
            {
                "contract_id": "c-v",
                "carrier_id": "verizon",
                "name": "Verizon MSA",
                "currency": "USD",
                "start_date": "2024-01-01",
                "initial_term_months": 36,
                "renewal_term_months": 12,
                "renewal_type": "tacit",
                "notice_days": 60,
                "commitment_amount": _m(3600),
                "commitment_period": "year",
                "commitment_basis": "gross",
                "shortfall_rate": _m(1),
                "etf_rule": "months_left_mrc",
                "etf_amount": _m(0.5),
                "dispute_window_days": 90,
                "withhold_window_days": 30,
            },
            {
                "contract_id": "c-a",
                "carrier_id": "att",
                "name": "AT&T Mobility",
                "currency": "USD",
                "start_date": "2025-03-01",
                "initial_term_months": 24,
                "renewal_type": "month_to_month",
                "notice_days": 30,
                "etf_rule": "fixed",
                "etf_amount": _m(150),
            },
            {
                "contract_id": "c-c",
                "carrier_id": "colt",
                "name": "Colt MPLS",
                "currency": "GBP",
                "start_date": "2023-11-01",
                "initial_term_months": 36,
                "renewal_term_months": 12,
                "renewal_type": "tacit",
                "notice_months": 3,
            },
        ],
        "contract_tiers": [
            {
                "contract_id": "c-v",
                "spend_from": 0,
                "discount_rate": 0,
                "mode": "all_units",
                "period": "month",
                "item_code": "VDISC",
            },
            {
                "contract_id": "c-v",
                "spend_from": _m(200),
                "discount_rate": _m(0.05),
                "mode": "all_units",
                "period": "month",
                "item_code": "VDISC",
            },
        ],
        "contract_rates": [
            {
                "contract_id": "c-v",
                "item_code": "v-10",
                "description": "10 GB plan",
                "category": "mrc",
                "rate": _m(60),
                "list_rate": _m(75),
                "unit": "line",
            },
            {
                "contract_id": "c-c",
                "item_code": "ACC",
                "description": "Access 1 Gbit/s",
                "category": "mrc",
                "rate": _m(900),
                "unit": "circuit",
            },
        ],
        "plans": [
            {
                "service_kind": "mobile",
                "currency": "USD",
                "data_overage_price": _m(10),
                "data_overage_block_mb": _m(1024),
                **plan,
            }
            for plan in PLANS
        ],
        "items": [
            {
                "carrier_id": "verizon",
                "item_code": "v-10",
                "description": "10 GB plan",
                "category": "mrc",
                "nature": "access",
            }
        ],
        "services": [
            {
                "service_id": s,
                "kind": kind,
                "carrier_id": carrier,
                "account_id": account,
                "contract_id": contract,
                "plan_id": plan,
                "employee_id": person,
                "number": number,
                "status": "active",
                "activated_on": "2024-02-01",
                "site_id": "lon" if kind == "circuit" else "nyc",
                "device_kind": "phone" if kind == "mobile" else None,
                "term_end_on": "2026-12-31" if carrier == "verizon" else None,
            }
            for s, kind, carrier, account, contract, plan, person, number in SERVICES
        ],
        "fx_rates": [{"day": "2026-09-30", "from_currency": "GBP", "to_currency": "USD", "rate": _m(1.3)}],
    }
    price = {str(plan["plan_id"]): int(plan["mrc"]) for plan in PLANS}
    amounts = {
        s: price.get(str(plan), _m(12) if kind == "iot" else _m(950)) for s, kind, _, _, _, plan, _, _ in SERVICES
    }
    invoices, charges, usage = [], [], []
    for number, month in enumerate(MONTHS):
        for account in ("ac-v", "ac-a", "ac-c"):
            members = [row for row in SERVICES if row[3] == account]
            invoice = f"i-{account}-{month}"
            for service, kind, _, _, _, plan, _, phone in members:
                charges.append(
                    {
                        "charge_id": f"ch-{service}-{month}",
                        "invoice_id": invoice,
                        "service_id": service,
                        "billed_number": phone,
                        "category": "mrc",
                        "item_code": plan or ("ACC" if kind == "circuit" else "SIM"),
                        "description": "Monthly access",
                        "quantity": SCALE,
                        "unit_rate": amounts[service],
                        "amount": amounts[service],
                        "period_start": f"{month}-01",
                        "period_end": f"{month}-28",
                    }
                )
                if kind in {"mobile", "iot"} and service != "s2":
                    mb = 900 + 50 * number + (9000 if service == "s5" and month == "2026-09" else 0)
                    usage.append(
                        {
                            "service_id": service,
                            "month": month,
                            "usage_type": "data",
                            "zone": "home",
                            "quantity": _m(mb),
                            "unit": "MB",
                            "cost": 0,
                            "currency": "USD",
                        }
                    )
            if account == "ac-a":
                charges.append(
                    {
                        "charge_id": f"ch-roam-{month}",
                        "invoice_id": invoice,
                        "service_id": "s6",
                        "category": "usage",
                        "item_code": "ROAM",
                        "description": "Roaming data",
                        "zone": "roaming",
                        "country": "CH",
                        "amount": _m(18 + number),
                        "period_start": f"{month}-01",
                    }
                )
                usage.append(
                    {
                        "service_id": "s6",
                        "month": month,
                        "usage_type": "data",
                        "zone": "roaming",
                        "country": "CH",
                        "quantity": _m(40),
                        "unit": "MB",
                        "cost": _m(18 + number),
                        "currency": "USD",
                    }
                )
            total = sum(c["amount"] for c in charges if c["invoice_id"] == invoice)
            invoices.append(
                {
                    "invoice_id": invoice,
                    "account_id": account,
                    "number": f"{account}-{number}",
                    "kind": "invoice",
                    "issued_on": f"{month}-28",
                    "period_start": f"{month}-01",
                    "period_end": f"{month}-28",
                    "currency": "GBP" if account == "ac-c" else "USD",
                    "total": total,
                }
            )
    tables |= {"invoices": invoices, "charges": charges, "usage": usage}
    with store.transaction() as txn:
        for name, rows in tables.items():
            for row in rows:
                txn.append(name, [row])
        rollups.refresh(txn)
    if findings:
        add_findings(store)
    if results:
        add_result(store)
    return store


def add_findings(store: Store) -> None:
    """A circuit overcharged in every month (one episode), two months of zero use, an undercharge, policy, anomaly."""
    rate = [
        Finding(
            queue="audit",
            rule="R1",
            family="R1",
            kind="rate_change",
            subject_type="charge",
            subject_id=f"ch-s8-{month}",
            month=month,
            amount_at_stake=_m(50),
            amount_counted=_m(50),
            currency="GBP",
            service_id="s8",
            account_id="ac-c",
            carrier_id="colt",
            episode_id=episode_id("audit", "R1", "s8", "2026-04"),
            direction="over",
            claim="recoverable",
            severity="medium",
            expected={"value": "900.00", "low": None, "high": None, "unit": "GBP"},
            actual={"value": "950.00", "unit": "GBP"},
            evidence=[
                {
                    "table": "contract_rates",
                    "key": "c-c/ACC",
                    "month": month,
                    "field": "rate",
                    "value": "900.00",
                    "note": "Access 1 Gbit/s",
                },
                {
                    "table": "charges",
                    "key": f"ch-s8-{month}",
                    "month": month,
                    "field": "unit_rate",
                    "value": "950.00",
                    "note": "billed",
                },
            ],
            explanation="The circuit is billed at 950.00 GBP; the contract says 900.00 GBP.",
            invoice_ids=(f"i-ac-c-{month}",),
            charge_stakes={f"ch-s8-{month}": _m(50)},
            default_reason="Contract rate not applied",
            file_by="2026-12-27" if month == "2026-09" else "2026-10-10",
            withhold_by="2026-10-28" if month == "2026-09" else None,
        )
        for month in MONTHS
    ]
    unused = [
        Finding(
            queue="audit",
            rule="U1",
            family="U1",
            kind="zero_use",
            subject_type="service",
            subject_id="s2",
            month=month,
            amount_at_stake=_m(60),
            amount_counted=_m(60),
            currency="USD",
            service_id="s2",
            account_id="ac-v",
            carrier_id="verizon",
            episode_id=episode_id("audit", "U1", "s2", "2026-05"),
            direction="over",
            claim="avoidable",
            severity="medium",
            expected={"value": "1", "unit": "MB"},
            actual={"value": "0", "unit": "MB"},
            explanation="No use in two months running.",
            charge_stakes={f"ch-s2-{month}": _m(60)},
        )
        for month in MONTHS[1:]
    ]
    under = [
        Finding(
            queue="audit",
            rule="R1",
            family="R1",
            subject_type="charge",
            subject_id="ch-s4-2026-09",
            month="2026-09",
            amount_at_stake=-_m(5),
            amount_counted=-_m(5),
            currency="USD",
            service_id="s4",
            account_id="ac-v",
            carrier_id="verizon",
            direction="under",
            claim="informative",
            severity="info",
            explanation="Billed 5.00 USD below the contract.",
        )
    ]
    policy = [
        Finding(
            queue="policy",
            rule="roam_no_bundle",
            kind="roaming_unbundled",
            subject_type="service",
            subject_id="s6",
            month=month,
            amount_at_stake=_m(18 + n),
            currency="USD",
            service_id="s6",
            account_id="ac-a",
            carrier_id="att",
            direction="over",
            claim="avoidable",
            severity="low",
            score=2.5,
            explanation="Roaming in CH without a pack.",
            actual={"value": str(18 + n), "unit": "USD"},
        )
        for n, month in enumerate(MONTHS)
    ]
    odd = [
        Finding(
            queue="anomaly",
            rule="anomaly.line_month",
            kind="spike",
            subject_type="service",
            subject_id="s5",
            month="2026-09",
            amount_at_stake=0,
            currency="USD",
            service_id="s5",
            account_id="ac-a",
            carrier_id="att",
            severity="info",
            score=9.2,
            expected={"value": "1100", "low": "800", "high": "1500", "unit": "MB"},
            actual={"value": "10150", "unit": "MB"},
            evidence=[
                {
                    "table": "usage",
                    "key": "s5",
                    "month": "2026-09",
                    "field": "data_mb",
                    "value": "10150",
                    "note": "9 times its own median; peers 1050",
                }
            ],
            explanation="Data use is nine times the line's own median.",
            history_months=5,
        )
    ]
    save(store, rate + unused + under, "audit")
    save(store, policy, "policy")
    save(store, odd, "anomaly")


BUCKETS: list[dict[str, Any]] = [
    {
        **{"kind": "data", "account_id": "ac-v", "carrier_id": "verizon", "pool_group": "flex", "bucket_id": name},
        **{"allowance": gb * 1024.0, "mrc": mrc, "today": today, "count": count, "change": count - today},
    }
    for name, gb, mrc, today, count in (("50 GB", 50, 150.0, 0, 2), ("85 GB", 85, 230.0, 1, 0))
]


def add_result(
    store: Store,
    *,
    name: str = "Right-size now",
    result_id: str = "r1",
    document: dict[str, Any] | None = None,
    yaml: str | None = None,
) -> None:
    """One scenario with its result."""
    text = yaml or f"name: {name}\nmonths: {{from: 2026-04, to: 2026-09}}\n"
    with store.transaction() as txn:
        txn.append(
            "scenarios",
            [{"scenario_id": f"sc-{result_id}", "name": name, "yaml": text, "created_at": "2026-09-30T10:00:00+00:00"}],
        )
        txn.append(
            "results",
            [
                {
                    "result_id": result_id,
                    "scenario_id": f"sc-{result_id}",
                    "status": (document or RESULT)["status"],
                    "data_version": store.data_version,
                    "document": json.dumps(document or RESULT),
                    "created_at": "2026-09-30T10:01:00+00:00",
                }
            ],
        )
