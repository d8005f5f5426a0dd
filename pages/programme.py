"""Programme: whether inventory, exceptions, contracts, disputes and reporting are under control."""

from app import cache, formats, page
from app.components import Col, card, footer, kpi_row, lines, nothing, side_by_side, table
from app.components.programme import credit_days, scorecard
from app.views.programme import AGES

head = page.begin("Programme", ("carrier", "currency"), what="Whether the programme is under control, and where not")
data = cache.view("programme", head.filters)
head.say(data.title, data.sentence)
kpi_row(data.kpis)
with card("Five questions", note=f"As of {formats.day(data.as_of)}; yes from 95 %, partly from 80 %"):
    scorecard(data.questions)
with card("Open exceptions by owner and age", note=f"Audit cases in {data.currency}; age since the first month billed"):
    ages = [Col(f"age{n}", name, "money") for n, (_, name) in enumerate(AGES)]
    table(
        data.owners,
        [
            Col("owner", "Owner", width="medium"),
            Col("cases", "Cases", "count"),
            Col("amount", "Money", "money"),
            *ages,
            Col("oldest", "Oldest, days", "count"),
        ],
        key="owners",
        empty="No case is open.",
    )
    page.link("findings", "Give cases an owner")
left, right = side_by_side(1, 1)
with left, card("Days to a credit", note="Each point is a dispute that a later bill credited"):
    if len(data.credits):
        credit_days(data.credits, key="credit-days")
    else:
        nothing("No bill has credited a dispute yet.")
with right, card("Charges that match no line", note="Of those that name one, by month; lower is better"):
    lines(data.months, {"Not matched": data.unmatched}, title="Charges that match no line", key="unmatched", unit="%")
footer(data.note)
