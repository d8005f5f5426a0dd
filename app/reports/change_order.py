"""The change order: what a person asks each carrier to change, line by line, from an optimization result."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import xlsxwriter

from core.contract_register import plain
from core.issues import BadInput, Issue
from core.store import Store

COLUMNS = (
    *("service_id", "number", "employee", "account", "action", "current_carrier_id", "current_plan_id"),
    *("carrier_id", "plan_id", "monthly_saving", "reason"),
)


def rows(
    store: Store, result_id: str | None = None, carrier_id: str | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The result (default: the newest that changes anything) and one row for each change, largest saving first.

    Buckets that pools are to buy or to give up follow the lines; they have no `service_id`.

    Raises:
        BadInput: if there is no such result or it changes nothing (at that carrier).
    """
    results = store.frame("results").sort_values(["created_at", "result_id"], ascending=False)
    if result_id is not None:
        results = results[results["result_id"] == result_id]
        if results.empty:
            raise BadInput(Issue(field="--result", found=result_id, expected="the id of a stored result"))
    services = store.frame("services").set_index("service_id")
    people = store.frame("employees", ["employee_id", "name"]).set_index("employee_id")["name"]
    bans = store.frame("accounts", ["account_id", "number"]).set_index("account_id")["number"]
    for raw in results.to_dict("records"):
        document = json.loads(raw["document"])
        wanted = [
            r
            for r in document.get("recommendations") or []
            if r.get("action") != "keep" and carrier_id in (None, r.get("current_carrier_id"), r.get("carrier_id"))
        ]
        bought = [b for b in document.get("buckets") or [] if b["change"] and carrier_id in (None, b["carrier_id"])]
        if not wanted and not bought:
            continue
        found = []
        for r in sorted(wanted, key=lambda r: (-float(r.get("monthly_saving") or 0), r["service_id"])):
            line = services.loc[r["service_id"]] if r["service_id"] in services.index else {}
            person = plain(line.get("employee_id"))
            account = plain(line.get("account_id"))
            found.append(
                {name: r.get(name) for name in COLUMNS}
                | {
                    "number": plain(line.get("number")),
                    "employee": plain(people.get(person)) if person else None,
                    "account": plain(bans.get(account)) if account else None,
                }
            )
        found += [_bucket(b, plain(bans.get(b["account_id"]))) for b in bought]
        return {**document, "result_id": raw["result_id"]}, found
    raise BadInput(Issue(message="no stored result changes any line", hint="run `tem optimize` first"))


def _bucket(bucket: dict[str, Any], number: Any) -> dict[str, Any]:
    """A row for a pool that is to have more or fewer buckets of a size."""
    unit = "MB" if bucket["kind"] == "data" else "minutes"
    carrier, size = bucket["carrier_id"], f"{bucket['allowance']:,.0f} {unit} at {bucket['mrc']:,.2f} a month"
    return dict.fromkeys(COLUMNS) | {
        **{"account": number or bucket["account_id"], "current_carrier_id": carrier, "carrier_id": carrier},
        **{"action": "buy_bucket" if bucket["change"] > 0 else "cancel_bucket"},
        "current_plan_id": f"{bucket['bucket_id']} x {bucket['today']}",
        "plan_id": f"{bucket['bucket_id']} x {bucket['count']}",
        "reason": f"Pool {bucket['pool_group']}: {bucket['count']} instead of {bucket['today']} of {size} each.",
    }


def workbook(store: Store, result_id: str | None = None, carrier_id: str | None = None) -> bytes:
    """An XLSX with one sheet of changes for each carrier that has to act and a sheet that says where they come from."""
    document, changes = rows(store, result_id, carrier_id)
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": "Change order", "author": "OpenTEM", "created": datetime(2000, 1, 1)})  # noqa: DTZ001
    bold = book.add_format({"bold": True, "bottom": 1, "font_name": "Arial", "font_size": 10, "bg_color": "#F4F3EF"})
    money = book.add_format({"num_format": "#,##0.00", "font_name": "Arial", "font_size": 10})
    text = book.add_format({"font_name": "Arial", "font_size": 10})
    about = book.add_worksheet("About")
    certificate = document.get("certificate") or {}
    scenario = document.get("scenario")
    facts = [
        ("Scenario", scenario.get("name") if isinstance(scenario, dict) else scenario),
        ("Result", document["result_id"]),
        ("Status", document.get("status")),
        ("Monthly cost today", document.get("baseline_cost")),
        ("Monthly cost after all changes", certificate.get("cost")),
        ("Monthly saving of all changes together", document.get("saving")),
        ("Proven lower bound", certificate.get("bound")),
        ("Input hash", certificate.get("input_sha256")),
        ("Changes listed", len(changes)),
        ("Note", "Savings of single lines do not add up where lines share a pool or a discount."),
    ]
    for n, (label, value) in enumerate(facts):
        about.write(n, 0, label, text)
        about.write(n, 1, "" if value is None else value, money if isinstance(value, float) else text)
    about.set_column(0, 0, 40)
    about.set_column(1, 1, 70)
    for carrier in sorted({str(row["current_carrier_id"] or row["carrier_id"]) for row in changes}):
        sheet = book.add_worksheet(_sheet_name(carrier))
        for column, name in enumerate(COLUMNS):
            sheet.write(0, column, name, bold)
        part = [row for row in changes if str(row["current_carrier_id"] or row["carrier_id"]) == carrier]
        for n, row in enumerate(part, start=1):
            for column, name in enumerate(COLUMNS):
                value = row[name]
                style = money if name == "monthly_saving" else text
                sheet.write(n, column, "" if value is None else value, style)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, len(part), len(COLUMNS) - 1)
        for column, width in enumerate((12, 16, 22, 18, 13, 14, 20, 14, 20, 12, 70)):
            sheet.set_column(column, column, width)
    book.close()
    return out.getvalue()


def _sheet_name(text: str) -> str:
    return "".join(c if c not in "[]:*?/\\'" else "_" for c in text)[:31] or "carrier"
