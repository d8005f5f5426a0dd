"""The four tables of the Verizon raw data download, as declarations (`formats.md` 3.1; names, not positions)."""

from __future__ import annotations

from loaders.reading.declare import Layout, field, us_day, us_number

_KEY = (
    field("account", "Account Number", needed=True),
    field("invoice", "Invoice Number", needed=True),
)
SUMMARY = Layout(
    *_KEY,
    field("profile", "ECPD Profile ID"),
    field("cycle", "Bill Cycle Date", parse=us_day, needed=True),
    field("due_on", "Date Due", parse=us_day),
    field("name", "Bill Name"),
    field("previous_balance", "Previous Balance", parse=us_number),
    field("payments", "Payments", parse=us_number),
    field("late_fee", "Late Fee", parse=us_number),
    field("total", "Total Current Charges", parse=us_number, needed=True),
    field("amount_due", "Total Amount Due", parse=us_number),
)
WIRELESS = Layout(
    *_KEY,
    field("number", "Wireless Number", needed=True),
    field("user", "User Name"),
    field("cost_center", "Cost Center"),
    field("plan", "Your Calling Plan", needed=True),
    field("monthly", "Monthly Charges", parse=us_number),
    field("total", "Total Charges", parse=us_number, needed=True),
    field("voice", "Voice Plan Usage", parse=us_number),
    field("sms", "Messaging Usage", parse=us_number),
    field("kb", "Data Usage (KB)", parse=us_number),
    field("mb", "Data Usage (MB)", parse=us_number),
    field("gb", "Data Usage (GB)", parse=us_number),
    field("roaming_voice", "Voice Roaming", parse=us_number),
    field("roaming_sms", "Messaging Roaming", parse=us_number),
    field("roaming_kb", "Data Roaming (KB)", parse=us_number),
    field("roaming_mb", "Data Roaming (MB)", parse=us_number),
    field("roaming_gb", "Data Roaming (GB)", parse=us_number),
)
DETAIL = Layout(
    *_KEY,
    field("number", "Wireless Number", needed=True),
    field("user", "User Name"),
    field("cost_center", "Cost Center"),
    field("date", "Date"),
    field("category", "Item Category", needed=True),
    field("type", "Item Type"),
    field("description", "Item Description", needed=True),
    field("share", "Share Description"),
    field("unit", "Usage Unit", "Unit"),
    field("used", "Used", parse=us_number),
    field("billable", "Billable", parse=us_number),
    field("cost", "Cost", parse=us_number, needed=True),
    field("vendor", "Vendor Name / Contact Information"),
    field("order", "Order Details"),
)
EVENTS = Layout(
    *_KEY,
    field("number", "Wireless Number", needed=True),
    field("category", "Usage Category", needed=True),
    field("date", "Date", "Call Date"),
    field("time", "Time", "Call Time"),
    field("peer", "Number"),
    field("destination", "Destination"),
    field("minutes", "Minutes", "Min", parse=us_number),
    field("charge", "Charge", "Total Charge", "Cost", parse=us_number),
)
