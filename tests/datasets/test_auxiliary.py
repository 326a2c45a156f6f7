"""WavText5K, WavCaps, SoundDescs and MACS against the publishers' lists, and damaged ones."""

import ast
import csv
import json
import pickle
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from flows.steps.archives import ArchiveError
from reading import read, remotes


def test_wavtext5k_lists_two_sites(shared_data: Path) -> None:
    rows, reasons = read("wavtext5k", shared_data / "WavText5K")
    assert (len(rows), Counter(reasons)) == (3615, {"no_text": 5})  # 4 of 5 records are here
    sites = Counter((row.attribution or "").split("/")[2] for row in rows)
    assert sites == {"bigsoundbank.com": 1969, "soundbible.com": 1646}
    texts = {row.row_id: row.metadata for row in rows}
    assert texts["WavText5K.csv:2"] == "Birds singing, drive away, fly."
    assert texts["WavText5K.csv:4"] == "Wilhelm scream"
    bat = next(row for row in rows if row.clip == "clips/bat sonar_2110.wav")
    assert (bat.metadata, bat.origin_ids) == ("Bat sonar chirping clicks", ("soundbible:11",))
    assert len(read("wavtext5k", shared_data / "WavText5K", text="description")[0]) == 3620 - 141
    assert len(read("wavtext5k", shared_data / "WavText5K", text="title")[0]) == 3620 - 5


def test_wavtext5k_tags_are_python_lists_but_three(shared_data: Path) -> None:
    folder = shared_data / "WavText5K"
    rows, _ = read("wavtext5k", folder, text="description_and_tags")
    texts = {row.row_id: row.metadata or "" for row in rows}
    damaged: list[str] = []
    with (folder / "WavText5K.csv").open(newline="") as file:
        for number, line in enumerate(csv.DictReader(file), start=2):
            text = texts.get(f"WavText5K.csv:{number}", "")
            try:
                tags = ast.literal_eval(line["tags"] or "[]")
            except SyntaxError:
                damaged.append(text)
                continue
            words = dict.fromkeys(" ".join(tag.split()) for tag in tags if tag.strip())
            assert text.endswith(", ".join(words))
    assert len(damaged) == 3
    assert damaged[0].endswith(
        "boomerang, bow and arrow, crossbow, dart, harpoon, "
        "hatchet, machete, nunchaku, witchblade, slingshot"
    )


def test_wavtext5k_sounds_have_addresses(shared_data: Path) -> None:
    folder = shared_data / "WavText5K"
    urls = {remote.name: remote.url for remote in remotes("wavtext5k", folder)}
    assert len(urls) == 3615
    assert urls["clips/0100.mp3"] == "https://bigsoundbank.com/UPLOAD/mp3/0100.mp3"
    assert urls["clips/bat sonar_2110.wav"] == "https://soundbible.com/grab.php?id=11&type=wav"
    published = {remote.url for remote in remotes("wavtext5k", folder, bigsoundbank="wav")}
    assert "https://bigsoundbank.com/UPLOAD/wav/0100.wav" in published


def test_wavcaps_and_wavtext5k_share_sounds_of_soundbible(shared_data: Path) -> None:
    rows, reasons = read("wavcaps", shared_data / "WavCaps")
    assert (len(rows), reasons) == (1232, [])
    assert {row.split for row in rows} == {"SoundBible"}
    landing = rows[0]
    assert landing.metadata == "An airplane is landing."
    assert landing.clip.endswith("/SoundBible_flac/2219.flac")
    assert landing.attribution == "Daniel Simion, http://soundbible.com/grab.php?id=2219&type=wav"
    others = {i for row in read("wavtext5k", shared_data / "WavText5K")[0] for i in row.origin_ids}
    # 1225 in the whole of WavText5K; counted for these 4 of 5 records with `comm` on the ids
    assert len({i for row in rows for i in row.origin_ids} & others) == 981


def test_a_real_blacklist_leaves_out_ids_and_not_the_words_not_found(
    shared_data: Path, tmp_path: Path
) -> None:
    listed = shared_data / "WavCaps/json_files/blacklist/blacklist_exclude_all_ac.json"
    (tmp_path / "blacklist_exclude_all_ac.json").write_bytes(listed.read_bytes())
    sounds = ("Yr1nicOVtvkQ.wav", "Y00000000000.wav")
    _wavcaps(tmp_path / "as_final.json", *sounds)
    _wavcaps(tmp_path / "fsd_final.json", "117790", "Not found", "1")
    rows, reasons = read("wavcaps", tmp_path, blacklist="exclude_all_ac")
    assert reasons == ["on_blacklist", "on_blacklist"]
    assert [row.origin_ids for row in rows] == [
        ("youtube:00000000000",),
        ("freesound:not found",),
        ("freesound:1",),
    ]
    assert len(read("wavcaps", tmp_path)[0]) == 5
    with pytest.raises(FileNotFoundError, match=r"blacklist_exclude_test_ac\.json"):
        read("wavcaps", tmp_path, blacklist="exclude_test_ac")


@pytest.mark.parametrize("folder", ["Audio/AudioSet_SL", "x/y/AudioSet_SL_flac"])
def test_wavcaps_is_found_in_other_layouts(folder: str, tmp_path: Path) -> None:
    lists = tmp_path / "json_files/AudioSet_SL"
    for path in (lists, tmp_path / folder, tmp_path / "Audio/FreeSound"):
        path.mkdir(parents=True)
    _wavcaps(lists / "as_final.json", "Yr1nicOVtvkQ.wav", "Y-1nicOVtvkQ.wav")
    (tmp_path / folder / "Yr1nicOVtvkQ.flac").touch()
    (tmp_path / "Audio/FreeSound/Y-1nicOVtvkQ.flac").touch()  # another collection's
    rows, _ = read("wavcaps", tmp_path)
    assert [row.clip for row in rows] == [
        f"{folder}/Yr1nicOVtvkQ.flac",
        "mnt/fast/nobackup/scratch4weeks/xm00178/WavCaps/data/waveforms/AudioSet_SL_flac/"
        "Y-1nicOVtvkQ.flac",
    ]


def _wavcaps(path: Path, *sounds: str) -> None:
    data = [{"id": sound, "caption": "A sound.", "duration": 1} for sound in sounds]
    path.write_text(json.dumps({"num_captions_per_audio": 1, "data": data}))


def test_sounddescs_has_the_published_splits(shared_data: Path, tmp_path: Path) -> None:
    for split in ("train", "val"):
        listed = (shared_data / "SoundDescs" / f"{split}_list.txt").read_bytes()
        (tmp_path / f"{split}_list.txt").write_bytes(listed)
    ids = [line for path in tmp_path.iterdir() for line in path.read_text().split()]
    said = {sound: f"Sound {sound} - <i>indoors</i>." for sound in ids}
    (tmp_path / "descriptions.pkl").write_bytes(pickle.dumps(said))
    links = "https://sound-effects-media.bbcrewind.co.uk/zip/"
    (tmp_path / "download_links.txt").write_text(
        f"{links}07051146.wav.zip\n{links}NHU05102079.wav.zip\n"
    )
    rows, reasons = read("sounddescs", tmp_path)
    assert (Counter(row.split for row in rows), reasons) == ({"train": 23085, "val": 4947}, [])
    assert [row.origin_ids for row in rows if row.split == "train"][:2] == [
        ("bbc:07051146",),
        ("bbc:nhu05102079",),
    ]
    assert rows[0].metadata == "Sound 07051146 - indoors ."
    assert [(remote.name, remote.url) for remote in remotes("sounddescs", tmp_path)] == [
        ("clips/07051146.mp3", "https://sound-effects-media.bbcrewind.co.uk/mp3/07051146.mp3"),
        (
            "clips/nhu05102079.mp3",
            "https://sound-effects-media.bbcrewind.co.uk/mp3/NHU05102079.mp3",
        ),
    ]


class _Harmful:
    """What a pickle may hold: it would run a command."""

    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("run",))


def test_a_pickle_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train_list.txt").write_text("07051146\n")
    with pytest.raises(FileNotFoundError, match=r"descriptions\.pkl"):
        read("sounddescs", tmp_path)
    (tmp_path / "descriptions.pkl").write_bytes(pickle.dumps({"a": _Harmful()}))
    with pytest.raises(ValueError, match=r"asks for builtins\.print"):
        read("sounddescs", tmp_path)
    assert capsys.readouterr().out == ""
    (tmp_path / "descriptions.pkl").write_bytes(pickle.dumps({"07051146": "x" * 99})[:40])
    with pytest.raises(ValueError, match="no whole pickle"):
        read("sounddescs", tmp_path)


@pytest.mark.parametrize("listed", [["Rain, heavy"], "Rain, heavy"])
def test_descriptions_may_be_texts_or_lists(listed: object, tmp_path: Path) -> None:
    known: defaultdict[str, object] = defaultdict(list)
    known["NHU05030045"] = listed
    (tmp_path / "descriptions.pkl").write_bytes(pickle.dumps(known, protocol=2))
    (tmp_path / "test_list.txt").write_text("nhu05030045\n")
    (tmp_path / "audios/nhu05030045").mkdir(parents=True)
    (tmp_path / "audios/nhu05030045/NHU05030045.WAV").touch()
    (row,), _ = read("sounddescs", tmp_path)
    assert row.metadata == "Rain, heavy"
    assert row.clip == "audios/nhu05030045/NHU05030045.WAV"


_MACS = """\
files:
- filename: airport-stockholm-12-488-a.wav
  annotations:
  - annotator_id: 354
    sentence: ball game with the ball bouncing and people
      running
    tags:
    - adults_talking
    - footsteps
  - annotator_id: 353
    sentence: 'some adults: talking'
    tags: []
  - annotator_id: 272
    sentence: ''
    tags: []
- filename: park-paris-1-2-a.wav
  annotations: []
"""


def test_macs_sentences(tmp_path: Path) -> None:
    (tmp_path / "MACS.yaml").write_text(_MACS)
    competence = "annotator_id\tcompetence\n354\t0.9\n353\t0.2\n"
    (tmp_path / "MACS_competence.csv").write_text(competence)
    rows, reasons = read("macs", tmp_path)
    assert [row.metadata for row in rows] == [
        "ball game with the ball bouncing and people running",
        "some adults: talking",
    ]
    assert rows[1].row_id == "MACS.yaml:airport-stockholm-12-488-a.wav:1"
    assert rows[0].origin_ids == ("tau2019:airport-stockholm-12-488-a",)
    assert rows[0].clip == (
        "TAU-urban-acoustic-scenes-2019-development/audio/airport-stockholm-12-488-a.wav"
    )
    assert reasons == ["empty_caption", "empty_caption"]
    able, reasons = read("macs", tmp_path, competence="half")
    assert (len(able), reasons[0]) == (1, "annotator_below_competence")
    assert len(read("macs", tmp_path, captions="first")[0]) == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [("files: [a", "no YAML"), ("clips: []", "found \\['clips'\\]"), ("- a", "found list")],
)
def test_macs_refuses_another_file(text: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "MACS.yaml").write_text(text)
    with pytest.raises(ValueError, match=error):
        read("macs", tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "text", "column"),
    [
        ("wavtext5k", "WavText5K.csv", "url,title\na,b\n", "download_link"),
        ("findsounds", "findsounds.csv", "query,url\na,b\n", "audio_url"),
    ],
)
def test_another_header_is_refused(
    name: str, file: str, text: str, column: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_text(text)
    found = text.split()[0].replace(",", ", ")
    with pytest.raises(ArchiveError, match=rf"lacks .*{column}.*found {found}"):
        read(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "text", "reasons"),
    [
        (
            "wavtext5k",
            "WavText5K.csv",
            "view_link,download_link,title,description,fname,tags\n"
            "v,ftp://x/a.wav,Title,Text,a.wav,\n"
            "v,https://soundbible.com/grab.php?id=1&type=wav,Title,Text, ,\n"
            "v,https://soundbible.com/grab.php?id=1&type=wav,,<br>,a.wav,[]\n",
            ["unknown_address", "no_file_name", "no_text"],
        ),
        (
            "wavcaps",
            "json_files/BBC_Sound_Effects/bbc_final.json",
            '{"data": [{"caption": "A", "id": null}, {"caption": " ", "id": "07"}]}',
            ["no_id", "empty_caption"],
        ),
    ],
)
def test_bad_lines_have_their_reason(
    name: str, file: str, text: str, reasons: list[str], tmp_path: Path
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    assert read(name, tmp_path)[1] == reasons


def test_wavcaps_refuses_another_file(tmp_path: Path) -> None:
    (tmp_path / "sb_final.json").write_text('{"clips": []}')
    with pytest.raises(ValueError, match="expected the list 'data', found clips"):
        read("wavcaps", tmp_path)
