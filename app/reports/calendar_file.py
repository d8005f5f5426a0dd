"""The renewal calendar as an ICS file (RFC 5545): notice deadlines and their reminders as all-day events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

_LINE_BYTES = 75


def calendar_text(register: Sequence[dict[str, Any]], as_of: str) -> str:
    """An iCalendar of what lies on or after `as_of`: last day for notice, end of an express term, every reminder.

    `register` is the document of `tem contracts`. Lines end in CRLF and are folded at 75 bytes; the same register
    gives the same bytes.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//OpenTEM//Contracts//EN", "CALSCALE:GREGORIAN"]
    for row in register:
        title = row["name"] or row["contract_id"]
        for key, day, summary, note in _events(row, title):
            if day >= as_of:
                lines += _event(f"{row['contract_id']}-{key}", day, summary, note, as_of)
    return "".join(_fold(line) + "\r\n" for line in [*lines, "END:VCALENDAR"])


def _events(row: dict[str, Any], title: str) -> list[tuple[str, str, str, str]]:
    deadline = row["next_notice_by"]
    if row["state"] in (None, "ending", "expired", "terminated"):
        deadline = None
    result = []
    contract = f"Contract {row['contract_id']}."
    if deadline:
        note = f"Notice after this day no longer ends the contract at the end of its term. {contract}"
        if row["ends_on"]:
            note = (
                f"The contract ends by itself at the end of its term; say by this day whether to renew it. {contract}"
            )
        result.append((f"notice-{deadline}", deadline, f"Last day for notice: {title}", note))
    if row["term_end"] and row["state"] in ("initial", "ending", "not_started") and (row["ends_on"] or not deadline):
        result.append((f"end-{row['term_end']}", row["term_end"], f"Term ends: {title}", contract))
    for alert in row["alerts"]:
        due = row["ends_on"] or row["notice_by"] or row["term_end"]
        text = f"{alert['days']} days to {due}: {title}"
        result.append((f"alert-{alert['days']}-{alert['on']}", alert["on"], text, contract))
    return result


def _event(key: str, day: str, summary: str, note: str, as_of: str) -> list[str]:
    after = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    return [
        "BEGIN:VEVENT",
        f"UID:{_escape(key)}@opentem",
        f"DTSTAMP:{as_of.replace('-', '')}T000000Z",
        f"DTSTART;VALUE=DATE:{day.replace('-', '')}",
        f"DTEND;VALUE=DATE:{after.replace('-', '')}",
        f"SUMMARY:{_escape(summary)}",
        f"DESCRIPTION:{_escape(note)}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _escape(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _fold(line: str) -> str:
    parts: list[str] = []
    current = ""
    for char in line:
        if len((current + char).encode()) > _LINE_BYTES - (1 if parts else 0):
            parts.append(current)
            current = ""
        current += char
    return "\r\n ".join([*parts, current])
