"""JupyterLab on loopback, and a real Chromium in front of it that may ask nobody else."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TOKEN = "only-for-this-test"
PATIENCE = 120_000
"""Milliseconds that a step may take on a machine with much else to do."""

QUIET = {
    "@jupyterlab/apputils-extension:notification": {
        "checkForUpdates": False,
        "doNotDisturbMode": True,
        "fetchNews": "false",
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # Else only the cells in sight are in the page.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


def chromium() -> str | None:
    """Return the system's Chromium; none is ever downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextlib.contextmanager
def jupyterlab(folder: Path, scratch: Path) -> Iterator[str]:
    """Serve the notebooks of `folder` and yield the address; nothing of the user's is read."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY", "IPYTHON"))}
    for name in ("config", "data", "runtime"):
        env[f"JUPYTER_{name.upper()}_DIR"] = str(scratch / name)
    env["IPYTHONDIR"] = str(scratch / "ipython")
    env["JUPYTERLAB_WORKSPACES_DIR"] = str(scratch / "workspaces")
    env["JUPYTERLAB_SETTINGS_DIR"] = str(scratch / "settings")
    settings = scratch / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(QUIET), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"),
        *("--port=0", f"--IdentityProvider.token={TOKEN}"),
        *(f"--ServerApp.root_dir={folder}", "--LabApp.news_url=None"),
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]
    log = scratch / "server.log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            command, env=env, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield _address(server, scratch / "runtime", log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(20)


def _address(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Return where the server listens, once it answers: on a port that the system gave it."""
    until = time.monotonic() + PATIENCE / 1000
    told = runtime / f"jpserver-{server.pid}.json"
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError, ValueError):
            address = str(json.loads(told.read_bytes())["url"]).rstrip("/")
            with urllib.request.urlopen(f"{address}/api/status?token={TOKEN}", timeout=5):
                return address
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not come up:\n{log.read_text()[-2000:]}")


@dataclass
class Seen:
    """What the browser asked for outside of this machine, and what it complained of."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        """Return a sentence for each; a page that keeps to itself has none."""
        asked = [f"the page asked for {address}" for address in self.outside]
        return asked + [f"a script failed: {error}" for error in self.errors]


@contextlib.contextmanager
def browser_page() -> Iterator[tuple[Any, Seen]]:
    """Yield a page of the system's Chromium; requests that leave the machine are refused."""
    from playwright.sync_api import sync_playwright

    seen = Seen()

    def inside(address: str) -> bool:
        told = urlsplit(address)
        return told.hostname == "127.0.0.1" or told.scheme in ("data", "blob")

    def only_loopback(route: Any) -> None:
        if inside(route.request.url):
            route.continue_()
        else:
            seen.outside.append(route.request.url)
            route.abort()

    def socket_opened(opened: Any) -> None:  # a route does not see these
        if not inside(opened.url):
            seen.outside.append(opened.url)

    flags = [
        "--no-sandbox",
        "--disable-dev-shm-usage",
        # The second wall: no name but this machine's leads anywhere.
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 1100})
        page.set_default_timeout(PATIENCE)
        page.route("**/*", only_loopback)
        page.on("websocket", socket_opened)
        page.on("pageerror", lambda err: seen.errors.append(str(err)))
        try:
            yield page, seen
        finally:
            browser.close()


def run_all(page: Any, address: str, notebook: str) -> None:
    """Open a notebook, run all its cells and wait until the last one has run."""
    page.goto(f"{address}/lab/tree/{notebook}?token={TOKEN}")
    # The indicator inside the notebook says "idle" before there is a kernel; this one does not.
    idle = "document.querySelector('#jp-main-statusbar')?.innerText.includes('| Idle')"
    page.wait_for_function(idle)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    try:
        page.wait_for_function(
            """() => {
                const cells = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')];
                const counts = cells.map(c => c.querySelector('.jp-InputPrompt').innerText.trim());
                return cells.length > 0 && counts.every(t => /^\\[\\d+\\]:?$/.test(t));
            }"""
        )
    except Exception as err:
        shown = page.locator(".jp-Notebook").inner_text()
        raise AssertionError(f"not all cells ran:\n{shown[-4000:]}") from err
    page.wait_for_function(idle)
