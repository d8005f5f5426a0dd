"""What we consumed: rated monthly usage and, where the carrier gives it, single events."""

from core.schema.columns import canonical, choice, day, micro, month, stamp, text

USAGE_TYPES = ("data", "voice", "sms")
ZONES = ("home", "roaming", "international", "premium", "directory")

usage = canonical(
    "usage",
    text("service_id", required=True, to="services.service_id"),
    month("month", required=True),
    choice("usage_type", *USAGE_TYPES, required=True),
    choice("zone", *ZONES),
    text("country"),
    micro("quantity", required=True, low=0),
    text("unit"),
    micro("cost"),
    text("currency"),
    day("period_start"),
    day("period_end"),
    role="fact",
    indexes=(("service_id", "month"), ("month",)),
)

usage_events = canonical(
    "usage_events",
    text("service_id", required=True, to="services.service_id"),
    stamp("started_at", required=True),
    choice("direction", "out", "in"),
    choice("usage_type", *USAGE_TYPES, required=True),
    choice("zone", *ZONES),
    text("country"),
    text("peer_number"),
    text("peer_country"),
    micro("quantity", low=0),
    text("unit"),
    micro("duration_s", low=0),
    micro("cost"),
    text("currency"),
    role="fact",
    indexes=(("service_id", "started_at"),),
)
