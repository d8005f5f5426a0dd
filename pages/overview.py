"""Overview: what was spent, why it changed, what is wasted, what to do next."""

from app import page

head = page.begin(
    "Overview",
    ("month", "compare", "carrier", "cost_center", "currency"),
    what="What you spend, why it changed, and what to do about it",
)
head.say("Overview", "…")
