"""What the worker can do: load, audit, flag, optimize; each handler is also what `tem demo` runs.

Parameters and results are plain JSON:

* `load` {paths, supersede}: imports, then audits and flags what is there; result: the document of `tem load --json`
  with `findings` {audit, policy, anomaly, spend, watch} -> counts.
* `undo` {batch_id}: takes an import back; result: `findings` as above.
* `audit` {first, last} and `flag` {first, last, queue, budget, rules}: result: counts for each queue; `rules`
  only names the state of the rule book, so that the same question after a change of rules is another one.
* `preview_rule` {rule (YAML text), months}: result: the document of :func:`anomaly.preview.preview`.
* `watch` {rules, limits}: looks at the running billing cycles; result: counts.
* `backtest` {scenario}: result: the document of `tem backtest --json`.
* `worth` {scenario, studies, time_limit}: result: the document of `tem worth --json`.
* `recommend` {scenario, name, ranking}: the plans of the first policy that meets the scenario, kept as a result; result
  as of `optimize`.
* `optimize` {scenario (mapping or YAML text), name, time_limit, parent}: result: {scenario_id, result_id, status,
  saving}; `parent` is the id of a stored result of another scenario, from whose plans and duals the search starts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from core import findings
from core.issues import BadInput
from core.jobs import Progress, Registry
from core.queries import app as queries
from core.queries import workbench, workflow
from core.store import Store

Params = dict[str, Any]


def load(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Import files, then run the audit and both queues of flags; the import stays if an analysis fails."""
    from loaders import load_paths

    def step(fraction: float, note: str = "") -> None:
        progress.note(0.05 + 0.55 * fraction, note)

    progress.say(0.05, "Reading and checking the files")
    report = load_paths(
        store,
        [Path(path) for path in params["paths"]],
        supersede=bool(params.get("supersede")),
        progress=step,
    )
    if report.exit_code == 2:
        raise BadInput([issue for issue in report.issues if issue.severity == "error"] or "nothing could be loaded")
    document = report.to_json()
    counts: dict[str, Any] = {}
    progress.say(0.65, "Auditing the bills")
    counts |= audit(store, {}, progress)
    progress.say(0.85, "Looking for unusual use")
    counts |= flag(store, {}, progress) | watch(store, {}, progress)
    progress.say(1.0, "Done")
    return document | {"findings": counts}


def undo(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Take back an import as if it had never been, then run the analyses again."""
    import loaders

    progress.say(0.05, "Taking the import back")
    loaders.undo(store, int(params["batch_id"]))
    progress.say(0.4, "Auditing the bills")
    counts = audit(store, {}, progress)
    progress.say(0.75, "Looking for unusual use")
    return {"findings": counts | flag(store, {}, progress) | watch(store, {}, progress)}


def audit(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Run every audit rule and keep the findings."""
    from audit import run
    from audit.disputes import settle

    first, last = params.get("first"), params.get("last")
    found = run(store, first=first, last=last)
    counts = findings.save(store, found, "audit", first=first, last=last)
    settle(store, workflow.today(store))
    return {"audit": counts}


def flag(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Run the policy rules, the anomaly model and the comparison of spend, and keep the findings."""
    import anomaly

    first, last, queue = params.get("first"), params.get("last"), params.get("queue") or "all"
    budget = params.get("budget")
    run = anomaly.flag_run(store, first=first, last=last, queue=queue, budget=None if budget is None else float(budget))
    return dict(anomaly.save(store, run, queue, first=first, last=last))


def preview_rule(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Say what one policy rule, saved or not, would have found; changes nothing."""
    from anomaly import preview
    from anomaly.rules import read_rules

    rules = read_rules(str(params["rule"]), "The rule", cases=False)
    progress.say(0.1, "Looking at every line and month")
    return preview.preview(store, rules[:1], months=params.get("months"))[0]


def watch(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Early warnings from usage events, kept as findings."""
    from anomaly import watch_findings

    progress.say(0.9, "Reading the events of the billing cycle")
    return {"watch": watch_findings.keep(store)[1]}


def optimize(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Optimize a scenario and keep it with its result, an infeasible one with its explanation."""
    from optimize import run_scenario

    text, scenario = _scenario(params["scenario"])
    name = str(params.get("name") or scenario.get("name") or "Scenario")

    def say(step: Any) -> None:
        progress.say(step.fraction, step.note, incumbent=step.incumbent, bound=step.bound, gap=step.gap)

    result = run_scenario(
        store,
        scenario,
        time_limit=params.get("time_limit"),
        progress=say,
        cancelled=progress.cancelled,
        warm=_parent(store, params.get("parent"), text),
    )
    document = result.to_json()
    scenario_id, result_id = queries.save_result(store, name, text, document)
    return {
        "scenario_id": scenario_id,
        "result_id": result_id,
        "status": document["status"],
        "saving": document.get("saving"),
    }


def _parent(store: Store, result_id: str | None, text: str) -> Any:
    """What a stored result gives a child to start from; nothing where it is of the same scenario or is gone."""
    from optimize import warm_from

    for row in workbench.result_list(store).itertuples(index=False):
        if row.result_id == result_id and row.yaml != text:
            return warm_from(json.loads(row.document))
    return None


def backtest(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Replay the past under a scenario: which policy would have paid least; the document of `tem backtest --json`."""
    from optimize import backtest as replay

    _, scenario = _scenario(params["scenario"])
    steps = [0]

    def say(note: str) -> None:
        steps[0] += 1
        progress.say(1 - 0.93 ** steps[0], note)

    return dict(replay(store, scenario, progress=say))


def recommend(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """Keep the plans of a policy (the first of `ranking` that meets the scenario) as a result, priced exactly."""
    from optimize import recommend_policy

    text, scenario = _scenario(params["scenario"])
    progress.say(0.2, "Deciding by the policy, proving by the optimum")
    document = recommend_policy(store, scenario, list(params["ranking"]))
    name = str(params.get("name") or scenario.get("name") or "Scenario")
    title = f"{name}, by {str(document['policy']).replace('_', ' ')}"
    scenario_id, result_id = queries.save_result(store, title, text, document)
    found = {"status": document["status"], "saving": document.get("saving")}
    return {"scenario_id": scenario_id, "result_id": result_id, **found}


def worth(store: Store, params: Params, progress: Progress) -> dict[str, Any]:
    """What rules, prices, commitments and offers are worth under a scenario; the document of `tem worth --json`."""
    from optimize.worth import worth as study

    _, scenario = _scenario(params["scenario"])
    steps = [0]

    def say(note: str) -> None:
        steps[0] += 1
        progress.say(1 - 0.97 ** steps[0], note[0].upper() + note[1:])

    return study(
        store,
        scenario,
        studies=params.get("studies"),
        time_limit=float(params.get("time_limit") or 10),
        progress=say,
        cancelled=progress.cancelled,
    )


def _scenario(given: Any) -> tuple[str, dict[str, Any]]:
    """The scenario as YAML text and as a mapping."""
    if not isinstance(given, str):
        return yaml.safe_dump(given, sort_keys=True, allow_unicode=True), dict(given)
    from optimize import read_text

    return given, read_text(given)


#: Kind of job -> handler.
REGISTRY: Registry = {
    "load": load,
    "undo": undo,
    "audit": audit,
    "flag": flag,
    "preview_rule": preview_rule,
    "watch": watch,
    "optimize": optimize,
    "backtest": backtest,
    "worth": worth,
    "recommend": recommend,
}

#: The signature of a handler, for extensions.
Handler = Callable[[Store, Params, Progress], Any]
