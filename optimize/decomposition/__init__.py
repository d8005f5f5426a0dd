"""Decomposition for scale: pricing passes, Dantzig-Wolfe master, rounding, local search, branch and bound."""
