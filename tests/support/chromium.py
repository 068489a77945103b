"""A headless Chromium that opens pages from files, spoken to over its debugging pipe."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE_S = 60.0
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


def program() -> str | None:
    """The browser that is installed, None without one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """A page that is open; what it said and asked for is kept."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session
        self.errors: list[str] = []
        self.requests: list[str] = []

    def run(self, script: str) -> Any:
        """The value of a script; what it throws is an error here."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Until a script gives true."""
        end = time.monotonic() + _PATIENCE_S
        while not self.run(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.02)

    def move_mouse(self, x: float, y: float) -> None:
        """The pointer to a place of the window."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def wheel(self, x: float, y: float, delta: float) -> None:
        """A turn of the wheel at a place of the window."""
        self.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=delta)

    def call(self, method: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._browser.call(method, self, self._session, **parameters)

    def heard(self, event: dict[str, Any]) -> None:
        """Keep what matters of an event."""
        kind, told = event["method"], event.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"])[:500])
        elif kind == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(told["args"])[:500])
        elif kind == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.errors.append(told["entry"]["text"])
        elif kind == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])


class Chromium:
    """One browser with an empty profile."""

    def __init__(self, path: str, profile: Path) -> None:
        to_read, to_write = os.pipe()
        from_read, from_write = os.pipe()
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        # The pipe is expected as descriptors 3 and 4.
        shell = f'exec "$@" 3<&{to_read} 4>&{from_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "-", path, *_FLAGS, *sandbox, f"--user-data-dir={profile}"],
            pass_fds=(to_read, from_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(from_write)
        self._to, self._from = to_write, from_read
        self._waiting = b""
        self._number = 0
        self._pages: dict[str, Page] = {}
        self.call("Browser.getVersion")

    def open(self, path: Path, *, dark: bool = False) -> Page:
        """A file in a new window, when it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Runtime", "Log", "Network", "Page"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=1200, height=1000,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.call("Page.navigate", url=path.as_uri())
        page.wait_for(f"location.href === {path.as_uri()!r} && document.readyState === 'complete'")
        return page

    def call(
        self, method: str, page: Page | None = None, session: str = "", **parameters: Any
    ) -> Any:
        """Send a command and wait for its answer; events on the way go to their pages."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            if answer.get("sessionId") in self._pages:
                self._pages[answer["sessionId"]].heard(answer)

    def close(self) -> None:
        """End the browser."""
        os.close(self._to)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            ready, _, _ = select.select([self._from], [], [], _PATIENCE_S)
            part = os.read(self._from, 1 << 16) if ready else b""
            if not part:
                msg = "the browser does not answer"
                raise OSError(msg)
            self._waiting += part
        message, self._waiting = self._waiting.split(b"\0", 1)
        found = json.loads(message)
        assert isinstance(found, dict)
        return found
