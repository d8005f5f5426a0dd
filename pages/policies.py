"""Policies: the rules in force, what they found, and an editor with preview on history and versions."""

from app import cache, page
from app.components import Col, card, footer, kpi_row, table
from app.components.policy_editor import edit

head = page.begin("Policies", ("currency",), needs="services", what="Which rules hold, and what they find")
data = cache.view("policies", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
with card("Rules", note="Pick one to change it, to see what it would have found, or to go back to an earlier version"):
    picked = table(
        data.table,
        [
            Col("title", "Rule", width="large"),
            Col("state", "State", width="small"),
            Col("hits", "Open hits", "count"),
            Col("worth", f"At stake, {data.currency or ''}".strip(", "), "money"),
            Col("owner", "Owner"),
            Col("version", "Version"),
        ],
        key="policies",
        select="one",
        height=420,
        alt=f"{len(data.table)} policy rules with state, open hits, money and owner",
    )
edit(data, data.entries[picked[0] if picked else 0])
page.link("usage", "See the hits in the queue")
footer(data.note, "tem rules does the same on the command line.")
