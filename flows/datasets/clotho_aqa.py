"""ClothoAQA: six questions a sound, three annotators a question (Lipping et al. 2022)."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from schemas import Archive, Benchmark, Choice, Dataset, Malformed, Raw, Row
from schemas.licences import Credit, spdx
from schemas.spelling import respelt

_FILES = (
    "audio_files.zip",
    "clotho_aqa_train.csv",
    "clotho_aqa_val.csv",
    "clotho_aqa_test.csv",
    "clotho_aqa_metadata.csv",
)
_COLUMNS = ("file_name", "QuestionText", "answer")
_BLANK = {True: "empty_answer", False: "empty_question"}  # whether there is a question

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
    expected_rows={"train": 21_132, "val": 6192, "test": 8514},  # 6 questions, 3 annotators
    hours=12.5,
    bytes=3_143_000_000,
    choices=(
        Choice(
            name="answers",
            value="every",
            others=("majority", "unanimous"),
            why="The paper does not say whether annotators were merged for training; every answer "
            "is kept, contradictions included. majority, unanimous: one row a training question, "
            "with what most or all annotators said. val and test keep every answer: the metrics "
            "do their own counting.",
        ),
    ),
    notes=(
        "Checksums stand on the record page and were not read; files are accepted unverified.",
        "Counts per split are recalled, their sum 1991 is published; so are 18 answers a clip.",
        "The CSVs are read as UTF-8 where they are valid UTF-8, else as Latin-1: readers differ.",
        "Answers of one question may contradict each other (see `answers`), differ in tense or "
        "number, or be more than a word: they are kept as given, in lower case.",
        "The licence text (LICENSE.txt in the record) was not read; clips have Freesound's.",
        "audio_files.zip is said to hold 2894 files, of which 1991 have questions.",
        "The clips are Clotho's, but the splits are not Clotho's: see `pengi leaks`. Names have "
        "Clotho's odd characters; a file is found where only such characters differ.",
        "Some files have unusual rates, 192 kHz for one: each is read as it is.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per annotator's answer, in lower case; of training questions as `answers` says."""
    credit, sounds = _credits(raw), raw.names("*.wav")
    for split in DATASET.splits:
        rule = raw.choice("answers") if split in DATASET.train else "every"
        for path in raw.names(f"*clotho_aqa_{split}.csv"):
            folder, _, name = path.rpartition("/")
            clips = f"{folder}/audio_files/" if folder else "audio_files/"
            lines = list(raw.csv(path, encoding=_encoding(raw, path), columns=_COLUMNS))
            there = (sound.removeprefix(clips) for sound in sounds if sound.startswith(clips))
            spelt = respelt((line["file_name"] for line in lines), there)
            faults = _faults(lines, rule)
            for number, (line, fault) in enumerate(zip(lines, faults, strict=True), start=2):
                file, question, answer = _said(line)
                row_id, clip = f"{name}:{number}", clips + spelt.get(file, file)
                if fault:
                    yield Malformed(row_id=row_id, clip=clip, reason=fault)
                else:
                    yield Row(
                        row_id=row_id,
                        clip=clip,
                        split=split,
                        question=question,
                        answer=answer,
                        **credit.get(file, {}),
                    )


def _said(line: dict[str, str]) -> tuple[str, str, str]:
    """File, question and answer; the answer's case varies."""
    return line["file_name"], line["QuestionText"].strip(), line["answer"].strip().lower()


def _faults(lines: list[dict[str, str]], rule: str) -> list[str | None]:
    """Why each line is no row, if it is none: blank, or set aside by the rule for `answers`."""
    faults: list[str | None] = []
    answers: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for line in lines:
        file, question, answer = _said(line)
        faults.append(None if question and answer else _BLANK[bool(question)])
        if faults[-1] is None:
            answers[file, question].append(answer)
    if rule == "every":
        return faults
    kept = {asked: _agreed(given, rule) for asked, given in answers.items()}
    for number, line in enumerate(lines):
        file, question, answer = _said(line)
        if faults[number] is None:
            faults[number] = _set_aside(kept[file, question], answer)
            if faults[number] is None:  # the question has its row
                kept[file, question] = (answer, True)
    return faults


def _agreed(given: list[str], rule: str) -> tuple[str | None, bool]:
    """The answer that most (majority) or all (unanimous) annotators gave; whether it has a row."""
    answer, count = Counter(given).most_common(1)[0]
    enough = count == len(given) if rule == "unanimous" else 2 * count > len(given)
    return (answer if enough else None), False


def _set_aside(agreed: tuple[str | None, bool], answer: str) -> str | None:
    kept, has_row = agreed
    if kept is None:
        return "annotators_disagree"
    if answer != kept:
        return "outvoted"
    return "same_answer_again" if has_row else None


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
        for line in raw.csv(path, encoding=_encoding(raw, path), columns=_COLUMNS[:1]):
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
