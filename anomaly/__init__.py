"""Usage and spend anomalies in two queues: exact policy rules, and a ranked, calibrated list within a budget."""

from anomaly.run import flag

__all__ = ["flag"]
