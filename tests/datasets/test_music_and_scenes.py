"""Music, instruments and scenes: readers on the publishers' layouts, and audible classes."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.mini import sounds
from flows.mini.beijing_opera import bangu
from flows.steps.archives import Member
from flows.steps.decode import decode
from reading import read
from small_copy import SmallCopy


def test_gtzan_lists_name_files_as_the_reader_does(shared_data: Path, tmp_path: Path) -> None:
    counts = {"train": 443, "valid": 197, "test": 290}
    lists = shared_data / "GTZAN-splits"
    files = [
        name for part in counts for name in (lists / f"{part}_filtered.txt").read_text().split()
    ]
    for name in files:
        path = tmp_path / "Data" / "genres_original" / name.replace(".wav", ".au")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    rows = read("gtzan_genres", tmp_path)[0]
    assert len(rows) == sum(counts.values()) == len({row.clip for row in rows})
    assert Counter(row.genre for row in rows) == {
        **{"blues": 100, "classical": 99, "country": 98, "disco": 93, "hiphop": 92},
        **{"jazz": 87, "metal": 91, "pop": 84, "reggae": 86, "rock": 100},
    }
    (tmp_path / "test_filtered.txt").write_bytes((lists / "test_filtered.txt").read_bytes())
    rows, reasons = read("gtzan_genres", tmp_path, files="fault_filtered")
    assert len(rows) == counts["test"]
    assert Counter(reasons) == {"fault_filtered": counts["train"] + counts["valid"]}


def test_the_fault_filtered_choice_needs_its_list(tmp_path: Path) -> None:
    (tmp_path / "blues").mkdir()
    (tmp_path / "blues" / "blues.00000.au").touch()
    with pytest.raises(FileNotFoundError, match=r"test_filtered\.txt"):
        read("gtzan_genres", tmp_path, files="fault_filtered")


def test_gtzan_sounds_as_au_and_converted(tmp_path: Path) -> None:
    (tmp_path / "genres" / "hiphop").mkdir(parents=True)
    tone = np.sin(np.arange(22_050) / 9)
    for name in ("hiphop.00001.au", "hiphop.00001.wav", "hiphop.00002.au"):
        soundfile.write(tmp_path / "genres" / "hiphop" / name, tone, 22_050)
    rows = read("gtzan_genres", tmp_path)[0]
    assert [row.clip.rpartition("/")[2] for row in rows] == ["hiphop.00001.wav", "hiphop.00002.au"]
    heard = decode((tmp_path / rows[1].clip).read_bytes(), rows[1].clip)
    assert (heard.rate, heard.format, len(heard.samples)) == (22_050, "AU/PCM_16", 44_100)


@pytest.mark.parametrize(
    ("name", "files", "reasons"),
    [
        ("gtzan_genres", ["genres/polka/polka.00000.wav"], ["unknown_genre"]),
        ("gtzan_genres", ["genres/rock/pop.00000.wav"], ["folder_and_name_differ"]),
        ("gtzan_music_speech", ["music_speech/noise_wav/a.wav"], ["unknown_class"]),
        ("gtzan_music_speech", ["music_speech/music_wav/._a.wav", "music_speech/a.wav"], []),
        ("beijing_opera", ["x/205972__ajaysm__ban-gu-01.wav"], ["unknown_instrument"]),
        ("cochlscene", ["Test/Attic/Attic_user0001_1_001.wav"], ["unknown_scene"]),
        ("cochlscene", ["Test/Park/recording.wav"], ["unexpected_file_name"]),
        ("cochlscene", ["Test/Park/Cafe_user0802_14892039_004.wav"], ["folder_and_name_differ"]),
        ("cochlscene", ["Extra/Park/Park_user0807_14976869_001.wav"], []),
    ],
)
def test_files_in_the_wrong_place(
    name: str, files: list[str], reasons: list[str], tmp_path: Path
) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert read(name, tmp_path) == ([], reasons)


def test_file_names_the_publishers_use(tmp_path: Path) -> None:
    for file in (
        "CochlScene/Test/SubwayStation/SubwayStation_user0807_14976869_001.wav",
        "beijing_opera_percussion_instrument_1.0/205973__ajaysm__bangu-06.wav",
        "music_speech/speech_wav/allison.wav",
    ):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).touch()
    (scene,) = read("cochlscene", tmp_path)[0]
    assert (scene.split, scene.scene) == ("Test", "Subway Station")
    (stroke,) = read("beijing_opera", tmp_path)[0]
    assert (stroke.instrument, stroke.origin_ids) == ("bangu", ("freesound:205973",))
    (voice,) = read("gtzan_music_speech", tmp_path)[0]
    assert (voice.row_id, voice.events) == ("speech_wav/allison", ("speech",))


def test_tut_tables_without_header(tmp_path: Path) -> None:
    root = tmp_path / "TUT-acoustic-scenes-2017-development"
    (root / "evaluation_setup").mkdir(parents=True)
    (root / "meta.txt").write_text(
        "audio/b020_90_100.wav\tbeach\tb020\naudio/a001_0_10.wav\tcafe/restaurant\ta001\n"
        "audio/x.wav\tattic\tx\naudio/y.wav\n"
    )
    (root / "evaluation_setup" / "evaluate.txt").write_text("audio/1.wav\ttram\n")
    other = tmp_path / "TUT-acoustic-scenes-2017-evaluation" / "evaluation_setup"
    other.mkdir(parents=True)
    (other / "evaluate.txt").write_text("audio/1.wav\tmetro_station\r\n")
    rows, reasons = read("tut2017", tmp_path)
    assert [(row.row_id, row.split, row.scene) for row in rows] == [
        ("development:audio/b020_90_100.wav", "development", "beach"),
        ("development:audio/a001_0_10.wav", "development", "cafe/restaurant"),
        ("evaluation:audio/1.wav", "evaluation", "metro station"),
    ]
    assert rows[2].clip == "TUT-acoustic-scenes-2017-evaluation/audio/1.wav"
    assert reasons == ["unknown_scene", "unknown_scene"]


def test_the_shortest_stroke_of_the_opera_is_long_enough() -> None:
    stroke = sounds.wav(bangu(sounds.seeded("stroke"), int(0.07 * sounds.RATE)))
    assert len(decode(stroke, "205972__ajaysm__bangu-01.wav").samples) == 3087


def test_real_files_named_like_the_opera_decode(shared_data: Path) -> None:
    (path,) = (shared_data / "music-excerpts" / "mridangam_stroke").rglob("*__*.wav")
    heard = decode(path.read_bytes(), path.name)
    with soundfile.SoundFile(path) as file:
        assert (heard.rate, heard.channels) == (file.samplerate, file.channels) == (44_100, 1)
        assert len(heard.samples) == file.frames


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["cochlscene", "tut2017", "beijing_opera", "gtzan_genres", "gtzan_music_speech", "fma"],
)
def test_a_copy_unpacked_below_a_folder_gives_the_same_rows(
    name: str, mini: Callable[[str], SmallCopy], tmp_path: Path
) -> None:
    copy = mini(name)
    for member in copy.raw.stream(copy.raw.names()):
        path = tmp_path / "mine" / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(member.data)
    rows, reasons = read(name, tmp_path)
    named = [row.model_copy(update={"clip": row.clip.removeprefix("mine/")}) for row in rows]
    assert named == copy.rows
    assert reasons == [line.reason for line in copy.malformed]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rate", "channels", "kind"),
    [
        ("cochlscene", 44_100, {1}, "WAV/PCM_16"),
        ("fma", 44_100, {1, 2}, "MP3/MPEG_LAYER_III"),
        ("gtzan_genres", 22_050, {1}, "WAV/PCM_16"),
        ("tut2017", 44_100, {2}, "WAV/PCM_24"),
    ],
)
def test_small_copies_have_the_publishers_formats(
    name: str, rate: int, channels: set[int], kind: str, mini: Callable[[str], SmallCopy]
) -> None:
    copy = mini(name)
    heard = [decode(m.data, m.name) for m in _sound_members(copy)]
    assert {h.rate for h in heard} == {rate}
    assert {h.channels for h in heard} == channels
    assert {h.format for h in heard} == {kind}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["cochlscene", "tut2017", "beijing_opera", "gtzan_genres", "gtzan_music_speech", "fma"],
)
def test_classes_are_heard_in_clips_never_heard_before(
    name: str, mini: Callable[[str], SmallCopy]
) -> None:
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    copy = mini(name)
    labels = {
        row.clip: str(row.scene or row.instrument or row.tags or row.genre or row.events)
        for row in copy.rows
    }
    members = _sound_members(copy)
    heard = np.array([_bands(decode(member.data, member.name).samples) for member in members])
    truths = [labels[member.name] for member in members]
    classifier = make_pipeline(StandardScaler(), SVC(C=10))
    assert cross_val_score(classifier, heard, truths, cv=3).mean() > 0.8


def _sound_members(copy: SmallCopy) -> list[Member]:
    """Members that rows name, without the ones made broken."""
    return [m for m in copy.raw.stream({row.clip for row in copy.rows}) if len(m.data) > 5000]


def _bands(samples: np.ndarray) -> np.ndarray:
    """Mean and spread of 40 logarithmic bands."""
    frames = np.lib.stride_tricks.sliding_window_view(samples / 32768, 1024)[::512]
    power = np.abs(np.fft.rfft(frames * np.hanning(1024))) ** 2
    edges = np.unique(np.geomspace(1, 330, 41).astype(int))
    levels = 10 * np.log10(np.add.reduceat(power, edges, axis=1) + 1e-6)
    return np.concatenate([levels.mean(0), levels.std(0)])
