"""Runs the dashboard and its worker: Streamlit as a child process, one worker process beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from core.issues import BadInput, Issue
from core.settings import settings
from core.store import Store

ROOT = Path(__file__).resolve().parent.parent
HOST = "localhost"


def absolute(url: str) -> str:
    """A store URL that means the same file in every working folder."""
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return f"{prefix}{Path(url[len(prefix) :]).resolve()}"
    return url


def free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) != 0


def _environment(url: str) -> dict[str, str]:
    return {**os.environ, "TEM_STORE_URL": url, "PYTHONUNBUFFERED": "1"}


def start_dashboard(url: str, port: int) -> subprocess.Popen[bytes]:
    """Start Streamlit on the store; the configuration and the fonts are those beside `app/main.py`."""
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"), "--server.port", str(port)]
    return subprocess.Popen(command, cwd=ROOT, env=_environment(url), stdout=subprocess.DEVNULL)


def start_worker(url: str) -> subprocess.Popen[bytes]:
    """Start one worker on the store."""
    return subprocess.Popen([sys.executable, "-m", "app.cli", "worker"], cwd=ROOT, env=_environment(url))


def wait_until_up(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Return once the dashboard answers.

    Raises:
        BadInput: if it ends or does not answer in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if not free(port):
            return
        time.sleep(0.1)
    raise BadInput(Issue(message=f"the dashboard did not start on port {port}"))


def serve(port: int, *, worker: bool = True) -> None:
    """Serve until interrupted, then end both processes.

    Raises:
        BadInput: if the port is taken or the store cannot be opened.
    """
    url = absolute(settings().store_url)
    Store.open(url).close()
    if not free(port):
        raise BadInput(Issue(field="--port", found=str(port), expected="a free port; something listens there already"))
    signal.signal(signal.SIGTERM, _interrupt)
    children = [start_dashboard(url, port)]
    try:
        if worker:
            children.append(start_worker(url))
        wait_until_up(port, children[0])
        print(f"OpenTEM on http://{HOST}:{port} (stop with Ctrl-C)", file=sys.stderr, flush=True)
        children[0].wait()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
