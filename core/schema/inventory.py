"""What we have: services with their history and features, coverage, devices, orders, travel, exemptions."""

from core.schema.columns import canonical, choice, day, micro, stamp, text

KINDS = (
    "mobile",
    "iot",
    "fixed_voice",
    "sip_trunk",
    "circuit",
    "internet",
    "sdwan",
    "uc_seat",
    "saas_seat",
    "cloud",
    "other",
)
DEVICE_KINDS = ("phone", "tablet", "hotspot", "sensor", "camera", "router", "other")
PURPOSES = ("person", "shared", "standby", "emergency", "backup", "m2m")
STATUSES = ("ordered", "active", "suspended", "disconnected")

services = canonical(
    "services",
    text("service_id", key=True),
    choice("kind", *KINDS),
    choice("device_kind", *DEVICE_KINDS),
    choice("purpose", *PURPOSES),
    text("number"),
    text("carrier_id"),
    text("account_id"),
    text("contract_id"),
    text("plan_id"),
    text("employee_id"),
    text("cost_center_id"),
    text("project_id"),
    text("site_id"),
    choice("status", *STATUSES),
    day("activated_on"),
    day("disconnected_on"),
    day("term_end_on"),
    role="dimension",
    indexes=(("carrier_id", "number"), ("account_id",), ("employee_id",), ("plan_id",)),
)

service_history = canonical(
    "service_history",
    text("service_id", key=True),
    day("valid_from", key=True),
    day("valid_to"),
    text("account_id"),
    text("contract_id"),
    text("plan_id"),
    text("employee_id"),
    text("cost_center_id"),
    text("site_id"),
    text("number"),
    choice("status", *STATUSES),
    role="dimension",
)

service_items = canonical(
    "service_items",
    text("service_id", required=True),
    text("item_code", required=True),
    micro("quantity"),
    day("valid_from"),
    day("valid_to"),
    role="dimension",
    natural_key=("service_id", "item_code", "valid_from"),
    indexes=(("service_id",),),
)

coverage = canonical("coverage", text("site_id", key=True), text("carrier_id", key=True), role="dimension")

devices = canonical(
    "devices",
    text("device_id", key=True),
    text("service_id"),
    text("employee_id"),
    text("kind"),
    text("imei"),
    text("model"),
    choice("mdm_status", "enrolled", "retired", "wiped", "unknown"),
    day("last_seen_on"),
    day("assigned_on"),
    day("released_on"),
    role="dimension",
    indexes=(("service_id",), ("imei",)),
)

sim_observations = canonical(
    "sim_observations",
    text("service_id", required=True),
    stamp("observed_on", required=True),
    text("iccid"),
    text("imei"),
    role="fact",
    indexes=(("service_id", "observed_on"),),
)

orders = canonical(
    "orders",
    text("order_id", key=True),
    text("service_id"),
    text("account_id"),
    choice("type", "install", "move", "add", "change", "disconnect", "suspend", "resume", "port"),
    day("requested_on"),
    day("ordered_on"),
    day("due_on"),
    day("completed_on"),
    text("item_code"),
    micro("nrc_amount"),
    text("currency"),
    text("from_value"),
    text("to_value"),
    choice("status", "requested", "ordered", "installed", "changed", "disconnected", "cancelled"),
    role="dimension",
    indexes=(("service_id",),),
)

travel = canonical(
    "travel",
    text("travel_id", key=True),
    text("employee_id", required=True),
    text("country", required=True),
    day("starts_on", required=True),
    day("ends_on"),
    text("source"),
    role="dimension",
    indexes=(("employee_id",),),
)

policy_exemptions = canonical(
    "policy_exemptions",
    text("exemption_id", key=True),
    text("rule", required=True),
    choice("scope_type", "service", "employee", "cost_center", "account", "plan", "role", required=True),
    text("scope_id", required=True),
    day("effective_from"),
    day("effective_to"),
    text("reason"),
    role="dimension",
)
