"""What we were billed: invoices, their charges, payments."""

from core.schema.columns import canonical, choice, day, micro, text

CATEGORIES = (
    "mrc",
    "nrc",
    "usage",
    "occ",
    "tax",
    "surcharge",
    "credit",
    "adjustment",
    "equipment",
    "late_fee",
    "third_party",
)

invoices = canonical(
    "invoices",
    text("invoice_id", key=True),
    text("account_id", required=True),
    text("number"),
    choice("kind", "invoice", "credit_note"),
    day("issued_on"),
    day("period_start"),
    day("period_end"),
    day("due_on"),
    day("received_on"),
    text("currency"),
    micro("previous_balance"),
    micro("payments"),
    micro("total", required=True),
    role="fact",
    indexes=(("account_id", "number"), ("period_start",)),
)

charges = canonical(
    "charges",
    text("charge_id", key=True),
    text("invoice_id", required=True, to="invoices.invoice_id"),
    text("service_id"),
    text("billed_number"),
    choice("category", *CATEGORIES, required=True),
    text("item_code"),
    text("description"),
    text("provider"),
    text("zone"),
    text("country"),
    micro("quantity"),
    text("unit"),
    micro("unit_rate"),
    micro("amount", required=True),
    day("period_start"),
    day("period_end"),
    text("related_charge_id"),
    role="fact",
    indexes=(("invoice_id",), ("service_id", "period_start")),
)

payments = canonical(
    "payments",
    text("invoice_id", required=True),
    day("paid_on", required=True),
    micro("amount", required=True),
    role="fact",
    indexes=(("invoice_id",),),
)
