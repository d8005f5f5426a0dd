"""The digest: one message about a month, instead of many alerts; as text, as HTML, as an e-mail.

It reads what `tem audit` and `tem flag` have kept, the spend that moved and the early warnings of the running cycle.
Lines are named by number; nobody's name is in it. What is a problem of the data stands apart from what people did.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pandas as pd

from anomaly import repeats, rulebook, spend, watch_findings
from anomaly.watch import watch
from app import formats
from app.views import rules
from app.views.exchange import Exchange, exchange
from app.views.selection import Filters, settled
from core import findings, periods
from core.findings import Finding
from core.issues import BadInput, Issue
from core.queries import details, workbench
from core.store import Store

OPEN = ("new", "triaged", "accepted", "disputed")
#: Audit rule: an invoice that never came or is late.
LATE_BILL = "C12"


@dataclass(frozen=True)
class Item:
    """One line of the digest: what, its money as text (blank: none), what to do."""

    what: str
    money: str = ""
    action: str = ""


@dataclass(frozen=True)
class Section:
    """Items of one kind, those with most money or surprise first; `more` were left out, `total` is text."""

    title: str
    items: tuple[Item, ...]
    more: int = 0
    total: str = ""


@dataclass(frozen=True)
class Digest:
    """Everything the message says."""

    subject: str
    summary: str
    month: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to act on."""
        return not self.sections

    def to_json(self) -> dict[str, Any]:
        """As one JSON document."""
        return {
            "subject": self.subject,
            "summary": self.summary,
            "month": self.month,
            "sections": [
                {
                    "title": s.title,
                    "total": s.total,
                    "more": s.more,
                    "items": [{"what": i.what, "money": i.money, "action": i.action} for i in s.items],
                }
                for s in self.sections
            ],
            "notes": list(self.notes),
        }


def build(
    store: Store, *, month: str | None = None, as_of: str | None = None, since: str | None = None, top: int = 8
) -> Digest:
    """The digest of a month (default: the newest complete one) with at most `top` items a section.

    `as_of` and `since` are those of :func:`anomaly.watch.watch`; by default its warnings of the running cycle are told
    when that cycle lies in the month or after it.

    Raises:
        BadInput: if nothing has been loaded.
    """
    chosen = settled(store, Filters(month=month))
    shown = month or chosen.month or (details.newest_event(store) or "")[:7] or None
    if shown is None:
        raise BadInput(Issue(message="there is nothing to tell yet", hint="load bills or usage first"))
    money = exchange(store, chosen.currency, periods.month_end(shown))
    found = workbench.finding_list(store, ("audit", "policy", "anomaly"))
    found = found[found["month"] == shown]
    live = found[found["state"].isin(OPEN)]
    names = _numbers(store)
    day = as_of or details.newest_event(store)
    warned = watch_findings.of(store, watch(store, as_of=day, since=since)) if day and day[:7] >= shown else []
    moved = spend.as_findings(store, spend.moves(store, first=shown, last=shown))
    moved.sort(key=lambda m: (-abs(money.amount(m.amount_at_stake, m.currency) or 0), m.rule, m.subject_id))
    moved, warned = findings.with_states(store, moved), findings.with_states(store, warned)
    decided = [item for item in (*moved, *warned) if item.state not in OPEN]
    repeated = [item for item in (*moved, *warned) if item.state in OPEN and repeats.is_kept_back(item.detail)]
    moved, warned = _waiting(moved), _waiting(warned)
    sections = [
        _listed("Warnings of the running cycle", _warnings(warned), top),
        _bills(live, moved, top),
        _policy(store, live, money, top),
        _unusual(live, names, money, top),
        _listed(
            "Spend that moved",
            [
                Item(m.explanation, formats.money(money.amount(m.amount_at_stake, m.currency), money.target))
                for m in moved
                if not _missing(m)
            ],
            top,
        ),
        _data(live, [a.explanation for a in warned if a.kind == "data_problem"], top),
    ]
    kept = tuple(section for section in sections if section.items)
    dismissed = int((found["state"] == "dismissed").sum()) + sum(item.state == "dismissed" for item in decided)
    notes = [f"{formats.plural(dismissed, 'flag')} of the month dismissed and not told again."] if dismissed else []
    if repeated:
        notes.append(f"{formats.plural(len(repeated), 'repetition')} of what was reviewed before kept back.")
    notes += [money.sentence()] if money.sentence() else []
    count = sum(len(s.items) + s.more for s in kept)
    summary = "Nothing needs a decision." if not kept else "; ".join(_counted(section) for section in kept) + "."
    summary = summary[0].upper() + summary[1:]
    subject = f"Telecom digest {formats.month(shown)}: {formats.plural(count, 'item')}"
    return Digest(subject, summary, shown, kept, tuple(notes))


def _counted(section: Section) -> str:
    told = f"{section.title.lower()}: {len(section.items) + section.more:,}"
    return told + (f" ({section.total})" if section.total else "")


def _listed(title: str, items: list[Item], top: int, total: str = "") -> Section:
    return Section(title, tuple(items[:top]), max(len(items) - top, 0), total)


def _numbers(store: Store) -> dict[str, str]:
    frame = store.frame("services", ["service_id", "number"])
    return {
        str(key): str(number) if isinstance(number, str) and number else str(key)
        for key, number in zip(frame["service_id"], frame["number"], strict=True)
    }


def _worth(frame: pd.DataFrame, money: Exchange) -> list[int]:
    return [
        money.amount(amount, code) or 0
        for amount, code in zip(frame["amount_at_stake"], frame["currency"], strict=True)
    ]


def _waiting(items: list[Finding]) -> list[Finding]:
    return [item for item in items if item.state in OPEN and not repeats.is_kept_back(item.detail)]


def _warnings(warned: list[Finding]) -> list[Item]:
    people = [item for item in warned if item.kind != "data_problem"]
    return [Item(item.explanation, "", str((item.detail or {})["action"]["text"])) for item in people]


def _missing(move: Finding) -> bool:
    return bool((move.detail or {}).get("missing"))


def _bills(live: pd.DataFrame, moved: list[Finding], top: int) -> Section:
    late = live[(live["queue"] == "audit") & (live["family"] == LATE_BILL)]
    items = [Item(str(row.explanation), "", "Ask the carrier for the bill.") for row in late.itertuples(index=False)]
    told = set(late["account_id"].dropna().astype(str))
    items += [
        Item(m.explanation, "", "Ask the carrier for the bill.")
        for m in moved
        if _missing(m) and m.subject_id not in told
    ]
    return _listed("Bills missing or late", items, top)


def _policy(store: Store, live: pd.DataFrame, money: Exchange, top: int) -> Section:
    frame = live[(live["queue"] == "policy") & (live["kind"] != "data_problem")]
    if frame.empty:
        return Section("Policy", ())
    known = {rule.id: rule for rule in rulebook.in_force(store)}
    frame = frame.assign(worth=_worth(frame, money))
    items = []
    for rule, group in frame.groupby("rule", sort=True):
        held = known.get(str(rule))
        what = f"{held.title if held else rules.title(str(rule))}: {formats.plural(len(group), 'hit')}"
        owner = f" Owner: {held.owner}." if held and held.owner else ""
        items.append((int(group["worth"].sum()), Item(what, "", f"{held.action if held else ''}{owner}".strip())))
    items.sort(key=lambda pair: (-pair[0], pair[1].what))
    listed = [Item(i.what, formats.money(worth, money.target) if worth else "", i.action) for worth, i in items]
    counted = frame.assign(amount_at_stake=frame["amount_counted"])
    total = formats.money(sum(_worth(counted, money)), money.target)
    return _listed("Policy", listed, top, f"{total} avoidable, each charge counted once")


def _unusual(live: pd.DataFrame, names: dict[str, str], money: Exchange, top: int) -> Section:
    frame = live[(live["queue"] == "anomaly") & (live["kind"] != "data_problem")]
    frame = frame.assign(worth=_worth(frame, money)) if len(frame) else frame
    ordered = frame.sort_values(["score", "service_id"], ascending=[False, True], kind="stable")
    items = []
    for row in ordered.itertuples(index=False):
        line = f"Line {names.get(str(row.service_id), row.service_id)}, {formats.words(row.kind).lower()}"
        items.append(Item(f"{line}: {row.explanation}", formats.money(row.worth, money.target) if row.worth else ""))
    return _listed("Unusual line-months", items, top)


def _data(live: pd.DataFrame, warnings: list[str], top: int) -> Section:
    rows = live[live["kind"] == "data_problem"]
    told = [Item(f"{row.service_id}: {row.explanation}") for row in rows.itertuples(index=False)]
    items = [*(Item(text) for text in warnings), *told]
    return _listed("Data to check (about records, not about people)", items, top)


def as_text(digest: Digest) -> str:
    """The message as plain text."""
    lines = [digest.subject, "", digest.summary, ""]
    for section in digest.sections:
        lines += [section.title + (f" ({section.total})" if section.total else ""), "-" * len(section.title)]
        for item in section.items:
            lines.append(f"* {item.what}" + (f" [{item.money}]" if item.money else ""))
            if item.action:
                lines.append(f"  -> {item.action}")
        lines += [f"  and {section.more:,} more"] if section.more else []
        lines.append("")
    return "\n".join([*lines, *digest.notes]).rstrip() + "\n"


_STYLE = (
    "font-family:Inter,Segoe UI,Helvetica,Arial,sans-serif;color:#1f2933;max-width:720px;margin:0 auto;padding:16px"
)


def as_html(digest: Digest) -> str:
    """The message as HTML with everything inline: no picture, no link, no request to anywhere."""
    parts = [f"<h1 style='font-size:20px'>{html.escape(digest.subject)}</h1><p>{html.escape(digest.summary)}</p>"]
    for section in digest.sections:
        total = f" <span style='color:#52606d'>{html.escape(section.total)}</span>" if section.total else ""
        parts.append(f"<h2 style='font-size:16px;margin:20px 0 6px'>{html.escape(section.title)}{total}</h2>")
        parts.append("<table role='presentation' style='border-collapse:collapse;width:100%;font-size:14px'>")
        for item in section.items:
            action = f"<br><span style='color:#52606d'>{html.escape(item.action)}</span>" if item.action else ""
            parts.append(
                "<tr style='border-top:1px solid #d9d9d2;vertical-align:top'>"
                f"<td style='padding:6px 12px 6px 0'>{html.escape(item.what)}{action}</td>"
                f"<td style='padding:6px 0;text-align:right;white-space:nowrap'>{html.escape(item.money)}</td></tr>"
            )
        more = f"<p style='color:#52606d'>and {section.more:,} more</p>" if section.more else ""
        parts.append(f"</table>{more}")
    parts += [f"<p style='color:#52606d;font-size:12px'>{html.escape(note)}</p>" for note in digest.notes]
    title = html.escape(digest.subject)
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{title}</title></head>"
        f"<body style='{_STYLE}'>{''.join(parts)}</body></html>\n"
    )


def as_message(digest: Digest, sender: str, recipients: list[str]) -> EmailMessage:
    """One e-mail to all recipients, text and HTML.

    Raises:
        BadInput: if an address cannot be used.
    """
    message = EmailMessage()
    try:
        message["Subject"] = digest.subject
        message["From"] = sender
        message["To"] = ", ".join(recipients)
    except (ValueError, IndexError) as error:
        raise BadInput(
            Issue(field="address", found=f"{sender}; {', '.join(recipients)}", message=str(error))
        ) from error
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(as_text(digest))
    message.add_alternative(as_html(digest), subtype="html")
    return message
