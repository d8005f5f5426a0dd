"""The studio makes the scenario file the answers mean; results stand beside each other in text."""

from __future__ import annotations

from fractions import Fraction

import estate
import pytest
import yaml

from app.views import scenarios, studio
from app.views.selection import Filters
from app.views.studio import Answers, BucketAnswer, PoolName
from core.store import Store
from optimize.scenario import OverageLimit, parse
from optimize.scenario_set import SetRule


@pytest.fixture
def filled(store: Store) -> Store:
    return estate.fill(store)


def test_an_empty_store_offers_nothing_and_says_what_if(store: Store) -> None:
    data = scenarios.view(store, Filters())
    assert data.title == "What if?"
    assert data.options.currencies == ()
    assert studio.first_scenario_of(store) == {}


def test_options_come_from_plans_lines_and_usage(filled: Store) -> None:
    there = studio.options(filled)
    assert there.currencies == ("USD",)
    assert there.lines == {"USD": 6}
    assert there.months == estate.MONTHS
    assert there.carriers == {"att": "AT&T Mobility", "verizon": "Verizon Wireless"}
    assert there.offers == {"att-2027": "att-2027 (AT&T Mobility)"}
    assert there.kinds == ("mobile",)


def test_neutral_answers_say_nothing_but_their_name_and_gap(filled: Store) -> None:
    assert studio.scenario(filled, Answers()) == {"name": "What if", "gap": "0.001"}


def test_every_answer_becomes_a_key_that_the_optimizer_reads(filled: Store) -> None:
    answers = Answers(
        name="Squeeze",
        currency="USD",
        first="2026-04",
        last="2026-09",
        kinds=("mobile",),
        carriers_allowed=("att", "verizon"),
        max_carriers=1,
        max_changes=3,
        change_fee="2",
        porting_fee="25",
        horizon_months=24,
        min_saving="1",
        carrier_cost="150",
        growth_data=1.5,
        price_change={"verizon": -10.0},
        offers=("att-2027",),
        suspend_months=2,
        overage_limit=12.5,
        draws=24,
    )
    text = studio.scenario_text(filled, answers=answers)
    read = parse(yaml.safe_load(text))
    assert (read.first, read.last, read.max_carriers, read.max_changes) == ("2026-04", "2026-09", 1, 3)
    assert read.growth == {"data": 15_000}
    assert read.plan_price == {"v-10": 54_000_000, "v-2": 27_000_000, "v-pool": 18_000_000}
    assert (read.change_fee, read.porting_fee, read.min_saving_per_change) == (2_000_000, 25_000_000, 1_000_000)
    assert read.offers == ("att-2027",)
    assert read.carrier_fixed_cost == {"att": 150_000_000, "verizon": 150_000_000}
    assert read.suspend_zero_use_months == 2
    assert read.overage_probability == OverageLimit(Fraction(1, 8))
    assert read.scenario_set == SetRule("bootstrap", draws=24)
    spread = parse(studio.scenario(filled, Answers(spread=15.0))).scenario_set
    assert [case.factor for case in spread.factors] == [(Fraction(f, 100),) * 3 for f in (85, 100, 115)]
    assert studio.scenario_text(filled, answers=answers) == text


def test_buckets_become_those_of_the_scenario_file(filled: Store) -> None:
    there = studio.options(filled)
    assert there.pools == {"Verizon Wireless: flex": PoolName("data", "verizon", "flex")}
    pool = there.pools["Verizon Wireless: flex"]
    minutes = PoolName("voice", "verizon", "talk")
    sold = (BucketAnswer(pool, "50", "150"), BucketAnswer(pool, "0.5", "9.99", 3), BucketAnswer(minutes, "1000", "40"))
    told = studio.scenario(filled, Answers(buckets=sold, combined=True))
    read = parse(told)
    assert [(b.bucket_id, b.allowance, b.mrc, b.max_per_pool, b.kind) for b in read.buckets] == [
        ("verizon flex 50 GB", 51_200_000_000, 150_000_000, 1, "data"),
        ("verizon flex 0.5 GB", 512_000_000, 9_990_000, 3, "data"),
        ("verizon talk 1000 min", 1_000_000_000, 40_000_000, 1, "voice"),
    ]
    assert read.bucket_steps == "any"
    assert "bucket_steps" not in studio.scenario(filled, Answers(buckets=sold))


def test_results_stand_side_by_side(filled: Store) -> None:
    other = {**estate.RESULT, "saving": 20.0, "recommendations": estate.RESULT["recommendations"][:1]}
    estate.add_result(filled, name="Only one change", result_id="r2", document=other)
    data = scenarios.view(filled, Filters())
    assert [item.name for item in data.shown] == ["Right-size now", "Only one change"]
    assert data.title == "“Right-size now” saves most: $82 a month"
    figures = data.comparison.set_index("figure")
    assert figures.loc["Saving a month", "Only one change"] == "$20.00"
    assert figures.loc["Changes", "Right-size now"] == "2"
    assert data.difference is not None
    assert ("name", "Right-size now", "Only one change") in data.difference.keys
    assert data.difference.sentence.startswith("Same new plan in both: 1 line; another one: 0; 1 change only")


def test_a_name_that_repeats_keeps_its_own_column(filled: Store) -> None:
    estate.add_result(filled, result_id="r2")
    data = scenarios.view(filled, Filters(), chosen=("r1", "r2"))
    assert list(data.comparison.columns) == ["figure", "Right-size now", "Right-size now (2)"]


def test_the_bound_stands_beside_the_cost_that_it_bounds(filled: Store) -> None:
    data = scenarios.view(filled, Filters())
    rows = data.comparison.set_index("figure").iloc[:, 0]
    certificate = data.shown[0].document["certificate"]
    assert rows["Cost in the proof"] == f"${certificate['objective']:,.2f}"
    assert rows["Lower bound"] == f"${certificate['bound']:,.2f}"
