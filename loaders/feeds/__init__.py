"""Feeds that are not bills: people, devices, circuits, assets, orders; each a table whose columns are found by name."""
