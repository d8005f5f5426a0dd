"""Deterministic validation of charges against contract, inventory and usage; findings, disputes, savings, allocation."""

from audit.engine import run

__all__ = ["run"]
