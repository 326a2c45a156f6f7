"""Freesound's APIv2 (https://freesound.org/docs/api): lists of sounds, and previews of sounds.

A key (FREESOUND_TOKEN) gives metadata and previews, 60 requests a minute and 2000 a day. Originals
need OAuth2, a person who logs in, so a sound's preview is taken: MP3 of about 128 kbit/s, or OGG.
"""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from flows.steps.download import FetchError, QuotaError, retry_after
from flows.steps.keys import KEYS, key
from flows.steps.lake import write_json
from flows.steps.polite import Hosts
from flows.steps.progress import Progress

SEARCH = "freesound:search?"
DAILY = 2000  # requests with one key
_ENDPOINT = "https://freesound.org/apiv2"
_PAGE = 150  # sounds, the most that the API gives at a time
_PACE = Hosts(1, 1.0)  # 60 requests a minute, over all that this process asks
_ATTEMPTS = 5
_MINUTE = 60.0  # s
_FIELDS = (
    "id,name,tags,description,license,username,duration,samplerate,channels,type,md5,created,"
    "gen_ai_preference"
)
_PREVIEWS = ("preview-hq-mp3", "preview-hq-ogg")


class Freesound:
    """The API with one key; `spent` requests of today's are gone already."""

    def __init__(self, client: httpx.Client, spent: int = 0) -> None:
        self._client, self._spent = client, spent
        self._endpoint = os.environ.get("FREESOUND_ENDPOINT", _ENDPOINT).rstrip("/")
        self._token = key("FREESOUND_TOKEN")
        if self._token is None:
            raise FetchError(
                f"the environment has no FREESOUND_TOKEN, the key of {KEYS['FREESOUND_TOKEN']}. "
                "Set it, or give a copy with --raw.",
                "no_key",
            )

    def preview(self, sound: str) -> str:
        """The address of a sound's preview; a `FetchError` of code http_404 when it is gone."""
        answer = self.ask(f"/sounds/{sound}/", {"fields": "id,previews"})
        previews = answer.get("previews") or {}
        for kind in _PREVIEWS:
            if address := previews.get(kind):
                return str(address)
        raise FetchError(f"freesound {sound} has no preview {' or '.join(_PREVIEWS)}", "no_preview")

    def ask(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        """The answer to one request, asked again where that helps; `QuotaError` ends the day."""
        headers = {"Authorization": f"Token {self._token}"}  # httpx drops it on another host
        said = ""
        for attempt in range(_ATTEMPTS):
            if self._spent >= DAILY:
                raise _enough(None)
            _PACE.pace("freesound")
            self._spent += 1
            try:
                reply = self._client.get(self._endpoint + path, params=parameters, headers=headers)
            except httpx.TransportError as error:
                said = str(error) or type(error).__name__
                time.sleep(2.0**attempt)
                continue
            if reply.status_code == 429 and "/day" in reply.text:
                raise _enough(retry_after(reply))
            if reply.status_code == 429 or reply.status_code >= 500:
                said = f"HTTP {reply.status_code}"
                asked = retry_after(reply)
                time.sleep(min(_MINUTE, asked if asked is not None else 4.0 * 2**attempt))
                continue
            return _content(reply, path)
        raise FetchError(f"freesound {path} does not answer: {said}. Run again.", "unreachable")


def search(client: httpx.Client, address: str, part: Path, progress: Progress) -> None:
    """Write what "freesound:search?query=…&filter=…&fields=…" finds into `part`.

    One JSON object a line, as the API gives it (keys sorted), oldest sound first unless the address
    says `sort=`; without `fields=` those that a dataset needs. A part that a killed run left is
    continued after its last whole page, of which `<name>.pages` beside it keeps count.
    """
    asked = dict(parse_qsl(address.removeprefix(SEARCH), keep_blank_values=True))
    asked = {"query": "", "sort": "created_asc", "fields": _FIELDS} | asked
    state = part.with_suffix(".pages")
    done: dict[str, Any] = (
        json.loads(state.read_text()) if state.is_file() and part.is_file() else {}
    )
    if done.get("address") != address:
        done = {"address": address, "page": 0, "bytes": 0}
    api = Freesound(client)
    more = True
    with part.open("r+b" if done["bytes"] else "wb") as out:
        out.seek(done["bytes"])
        out.truncate()
        while more:
            page = done["page"] + 1
            paging = {"page": str(page), "page_size": str(_PAGE)}
            answer = api.ask("/search/", asked | paging)
            for sound in answer.get("results", []):
                line = json.dumps(sound, ensure_ascii=False, sort_keys=True)
                out.write(line.encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())
            done |= {"page": page, "bytes": out.tell()}
            write_json(state, done)
            more = bool(answer.get("next"))
            pages = max(page + more, -(-int(answer.get("count") or 0) // _PAGE))
            progress(f"fetch {part.stem} pages", page if more else pages, pages)
    state.unlink()


def _content(reply: httpx.Response, path: str) -> dict[str, Any]:
    status = reply.status_code
    if status in (401, 403):
        raise FetchError(
            f"freesound refuses the key in FREESOUND_TOKEN (HTTP {status}). Expected the key of "
            f"{KEYS['FREESOUND_TOKEN']}.",
            "no_key",
        )
    if status != 200:
        raise FetchError(f"freesound {path} answers HTTP {status}", f"http_{status}")
    try:
        return dict(reply.json())
    except (ValueError, TypeError) as error:
        raise FetchError(f"freesound {path} answers no JSON object", "bad_answer") from error


def _enough(seconds: float | None) -> QuotaError:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    until = now + timedelta(seconds=seconds) if seconds is not None else midnight
    return QuotaError(
        f"freesound answers {DAILY} requests a day to one key, and today's are spent. All that "
        f"came is kept; it continues tomorrow: run again after {until:%Y-%m-%d %H:%M} UTC.",
        "quota",
    )
