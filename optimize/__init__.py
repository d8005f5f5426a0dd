"""Decisions: which plan for which line, proven. Scenario -> problem -> models -> re-priced, certified, explained."""

from optimize.backtest import backtest, backtest_frames, recommend_policy
from optimize.bill import Bill, bill, bill_frames
from optimize.progress import Progress
from optimize.result import Contradiction, Result
from optimize.run import run_frames, run_scenario
from optimize.scenario import read as read_scenario
from optimize.scenario import read_text
from optimize.warm import Warm, read_warm, warm_from

__all__ = [
    "Bill",
    "Contradiction",
    "Progress",
    "Result",
    "Warm",
    "backtest",
    "backtest_frames",
    "bill",
    "bill_frames",
    "read_scenario",
    "read_text",
    "read_warm",
    "recommend_policy",
    "run_frames",
    "run_scenario",
    "warm_from",
]
