"""ClothoAQA: six questions a sound, three annotators a question (Lipping et al. 2022)."""

from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row
from schemas.licences import Credit, spdx

_FILES = (
    "audio_files.zip",
    "clotho_aqa_train.csv",
    "clotho_aqa_val.csv",
    "clotho_aqa_test.csv",
    "clotho_aqa_metadata.csv",
)

DATASET = Dataset(
    name="clotho_aqa",
    title="ClothoAQA",
    homepage="https://zenodo.org/record/6473207",
    licence="LicenseRef-ClothoAQA",
    citation="Lipping, Sudarsanam, Drossos, Virtanen: Clotho-AQA, EUSIPCO 2022",
    archives=tuple(
        Archive(name=name, url=f"https://zenodo.org/records/6473207/files/{name}?download=1")
        for name in _FILES
    ),
    splits=("train", "val", "test"),
    train=("train",),
    templates=("audio_qa",),
    expected_clips={"train": 1174, "val": 344, "test": 473},
    notes=(
        "Checksums stand on the record page and were not read; files are accepted unverified.",
        "Counts per split are recalled, their sum 1991 is published.",
        "Answers of one question may contradict each other; every annotator's answer is a row.",
        "audio_files.zip is said to hold 2894 files, of which 1991 have questions.",
        "The clips are Clotho's, but the splits are not Clotho's.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per annotator's answer, in lower case."""
    credit = _credits(raw)
    for split in DATASET.splits:
        for path in raw.names(f"*clotho_aqa_{split}.csv"):
            folder, _, name = path.rpartition("/")
            clips = f"{folder}/audio_files/" if folder else "audio_files/"
            for number, line in enumerate(raw.csv(path, encoding=_encoding(raw, path)), start=2):
                file = line["file_name"]
                question = (line.get("QuestionText") or "").strip()
                answer = (line.get("answer") or "").strip().lower()
                row_id, clip = f"{name}:{number}", clips + file
                if question and answer:
                    yield Row(
                        row_id=row_id,
                        clip=clip,
                        split=split,
                        question=question,
                        answer=answer,
                        **credit.get(file, {}),
                    )
                else:
                    reason = "empty_answer" if question else "empty_question"
                    yield Malformed(row_id=row_id, clip=clip, reason=reason)


def _encoding(raw: Raw, path: str) -> str:
    """The baseline reads Latin-1, other loaders UTF-8: UTF-8 wherever the bytes are valid UTF-8."""
    try:
        with raw.open(path) as file:
            file.read().decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _credits(raw: Raw) -> dict[str, Credit]:
    credit: dict[str, Credit] = {}
    for path in raw.names("*clotho_aqa_metadata.csv"):
        for line in raw.csv(path, encoding=_encoding(raw, path)):
            sound = line.get("sound_id") or ""
            credit[line["file_name"]] = {
                "licence": spdx(line["license"]) if line.get("license") else None,
                "attribution": line.get("sound_link") or None,
                "origin_ids": (f"freesound:{sound}",) if sound.isdigit() else (),
            }
    return credit


BENCHMARKS = (
    Benchmark(
        name="clothoaqa",
        dataset="clotho_aqa",
        title="ClothoAQA, audio question answering",
        splits=("test",),
        prompts=("question: {question}",),
        truth="answer",
        scoring="answer",
        metric="accuracy",
    ),
)
