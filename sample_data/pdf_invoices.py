"""Three invented carriers' invoices as PDF, each of another layout: `python -m sample_data.pdf_invoices`.

The figures are drawn from a seed; the same seed gives the same files, byte by byte.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import typst

from sample_data import PDF

FOLDER = PDF
SEED = 7


def _german(cents: int) -> str:
    text = f"{abs(cents) // 100:,}".replace(",", ".") + f",{abs(cents) % 100:02d}"
    return f"{text}-" if cents < 0 else text


def _american(cents: int) -> str:
    text = f"${abs(cents) // 100:,}.{abs(cents) % 100:02d}"
    return f"({text})" if cents < 0 else text


def _french(cents: int) -> str:
    text = f"{abs(cents) // 100:,}".replace(",", " ") + f",{abs(cents) % 100:02d}"
    return f"-{text}" if cents < 0 else text


def nordtel(lines: int = 24) -> dict[str, Any]:
    """A table of recurring, usage and credit rows over several pages."""
    draw = random.Random(SEED)
    rows, net = [], 0
    for index in range(lines):
        number = f"0171 555{index:04d}"
        wanted = [("Grundgebühr Business M", "1", "Mon.", 2995), ("Datennutzung Inland", "512,5", "MB", 0)]
        if draw.random() < 0.3:
            wanted.append(("Roaming Daten EU", f"{draw.randint(1, 90)},0", "MB", draw.randint(100, 250000)))
        if draw.random() < 0.2:
            wanted.append(("Gutschrift Aktion", "", "", -500))
        for description, quantity, unit, cents in wanted:
            net += cents
            row = {"number": number, "description": description, "quantity": quantity, "unit": unit}
            rows.append(row | {"amount": _german(cents)})
    tax = (net * 19 + 50) // 100
    return {
        "customer": "Beispiel Maschinenbau AG",
        "account": "4711-220",
        "number": "R-2026-000871",
        "issued": "31.03.2026",
        "start": "01.03.2026",
        "end": "31.03.2026",
        "due": "14.04.2026",
        "rows": rows,
        "net": _german(net),
        "tax": _german(tax),
        "total": _german(net + tax),
    }


def columbia(lines: int = 18) -> dict[str, Any]:
    """Lines with their own headings and subtotals, account charges at the end, a balance from before."""
    draw = random.Random(SEED + 1)
    names = ("ANN SMITH", "BOB JONES", "EVE MILLER", "TOM O'NEIL")
    groups, total = [], 0
    for index in range(lines):
        number = f"212-555-{100 + index:04d}"
        wanted = [("Unlimited Business Plan - monthly charge", 4500), ("Regulatory cost recovery surcharge", 172)]
        wanted.append(("State and local sales tax", 311))
        if draw.random() < 0.4:
            wanted.append(("International long distance usage", draw.randint(50, 9000)))
        if draw.random() < 0.3:
            wanted.append(("Device instalment 7 of 24", 3333))
        if draw.random() < 0.3:
            wanted.append(("Loyalty discount", -1000))
        subtotal = sum(cents for _, cents in wanted)
        total += subtotal
        rows = [{"description": text, "amount": _american(cents)} for text, cents in wanted]
        groups.append({"number": number, "user": names[index % 4], "rows": rows, "subtotal": _american(subtotal)})
    extra = [("Late payment fee", 500), ("Paper invoice fee", 300)]
    total += sum(cents for _, cents in extra)
    return {
        "account": "90017755",
        "number": "CW-55120",
        "issued": "04/02/2026",
        "start": "03/03/2026",
        "end": "04/02/2026",
        "due": "04/27/2026",
        "previous": _american(118_203),
        "payments": _american(-118_203),
        "total": _american(total),
        "lines": groups,
        "account_rows": [{"description": text, "amount": _american(cents)} for text, cents in extra],
    }


def telesud(lines: int = 16) -> dict[str, Any]:
    """Two sections, long descriptions that wrap, a credit, charges with their own dates."""
    draw = random.Random(SEED + 2)
    sections, net = [], 0
    titles = ("Abonnements et forfaits", "Communications et consommations")
    for title in titles:
        rows, subtotal = [], 0
        for index in range(lines):
            recurring = title == titles[0]
            if not recurring and draw.random() < 0.5:
                continue
            text = "Forfait Mobile Pro 50 Go avec appels illimités vers l'Europe et les DOM" if recurring else ""
            text = text or "Communications vers l'international hors forfait, zone 2"
            cents = 3290 if recurring else draw.randint(20, 180_000)
            if recurring and index == 3:
                text, cents = "Remise exceptionnelle", -2500
            subtotal += cents
            row = {"number": f"06 12 34 5{index // 10} {index % 10}0", "description": text, "amount": _french(cents)}
            rows.append(row | {"start": "01/03/2026", "end": "31/03/2026"})
        net += subtotal
        sections.append({"title": title, "rows": rows, "subtotal": _french(subtotal)})
    tax = (net * 20 + 50) // 100
    return {
        "account": "TS 884 201",
        "number": "F260331-77",
        "issued": "31 mars 2026",
        "start": "01/03/2026",
        "end": "31/03/2026",
        "sections": sections,
        "net": _french(net),
        "tax": _french(tax),
        "total": _french(net + tax),
    }


INVOICES = {"nordtel": nordtel, "columbia": columbia, "telesud": telesud}


def pdf(name: str, document: dict[str, Any]) -> bytes:
    """The PDF of one layout, filled with an invoice."""
    made = typst.compile(
        FOLDER / f"{name}.typ",
        root=FOLDER,
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(document, ensure_ascii=False)},
        timestamp=0,
    )
    assert isinstance(made, bytes)
    return made


def write(folder: Path = FOLDER) -> list[Path]:
    """Write the three invoices and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, invoice in INVOICES.items():
        path = folder / f"{name}.pdf"
        path.write_bytes(pdf(name, invoice()))
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write():
        print(written.name, written.stat().st_size)
