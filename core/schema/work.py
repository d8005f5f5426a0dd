"""What the product keeps: batches, quarantine, saved formats, findings, disputes, scenarios, results, jobs, trail."""

from core.schema.columns import choice, day, flag, integer, json_text, micro, month, serial, stamp, system, text

meta = system("meta", text("name", key=True), text("value", required=True), role="log")

batches = system(
    "batches",
    serial("batch_id"),
    text("file", required=True),
    text("format", required=True),
    text("content_sha256", required=True),
    stamp("loaded_at", required=True),
    choice("state", "committed", "superseded", "undone", required=True),
    integer("rows_in", required=True),
    integer("rows_loaded", required=True),
    integer("rows_quarantined", required=True),
    json_text("files"),
    json_text("warnings"),
    integer("superseded_by"),
    role="data",
    indexes=(("content_sha256",),),
)

batch_files = system(
    "batch_files",
    serial("row_id"),
    integer("batch_id", required=True),
    text("file", required=True),
    text("content_sha256", required=True),
    text("format", required=True),
    integer("rows_in", required=True),
    integer("rows_loaded", required=True),
    integer("rows_quarantined", required=True),
    role="data",
    indexes=(("content_sha256",), ("batch_id",)),
)

quarantine = system(
    "quarantine",
    serial("row_id"),
    integer("batch_id", required=True),
    text("file", required=True),
    text("table_name"),
    integer("row"),
    text("raw"),
    text("field"),
    text("found"),
    text("expected"),
    text("reason", required=True),
    role="data",
    indexes=(("batch_id",),),
)

record_history = system(
    "record_history",
    serial("row_id"),
    text("table_name", required=True),
    text("record_key", required=True),
    integer("batch_id"),
    integer("replaced_by_batch"),
    stamp("replaced_at", required=True),
    json_text("record", required=True),
    role="data",
    indexes=(("table_name", "record_key"),),
)

#: What a user teaches the loaders, as YAML text: mapping profiles, PDF templates, charge rules.
saved_formats = system(
    "saved_formats",
    choice("kind", "profile", "pdf", "charge_rules", key=True),
    text("name", key=True),
    text("definition", required=True),
    stamp("changed_at", required=True),
)

#: The columns that each loaded file had, by format and part (table, sheet, member): what drift is measured against.
seen_columns = system(
    "seen_columns",
    serial("row_id"),
    integer("batch_id", required=True),
    text("format", required=True),
    text("part", required=True),
    json_text("columns", required=True),
    role="data",
    indexes=(("format", "part"), ("batch_id",)),
)

FINDING_STATES = ("new", "triaged", "disputed", "accepted", "dismissed", "credited", "implemented")

findings = system(
    "findings",
    text("finding_id", key=True),
    choice("queue", "audit", "policy", "anomaly", "spend", "watch", required=True),
    text("rule", required=True),
    text("family"),
    text("kind"),
    choice(
        "subject_type",
        *("charge", "service", "invoice", "account", "contract", "employee", "cost_center", "carrier", "site"),
        required=True,
    ),
    text("subject_id", required=True),
    text("service_id"),
    text("account_id"),
    text("carrier_id"),
    month("month", required=True),
    text("episode_id"),
    micro("amount_at_stake", required=True),
    micro("amount_counted", required=True),
    text("currency"),
    choice("direction", "over", "under", "none", required=True),
    choice("claim", "recoverable", "avoidable", "informative", required=True),
    choice("severity", "info", "low", "medium", "high", "critical", required=True),
    # Surprise in nats, a model's figure and no money: kept in millionths like every other number of the store.
    micro("score"),
    json_text("expected"),
    json_text("actual"),
    json_text("evidence"),
    text("explanation"),
    json_text("invoice_ids"),
    json_text("charge_ids"),
    json_text("charge_stakes"),
    text("default_reason"),
    day("file_by"),
    day("withhold_by"),
    integer("history_months"),
    choice("state", *FINDING_STATES, required=True),
    text("state_reason"),
    text("owner"),
    day("due_on"),
    flag("current", required=True),
    # What an anomaly row rests on besides its evidence: own months, peers, tail probability, action, cases, model.
    json_text("detail"),
    indexes=(("queue", "month"), ("service_id",), ("state",), ("account_id",)),
)

#: How far a decision reaches: this line-month alone, or the lines that share the named attribute.
FEEDBACK_SCOPES = ("finding", "service", "employee", "cost_center", "account", "plan", "role")

feedback = system(
    "feedback",
    serial("feedback_id"),
    text("finding_id", required=True),
    choice("queue", "policy", "anomaly", "spend", "watch", required=True),
    text("rule", required=True),
    text("kind"),
    text("service_id"),
    month("month", required=True),
    choice("verdict", "confirmed", "dismissed", "withdrawn", required=True),
    text("reason"),
    choice("scope", *FEEDBACK_SCOPES, required=True),
    day("expires_on"),
    text("decided_by", required=True),
    stamp("decided_at", required=True),
    indexes=(("finding_id",), ("service_id",)),
)

model_runs = system(
    "model_runs",
    serial("run_id"),
    stamp("at", required=True),
    text("model_version", required=True),
    text("config_hash", required=True),
    text("data_hash", required=True),
    integer("seed", required=True),
    month("first_month"),
    month("last_month"),
    json_text("summary", required=True),
    role="log",
)

disputes = system(
    "disputes",
    text("dispute_id", key=True),
    json_text("finding_ids", required=True),
    text("carrier_id"),
    text("account_id"),
    text("invoice_id"),
    micro("billed", required=True),
    micro("disputed", required=True),
    text("currency"),
    choice("state", "identified", "submitted", "approved", "declined", "credited", required=True),
    day("filed_on"),
    day("file_by"),
    day("withhold_by"),
    micro("credited", required=True),
    json_text("credit_charge_ids"),
    stamp("changed_at", required=True),
)

savings = system(
    "savings",
    text("saving_id", key=True),
    json_text("finding_ids"),
    text("source", required=True),
    choice("kind", "hard", "avoidance", required=True),
    choice("stage", "identified", "approved", "implemented", "realized", required=True),
    micro("amount", required=True),
    text("currency"),
    month("from_month"),
    json_text("detail"),
    stamp("changed_at", required=True),
)

baselines = system(
    "baselines",
    text("sha256", key=True),
    month("from_month", required=True),
    month("to_month", required=True),
    json_text("figures", required=True),
    stamp("frozen_at", required=True),
)

closed_allocations = system(
    "closed_allocations",
    month("month", key=True),
    text("rules_sha256", required=True),
    json_text("document", required=True),
    stamp("closed_at", required=True),
)

scenarios = system(
    "scenarios",
    text("scenario_id", key=True),
    text("name", required=True),
    text("yaml", required=True),
    text("parent_id"),
    stamp("created_at", required=True),
)

policy_rules = system(
    "policy_rules",
    text("rule_id", key=True),
    integer("version", key=True),
    text("yaml", required=True),
    flag("current", required=True),
    text("note"),
    text("saved_by", required=True),
    stamp("saved_at", required=True),
)

results = system(
    "results",
    text("result_id", key=True),
    text("scenario_id", required=True),
    text("status", required=True),
    integer("data_version", required=True),
    json_text("document", required=True),
    stamp("created_at", required=True),
    indexes=(("scenario_id",),),
)

jobs = system(
    "jobs",
    serial("job_id"),
    text("kind", required=True),
    json_text("params", required=True),
    integer("data_version", required=True),
    choice("state", "queued", "running", "done", "failed", "cancelled", required=True),
    flag("cancel_requested", required=True),
    micro("fraction", required=True),
    text("note"),
    json_text("progress"),
    json_text("result"),
    text("error"),
    integer("pid"),
    stamp("created_at", required=True),
    stamp("started_at"),
    stamp("heartbeat_at"),
    stamp("finished_at"),
    role="log",
    indexes=(("state",), ("kind", "data_version")),
)

audit_trail = system(
    "audit_trail",
    serial("entry_id"),
    stamp("at", required=True),
    text("actor", required=True),
    text("action", required=True),
    text("subject", required=True),
    json_text("detail"),
    text("previous_hash", required=True),
    text("entry_hash", required=True),
    role="log",
)
