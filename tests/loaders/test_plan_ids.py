"""A plan id means one thing: an offer never takes the place of a current plan, nor of another offer's plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import loaders
from core.money import SCALE
from core.store import Store

PLANS = "plan_id,carrier_id,mrc,currency,offer_id\nP1,tel,40,USD,\nR1,rival,35,USD,RIVAL\n"
CURRENT = "plans:\n  - {plan_id: R1, carrier: rival, mrc: 12, currency: USD}\n"
OFFER = "offers:\n  - {offer_id: NEW, plan_id: P1, carrier: tel, mrc: 12, currency: USD}\n"
OTHER = "offers:\n  - {offer_id: NEW, plan_id: R1, carrier: rival, mrc: 12, currency: USD}\n"
TABLE = "plan_id,carrier_id,mrc,currency,offer_id\nP1,tel,12,USD,NEW\nP2,tel,13,USD,NEW\n"
TWICE = "plan_id,carrier_id,mrc,currency,offer_id\nP3,tel,30,USD,\nP3,tel,12,USD,NEW\n"


def plans(store: Store) -> dict[str, tuple[float, Any]]:
    """Price and offer of each plan."""
    frame = store.frame("plans").astype(object)
    frame = frame.where(frame.notna(), None)
    return {row.plan_id: (row.mrc / SCALE, row.offer_id) for row in frame.itertuples()}


@pytest.fixture
def stocked_plans(store: Store, tmp_path: Path) -> Store:
    """A store with a current plan and a rival's."""
    (tmp_path / "carriers.csv").write_text("carrier_id,name\ntel,Telco\nrival,Rival\n")
    (tmp_path / "plans.csv").write_text(PLANS)
    assert loaders.load_paths(store, [tmp_path / "carriers.csv", tmp_path / "plans.csv"]).exit_code == 0
    return store


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", OFFER, 'field plan_id: quarantined: the id is that of a current plan; found "P1"'),
        ("a.yaml", OTHER, 'field plan_id: quarantined: the id is that of a plan of the offer RIVAL; found "R1"'),
        ("a.yaml", CURRENT, 'field plan_id: quarantined: the id is that of a plan of the offer RIVAL; found "R1"'),
        ("new/plans.csv", TABLE, 'field plan_id: quarantined: the id is that of a current plan; found "P1"'),
        ("new/plans.csv", TWICE, 'field plan_id: quarantined: the id is that of a current plan; found "P3"'),
    ],
)
def test_an_offer_does_not_replace_a_plan(
    stocked_plans: Store, tmp_path: Path, name: str, text: str, said: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    report = loaders.load_paths(stocked_plans, [path])
    (file,) = report.files
    assert file.rows_quarantined == 1
    assert file.rows_in == file.rows_loaded + file.rows_quarantined
    (line,) = [str(issue) for issue in report.issues if "quarantined" in str(issue)]
    assert said in line
    assert "an id that no plan has" in line
    found = plans(stocked_plans)
    assert found["P1"] == (40, None)
    assert found["R1"] == (35, "RIVAL")


def test_the_same_offer_may_change_its_price(stocked_plans: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(OTHER.replace("NEW", "RIVAL"))
    assert loaders.load_paths(stocked_plans, [path]).files[0].rows_quarantined == 0
    assert plans(stocked_plans)["R1"] == (12, "RIVAL")
