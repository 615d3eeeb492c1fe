"""Chromium without a window: renders a page in a frame of a given width and questions it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.waiting import HANG_S

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
WRAPPER = """<!doctype html><link rel="icon" href="data:,"><body style="margin:0">
<iframe id="frame" src="page.html" style="border:0;width:{width}px;height:900px"></iframe>
<pre id="answer"></pre><script>
window.addEventListener("load", () => {{
  const view = document.getElementById("frame").contentWindow, page = view.document;
  const answer = (() => {{ {script} }})();
  document.getElementById("answer").textContent = JSON.stringify(answer);
}});</script>"""
POLL_S = 0.01
"""How long the end of the server may take: half a second by default."""
ANSWER = re.compile(r'<pre id="answer">(.*?)</pre>', re.S)


@dataclass(frozen=True)
class Probe:
    """What a page answered, the paths that were asked of the server, and the console's lines."""

    answer: object
    requests: list[str]
    console: list[str]


def probe(page: str, script: str, folder: Path, *, width: int = 1400, dark: bool = False) -> Probe:
    """Render ``page`` and run ``script`` outside of it, with ``view`` and ``page`` at hand."""
    assert CHROMIUM is not None
    files = {"/": WRAPPER.format(width=width, script=script), "/page.html": page}
    scheme = "--blink-settings=preferredColorScheme=" + ("0" if dark else "1")
    with served(files) as (address, requests):
        done = subprocess.run(
            [
                *(CHROMIUM, *FLAGS, scheme, "--dump-dom"),
                *(f"--window-size={width},900", f"--user-data-dir={folder / 'profile'}", address),
            ],
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=True,
        )
    found = ANSWER.search(done.stdout)
    assert found is not None, done.stderr[-2000:]
    answer = json.loads(html.unescape(found[1]) or "null")
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return Probe(answer, requests, console)


@contextmanager
def served(files: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback, and the paths that it was asked for."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            body = files.get(self.path, "").encode()
            self.send_response(200 if self.path in files else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
