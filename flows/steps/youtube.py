"""The sound of one video of YouTube, or of some seconds of it, by yt-dlp (an optional extra).

The best audio stream is kept as it comes (m4a or webm), cut where its packets allow it: the decoder
goes by content, so the file may have any name.
"""

import importlib
import re
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from flows.steps.download import FetchError

_WATCH = "https://www.youtube.com/watch?v={}"
_TIMEOUT = 30.0  # s
_SAYS = (  # what a message says -> code; the first that fits, so that places go before absences
    (r"in your (country|location|region)|geo.?restrict", "geo_blocked"),
    (r"not a bot|http error 429|too many requests|rate.?limit", "blocked"),
    (r"confirm your age|age.?restricted|inappropriate for some", "age_restricted"),
    (r"members.only|join this channel|requires payment|rental", "members_only"),
    (r"private video|video is private", "private"),
    (r"copyright", "copyright"),
    (r"account .*terminated|account .*closed", "account_closed"),
    (r"premieres in|live event|is live", "live"),
    (r"requested format is not available|no video formats|no audio", "no_audio"),
    (r"removed|unavailable|no longer available|does not exist|isn.t available", "removed"),
    (r"resolve|unreachable|timed out|refused|unable to connect|connection", "unreachable"),
)
GONE = frozenset({"private", "copyright", "account_closed", "removed"})

# (address, folder to write into, start, end): one file is in the folder when it returns
Bring = Callable[[str, Path, float | None, float | None], None]


def fetch_video(
    video: str, part: Path, start: float | None, end: float | None, bring: Bring | None = None
) -> None:
    """Write the sound of `video` from second `start` to `end` into `part`.

    `FetchError` has the reason as its code: one of GONE when the video is away for good.
    """
    bring = bring or by_yt_dlp
    with tempfile.TemporaryDirectory(dir=part.parent, prefix="video-") as name:
        folder = Path(name)
        try:
            bring(_WATCH.format(video), folder, start, end)
        except FetchError:
            raise
        except Exception as error:  # yt-dlp's own, and whatever its extractors trip over
            said = re.sub(r"\x1b\[[0-9;]*m", "", str(error)) or type(error).__name__
            raise FetchError(f"youtube {video}: {said}", reason(said)) from error
        files = [path for path in folder.iterdir() if path.stat().st_size]
        if len(files) != 1:
            raise FetchError(f"youtube {video}: {len(files)} files came", "no_audio")
        files[0].replace(part)


def reason(said: str) -> str:
    """The code for what the downloader said."""
    return next(
        (code for pattern, code in _SAYS if re.search(pattern, said, re.IGNORECASE)),
        "youtube_error",
    )


def by_yt_dlp(address: str, folder: Path, start: float | None, end: float | None) -> None:
    """Bring a sound with yt-dlp, the seconds cut out by the ffmpeg of imageio-ffmpeg."""
    if find_spec("yt_dlp") is None:
        raise FetchError(
            "sounds of YouTube need yt-dlp, which is not installed. Expected the extra `youtube`: "
            "pip install 'pengi-reproduction[youtube]'; or give a copy with --raw.",
            "no_extra",
        )
    yt_dlp: Any = importlib.import_module("yt_dlp")
    with yt_dlp.YoutubeDL(options(yt_dlp, folder, start, end)) as downloader:
        downloader.download([address])


def options(yt_dlp: Any, folder: Path, start: float | None, end: float | None) -> dict[str, Any]:
    """What yt-dlp is asked for; the names are those of yt_dlp.YoutubeDL's parameters."""
    chosen: dict[str, Any] = {
        "format": "bestaudio",
        "outtmpl": {"default": f"{str(folder).replace('%', '%%')}/sound.%(ext)s"},
        "ffmpeg_location": imageio_ffmpeg.get_ffmpeg_exe(),
        "fixup": "never",
        "noplaylist": True,
        "nopart": True,
        "cachedir": False,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silent(),
        "socket_timeout": _TIMEOUT,
        "retries": 3,
        "fragment_retries": 3,
        "extractor_retries": 2,
        "ignoreerrors": False,
    }
    if start is not None or end is not None:
        seconds = [(start or 0.0, float("inf") if end is None else end)]
        chosen["download_ranges"] = yt_dlp.utils.download_range_func(None, seconds)
    return chosen


class _Silent:
    """Takes what yt-dlp would print; errors are raised as well."""

    def debug(self, said: str) -> None: ...

    def info(self, said: str) -> None: ...

    def warning(self, said: str) -> None: ...

    def error(self, said: str) -> None: ...
