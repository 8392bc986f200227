"""A JupyterLab of its own on the loopback, and the few things a test does with it in a browser."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKEN = "for-this-test-only"
START_SECONDS, RUN_SECONDS = 180, 240
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Windowing would take outputs that are out of sight out of the page.
OVERRIDES = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}


@dataclass(frozen=True)
class Lab:
    """A running server, and the folder whose notebooks it opens."""

    address: str
    folder: Path

    def ask(self, method: str, path: str) -> Any:
        """Call the REST interface; an empty answer is None."""
        request = urllib.request.Request(
            f"{self.address}/api/{path}",
            method=method,
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = answer.read()
        return json.loads(said) if said else None

    def stop_sessions(self) -> None:
        """End every kernel, so that notebooks do not share the machine's memory."""
        for session in self.ask("GET", "sessions"):
            with contextlib.suppress(urllib.error.HTTPError):  # it may have ended by itself
                self.ask("DELETE", f"sessions/{session['id']}")


@contextlib.contextmanager
def running(folder: Path, home: Path, more: Sequence[str] = ()) -> Iterator[Lab]:
    """Start JupyterLab on ``folder``; settings and caches stay in ``home``, then it is stopped.

    ``more`` are further options of the server.
    """
    settings = home / "settings"
    settings.mkdir(parents=True)
    (settings / "overrides.json").write_text(json.dumps(OVERRIDES), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.open_browser=False",
        "--ServerApp.allow_root=True",
        f"--ServerApp.root_dir={folder}",
        f"--IdentityProvider.token={TOKEN}",
        f"--LabServerApp.app_settings_dir={settings}",
        f"--LabApp.app_settings_dir={settings}",
        f"--LabApp.user_settings_dir={home / 'user'}",
        f"--LabApp.workspaces_dir={home / 'workspaces'}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        "--LabApp.expose_app_in_browser=True",
        *more,
    ]
    env = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "OMP_NUM_THREADS": "1",
    }
    log = home / "server.log"
    with log.open("w", encoding="utf-8") as out:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out)
        lab = Lab(f"http://127.0.0.1:{port}", folder)
        try:
            _wait(lab, server, log)
            yield lab
            lab.stop_sessions()
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError):
            lab.ask("GET", "status")
            return
        time.sleep(0.2)
    raise RuntimeError("JupyterLab did not start:\n" + log.read_text(encoding="utf-8")[-2000:])


RUN_ALL = """
async seconds => {
  let step = 'opening the notebook';
  const run = async () => {
    const panel = jupyterapp.shell.currentWidget;
    await panel.context.ready;
    step = 'starting its kernel';
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    step = 'showing it';
    await panel.revealed;
    step = 'running its cells';
    return await jupyterapp.commands.execute('notebook:run-all-cells');
  };
  const late = new Promise((_, fail) =>
    setTimeout(() => fail(new Error(`${step} took more than ${seconds} s`)), seconds * 1000));
  return await Promise.race([run(), late]);
}
"""
ERRORS = """
() => jupyterapp.shell.currentWidget.content.widgets.flatMap(cell =>
  (cell.model.sharedModel.outputs ?? [])
    .filter(output => output.output_type === 'error')
    .map(output => `${output.ename}: ${output.evalue}`))
"""


def open_and_run(page: Any, lab: Lab, name: str) -> list[str]:
    """Open a notebook, run all its cells, and return the errors among its outputs."""
    page.goto(f"{lab.address}/lab/tree/{name}?token={TOKEN}&reset", wait_until="domcontentloaded")
    page.wait_for_function(
        "window.jupyterapp?.shell?.currentWidget?.context !== undefined", timeout=RUN_SECONDS * 1000
    )
    page.evaluate(RUN_ALL, RUN_SECONDS)
    errors: list[str] = page.evaluate(ERRORS)
    return errors


WATCH = """
(explorer) => {
  const picture = explorer.querySelector('img');
  const before = picture.src;
  let pressed = null;
  document.addEventListener('keydown', () => { pressed ??= performance.now(); },
                            {capture: true, once: true});
  window.pictureChanged = new Promise(done => {
    const late = setTimeout(() => { watch.disconnect(); done(null); }, 5000);
    const watch = new MutationObserver(async () => {
      if (picture.src === before) return;
      watch.disconnect();
      clearTimeout(late);
      await picture.decode();
      requestAnimationFrame(() => done(performance.now() - pressed));
    });
    watch.observe(picture, {attributes: true, attributeFilter: ['src']});
  });
}
"""


def press(page: Any, explorer: Any, key: str) -> float | None:
    """Press a key where the focus is; milliseconds until the new picture is drawn, None if none."""
    explorer.evaluate(WATCH)
    page.keyboard.press(key)
    waited: float | None = page.evaluate("window.pictureChanged")
    return waited
