"""The commands of `tem`, a module here each or a few together; this table is all that `tem --help` imports."""

from __future__ import annotations

#: Of each module the commands that it registers, each with the sentence that its help begins with.
MODULES: dict[str, dict[str, str]] = {
    "allocate": {
        "allocate": "Allocate a month's charges to cost centers by rules, with the journal; the difference is 0."
    },
    "audit": {"audit": "Check every charge against contract, inventory and usage."},
    "contracts": {
        "contracts": "Contracts: terms, notice dates, earliest exit, early-termination fees, commitments. "
        "Exit 2 on data problems."
    },
    "demo": {
        "demo": "Build the sample enterprise in var/demo.db, run all analyses, open the dashboard on "
        "http://localhost:8501."
    },
    "digest": {
        "digest": "One message: warnings, missing bills, policy, unusual line-months, spend that moved, data to check."
    },
    "disputes": {"disputes": "Disputes with their windows, states and matched credits; --file and --set change them."},
    "export": {
        "export": "Export focus, gl, chargeback, savings (CSV), ics, or canonical (a folder of tables that loads "
        "again)."
    },
    "flag": {
        "flag": "Find policy violations and anomalies of use and spend; every hit and the most surprising line-months."
    },
    "forecast": {
        "forecast": "The months ahead with their range, the year at completion, the budget, and how far such forecasts "
        "were off."
    },
    "keep": {
        "doctor": "Check integrity, rollups against facts and the audit chain; exit 0 when sound, 2 when not.",
        "backup": "Copy the embedded store to FILE, also while it is in use.",
        "restore": "Replace the embedded store by a backup.",
    },
    "load": {
        "load": "Load carrier files and canonical tables; a file that was loaded before changes nothing.",
        "quarantine": "Show what was set aside while loading, and why.",
    },
    "matches": {
        "matches": "Show similar numbers, circuit ids, IMEIs and people where nothing is named exactly; accept or "
        "refuse them."
    },
    "optimize": {
        "optimize": "Find the cheapest plans under a scenario, with a proven bound; exit 4 when it cannot be met.",
        "bill": "Price each month's usage under every service's current plan.",
        "backtest": "Replay the past: decide on earlier months, pay on later ones, and say which policy wins.",
    },
    "profile": {"profile": "Mapping profiles, PDF templates and charge rules of this store."},
    "report": {"report": "Write a report for people; the ending of the file says the format."},
    "rules": {
        "rules": "Policy rules: list, check, preview on history, save versions, switch on and off, go back.",
    },
    "savings": {
        "savings": "Savings by stage against a frozen baseline, and the bridge from it to the newest months.",
    },
    "serve": {
        "serve": "Open the dashboard on the store, with one worker for imports, audits and optimizations.",
        "worker": "Do the long work that the dashboard asks for, one job after the other, until interrupted.",
    },
    "template": {
        "template": "Write an empty template: contracts, tiers, rates, plans and offers, as YAML or as a workbook.",
    },
    "undo": {"undo": "Take an import back as if it had never been; without a number, list the imports."},
    "watch": {
        "watch": "Early warnings from usage events: predicted overruns, thresholds, roaming cost, bursts of calls, bad "
        "records."
    },
    "worth": {
        "worth": "Say what each rule, price, commitment, carrier and offer is worth; exit 4 when the scenario cannot "
        "be met."
    },
}

#: The module of each command, and its sentence.
COMMANDS: dict[str, tuple[str, str]] = {
    name: (module, says) for module, commands in MODULES.items() for name, says in commands.items()
}
