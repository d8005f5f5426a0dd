"""Who bills, who pays, where: carriers, accounts, sites, cost centers, people."""

from core.schema.columns import canonical, choice, day, integer, micro, month, text

carriers = canonical("carriers", text("carrier_id", key=True), text("name"), text("country"), role="dimension")

accounts = canonical(
    "accounts",
    text("account_id", key=True),
    text("carrier_id", required=True),
    text("number"),
    text("name"),
    text("currency"),
    text("country"),
    text("parent_account_id"),
    choice("cadence", "monthly", "quarterly", "yearly", "none"),
    integer("bill_day", low=1, high=31),
    choice("billing", "advance", "arrears"),
    day("opened_on"),
    day("closed_on"),
    text("tax_exempt"),
    text("paperless"),
    role="dimension",
    indexes=(("carrier_id", "number"),),
)

sites = canonical(
    "sites",
    text("site_id", key=True),
    text("name"),
    text("country"),
    text("region"),
    day("opened_on"),
    day("closed_on"),
    role="dimension",
)

cost_centers = canonical(
    "cost_centers",
    text("cost_center_id", key=True),
    text("name"),
    text("parent_id"),
    text("owner"),
    text("business_unit"),
    text("gl_account"),
    day("closed_on"),
    role="dimension",
)

employees = canonical(
    "employees",
    text("employee_id", key=True),
    text("name"),
    text("email"),
    text("cost_center_id"),
    text("site_id"),
    choice("status", "active", "leave", "left"),
    day("left_on"),
    day("leave_from"),
    day("leave_to"),
    text("role"),
    text("country"),
    role="dimension",
)

employee_history = canonical(
    "employee_history",
    text("employee_id", key=True),
    day("valid_from", key=True),
    text("cost_center_id"),
    text("site_id"),
    choice("status", "active", "leave", "left"),
    role="dimension",
)

budgets = canonical(
    "budgets",
    text("budget_id", key=True),
    month("month", required=True),
    text("cost_center_id"),
    text("carrier_id"),
    micro("amount", required=True),
    text("currency"),
    text("note"),
    role="dimension",
    indexes=(("month",),),
)
