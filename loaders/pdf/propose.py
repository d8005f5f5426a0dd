"""A first template for an unknown PDF: labels that many carriers print, column headings, totals and taxes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any

import yaml

from loaders.pdf.layout import Document, Line, Phrase, key
from loaders.pdf.template import HEADER_FIELDS, ROW_FIELDS, kind_of
from loaders.profiles.propose import LOOKS_DATE, LOOKS_NUMBER, TOTAL, conventions, synonyms
from loaders.profiles.targets import BILL
from loaders.reading.conventions import Dates, Numbers
from loaders.taxonomy import built_in

_RIGHT = {"amount", "quantity", "unit_rate"}
_NAMES = {"total": "invoice_total"}
_MORE = {
    "total": ["total new charges", "total charges", "amount due", "total ttc", "rechnungsbetrag", "total a pagar"],
    "issued_on": ["date", "le"],
    "charge_start": ["from", "von", "du", "desde", "de"],
    "charge_end": ["to", "bis", "au", "hasta", "até"],
    "period_start": ["billing period", "abrechnungszeitraum", "période du", "periodo", "service period"],
}
_CURRENCIES = (("€", "EUR"), ("EUR", "EUR"), ("£", "GBP"), ("R$", "BRL"), ("CHF", "CHF"), ("$", "USD"))


def propose_template(document: Document) -> str:
    """A template as YAML text; what could not be found stands there as a question for its user."""
    numbers, dates = _conventions(document)
    fields, period = _fields(document, numbers, dates)
    table, heading = _table(document)
    table = table or _bare_table(document, numbers)
    if table is not None and (feet := _page_feet(document)):
        table["ignore"] = [*table.get("ignore", ()), *feet]
    first = document.lines[0].phrases[0].text if document.lines else "CARRIER"
    made: dict[str, Any] = {
        "version": 1,
        "name": _slug(first),
        "recognise": [first, *([heading] if heading else [])],
        "carrier_id": _slug(first),
        "carrier_name": first,
        "currency": _currency(document),
        "numbers": numbers.model_dump(exclude_defaults=True),
        "dates": dates.model_dump(exclude_defaults=True),
        "fields": {name: fields.get(name, "LABEL?") for name in ("account_number", "issued_on", "total")}
        | fields
        | period,
        "tables": [table] if table else [],
        "charges": _taxes(document, numbers) if heading else [],
    }
    kept = {name: value for name, value in made.items() if value or name in {"fields", "tables"}}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "carrier"


def _phrases(document: Document) -> list[str]:
    return [phrase.text for line in document.lines for phrase in line.phrases]


_NAMED_DAY = re.compile(r"\b\d{1,2}\.? (?:de )?[^\W\d]{3,}\.?,? (?:de )?\d{4}\b")


def _conventions(document: Document) -> tuple[Numbers, Dates]:
    texts = _phrases(document)
    words = [word[4] for line in document.lines for word in line.words]
    days = [text for text in [*texts, *words] if LOOKS_DATE.fullmatch(text)]
    days += [found[0] for line in document.lines for found in _NAMED_DAY.finditer(line.text)]
    amounts = [text for text in texts if LOOKS_NUMBER.fullmatch(text) and not LOOKS_DATE.fullmatch(text)]
    amounts = [text for text in amounts if re.search(r"[.,]\d{1,2}\D*$", text)]
    numbers, dates, _ = conventions([days, amounts])
    return numbers, dates


def _labels(name: str) -> list[str]:
    spelt = [*synonyms(BILL, _NAMES.get(name, name)), *_MORE.get(name, []), name.replace("_", " ")]
    return sorted(set(spelt), key=lambda label: (-len(label.split()), -len(label)))


def _fields(document: Document, numbers: Numbers, dates: Dates) -> tuple[dict[str, Any], dict[str, Any]]:
    found: dict[str, Any] = {}
    for name in HEADER_FIELDS:
        if name in {"currency", "period_start", "period_end"}:
            continue
        place = _anchor(document, _labels(name), kind_of(name), numbers, dates)
        if place is not None:
            found[name] = place
    return found, _period(document, dates)


def _anchor(document: Document, labels: Iterable[str], kind: str, numbers: Numbers, dates: Dates) -> Any:
    parse: Any = {"micro": numbers.parse, "day": dates.day}.get(kind, _code)
    for label in labels:
        for how in ("right_of", "below"):
            for line, text in getattr(document, how)(label):
                try:
                    if parse(text) is None:
                        continue
                except ValueError:
                    continue
                printed = _printed(document, line, label) or label
                return printed if how == "right_of" else {"below": printed}
    return None


def _code(text: str) -> str:
    """A number or id: short, with a digit."""
    if not re.search(r"\d", text) or len(text) > 30 or len(text.split()) > 4:
        raise ValueError
    return text


def _printed(document: Document, near: Line, label: str) -> str | None:
    """The label as the document spells it."""
    for line in document.lines:
        if line.page == near.page and (found := line.find(label)):
            return " ".join(word[4] for word in line.words[found[0] : found[1] + 1])
    return None


def _period(document: Document, dates: Dates) -> dict[str, Any]:
    """Both ends of a period that stand beside one label."""
    for label in _labels("period_start"):
        for line, text in document.right_of(label):
            days = [word for word in text.split() if _is_day(word, dates)]
            if len(days) == 2:
                printed = _printed(document, line, label) or label
                return {
                    "period_start": {"right_of": printed, "pattern": r"^(\S+)"},
                    "period_end": {"right_of": printed, "pattern": r"(\S+)$"},
                }
    return {}


def _is_day(text: str, dates: Dates) -> bool:
    try:
        return dates.day(text) is not None
    except ValueError:
        return False


def _column(phrase: Phrase) -> str | None:
    for name in ROW_FIELDS:
        wanted = {key(label) for label in _labels(name)}
        text = key(phrase.text)
        if text in wanted or (name == "amount" and any(text.startswith(f"{label} ") for label in wanted)):
            return name
    return None


def _table(document: Document) -> tuple[dict[str, Any] | None, str | None]:
    """The line with most known headings, one of them an amount; and where its table ends."""
    best: dict[str, Any] = {}
    place = -1
    for line in document.lines:
        columns: dict[str, Any] = {}
        for phrase in line.phrases:
            name = _column(phrase)
            if name is not None and name not in columns:
                columns[name] = {"heading": phrase.text, "align": "right"} if name in _RIGHT else phrase.text
        if "amount" in columns and len(columns) >= 2 and len(columns) > len(best):
            best, place = columns, line.number
    if not best:
        return None, None
    table: dict[str, Any] = {"columns": best}
    ends = [found[0].strip() for line in document.lines[place + 1 :] if (found := TOTAL.match(line.text))]
    if ends:
        table["ends"] = list(dict.fromkeys(ends))[:4]
    amount = best["amount"]
    return table, amount["heading"] if isinstance(amount, dict) else amount


_LINE_HEADING = re.compile(r"(?P<word>[^\W\d]+) (?P<number>[+(]?\d[\d ()./-]{5,18}\d)\b")


def _bare_table(document: Document, numbers: Numbers) -> dict[str, Any] | None:
    """Without headings: the lines with a text and an amount that end at the same place, under a heading per line."""
    rows: list[tuple[Line, Phrase, Phrase]] = []
    for line in document.lines:
        if len(line.phrases) == 2 and LOOKS_NUMBER.fullmatch(line.phrases[1].text):
            try:
                numbers.parse(line.phrases[1].text)
            except ValueError:
                continue
            rows.append((line, *line.phrases))
    edges = Counter(round(amount.x1 / 4) for _, _, amount in rows)
    if not edges or edges.most_common(1)[0][1] < 2:
        return None
    edge = edges.most_common(1)[0][0]
    rows = [row for row in rows if abs(round(row[2].x1 / 4) - edge) <= 1]
    left = min(amount.x0 for _, _, amount in rows)
    table: dict[str, Any] = {
        "begins": " ".join(document.lines[max(rows[0][0].number - 1, 0)].text.split()[:3]),
        "columns": {
            "description": {"left": int(min(text.x0 for _, text, _ in rows)) - 4, "right": int(left) - 6},
            "amount": {"left": int(left) - 5, "right": int(max(amount.x1 for _, _, amount in rows)) + 5},
        },
    }
    heads = Counter(m["word"] for line in document.lines if (m := _LINE_HEADING.match(line.text)))
    if heads and heads.most_common(1)[0][1] > 1:
        word = heads.most_common(1)[0][0]
        table["begins"] = f"{word} "
        table["group"] = [f"^{re.escape(word)} (?P<number>[+(]?\\d[\\d ()./-]*\\d)"]
    subtotals = [
        text.text for _, text, _ in rows if re.match(r"sub-?total|zwischensumme|sous-total", text.text.casefold())
    ]
    if subtotals:
        table["ignore"] = [f"^{re.escape(subtotals[0].split()[0])}"]
    return table


_FOOT = re.compile(
    r"(?:.* )?(?P<word>page|seite|pagina|página|sida|side|strona) (?P<page>\d+)( ?(of|von|de|di|van|sur|/) ?\d+)?",
    re.IGNORECASE,
)


def _page_feet(document: Document) -> list[str]:
    """Patterns of the lines that end with the number of their page."""
    found = [(line.page, _FOOT.fullmatch(line.text.strip())) for line in document.lines]
    words = [match["word"] for page, match in found if match and int(match["page"]) == page]
    return [rf"\b{re.escape(word)} \d+( ?\S+ ?\d+)?$" for word in dict.fromkeys(words)]


def _taxes(document: Document, numbers: Numbers) -> list[dict[str, Any]]:
    """Tax lines that stand outside the table: a label and one amount."""
    rule = next(rule for rule in built_in().rules if rule.id == "tax")
    found: dict[str, dict[str, Any]] = {}
    for line in document.lines:
        if len(line.phrases) != 2 or not rule.fits("", line.phrases[0].text, "", 0):
            continue
        try:
            amount = numbers.parse(line.phrases[1].text)
        except ValueError:
            continue
        if amount is not None and not TOTAL.match(line.text):
            label = line.phrases[0].text
            found[label] = {"amount": label, "category": "tax", "description": label}
    return list(found.values())[:3]


def _currency(document: Document) -> str:
    text = " ".join(_phrases(document))
    return next((code for sign, code in _CURRENCIES if sign in text), "CURRENCY?")
