"""Contract calculus: terms, renewals, notice dates, the earliest way out; pure functions of a contract and a day.

The rules are those of `interfaces.md` section 6. Days are ISO text. A term is half open: on the day `term_end` the next
term runs already. The n-th end is counted from the start each time, its day clipped to the month's last, so that a
contract of the 31st never drifts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from core.issues import Issue
from core.money import SCALE, mul
from core.periods import add_days, add_months, days_between, month_distance

State = Literal["not_started", "initial", "renewed", "month_to_month", "ending", "expired", "terminated"]
NoticeState = Literal["open", "missed", "given", "none"]
Renewal = Literal["tacit", "express", "month_to_month"]

#: Days before a notice date on which a reminder is due.
ALERT_DAYS: tuple[int, ...] = (180, 120, 90, 60, 45, 30)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract says about its time. Months and days are whole numbers, None = not stated."""

    start: str
    initial_months: int | None = None
    renewal_months: int | None = None
    renewal: Renewal = "tacit"
    notice_days: int | None = None
    notice_months: int | None = None
    terminated_on: str | None = None
    notice_given_on: str | None = None

    @property
    def has_notice(self) -> bool:
        """Whether a notice period is stated (0 days is one)."""
        return self.notice_days is not None or self.notice_months is not None

    def end(self, link: int) -> str | None:
        """The day on which term number `link` (0 = initial) is over; None where that is not known."""
        if self.initial_months is None:
            return None
        return add_months(self.start, self.initial_months + link * (self.renewal_months or 0))

    def notice_by(self, link: int) -> str | None:
        """The last day on which notice ends the contract at :meth:`end` of `link`."""
        end = self.end(link)
        return None if end is None or not self.has_notice else self.before(end)

    def before(self, day: str) -> str:
        """`day` minus the notice period."""
        return add_months(day, -self.notice_months) if self.notice_months else add_days(day, -(self.notice_days or 0))

    def after(self, day: str) -> str:
        """`day` plus the notice period: when a month-to-month contract ends after notice on `day`."""
        return add_months(day, self.notice_months) if self.notice_months else add_days(day, self.notice_days or 0)

    def first_link(self, reached: Callable[[int], bool], near: str) -> int:
        """The first link for which `reached` holds; it must hold for all later ones. Express contracts have one link.

        `near` is a day close to the link's end, from where the search starts.
        """
        if self.renewal != "tacit" or not self.renewal_months or self.initial_months is None:
            return 0
        months = month_distance(self.start, near) - self.initial_months
        link = max(0, months // self.renewal_months - 1)
        while link > 0 and reached(link - 1):
            link -= 1
        while not reached(link):
            link += 1
        return link

    def link_on(self, day: str) -> int:
        """The number of the term that runs on `day`; 0 before the start."""
        return self.first_link(lambda n: (self.end(n) or "9999") > day, day)

    def link_for_notice(self, day: str) -> int:
        """The term at whose end a notice of `day` ends the contract."""
        if not self.has_notice:
            return self.link_on(day)
        return self.first_link(lambda n: (self.notice_by(n) or "9999") >= day, day)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a contract stands on a day; every field is described in `docs/contracts.md`."""

    state: State
    initial_end: str | None
    term_start: str
    term_end: str | None
    renewals: int
    notice_by: str | None
    notice_state: NoticeState
    next_notice_by: str | None
    earliest_exit: str | None
    ends_on: str | None
    days_to_notice: int | None
    alerts: tuple[tuple[int, str], ...] = field(default=())
    next_alert: str | None = None


def standing(terms: Terms, as_of: str, alert_days: Sequence[int] = ALERT_DAYS) -> Standing:
    """The contract's state, term, notice dates, earliest exit and reminders as seen on the day `as_of`.

    A notice or a termination dated after `as_of` counts only as far as it is known: a notice not yet given is none, a
    termination set for later makes the contract `ending`.
    """
    given = terms.notice_given_on if terms.notice_given_on and terms.notice_given_on <= as_of else None
    ends_on = terms.terminated_on or _ends_by_itself(terms, given)
    over = ends_on is not None and ends_on <= as_of
    link = terms.link_on(_last_day(terms, ends_on) if over and ends_on else as_of)
    initial_end = terms.end(0)
    rolling = terms.renewal == "month_to_month" and (initial_end is None or initial_end <= as_of)
    term_end = None if rolling else terms.end(link)
    previous_end = initial_end if rolling else terms.end(link - 1) if link else None
    term_start = previous_end or terms.start
    notice_by = None if rolling else terms.notice_by(link)
    state = _state(terms, as_of, given=given, ends_on=ends_on, over=over, rolling=rolling, link=link)
    notice_state = _notice_state(terms, as_of, given=given, over=over, notice_by=notice_by)
    coming = None if over or rolling else _next_notice_by(terms, as_of, ends_on)
    quiet = over or given is not None or (terms.terminated_on is not None)
    base = term_end if terms.renewal == "express" else notice_by
    alerts: tuple[tuple[int, str], ...] = ()
    if base is not None and not quiet:
        alerts = tuple((days, add_days(base, -days)) for days in sorted(set(alert_days), reverse=True))
    return Standing(
        state=state,
        initial_end=initial_end,
        term_start=term_start,
        term_end=term_end,
        renewals=0 if rolling else link,
        notice_by=notice_by,
        notice_state=notice_state,
        next_notice_by=coming,
        earliest_exit=ends_on or _earliest_exit(terms, as_of),
        ends_on=ends_on,
        days_to_notice=None if quiet or coming is None else days_between(as_of, coming),
        alerts=alerts,
        next_alert=next((on for _, on in alerts if on >= as_of), None),
    )


def _last_day(terms: Terms, ends_on: str) -> str:
    return max(terms.start, add_days(ends_on, -1))


def _ends_by_itself(terms: Terms, given: str | None) -> str | None:
    if terms.renewal == "month_to_month":
        return None if given is None else max(terms.after(given), terms.end(0) or terms.start)
    if terms.renewal == "express":
        return terms.end(0) if given is None or terms.end(0) is not None else terms.after(given)
    if given is None:
        return None
    return terms.end(terms.link_for_notice(given)) or terms.after(given)


def _state(
    terms: Terms, as_of: str, *, given: str | None, ends_on: str | None, over: bool, rolling: bool, link: int
) -> State:
    if terms.terminated_on is not None and over:
        return "terminated"
    if over:
        return "expired"
    if as_of < terms.start:
        return "not_started"
    if given is not None or terms.terminated_on is not None:
        return "ending"
    if rolling:
        return "month_to_month"
    return "renewed" if link else "initial"


def _notice_state(terms: Terms, as_of: str, *, given: str | None, over: bool, notice_by: str | None) -> NoticeState:
    if given is not None:
        return "given"
    if over or not terms.has_notice or (notice_by is None and terms.renewal != "month_to_month"):
        return "none"
    return "open" if notice_by is None or as_of <= notice_by else "missed"


def _next_notice_by(terms: Terms, as_of: str, ends_on: str | None) -> str | None:
    if not terms.has_notice:
        return None
    found = terms.notice_by(terms.link_for_notice(as_of))
    if found is None or found < as_of or (ends_on is not None and found > ends_on):
        return None
    return found


def _earliest_exit(terms: Terms, as_of: str) -> str | None:
    if terms.renewal == "month_to_month":
        return max(terms.after(as_of), terms.end(0) or terms.start)
    return terms.end(terms.link_for_notice(as_of))


def started_months(first: str, end: str) -> int:
    """How many months, counted from the day `first`, have started before the day `end`; 0 if `end` is not later."""
    months = max(0, month_distance(first, end) - 1)
    while add_months(first, months) < end:
        months += 1
    return months


def termination_fee(
    rule: str | None, amount: int | None, *, mrc: int | None, as_of: str, term_end: str | None
) -> int | None:
    """What ending one service on `as_of` costs, in micros; None if the rule needs an MRC that is not known.

    `fixed`: `amount` if the term is not over; `months_left_mrc`: started months left x `mrc` x `amount` (a fraction in
    micros, None = 1). No rule, no term or a term that is over costs nothing.
    """
    if rule in (None, "none") or term_end is None or as_of >= term_end:
        return 0
    if rule == "fixed":
        return amount or 0
    if mrc is None:
        return None
    return mul(started_months(as_of, term_end) * mrc, SCALE if amount is None else amount)


def terms_of(contract: Mapping[str, Any]) -> tuple[Terms | None, list[Issue]]:
    """The :class:`Terms` of a row of `contracts`, or the problems that keep it from having any.

    A blank renewal type reads as tacit where renewal months are stated, else as running on month to month.
    """
    key, problems = contract["contract_id"], []

    def problem(name: str, found: object, expected: str) -> None:
        shown = "" if found is None else str(found)
        problems.append(Issue(file="contracts", message=f"contract {key}", field=name, found=shown, expected=expected))

    start, renewal = contract.get("start_date"), contract.get("renewal_type")
    initial, again = contract.get("initial_term_months"), contract.get("renewal_term_months")
    days, months = contract.get("notice_days"), contract.get("notice_months")
    if start is None:
        problem("start_date", None, "the day on which the contract starts")
    for name, value in (
        ("initial_term_months", initial),
        ("renewal_term_months", again),
        ("notice_days", days),
        ("notice_months", months),
    ):
        if value is not None and value < 0:
            problem(name, value, "0 or more")
    if days is not None and months is not None:
        problem("notice_days", days, "either notice_days or notice_months, not both")
    if renewal == "tacit" and (again is None or again == 0):
        problem("renewal_term_months", again, "the months of each tacit renewal")
    if problems or start is None:
        return None, problems
    kind: Renewal = renewal or ("tacit" if again else "month_to_month")
    terms = Terms(
        start=start,
        initial_months=initial,
        renewal_months=again,
        renewal=kind,
        notice_days=days,
        notice_months=months,
        terminated_on=contract.get("terminated_on"),
        notice_given_on=contract.get("notice_given_on"),
    )
    return terms, []


def coterminous_root(contract_id: str, named: Mapping[str, str | None]) -> str | None:
    """The contract whose term end the services of `contract_id` follow; None if the names form a circle.

    `named` maps a contract to its `coterminous_with`. A name of no known contract is followed no further.
    """
    seen, here = {contract_id}, contract_id
    while (there := named.get(here)) is not None and there in named:
        if there in seen:
            return None
        seen.add(there)
        here = there
    return here


def contract_register(store: Any, as_of: str, *, alert_days: Sequence[int] = ALERT_DAYS) -> list[dict[str, Any]]:
    """The register of every contract on a day; see :func:`core.contract_register.contract_register`."""
    from core import contract_register as register

    return register.contract_register(store, as_of, alert_days=alert_days)
