"""Small sums that pages read instead of facts; refreshed in the transaction of the load (see :mod:`core.rollups`)."""

from core.schema.columns import integer, micro, month, serial, system, text

spend_months = system(
    "spend_months",
    serial("row_id"),
    month("month", required=True),
    text("carrier_id"),
    text("account_id"),
    text("site_id"),
    text("cost_center_id"),
    text("kind"),
    text("category", required=True),
    text("currency"),
    micro("amount", required=True),
    integer("charges", required=True),
    role="rollup",
    indexes=(("month", "carrier_id"),),
)

line_months = system(
    "line_months",
    text("service_id", key=True),
    month("month", key=True),
    text("currency"),
    micro("mrc", required=True),
    micro("usage_charges", required=True),
    micro("other_charges", required=True),
    micro("total", required=True),
    micro("data_mb", required=True),
    micro("voice_min", required=True),
    micro("sms", required=True),
    micro("roaming_data_mb", required=True),
    micro("roaming_cost", required=True),
    role="rollup",
    indexes=(("month",),),
)
