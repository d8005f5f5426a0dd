"""Usage and spend anomalies in two queues: exact policy rules, and a ranked, calibrated list within a budget."""

from anomaly.run import Run, flag, flag_run, save, told

__all__ = ["Run", "flag", "flag_run", "save", "told"]
