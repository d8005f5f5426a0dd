"""One small sample store, one dashboard with its worker, one browser for all browser tests."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHROMIUM = "/usr/bin/chromium"


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard: its address and the store behind it."""

    base: str
    url: str
    folder: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    if not shutil.which(CHROMIUM):
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    from app import server
    from app.commands.demo import SCENARIOS, build

    folder = tmp_path_factory.mktemp("browser")
    url = f"sqlite:///{folder / 'demo.db'}"
    build(url, folder / "sample", services=120, months=6, scenarios=SCENARIOS[:1], time_limit=5, compare=False)
    port = free_port()
    children = [server.start_dashboard(url, port), server.start_worker(url)]
    try:
        server.wait_until_up(port, children[0])
        yield Dashboard(f"http://localhost:{port}", url, folder)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(20)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()
