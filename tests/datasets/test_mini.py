"""The small copies: same bytes every time, the publishers' faults, sounds one can tell apart."""

import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import py7zr
import pytest

from flows import datasets
from flows.mini import MiniError, at, serve, world
from flows.mini.pack import packed
from flows.steps.archives import is_media
from flows.steps.decode import DecodeError, decode
from small_copy import SmallCopy

NAMES = datasets.names()
FAULTS = {  # dataset -> (lines that are no row, missing clips, undecodable clips, unnamed clips)
    "clotho_v2": (1, 1, 2, 1),
    "clotho_aqa": (1, 1, 0, 1),
    "fsd50k": (1, 1, 1, 1),
    "nsynth": (0, 1, 1, 1),
    "meld": (0, 1, 1, 1),
    "esc50": (0, 1, 1, 1),
    "esc10": (1, 0, 1, 1),
    "msp_podcast": (4, 1, 1, 1),
    "cmu_mosi": (1, 1, 1, 1),
    "cmu_mosei": (3, 1, 1, 1),
    "crema_d": (1, 1, 1, 0),
    "ravdess": (2, 0, 1, 2),
    "vocalsound": (1, 1, 1, 1),
    "urbansound8k": (1, 1, 1, 1),
    "sesa": (2, 0, 1, 3),
    "esc50_actions": (1, 1, 1, 1),
    "fma": (1, 1, 1, 1),
    "cochlscene": (1, 0, 1, 1),
    "gtzan_genres": (0, 0, 1, 1),
    "gtzan_music_speech": (0, 0, 0, 1),
    "beijing_opera": (0, 0, 1, 0),
    "tut2017": (0, 1, 0, 0),
    "wavtext5k": (1, 1, 1, 0),
    "sounddescs": (1, 1, 1, 0),
    "macs": (1, 1, 1, 1),
    "wavcaps": (1, 1, 1, 1),
    "freesound": (4, 1, 1, 0),
    "findsounds": (2, 2, 1, 0),
    "audioset": (1, 1, 1, 0),
    "audiocaps": (1, 1, 1, 0),
    "dcase2017_task4": (1, 1, 1, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_builds_have_the_same_bytes(
    name: str, mini: Callable[[str], SmallCopy], tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    again = world(
        datasets.load(name).dataset, tmp_path, lambda _, done, total: seen.append((done, total))
    )
    assert again == mini(name).dataset
    assert seen == [(k, len(seen)) for k in range(1, len(seen) + 1)]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_each_small_copy_has_its_faults(name: str, mini: Callable[[str], SmallCopy]) -> None:
    copy = mini(name)
    wanted = {row.clip.partition("#t=")[0] for row in copy.rows}
    there = {member for member in copy.raw.names() if is_media(member)}
    broken = 0
    for member in copy.raw.stream(wanted):
        try:
            assert len(decode(member.data, member.name).samples) > 10_000
        except DecodeError:
            broken += 1
    found = (len(copy.malformed), len(wanted - there), broken, len(there - wanted))
    assert found == FAULTS[name]


def test_a_copy_that_is_there_is_not_made_again(
    mini: Callable[[str], SmallCopy], mini_folder: Path
) -> None:
    copy = mini("esc50").dataset
    archive = mini_folder / "esc50" / copy.archives[0].name
    made = archive.stat().st_mtime_ns
    assert world(datasets.load("esc50").dataset, mini_folder) == copy
    assert archive.stat().st_mtime_ns == made


def test_a_dataset_without_a_small_copy_is_refused(tmp_path: Path) -> None:
    dataset = datasets.load("esc50").dataset.model_copy(update={"name": "nothing_like_it"})
    with pytest.raises(MiniError, match=r"flows/mini/nothing_like_it\.py"):
        world(dataset, tmp_path)


def test_archives_read_back_with_other_programs() -> None:
    members = {"a/one.txt": b"1", "a/two [x].txt": lambda: b"22", "a/empty.txt": b""}
    expected = {"a/one.txt": b"1", "a/two [x].txt": b"22", "a/empty.txt": b""}
    with zipfile.ZipFile(BytesIO(packed("x.zip", members))) as zipped:
        assert {name: zipped.read(name) for name in zipped.namelist()} == expected
    with (
        tarfile.open(fileobj=BytesIO(packed("x.tar.gz", {"in.tar.gz": members}))) as outer,
        tarfile.open(fileobj=outer.extractfile("in.tar.gz")) as inner,
    ):
        files = {member.name: inner.extractfile(member) for member in inner}
        assert {name: file.read() for name, file in files.items() if file} == expected
    with py7zr.SevenZipFile(BytesIO(packed("x.7z", members))) as seven:
        assert sorted(seven.getnames()) == sorted(expected)
        assert seven.testzip() is None


def test_the_server_answers_ranges(tmp_path: Path) -> None:
    (tmp_path / "a b.bin").write_bytes(bytes(range(256)))
    (tmp_path.parent / "outside.bin").write_bytes(b"secret")
    with serve(tmp_path) as base, httpx.Client(base_url=base) as client:
        whole = client.get("a%20b.bin")
        assert (whole.status_code, whole.content) == (200, bytes(range(256)))
        assert whole.headers["accept-ranges"] == "bytes"
        tail = client.get("a%20b.bin", headers={"Range": "bytes=250-"})
        assert (tail.status_code, tail.content) == (206, bytes(range(250, 256)))
        assert tail.headers["content-range"] == "bytes 250-255/256"
        middle = client.get("a%20b.bin", headers={"Range": "bytes=1-3"})
        assert middle.content == b"\x01\x02\x03"
        assert client.get("a%20b.bin", headers={"Range": "bytes=256-"}).status_code == 416
        assert client.get("nothing").status_code == 404
        assert client.get("%2e%2e/outside.bin").status_code == 404


@pytest.mark.parametrize("name", ["esc50", "clotho_v2"])
def test_urls_lead_to_the_archives(
    name: str, mini: Callable[[str], SmallCopy], mini_folder: Path
) -> None:
    copy = mini(name).dataset
    assert all((archive.url or "").startswith(f"{name}/") for archive in copy.archives)
    with serve(mini_folder) as base:
        for archive in at(copy, base).archives:
            with httpx.stream("GET", archive.url or "") as answer:
                assert int(answer.headers["content-length"]) == archive.bytes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "train", "test", "truth"),
    [
        ("nsynth", "train", "test", "pitch"),
        ("nsynth", "train", "test", "velocity"),
        ("nsynth", "train", "test", "instrument"),
        ("meld", "train", "test", "emotion"),
        ("msp_podcast", "train", "test1", "emotion"),
        ("cmu_mosi", "train", "test", "sentiment"),
        ("vocalsound", "test", "train", "events"),
        ("esc10", "fold1", "fold5", "events"),
        ("sesa", "train", "test", "events"),
    ],
)
def test_a_classical_classifier_hears_the_labels(
    name: str, train: str, test: str, truth: str, mini: Callable[[str], SmallCopy]
) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    copy = mini(name)
    rows = {row.clip: row for row in copy.rows if row.split in (train, test)}
    heard: dict[str, tuple[list[np.ndarray], list[str]]] = {train: ([], []), test: ([], [])}
    for member in copy.raw.stream(rows):
        row = rows[member.name]
        try:
            heard[row.split][0].append(_bands(decode(member.data, member.name).samples))
            heard[row.split][1].append(str(getattr(row, truth)))
        except DecodeError:
            continue
    classifier = make_pipeline(StandardScaler(), SVC(C=10)).fit(*heard[train])
    assert classifier.score(*heard[test]) > 0.8


def _bands(samples: np.ndarray) -> np.ndarray:
    """Mean, spread and change of 64 logarithmic bands."""
    frames = np.lib.stride_tricks.sliding_window_view(samples / 32768, 1024)[::512]
    power = np.abs(np.fft.rfft(frames * np.hanning(1024))) ** 2
    edges = np.unique(np.geomspace(1, 330, 65).astype(int))
    levels = 10 * np.log10(np.add.reduceat(power, edges, axis=1) + 1e-6)
    change = np.diff(levels, axis=0).std(0)
    return np.concatenate([levels.mean(0), levels.std(0), levels.max(0), change])
