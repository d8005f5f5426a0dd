"""The methods a scenario can ask for, by name; `optimize.fitting` says which of them fit a problem."""

from __future__ import annotations

#: Every method by the name that a scenario gives it; docs/optimizer.md describes each.
METHODS: dict[str, str] = {
    "auto": "the cheapest exact method that fits",
    "closed_form": "every line its cheapest plan; nothing may couple the lines",
    "count": "PuLP: how many lines of each class have each plan; pools and prices must not tell lines of a class apart",
    "lines": "PuLP: one variable for each line and plan",
    "model": "the same model as arrays, similar lines merged; large ones by relaxation, core and reduced costs",
    "decomposition": "pricing passes over all lines against a small master, rounding, local search, core model",
    "branch_and_bound": "the decomposition, over sets of carriers, pieces of contracts and steps of buckets",
}

#: What is done among plans of the same cost: see docs/optimizer.md.
POLISHES: dict[str, str] = {
    "auto": "fewest changes, proven where the model is small, by taking back otherwise",
    "fewest_changes": "fewest changes by a model of its own also where the model is large",
    "none": "the plans as the search found them",
}
