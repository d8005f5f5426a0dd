"""`tem serve` and `tem worker`: the dashboard, and the process that does its long work."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from app.commands.output import existing_store, say


def serve(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8501,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Start no worker; run `tem worker` yourself.")] = False,
) -> None:
    """Open the dashboard on the store, with one worker for imports, audits and optimizations."""
    from app import server

    server.serve(port, worker=not no_worker)


def worker() -> None:
    """Do the long work that the dashboard asks for, one job after the other, until interrupted."""
    from app.jobs import REGISTRY
    from core.jobs import run_worker

    ended = False

    def end(_signal: int, _frame: object) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    say("worker ready")
    run_worker(existing_store(), REGISTRY, stop=lambda: ended)


def register(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command()(serve)
    cli.command()(worker)
