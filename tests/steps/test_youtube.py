"""Sounds of YouTube with a stand-in for the downloader, and the names of its options."""

import importlib
import sys
from pathlib import Path

import pytest

from flows.steps import carrier, download, youtube
from flows.steps.download import FetchError
from flows.steps.lake import Lake
from flows.steps.remote import fetch_remotes
from publisher import dataset
from schemas import Remote

SAID = {  # what yt-dlp 2025 and 2026 say, from its issue threads
    "[youtube] x: Private video. Sign in if you've been granted access to this video": "private",
    "[youtube] x: Video unavailable. This video has been removed by the uploader": "removed",
    "[youtube] x: Video unavailable": "removed",
    "[youtube] x: Video unavailable. This content isn't available.": "removed",
    "[youtube] x: This video is no longer available due to a copyright claim by X": "copyright",
    "[youtube] x: This video is no longer available because the YouTube account associated with "
    "this video has been terminated.": "account_closed",
    "[youtube] x: Sign in to confirm your age. This video may be inappropriate for some "
    "users.": "age_restricted",
    "[youtube] x: Video unavailable. The uploader has not made this video available in your "
    "country": "geo_blocked",
    "[youtube] x: Sign in to confirm you're not a bot. Use --cookies": "blocked",
    "[youtube] x: Join this channel to get access to members-only content": "members_only",
    "[youtube] x: Requested format is not available. Use --list-formats": "no_audio",
    "[youtube] x: Unable to download API page: [Errno -3] Temporary failure in name "
    "resolution": "youtube_error",
    "[youtube] x: Unable to download API page: Failed to resolve 'www.youtube.com'": "unreachable",
}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)


@pytest.mark.parametrize("said", SAID)
def test_what_the_downloader_says_is_a_short_reason(said: str):
    assert youtube.reason(f"ERROR: {said}") == SAID[said]


def test_a_segment_is_asked_for_and_kept_in_its_own_format(tmp_path: Path):
    asked: list[tuple[str, float | None, float | None]] = []

    def bring(address: str, folder: Path, start: float | None, end: float | None) -> None:
        asked.append((address, start, end))
        (folder / "sound.m4a").write_bytes(b"\0\0\0 ftypM4A ")

    youtube.fetch_video("-0abcdefghi", tmp_path / "x.part", 30.0, 40.0, bring)
    assert asked == [("https://www.youtube.com/watch?v=-0abcdefghi", 30.0, 40.0)]
    assert (tmp_path / "x.part").read_bytes() == b"\0\0\0 ftypM4A "
    assert [path.name for path in tmp_path.iterdir()] == ["x.part"]


def test_no_file_is_no_audio(tmp_path: Path):
    with pytest.raises(FetchError) as error:
        youtube.fetch_video("x", tmp_path / "x.part", None, None, lambda *_: None)
    assert error.value.code == "no_audio"


def test_videos_that_are_away_are_recorded(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    said = [text for text, code in SAID.items() if code in ("private", "removed", "geo_blocked")]

    def bring(address: str, folder: Path, start: float | None, end: float | None) -> None:
        number = int(address.rpartition("=")[2])
        if number % 2:
            raise RuntimeError(f"\x1b[0;31mERROR:\x1b[0m {said[number // 2 % len(said)]}")
        (folder / "sound.webm").write_bytes(b"%d" % number)

    monkeypatch.setattr(youtube, "by_yt_dlp", bring)
    remotes = [Remote(name=f"{k}.wav", url=f"youtube:{k}", start=k, end=k + 10) for k in range(12)]
    found = fetch_remotes(dataset(), lake, lambda: iter(remotes), ("x",))
    assert set(found.absent) == {f"{k}.wav" for k in range(1, 12, 2)}
    assert set(found.absent.values()) == {"private", "removed", "geo_blocked"}
    assert (lake.remote("d") / "4.wav").read_bytes() == b"4"


def test_a_blocked_machine_stops_the_run(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    def bring(*_: object) -> None:
        raise RuntimeError("ERROR: [youtube] x: Sign in to confirm you're not a bot")

    monkeypatch.setattr(youtube, "by_yt_dlp", bring)
    remotes = [Remote(name=f"{k}.wav", url=f"youtube:{k}") for k in range(60)]
    with pytest.raises(FetchError, match=r"could not be reached.*not a bot"):
        fetch_remotes(dataset(), lake, lambda: iter(remotes), ("x",))


def test_without_yt_dlp_the_extra_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(youtube, "find_spec", lambda name: None)
    with pytest.raises(FetchError, match=r"pip install 'pengi-reproduction\[youtube\]'"):
        fetch_remotes(dataset(), lake, lambda: iter([Remote(name="a", url="youtube:x")]), ("x",))
    assert not lake.remotes("d").exists()


def test_the_options_exist_in_yt_dlp(tmp_path: Path):
    yt_dlp = pytest.importorskip("yt_dlp", reason="needs the extra youtube")
    options = youtube.options(yt_dlp, tmp_path, 30.0, 40.0)
    downloaders = sys.modules["yt_dlp.downloader.common"]
    documented = yt_dlp.YoutubeDL.__doc__ + downloaders.FileDownloader.__doc__
    assert [name for name in options if name not in documented] == []
    ranges = options["download_ranges"]({"duration": 100}, None)
    assert [(part["start_time"], part["end_time"]) for part in ranges] == [(30.0, 40.0)]
    with yt_dlp.YoutubeDL(options) as downloader:
        made = downloader.prepare_filename({"id": "x", "ext": "m4a", "title": "t"})
        assert made == f"{tmp_path}/sound.m4a"
        ffmpeg = importlib.import_module("yt_dlp.postprocessor").FFmpegPostProcessor(downloader)
        assert ffmpeg.available


def test_reasons_that_are_for_good_are_told_from_those_a_refresh_may_heal():
    assert {"private", "removed", "copyright", "http_404"} <= carrier._GONE
    assert not carrier._GONE & {"age_restricted", "geo_blocked", "blocked", "unreachable"}
