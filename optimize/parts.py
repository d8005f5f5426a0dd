"""Parts of a problem that nothing ties together, pools of different accounts say: each is solved on its own, exactly.

A search over all pools at once multiplies what one after the other only adds, so many small pools are no harder than
one. The bound is the sum of the parts' bounds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from optimize.problem import Problem
from optimize.reduce import LineClass, Reduced, limited_plans
from optimize.rightsize import couplings

_APART = {"pool", "min_lines", "max_lines"}  # couplings that reach only the lines of a pool or of a plan


def parts(problem: Problem, reduced: Reduced) -> list[Reduced]:
    """The classes of lines in groups that share no pool and no limited plan; all of them where more than that ties."""
    if set(couplings(problem)) - _APART:
        return [reduced]
    limited, options = limited_plans(problem), problem.options
    leader: dict[tuple[str, int], tuple[str, int]] = {}

    def find(node: tuple[str, int]) -> tuple[str, int]:
        leader.setdefault(node, node)
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    firsts: list[tuple[str, int]] = []
    for group in reduced.classes:
        mine: set[tuple[str, int]] = set()
        for o in group.options[0]:
            mine |= {("pool", int(g)) for g in (options.data_pool[o], options.voice_pool[o]) if g >= 0}
            if int(options.plan[o]) in limited:
                mine.add(("plan", int(options.plan[o])))
        first, *others = sorted(mine) or [("alone", 0)]
        for other in others:
            leader[find(other)] = find(first)
        firsts.append(first)
    found: dict[tuple[str, int], list[LineClass]] = defaultdict(list)
    for group, first in zip(reduced.classes, firsts, strict=True):
        found[find(first)].append(group)
    return [replace(reduced, classes=classes) for classes in found.values()]


def largest(found: list[Reduced]) -> int:
    """Option variables of the largest part."""
    return max((part.columns for part in found), default=0)
