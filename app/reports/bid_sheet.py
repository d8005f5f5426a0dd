"""The bid sheet for carriers: what there is to serve, by need and use, and the cells to fill, which load as an offer.

It names no carrier, plan or price of today. The sheets Offers and Offer_terms are those of the contract template, so a
filled sheet is loaded as it comes back.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pandas as pd
import xlsxwriter

from app import formats
from core.issues import BadInput, Issue
from core.money import SCALE
from core.periods import shift
from core.queries import spend, workbench
from core.store import Store
from loaders import add_sheet

MONTHS = 6
#: Upper ends of the bands of home data a month, GB.
BANDS = (0, 1, 2, 5, 10, 20, 50)
HEAD = (
    *("Kind", "Country", "Allowance today", "Data used a month", "Lines", "GB a month", "Highest line, GB a month"),
    *("Minutes a month", "Messages a month", "Roaming GB a month"),
)
_GB = 1024 * SCALE


def volumes(store: Store, months: int = MONTHS) -> pd.DataFrame:
    """Lines with a plan by kind, country, allowance of today's plan and band of use: the columns of :data:`HEAD`.

    Use is the mean of the last so many months with usage.
    """
    there = spend.usage_months(store)
    services = store.frame("services", ["service_id", "kind", "plan_id", "site_id", "status"])
    lines = services[services["status"].isin(["active", "suspended"])].dropna(subset=["plan_id"])
    if lines.empty or not there:
        return pd.DataFrame(columns=list(HEAD))
    last = there[-1]
    first = max(there[0], shift(last, 1 - months))
    span = sum(first <= month <= last for month in there)
    use = workbench.line_use(store, first, last)
    use["what"] = use["usage_type"].astype(str).where(use["zone"] != "roaming", "roam " + use["usage_type"].astype(str))
    home = use[use["zone"].isin(["home", "roaming"])]
    wide = home.pivot_table(index="service_id", columns="what", values="quantity", aggfunc="sum").reindex(
        columns=["data", "voice", "sms", "roam data"]
    )
    wide = (wide.astype("float64").fillna(0) / span).reset_index()
    allowed = {str(row.plan_id): _allowance(row) for row in store.frame("plans").itertuples(index=False)}
    countries = store.frame("sites", ["site_id", "country"]).set_index("site_id")["country"]
    frame = lines.merge(wide, on="service_id", how="left").fillna({"data": 0, "voice": 0, "sms": 0, "roam data": 0})
    frame["country"] = frame["site_id"].map(countries).fillna("unknown")
    frame["allowance"] = frame["plan_id"].astype(str).map(allowed).fillna("unknown")
    frame["gb"] = frame["data"] / _GB
    frame["band"] = [_band(value) for value in frame["gb"]]
    keys = ["kind", "country", "allowance", "band"]
    found = frame.groupby(keys, sort=True, dropna=False).agg(
        lines=("service_id", "size"), gb=("gb", "sum"), top=("gb", "max"),
        voice=("voice", "sum"), sms=("sms", "sum"), roaming=("roam data", "sum"),
    ).reset_index()  # fmt: skip
    found["band"] = [_band_name(n) for n in found["band"]]
    found["voice"], found["sms"], found["roaming"] = (
        found["voice"] / SCALE,
        found["sms"] / SCALE,
        found["roaming"] / _GB,
    )
    found["kind"] = [formats.words(kind) for kind in found["kind"]]
    return found.set_axis(list(HEAD), axis=1)


def workbook(store: Store, carrier_id: str | None = None, offer_id: str | None = None) -> bytes:
    """XLSX with About, Volumes, and the sheets to fill; `carrier_id` and `offer_id` are filled in where given.

    Raises:
        BadInput: a carrier that is not known, or no line with a plan.
    """
    carriers = store.frame("carriers", ["carrier_id", "name"])
    if carrier_id is not None and carrier_id not in set(carriers["carrier_id"]):
        raise BadInput(Issue(field="--carrier", found=carrier_id, expected="a carrier of the store"))
    needs = volumes(store)
    if needs.empty:
        raise BadInput(Issue(message="no line with a plan and usage is loaded, so there is nothing to ask a price for"))
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": "Bid sheet", "author": "OpenTEM", "created": datetime(2000, 1, 1)})  # noqa: DTZ001
    text = book.add_format({"text_wrap": True, "valign": "top"})
    bold, number = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"num_format": "#,##0.0"})
    about = book.add_worksheet("About")
    about.set_column(0, 0, 110, text)
    about.write_string(0, 0, "Request for bids", book.add_format({"bold": True, "font_size": 14}))
    for n, line in enumerate(_ABOUT, start=2):
        about.write_string(n, 0, line, text)
    sheet = book.add_worksheet("Volumes")
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(HEAD):
        sheet.write_string(0, column, name, bold)
        sheet.set_column(column, column, (14, 10, 24, 18)[column] if column < 4 else 13)
    for n, row in enumerate(needs.itertuples(index=False), start=1):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(n, column, value)
            else:
                sheet.write_number(n, column, round(float(value), 1), None if column == 4 else number)
    add_sheet(book, "offers", left_out=("item_code",))
    terms = add_sheet(book, "offer_terms")
    if carrier_id is not None:
        terms.write_string(1, 0, offer_id or f"{carrier_id}-bid")
        terms.write_string(1, 1, carrier_id)
    book.close()
    return out.getvalue()


_ABOUT = (
    "Volumes says what is to be served: lines by kind, country, allowance of today's plan and band of data used, with "
    f"the use of an average month of the last {MONTHS}.",
    "Please fill in Offers, one row for each plan you offer, and Offer_terms, one row for the whole bid. Yellow "
    "headings are needed; each heading has a note with its meaning. Use the same offer_id on both sheets.",
    "Allowances: blank is unlimited, 0 is none. Plans with the same pool_group share their data. Prices are a month "
    "and a line, before tax.",
    "Columns may stay empty and may not be renamed. Anything else you want to say goes into note.",
    "Your bid is compared by what the whole estate would cost with it over the term, not by list prices.",
)


def _allowance(plan: Any) -> str:
    """What a plan of today allows, without its name or price."""
    if formats.missing(plan.data_mb):
        data = "unlimited data"
    elif not int(plan.data_mb):
        data = "no data"
    else:
        data = f"{int(plan.data_mb) / _GB:g} GB" if int(plan.data_mb) >= _GB else f"{int(plan.data_mb) / SCALE:g} MB"
    return data if formats.missing(plan.pool_group) else f"{data}, shared"


def _band(gb: float) -> int:
    return next((n for n, end in enumerate(BANDS) if gb <= end), len(BANDS))


def _band_name(band: int) -> str:
    if band == 0:
        return "none"
    low = BANDS[band - 1]
    return (
        f"above {low} GB" if band == len(BANDS) else f"{low} to {BANDS[band]} GB" if low else f"up to {BANDS[band]} GB"
    )
