"""Small pools priced with their lines: what a cluster is, that its bound holds, and what it is worth."""

from __future__ import annotations

import random

import numpy as np
import pytest
from bucket_estates import porting_pools
from estates import pooled_estate
from plan_oracle import Oracle, as_frames, bucket_instance

import optimize
from optimize.build import build
from optimize.decomposition import clusters
from optimize.decomposition.clusters import Clustered, divide
from optimize.decomposition.columns import Engine
from optimize.decomposition.from_problem import estate_of
from optimize.decomposition.master import Duals
from optimize.decomposition.rounding import objective
from optimize.scenario import parse


@pytest.fixture
def estate(monkeypatch):
    monkeypatch.setattr(clusters, "_MOST_OPTIONS", 100)
    monkeypatch.setattr(clusters, "_FEWEST", 5)
    frames, scenario = porting_pools(70, 6, months=2)
    return estate_of(build(frames, parse(scenario)))


def test_lines_that_share_a_small_pool_are_one_cluster_and_pools_that_all_may_join_are_shared(estate):
    division = divide(estate)
    assert len(division.shared) == 2, "the pools of the accounts that movers join"
    assert len(division.lines) == len(division.pools) == 10
    assert len(np.unique(np.concatenate(division.lines))) == sum(len(lines) for lines in division.lines)
    t = estate.templates
    for lines, pools in zip(division.lines, division.pools, strict=True):
        for g in pools:
            inside = [
                i
                for i in range(estate.lines)
                if g in t.data_pool[t.first[estate.template[i]] : t.first[estate.template[i] + 1]]
            ]
            assert set(inside) <= set(lines.tolist())
    assert divide(estate_of(build(pooled_estate(60, 2), parse({})))) is None


@pytest.mark.parametrize("exact", [False, True])
def test_what_a_pass_proves_holds_for_any_prices_and_plans(exact, estate):
    whole = Engine(estate)
    engine = Clustered(whole, divide(whole.estate), lambda: False, exact=exact)
    rng = np.random.default_rng(3)
    node, sizes = engine.root(), np.diff(whole.estate.templates.first)[whole.estate.template]
    rates = engine.estate.rates
    plans = [whole.estate.current, *(rng.integers(0, sizes).astype(np.int16) for _ in range(20))]
    for scale in (0.0, 0.5, 1.0):
        duals = Duals(rates * scale, rng.uniform(0.8, 1.0, 2), 0.0, np.zeros(0))
        found = engine.price(duals, node)
        assert found.bound <= min(objective(whole, choice) for choice in plans)
        pull = np.zeros((len(whole.estate.pools.price), 2))
        pull[engine.division.shared] = duals.pull
        assert found.bound >= whole.price(Duals(pull, duals.spend, 0.0, np.zeros(0)), whole.root()).bound


def test_clusters_prove_more_than_duals_on_pools_and_exact_ones_more_than_relaxed_ones(estate):
    whole = Engine(estate)
    proven = [whole.generate(whole.root(), whole.neutral(), tolerance=1e-3, most=40).bound]
    for exact in (False, True):
        engine = Clustered(whole, divide(whole.estate), lambda: False, exact=exact)
        proven.append(engine.generate(engine.root(), engine.neutral(), tolerance=1e-3, most=20).bound)
    assert proven[0] * 1.01 < proven[1] < proven[2]


@pytest.mark.parametrize("most", [6, 400])
@pytest.mark.parametrize(("feature", "seed"), [("tiers", 41), ("pools", 43), ("max_carriers", 42)])
def test_a_search_on_clusters_agrees_with_brute_force(feature, seed, most, monkeypatch):
    monkeypatch.setattr(clusters, "_FEWEST", 1)
    monkeypatch.setattr(clusters, "_MOST_OPTIONS", most)
    tables, scenario = bucket_instance(random.Random(f"{feature}{seed}"), feature)
    best = float(Oracle(tables, scenario).solve()[0])
    found = optimize.run_frames(as_frames(tables), {**scenario, "method": "decomposition"}).to_json()["certificate"]
    assert found["bound"] <= best + 1e-6 <= found["objective"] + 2e-6
    assert found["objective"] == pytest.approx(best, abs=0.0051)


def test_many_small_pools_under_tiers_end_near_the_optimum():
    frames, scenario = porting_pools(160, 12, months=2)
    found = optimize.run_frames(frames, {**scenario, "gap": "0.01", "method": "branch_and_bound"}).to_json()
    assert "22 clusters" in found["certificate"]["solver_status"]
    assert found["status"] == "gap_met"
    assert sum(row["count"] for row in found["buckets"]) >= 3
