"""Validation of charges against contract, inventory and usage; disputes, savings, allocation."""

from audit.engine import run

__all__ = ["run"]
