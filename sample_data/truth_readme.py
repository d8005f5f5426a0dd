"""The text that stands beside the truth table."""

README = """# What was planted

`planted.csv` holds one row per finding that should come out of `tem audit` and `tem flag` on this data, outside the
folders that are loaded. The same cause shares `plant_id`; a row is one (rule, subject, month).

- `queue`: audit, policy or anomaly. `rule`: the code of the audit rule, the id of the policy rule, or
  `anomaly.line_month`. `kind`: what was done.
- `subject_type`, `subject_id`: the narrowest thing that is wrong. For bills that come as Verizon or AT&T files the
  charge ids are made by the loader: `subject_id` is blank there; match by service (or `billed_number`), month and
  amount.
- `amount`: money at stake of that month, net of tax, positive where the customer lost it; in `currency`.

## Billing errors (queue audit)
| rule | planted |
|---|---|
| R1 | billed rate above (`rate_above`) or below (`rate_below`) the contract's |
| R2 | list price billed, the discount is missing |
| R3 | volume discount at a lower tier than the month's spend earned |
| R4 | contract expired, rack rate since |
| R6 | promotional credit stopped early or runs on after its end |
| I1 | a number nobody has in the inventory |
| I2 | billed after the disconnection, from its month on (in mid-month: the part after it) |
| I3 | active all month, never billed |
| I4 | holder left in an earlier month |
| I5 | site closed |
| I6 | no owner, or a closed cost center |
| I7 | billed in two accounts |
| I8 | device wiped, retired or unseen for 60 days |
| I10 | suspended, billed in full |
| U1 | no use for two cycles and more |
| U5 | roaming paid by use although a pass costs less (no money: a remark) |
| U6 | pool below half or overfull (small sizes only, where few lines share a pool; a remark) |
| U7 | premium or third-party charge |
| C1 | duplicate invoice under another number |
| C2 | the same charge twice |
| C3 | late fee; once although paid in time, once after a late payment |
| C5 | one-off charge without an order |
| C7 | wrong tax rate, tax on an exempt account |
| C9 | a part of a month billed in full |
| C11 | quantity x rate is not the amount; total is not the sum |
| C12 | an invoice never came |
| C14 | promised credit never came or fell short |

C13 (a service's month far from its median) is informative and follows from many of these; it is not listed.

## Policy and anomalies
`zero_use`, `use_after_leaving`, `roam_no_bundle`, `roam_no_travel` and `premium_use` rows are all hits that exist, by
the rules' exact conditions. Anomaly kinds: roaming_unbundled, roaming_no_travel, premium, third_party, short_calls,
international_burst, many_destinations, device_change, spike, drift (from its third month), level_shift (its first three
months), drop.

## Look-alikes, not findings
Correct prorations (activation, plan change, disconnection and account moves in mid-month), seasonal suspensions at the
agreed rate, duplicates already credited (`ok-credited`), the Vodafone amendment's new prices, one-off charges with
their order, used roaming passes, one month without use (`ok-quiet-month`), standby, emergency and backup lines without
use, promotions that end as agreed (`ok-promo`), a promised credit that came (`ok-credit`), the sales meeting in Lisbon
with many roamers, and one department's new phones.
"""
