"""Vocabulary and data: money, periods, issues, the normalized store and everything that reads or writes it."""
