"""The organization while it is being made: people, services with their dated states, tables, bills and the truth."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Employee:
    """A person with a role that shapes use, travel and plan."""

    employee_id: str
    name: str
    email: str
    cost_center_id: str
    site_id: str
    country: str
    role: str
    level: float
    left_on: str = ""
    travels: list[tuple[str, str, str]] = field(default_factory=list)  # country, first day, last day
    mobile_lines: int = 0


@dataclass
class Span:
    """The state of a service from a day on, until the next span."""

    valid_from: str
    plan_id: str
    status: str
    employee_id: str
    account_id: str
    cost_center_id: str


@dataclass
class Service:
    """One service; `spans` in order of time, the first one from its activation."""

    service_id: str
    kind: str
    device_kind: str
    purpose: str
    number: str
    carrier_id: str
    contract_id: str
    site_id: str
    activated_on: str
    item_code: str  # what a service without plan is billed as
    spans: list[Span]
    disconnected_on: str = ""
    term_end_on: str = ""
    role: str = ""
    mean_mb: float = 0.0
    plant: str = ""  # id of the plant that has taken this service, so that no two overlap
    features: list[str] = field(default_factory=list)
    quirks: dict[str, object] = field(default_factory=dict)

    def state(self, day: str) -> Span | None:
        """The span in force on a day; None before activation and from the disconnection on."""
        if day < self.activated_on or (self.disconnected_on and day >= self.disconnected_on):
            return None
        found = None
        for span in self.spans:
            if span.valid_from <= day:
                found = span
        return found

    @property
    def now(self) -> Span:
        """The newest state."""
        return self.spans[-1]

    def active_whole(self, first: str, last: str) -> bool:
        """Active, not suspended, on every day of first..last."""
        if self.activated_on > first or (self.disconnected_on and self.disconnected_on <= last):
            return False
        state = self.state(first)
        return (
            state is not None
            and state.status == "active"
            and not any(first < span.valid_from <= last and span.status != "active" for span in self.spans)
        )


@dataclass
class Charge:
    """One line of a bill. Money and unit rates in whole cents."""

    category: str
    item_code: str
    description: str
    amount: int
    period_start: str
    period_end: str
    service_id: str = ""
    billed_number: str = ""
    quantity: float | None = None
    unit: str = ""
    unit_rate: int | None = None
    provider: str = ""
    zone: str = ""
    country: str = ""
    related: Charge | None = None
    charge_id: str = ""
    truths: list[dict[str, object]] = field(default_factory=list)


@dataclass
class Invoice:
    """One bill of an account for a month; `total` is set when it is closed."""

    invoice_id: str
    account_id: str
    number: str
    month: str
    charges: list[Charge] = field(default_factory=list)
    total: int = 0
    kind: str = "invoice"
    total_error: int = 0
    paid_on: str = ""


@dataclass
class Use:
    """Usage of a service in a month: one type, zone and country."""

    service_id: str
    month: str
    usage_type: str
    zone: str
    country: str
    quantity: float
    unit: str
    cost: int = 0


@dataclass
class World:
    """Everything generated so far."""

    seed: int
    size: int
    months: list[str]
    today: str
    tables: dict[str, list[dict[str, object]]] = field(default_factory=lambda: defaultdict(list))
    employees: dict[str, Employee] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    plans: dict[str, dict[str, object]] = field(default_factory=dict)
    accounts: dict[str, dict[str, object]] = field(default_factory=dict)
    contract_of: dict[str, str] = field(default_factory=dict)
    rates: dict[tuple[str, str], list[dict[str, object]]] = field(default_factory=lambda: defaultdict(list))
    usage: dict[tuple[str, str], list[Use]] = field(default_factory=lambda: defaultdict(list))
    events: list[dict[str, object]] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    truth: list[dict[str, object]] = field(default_factory=list)
    extra_charges: dict[tuple[str, str], list[Charge]] = field(default_factory=lambda: defaultdict(list))
    wrong_tiers: dict[str, str] = field(default_factory=dict)
    wrong_taxes: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    paid_late: set[tuple[str, str]] = field(default_factory=set)
    expected: list[dict[str, object]] = field(default_factory=list)
    disputed: list[dict[str, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    summary: dict[str, object] = field(default_factory=dict)

    def add(self, table: str, **row: object) -> None:
        """Append a canonical row; columns not given are blank."""
        self.tables[table].append(row)

    def scaled(self, count: int) -> int:
        """A count meant for 2,500 services, for this size; at least one."""
        return max(1, round(count * self.size / 2500))

    def month_at(self, share: float) -> int:
        """Index of the month that lies at a share of the window."""
        return min(len(self.months) - 1, int(len(self.months) * share))

    def expect(
        self,
        plant: str,
        rule: str,
        kind: str,
        subject_type: str,
        subject_id: str,
        month: str,
        amount: int,
        *,
        queue: str = "audit",
        service: Service | None = None,
        account: str = "",
        invoice: Invoice | None = None,
        note: str = "",
    ) -> None:
        """Expect a finding that belongs to no single charge; amount in cents of the account's currency."""
        account = account or (service.now.account_id if service else "")
        self.expected.append(
            {
                "plant_id": plant,
                "queue": queue,
                "rule": rule,
                "kind": kind,
                "subject_type": subject_type,
                "subject_id": subject_id,
                "service_id": service.service_id if service else "",
                "account_id": account,
                "invoice": invoice.number if invoice else "",
                "month": month,
                "amount": amount,
                "currency": str(self.accounts[account]["currency"]) if account else "",
                "note": note,
            }
        )
