"""UrbanSound8K and SESA, and what else the readers of ESC-50 and FSD50K survive or refuse."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from flows import datasets
from flows.steps.archives import ArchiveError
from flows.steps.decode import decode
from reading import clean, read, write
from schemas import Row
from schemas.licences import esc_credits
from small_copy import SmallCopy

US8K_HEADER = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"


def test_urbansound8k_has_the_published_counts(shared_data: Path) -> None:
    found = clean("urbansound8k", shared_data / "UrbanSound8K")
    published = datasets.load("urbansound8k").dataset.expected_clips
    assert sum(published.values()) == 8732
    assert Counter(row.split for row in found) == {
        split: count for split, count in published.items() if split not in ("fold9", "fold10")
    }
    classes = Counter(label for row in found for label in row.events or ())
    assert (classes["air conditioner"], classes["car horn"], classes["gun shot"]) == (800, 364, 311)
    assert (len(classes), classes["engine idling"]) == (10, 818)
    first = found[0]
    assert (first.clip, first.events) == ("audio/fold5/100032-3-0-0.wav", ("dog bark",))
    assert first.origin_ids == ("freesound:100032",)
    assert len({row.row_id for row in found}) == 7079


def test_urbansound8k_slices_are_where_the_table_says(shared_data: Path) -> None:
    folder = shared_data / "UrbanSound8K"
    named = {row.clip for row in clean("urbansound8k", folder)}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.wav")}
    assert len({name for name in there if name.removeprefix("UrbanSound8K/") in named}) == 5


def test_urbansound8k_shares_recordings_with_clotho(shared_data: Path) -> None:
    ids = {row.origin_ids[0] for row in clean("urbansound8k", shared_data / "UrbanSound8K")}
    clotho = ("23131", "26270", "28426", "34621", "195451")  # of Clotho's development split
    assert len(ids & {f"freesound:{sound}" for sound in clotho}) == 5


def test_a_slice_in_another_fold_is_found_by_name(tmp_path: Path) -> None:
    write(
        tmp_path / "UrbanSound8K/metadata/UrbanSound8K.csv",
        f"{US8K_HEADER}1-3-0-0.wav,1,0,1,1,5,3,dog_bark\n2-3-0-0.wav,2,0,1,1,5,3,dog_bark\n",
    )
    write(tmp_path / "UrbanSound8K/audio/fold4/1-3-0-0.wav")
    write(tmp_path / "UrbanSound8K/audio/fold1/2-3-0-0.wav")
    write(tmp_path / "UrbanSound8K/audio/fold5/2-3-0-0.wav")
    assert [(row.clip, row.split) for row in clean("urbansound8k", tmp_path)] == [
        ("UrbanSound8K/audio/fold4/1-3-0-0.wav", "fold5"),
        ("UrbanSound8K/audio/fold5/2-3-0-0.wav", "fold5"),
    ]


def test_urbansound8k_files_of_every_kind_are_read(mini: Callable[[str], SmallCopy]) -> None:
    copy = mini("urbansound8k")
    kinds = Counter[tuple[str, int, int]]()
    seconds: dict[str, float] = {}
    for member in copy.raw.stream({row.clip for row in copy.rows}):
        if len(member.data) > 100:
            sound = decode(member.data, member.name)
            kinds[sound.format, sound.rate, sound.channels] += 1
            seconds[member.name.rpartition("/")[2]] = len(sound.samples) / 44_100
    assert set(kinds) == {
        ("WAV/PCM_16", 44_100, 2),
        ("WAV/PCM_24", 96_000, 2),
        ("WAV/PCM_U8", 22_050, 1),
        ("WAVEX/PCM_24", 48_000, 1),
        ("WAV/MS_ADPCM", 44_100, 1),
        ("WAV/FLOAT", 48_000, 2),
        ("WAV/IMA_ADPCM", 22_050, 1),
        ("WAV/PCM_16", 192_000, 1),
        ("WAV/PCM_16", 8000, 1),
    }
    assert min(seconds.values()) == pytest.approx(0.3176, abs=1e-3)


def test_sesa_is_named_by_class_and_number(tmp_path: Path) -> None:
    for name in (
        *("train/gunshot_000.wav", "test/Casual_017.WAV", "train/explosion_3.wav"),
        *("train/._siren_000.wav", "SESA.txt", "test/siren.wav", "test/cow_001.wav"),
    ):
        write(tmp_path / "SESA" / name)
    write(tmp_path / "__MACOSX/SESA/train/._gunshot_000.wav")
    rows, reasons = read("sesa", tmp_path)
    assert [(row.row_id, row.split, row.events) for row in rows] == [
        ("test/Casual_017.WAV", "test", ("casual",)),
        ("train/explosion_3.wav", "train", ("explosion",)),
        ("train/gunshot_000.wav", "train", ("gunshot",)),
    ]
    assert reasons == ["unknown_class", "unexpected_file_name"]  # cow_001.wav, siren.wav


def test_sesa_scores_all_585_files() -> None:
    (benchmark,) = datasets.load("sesa").benchmarks
    assert benchmark.splits == ("train", "test")
    assert benchmark.n_official == 585
    assert round(316 / 585, 4) == 0.5402  # Table 3; no k/105 and no k/480 gives it
    assert benchmark.labels["casual"] == "casual sound, not a threat"


@pytest.mark.parametrize(
    ("name", "file", "lines", "reasons"),
    [
        (
            "urbansound8k",
            "UrbanSound8K/metadata/UrbanSound8k.csv",
            f"{US8K_HEADER}1-3-0-0.wav,1,0,1,1,11,3,dog_bark\n1-3-0-0.wav,1,0,1,1,1,3,dog\n"
            "1-3-0-0.wav,1,0,1,1,1,4,dog_bark\n1-3-0-0.wav,7,0,1,1,1,3,dog_bark\n",
            [
                *("unknown_fold", "unknown_class", "class_is_not_its_number"),
                "file_name_contradicts_line",
            ],
        ),
        (
            "esc50",
            "meta/esc50.csv",
            "filename,fold,target,category,esc10,src_file,take\n1-1-A-0.wav,1,7,dog,True,1,A\n",
            ["class_is_not_its_number"],
        ),
        (
            "fsd50k",
            "FSD50K.ground_truth/dev.csv",
            "fname,labels,mids,split\n1,Rain,/m/06mb1,eval\n",
            ["unknown_split"],
        ),
    ],
)
def test_bad_lines(name: str, file: str, lines: str, reasons: list[str], tmp_path: Path) -> None:
    write(tmp_path / file, lines)
    assert read(name, tmp_path) == ([], reasons)


@pytest.mark.parametrize(
    ("name", "file", "header", "lacks"),
    [
        (
            "urbansound8k",
            "metadata/UrbanSound8K.csv",
            "slice_file_name,fsID,start,end,salience,fold,classID,label",
            "class",
        ),
        # an early commit of ESC-50 had these columns
        ("esc50", "meta/esc50.csv", "filename,fold,category,category_name", "target, src_file"),
        ("fsd50k", "FSD50K.ground_truth/dev.csv", "fname,labels,mids", "split"),
        ("fsd50k", "FSD50K.ground_truth/eval.csv", "id,labels,mids", "fname"),
        (
            "clotho_v2",
            "clotho_captions_validation.csv",
            "file_name,caption_1,caption_2,caption_3,caption_4",
            "caption_5",
        ),
        ("clotho_v2", "clotho_metadata_validation.csv", "file_name;sound_id;license", "license"),
        ("clotho_aqa", "clotho_aqa_val.csv", "file_name,question,answer", "QuestionText"),
        ("clotho_aqa", "clotho_aqa_metadata.csv", "name,keywords", "file_name"),
    ],
)
def test_another_header_is_refused(
    name: str, file: str, header: str, lacks: str, tmp_path: Path
) -> None:
    write(tmp_path / file, f"{header}\n")
    first = header.split(",")[0]
    with pytest.raises(ArchiveError, match=rf"its header lacks .*{lacks}\. .* found {first}"):
        read(name, tmp_path)


def test_esc50_lists_the_publishers_names_only(shared_data: Path, tmp_path: Path) -> None:
    """The whole of folds 1 to 3, and a fork's renamed copy beside it."""
    folder = shared_data / "ESC-50"
    table = (folder / "meta" / "esc50_folds123_reconstructed.csv").read_text()
    write(tmp_path / "meta" / "esc50.csv", table)
    write(tmp_path / "LICENSE", (folder / "LICENSE").read_text())
    write(tmp_path / "audio" / "dog-1-100032-A-0.wav")
    found = clean("esc50", tmp_path)
    assert Counter(row.split for row in found) == {"fold1": 400, "fold2": 400, "fold3": 400}
    assert set(Counter(row.events for row in found).values()) == {24}
    assert Counter(row.licence for row in found) == _licences(folder / "LICENSE", found)
    assert found[0].attribution == (
        "rose_bark.wav (http://www.freesound.org/people/nfrae/sounds/100032/) by nfrae"
    )


def test_every_clip_of_esc50_has_a_credit(shared_data: Path) -> None:
    credits = esc_credits((shared_data / "ESC-50" / "LICENSE").read_text())
    assert len(credits) == 2000
    # the list calls it [5-141683-Ad.ogg]
    assert credits["5-141683-A"].get("attribution") == (
        "Washing Machine Spins.aif (http://www.freesound.org/people/DJ%20Burnham/sounds/141683/)"
        " by DJ Burnham"
    )


def _licences(path: Path, found: list[Row]) -> Counter[str]:
    """The licences in brackets, read without the reader's pattern."""
    names = {
        "CC0]": "CC0-1.0",
        "CC-BY]": "CC-BY-3.0",
        "CC-BY-NC]": "CC-BY-NC-3.0",
        "CC-Sampling+]": "LicenseRef-CC-Sampling-Plus-1.0",
    }
    lines = (line.split(".ogg]:") for line in path.read_text().splitlines() if ".ogg]:" in line)
    licence = {name[3:]: names[text.rsplit("[")[-1]] for name, text in lines}
    takes = (row.clip.removeprefix("audio/").rpartition("-")[0] for row in found)
    return Counter(licence[take] for take in takes)


def test_fsd50k_labels_are_audiosets_but_for_commas(shared_data: Path) -> None:
    ontology = json.loads((shared_data / "AudioSet" / "ontology" / "ontology.json").read_text())
    names = {entry["name"] for entry in ontology}
    labels = datasets.load("fsd50k").benchmarks[0].labels
    unlike = {label for label in labels if label.replace(" and ", ", ") not in names}
    assert unlike == {"Dishes and pots and pans"}  # "Dishes, pots, and pans"


@pytest.mark.parametrize("name", ["urbansound8k", "sesa", "esc50_actions"])
def test_an_unpacked_copy_gives_the_same_rows(
    name: str, mini: Callable[[str], SmallCopy], tmp_path: Path
) -> None:
    copy = mini(name)
    for member in copy.raw.stream(copy.raw.names()):
        path = tmp_path / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(member.data)
    assert read(name, tmp_path) == (copy.rows, [line.reason for line in copy.malformed])


def test_small_copies_share_recordings_as_the_real_ones_do(
    mini: Callable[[str], SmallCopy],
) -> None:
    def ids(name: str, *splits: str) -> set[str]:
        chosen = (row for row in mini(name).rows if row.split in splits or not splits)
        return {origin for row in chosen for origin in row.origin_ids}

    clotho, fsd50k = ids("clotho_v2", "development"), ids("fsd50k", "train")
    shared = {name: ids(name) for name in ("urbansound8k", "esc50")}
    assert {name: (len(i & clotho), len(i & fsd50k)) for name, i in shared.items()} == {
        "urbansound8k": (1, 1),
        "esc50": (5, 5),
    }
    assert len(ids("esc50") & ids("esc50_actions")) >= 15
