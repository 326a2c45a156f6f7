"""One sound from where it is to its name in the lake, and why not where that fails."""

import threading
from pathlib import Path
from urllib.parse import quote

import httpx

from flows.steps import youtube
from flows.steps.addresses import host
from flows.steps.download import FetchError, download
from flows.steps.freesound import Freesound
from flows.steps.journal import Line, address
from flows.steps.lake import sha256_file, sha256_text
from flows.steps.polite import Hosts
from flows.steps.published import now
from schemas import Remote

STOPPED = "stopped"
_AT_ONE_HOST = 4
_GAP = 0.05  # s between two requests to one host
_GAPS = {"youtube": 1.0, "freesound": 0.0}  # the API's own pace is in freesound.py
_ATTEMPTS = 3
_MOST = 2 << 30  # bytes of one sound
_GONE = frozenset({"http_404", "http_410"}) | youtube.GONE


class Carrier:
    """Brings sounds, from any number of threads."""

    def __init__(
        self, client: httpx.Client, dataset: str, folder: Path, mirror: str | None, spent: int
    ) -> None:
        """`mirror` has them all; `spent` requests to Freesound were made today already."""
        self._client, self._dataset, self._folder, self._mirror = client, dataset, folder, mirror
        self._spent, self._lock = spent, threading.Lock()
        self._parts = folder.with_name("remote.part")
        self._parts.mkdir(exist_ok=True)
        self._hosts = Hosts(_AT_ONE_HOST, 0.0 if mirror else _GAP, _GAPS)
        self._freesound: Freesound | None = None
        self.stop = threading.Event()
        self.bring: youtube.Bring | None = None

    def carry(self, remote: Remote) -> Line:
        """Have the sound under its name; `FetchError` has a code that says why not."""
        part = self._parts / f"{sha256_text(remote.name)[:32]}.part"
        self._watch("", 0, 0)
        try:
            self._into(part, remote)
        except FetchError as error:
            if error.code == "other_size":
                part.unlink(missing_ok=True)
            raise
        size, digest = part.stat().st_size, sha256_file(part)
        path = self._folder / remote.name
        path.parent.mkdir(parents=True, exist_ok=True)
        part.replace(path)
        part.with_suffix(".etag").unlink(missing_ok=True)
        return self._line(remote, "ok", None) | {"bytes": size, "sha256": digest}

    def lost(self, remote: Remote, code: str) -> Line:
        """The journal's line of a sound that did not come."""
        return self._line(remote, "gone" if code in _GONE else "failed", code)

    def _line(self, remote: Remote, status: str, reason: str | None) -> Line:
        place = address(remote, mirrored=self._mirror is not None)
        return {
            "name": remote.name,
            "url": place,
            "status": status,
            "reason": reason,
            "retrieved": now(),
        }

    def _into(self, part: Path, remote: Remote) -> None:
        scheme, _, ident = remote.url.partition(":")
        if self._mirror is not None:
            self._web(part, f"{self._mirror}{self._dataset}/remote/{quote(remote.name)}")
        elif scheme == "youtube":
            with self._hosts.turn(scheme):
                youtube.fetch_video(ident, part, remote.start, remote.end, self.bring)
        elif scheme == "freesound":
            self._web(part, self._api().preview(ident))
        else:
            self._web(part, remote.url)

    def _web(self, part: Path, url: str) -> None:
        with self._hosts.turn(host(url)):
            download(self._client, (url,), part, None, self._watch, most=_MOST, attempts=_ATTEMPTS)

    def _api(self) -> Freesound:
        with self._lock:
            if self._freesound is None:
                self._freesound = Freesound(self._client, self._spent)
            return self._freesound

    def _watch(self, label: str, done: int, total: int) -> None:
        if self.stop.is_set():
            raise FetchError("stopped", STOPPED)
