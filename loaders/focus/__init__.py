"""FOCUS: cloud and SaaS cost in the FinOps open specification's columns."""
