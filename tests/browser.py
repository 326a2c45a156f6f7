"""A real headless Chromium, spoken to over WebDriver (W3C), for tests of pages."""

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--mute-audio")
TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"


class Browser:
    """One page in one window."""

    def __init__(self, session: str) -> None:
        self._client = httpx.Client(base_url=session, timeout=120)

    def _post(self, path: str, **body: Any) -> Any:
        answer = self._client.post(path, json=body).json()["value"]
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self._post("/goog/cdp/execute", cmd=command, params=parameters)

    def open(self, path: Path, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Show a file in a viewport of `width` by `height` CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])
        self._post("/url", url=path.resolve().as_uri())

    def run(self, script: str) -> Any:
        """What a JavaScript function body returns."""
        return self._post("/execute/sync", script=script, args=[])

    def wait(self, script: str) -> Any:
        """What a JavaScript function body hands to its last argument."""
        return self._post("/execute/async", script=script, args=[])

    def press(self, key: str) -> None:
        keys = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._post("/actions", actions=[{"type": "key", "id": "keys", "actions": keys}])

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Lines of the log "browser" (the console) or "performance" (the network)."""
        return self._post("/se/log", type=kind)

    def picture(self) -> bytes:
        return base64.b64decode(self._client.get("/screenshot").json()["value"])

    def pdf(self) -> bytes:
        return base64.b64decode(self.devtools("Page.printToPDF")["data"])


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; skips the test where Chromium or its driver is not installed."""
    driver, program = shutil.which("chromedriver"), shutil.which("chromium")
    if not driver or not program:
        pytest.skip("needs chromium and chromedriver (Debian: chromium, chromium-driver)")
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    service = subprocess.Popen([driver, "--port=0"], env={**os.environ, "LC_ALL": "C"}, **quiet)
    try:
        told = (re.search(r"port (\d+)\.", line) for line in service.stdout or [])
        port = next(found[1] for found in told if found)
        options = {"binary": program, "args": list(_FLAGS)}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": _logs()}
        start = {"capabilities": {"alwaysMatch": wanted}}
        address = f"http://127.0.0.1:{port}/session"
        made = httpx.post(address, json=start, timeout=120).json()["value"]
        assert "sessionId" in made, made
        session = f"{address}/{made['sessionId']}"
        try:
            yield Browser(session)
        finally:
            httpx.delete(session, timeout=60)
    finally:
        service.terminate()
        service.wait()


def _logs() -> dict[str, str]:
    return {"browser": "ALL", "performance": "ALL"}
