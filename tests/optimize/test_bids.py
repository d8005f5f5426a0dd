"""Bids side by side: total cost and present value by hand, the award against brute force over every combination."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import pandas as pd
import pytest
from estates import M
from plan_oracle import Oracle, as_frames, instance

from core.issues import BadInput
from optimize.comparison import Criterion
from optimize.offer_terms import OfferTerms, read_terms
from optimize.scorecard import scorecard
from optimize.worth import worth_frames
from optimize.worth.lapse import months_owed
from optimize.worth.tco import Flows, present_value


def plan(plan_id, carrier, mrc, offer=None):
    return {
        **{"plan_id": plan_id, "carrier_id": carrier, "service_kind": "mobile", "mrc": mrc * M, "currency": "USD"},
        **{"data_mb": pd.NA, "voice_min": pd.NA, "pool_group": None, "offer_id": offer},
    }


def two_rivals(lines=10, **terms):
    """Lines at 50 with OLD, that end 4 months after the range and cost 30 each to leave; ALFA bids 40, BETA 38."""
    plans = [plan("O-50", "OLD", 50), plan("A-40", "ALFA", 40, "ALFA-1"), plan("B-38", "BETA", 38, "BETA-1")]
    ids = [f"L{n}" for n in range(lines)]
    frames = {
        "carriers": pd.DataFrame({"carrier_id": ["OLD", "ALFA", "BETA"]}),
        "accounts": pd.DataFrame({"account_id": ["X"], "carrier_id": ["OLD"]}),
        "plans": pd.DataFrame(plans).astype({"mrc": "Int64", "data_mb": "Int64", "voice_min": "Int64"}),
        "services": pd.DataFrame(
            {
                **{"service_id": ids, "kind": "mobile", "carrier_id": "OLD", "account_id": "X", "plan_id": "O-50"},
                **{"contract_id": "K", "status": "active", "term_end_on": "2026-06-30"},
            }
        ),
        "contracts": pd.DataFrame(
            {
                **{"contract_id": ["K"], "carrier_id": ["OLD"], "currency": ["USD"], "etf_rule": ["fixed"]},
                "etf_amount": [30 * M],
            }
        ),
        "usage": pd.DataFrame(
            {
                **{"service_id": ids * 2, "month": ["2026-01"] * lines + ["2026-02"] * lines, "usage_type": "data"},
                **{"zone": "home", "quantity": 1024 * M},
            }
        ),
    }
    if terms:
        rows = [{"offer_id": o.replace("_", "-"), **row} for o, row in terms.items()]
        frames["offer_terms"] = pd.DataFrame(rows)
    return frames


BETA = {
    **{"carrier_id": "BETA", "currency": "USD", "term_months": 24, "commitment_amount": 6_000 * M},
    **{"commitment_period": "year", "shortfall_rate": 500_000, "activation_fee": 10 * M, "port_credit": 4 * M},
    "signing_credit": 500 * M,
}
GIVEN = {"gap": 0, "horizon_months": 24, "porting_fee": 5, "overlap_months": 2}


def bids(frames, **given):
    found = worth_frames(frames, {**GIVEN, **given}, studies=["bids"], time_limit=5)
    return found["studies"]["bids"]["bids"]


def test_total_cost_by_hand():
    told = bids(two_rivals(BETA_1=BETA), comparison={"discount_rate": "0.1", "taxes": {"BETA": "0.05"}})
    rows = {row["key"]: row for row in told["rows"]}
    assert rows["today"]["total"] == 10 * 50 * 24
    # ALFA: 400 a month; 10 lines pay 5 to port, 30 to leave, and two months of 500 twice over
    assert rows["ALFA-1"]["parts"]["mrc"] == 9600
    assert rows["ALFA-1"]["total"] == 400 * 24 + 50 + 300 + 2 * 500
    # BETA: 380 a month and half of what 500 a month lacks; activation 10 a line, 4 back, 500 for signing; 5 % taxes
    parts = rows["BETA-1"]["parts"]
    assert {name: value for name, value in parts.items() if value} == {
        **{"mrc": 9120, "shortfall": 60 * 24, "taxes": 456, "moving": 50, "activation": 100},
        **{"early_termination": 300, "overlap": 1000, "credits": -540},
    }
    months = rows["BETA-1"]["months"]
    assert months[0] == 380 + 60 + 19 + 50 + 100 + 300 + 500 - 540
    assert months[1] == 380 + 60 + 19 + 500
    assert months[2:] == [459] * 22
    assert rows["BETA-1"]["total"] == pytest.approx(sum(months))
    by_hand = sum(amount / 1.1 ** (n / 12) for n, amount in enumerate(months, start=1))
    assert rows["BETA-1"]["npv"] == pytest.approx(by_hand, abs=1e-6)
    assert rows["BETA-1"]["saving"] == 12_000 - rows["BETA-1"]["total"]
    assert rows["BETA-1"]["gap"] == pytest.approx(0, abs=1e-3)
    assert rows["BETA-1"]["commitment"] | {"spend": 380.0} == {
        **{"contract_id": "offer:BETA-1", "monthly": 500.0, "period_months": 12, "spend": 380.0, "shortfall": 60.0},
        **{"owed_months": 24, "share": 1.3158, "probability": 1.0},
    }
    assert rows["BETA-1"]["unit"] == {"per_line": 44, "per_gb": 44, "bid_per_line": 38, "bid_per_gb": 38}
    assert rows["BETA-1"]["by_plan"] == {"B-38": 10}


def test_the_cheapest_price_sheet_need_not_be_the_cheapest_bid():
    told = bids(two_rivals(BETA_1=BETA))
    assert told["cheapest_sheet"] == "BETA-1"
    assert told["ranking"] == ["ALFA-1", "BETA-1"]
    assert told["basket"] == {"lines": 10, "today": 50, "offers": {"ALFA-1": 40, "BETA-1": 38}}
    assert told["award"]["offers"] == ["ALFA-1"]
    assert told["award"]["single"] == "ALFA-1"
    # everybody moves to ALFA: the cheapest second carrier is one line that stays, at 50 without fees
    two = told["award"]["two_carriers"]
    assert two["price"] == pytest.approx(24 * 50 - (24 * 40 + 35 + 100))
    assert told["award"]["one_carrier"]["price"] == 0
    dearer = next(c for c in told["sensitivity"] if c["case"] == "prices +10 %" and c["offer_id"] == "ALFA-1")
    assert dearer["totals"]["ALFA-1"] == min(24 * 440 + 350 + 1000, 12_000)


def test_a_credit_is_paid_only_where_a_line_takes_the_bid():
    told = bids(
        two_rivals(ALFA_1={"carrier_id": "ALFA", "signing_credit": 9_999 * M}), keep=[f"L{n}" for n in range(10)]
    )
    assert {row["key"]: row["total"] for row in told["rows"]} == dict.fromkeys(
        ("today", "stay", "ALFA-1", "BETA-1"), 12_000
    )


def test_a_payment_now_is_worth_itself_and_later_less():
    assert present_value([Fraction(0)] * 11 + [Fraction(110)], Fraction(1, 10)) == 100
    assert present_value([Fraction(1, 3)] * 3, Fraction(0)) == 1
    flows = Flows(6, {"mrc": Fraction(10)}, {"moving": Fraction(7)}, [("overlap", Fraction(2), 3)])
    assert flows.months() == [19, 12, 12, 10, 10, 10]
    assert sum(flows.parts().values()) == flows.total == 73


def test_terms_that_contradict_the_plans_are_told():
    wrong = two_rivals(
        BETA_1={**BETA, "carrier_id": "ALFA"},
        ALFA_1={**BETA, "commitment_period": "term", "carrier_id": "ALFA", "term_months": pd.NA},
    )
    with pytest.raises(BadInput) as caught:
        read_terms(wrong, "USD")
    assert len(caught.value.issues) == 2
    assert read_terms(two_rivals(), "USD")["BETA-1"] == OfferTerms("BETA-1", "BETA")


def test_an_offer_in_place_of_a_contract_takes_over_its_commitment():
    frames = two_rivals(OLD_2={"carrier_id": "OLD", "commitment_amount": 0})
    frames["plans"] = pd.concat([frames["plans"], pd.DataFrame([plan("O-45", "OLD", 45, "OLD-2")])], ignore_index=True)
    frames["contracts"] = frames["contracts"].assign(
        commitment_amount=700 * M, commitment_period="month", shortfall_rate=M
    )
    told = bids(frames, offers=["OLD-2"])
    rows = {row["key"]: row for row in told["rows"]}
    assert rows["stay"]["parts"]["shortfall"] == 200 * 24
    assert rows["OLD-2"]["parts"]["shortfall"] == 0
    assert rows["OLD-2"]["total"] == 45 * 10 * 24


def test_a_commitment_is_owed_until_the_way_out_and_not_to_the_end_of_the_term():
    frames = two_rivals(BETA_1={**BETA, "term_months": 12})
    terms = {"start_date": "2025-01-15", "initial_term_months": 17, "renewal_type": "tacit", "renewal_term_months": 12}
    frames["contracts"] = frames["contracts"].assign(
        **terms, notice_days=30, commitment_amount=600 * M, commitment_period="month", shortfall_rate=M
    )
    told = bids(frames, overlap_months=0)
    rows = {row["key"]: row for row in told["rows"]}
    # today renews: 100 lack in each of 24 months; notice at the end of February ends it on 15 June, in the 4th month
    assert told["commitments_end"] == {"K": 4}
    assert rows["today"]["parts"]["shortfall"] == 2400
    assert rows["stay"]["parts"]["shortfall"] == pytest.approx(400, abs=0.01)
    assert rows["stay"]["months"][3:5] == pytest.approx([600, 500], abs=0.01)
    # with BETA all 600 of the old contract lack for 4 months, and 60 of its own for the 12 of its term
    assert rows["BETA-1"]["parts"]["shortfall"] == pytest.approx(4 * 600 + 12 * 60, abs=0.01)
    assert rows["BETA-1"]["commitment"]["owed_months"] == 12
    # notice on 31 May would be too late: 30 days before 15 June is 16 May
    assert months_owed(frames, "2026-05", 36) == {"K": 13}


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_the_award_is_the_best_of_all_combinations(seed):
    rng = random.Random(f"award{seed}")
    tables, scenario = instance(rng, rng.choice(["plain", "data_pool", "etf", "shortfall"]))
    for key in ("cvar", "min_saving_per_change", "offers", "force", "plan_price"):
        scenario.pop(key, None)
    scenario |= {"horizon_months": 12, "objective": "expected"}
    for contract in tables.get("contracts", []):
        contract["start_date"] = None  # without dates commitments last
    terms = {}
    for carrier in [row["carrier_id"] for row in tables["carriers"]][:2]:
        cheap = rng.choice([p for p in tables["plans"] if p["carrier_id"] == carrier])
        bid = {"plan_id": f"z{carrier}", "offer_id": f"o{carrier}", "service_kind": None, "min_lines": None}
        tables["plans"].append({**cheap, **bid, "mrc": max(1, float(cheap["mrc"]) // 2), "max_lines": None})
        terms[f"o{carrier}"] = {
            **{"offer_id": f"o{carrier}", "carrier_id": carrier, "commitment_amount": rng.choice([0, 40, 90]) * M},
            **{"commitment_period": "month", "shortfall_rate": M, "activation_fee": rng.choice([0, 5]) * M},
            "signing_credit": rng.choice([0, 0, 60]) * M,
        }
    frames = {**as_frames(tables), "offer_terms": pd.DataFrame(list(terms.values()))}
    told = worth_frames(frames, scenario, studies=["bids"], time_limit=10)["studies"]["bids"]["bids"]
    sets = [names for n in range(3) for names in itertools.combinations(sorted(terms), n)]
    true = {names: by_hand(tables, scenario, [terms[o] for o in names]) for names in sets}
    if true[()] is None:
        assert told["award"] is None
        return
    tried = {tuple(row["offers"]): row for row in told["award"]["tried"]}
    assert set(tried) == set(true)
    for names, total in true.items():
        assert tried[names]["total"] - tried[names]["gap"] - 1e-4 <= total <= tried[names]["total"] + 1e-4, names
    if not any(row["signing_credit"] for row in terms.values()):
        assert told["award"]["total"] == pytest.approx(min(true.values()), abs=1e-3)
    assert told["award"]["total"] == min(row["total"] for row in tried.values())


def by_hand(tables, scenario, accepted):
    """The least total cost over the term by enumeration, the accepted terms put into the tables by hand."""
    contracts = [dict(c) for c in tables.get("contracts", [])]
    given = {**scenario, "offers": [t["offer_id"] for t in accepted]}
    given["joining_fee"] = {t["carrier_id"]: t["activation_fee"] / M for t in accepted}
    blank = dict.fromkeys(("initial_term_months", "currency", "etf_rule", "etf_amount", "renewal_type"))
    for t in accepted:
        mine = Oracle(tables, scenario).default_contract(t["carrier_id"])
        row = next((c for c in contracts if c["contract_id"] == mine), None)
        if row is None:
            row = {**blank, "contract_id": f"zz{t['carrier_id']}", "carrier_id": t["carrier_id"]}
            contracts.append(row)
        row |= {"commitment_amount": t["commitment_amount"] / M, "commitment_period": "month", "shortfall_rate": 1}
        row |= {"commitment_basis": None, "start_date": None}
    oracle, best = Oracle({**tables, "contracts": contracts}, given), None
    for pick in itertools.product(*(oracle.choices(s) for s in oracle.services)):
        if not oracle.feasible(pick):
            continue
        earned = sum(t["signing_credit"] / M for t in accepted if f"z{t['carrier_id']}" in pick)
        total = float(oracle.cost(pick)[0]) * 12 - earned
        best = total if best is None else min(best, total)
    return best


CRITERIA = (
    Criterion("Coverage", Fraction(30), {"A": Fraction(4), "B": Fraction(9)}),
    Criterion("Terms", Fraction(10), {"A": Fraction(6)}),
)
ROWS = [{"key": "C", "total": None}, {"key": "A", "total": 100.0}, {"key": "B", "total": 125.0}]


def test_the_scorecard_by_hand():
    found = scorecard(ROWS, CRITERIA, Fraction(60))
    assert found is not None
    by_offer = {row["offer_id"]: row for row in found["rows"]}
    assert by_offer["A"]["cost_score"] == 10
    assert by_offer["B"]["cost_score"] == 8
    assert by_offer["A"]["result"] == pytest.approx((60 * 10 + 30 * 4 + 10 * 6) / 100)
    assert by_offer["B"]["result"] == pytest.approx((60 * 8 + 30 * 9 + 0) / 100)
    assert found["winner"] == "A"
    assert found["missing"] == ["Terms: B"]
    # cost alone speaks for A, everything else for B: equal at share s with 10 s + 4.5 (1 - s) = 8 s + 6.75 (1 - s)
    assert found["turns_at"] == [{"cost_share": pytest.approx(2.25 / 4.25, abs=1e-4), "below": "B", "above": "A"}]
    assert [case["winner"] for case in found["sensitivity"]] == ["B"] * 6 + ["A"] * 5
    assert scorecard(ROWS[:1], CRITERIA, Fraction(60)) is None
    assert scorecard(ROWS, (), Fraction(0)) is None
