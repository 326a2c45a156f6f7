"""ClothoAQA in small: Clotho's clips under its own splits, six questions each, three annotators."""

from flows.mini import clotho_v2, sounds
from flows.mini.pack import Tree
from flows.mini.vocabulary import KINDS, Clip, Kind, clips, heard

_COUNTS = {"train": 120, "val": 12, "test": 40}
_OF_CLOTHO = 10  # clips a split that Clotho's development split has too
_WHICH = {
    "animal": "which animal is heard?",
    "nature": "which sound of nature is heard?",
    "human": "which human sound is heard?",
    "object": "which object is heard?",
}
_HIGH_RATE = 96_000  # Hz; some real files have such rates


def split_clips(split: str) -> list[Clip]:
    """Some of Clotho's clips, then new ones; train also has one of Clotho's evaluation split."""
    first = list(_COUNTS).index(split) * _OF_CLOTHO
    shared = clotho_v2.split_clips("development")[first : first + _OF_CLOTHO]
    if split == "train":
        shared[0] = clotho_v2.split_clips("evaluation")[0]
    names = [f"{split} question {number}.wav" for number in range(_COUNTS[split] - len(shared))]
    return shared + clips("clotho_aqa", split, names, 0.6, 1.8, 2.2)


def tree() -> Tree:
    """The archives of Zenodo record 6473207."""
    members: Tree = {"audio_files/no questions asked.wav": sounds.wav(sounds.glide(44_100, 0, 0.1))}
    archives: Tree = {"audio_files.zip": members}
    every: list[Clip] = []
    for split in _COUNTS:
        made = split_clips(split)
        every += made
        members |= {f"audio_files/{clip.name}": clip.wav for clip in made}
        lines = [line for clip in made for line in _questions(clip)]
        if split == "train":
            odd = made[-1]
            count = int(odd.length * _HIGH_RATE)
            members[f"audio_files/{odd.name}"] = sounds.wav(
                sounds.glide(count, *odd.samples()), _HIGH_RATE
            )
            lines += [["never recorded.wav", "is a dog barking?", "no", "yes"]]
            lines += [[made[0].name, "is a dog barking?", " ", "no"]]
        header = ["file_name", "QuestionText", "answer", "confidence"]
        archives[f"clotho_aqa_{split}.csv"] = clotho_v2.table(header, lines, "latin-1")
    archives["clotho_aqa_metadata.csv"] = clotho_v2.table(
        clotho_v2.METADATA,
        [clotho_v2.credit(clip, number) for number, clip in enumerate(every)],
        "latin-1",
    )
    return archives


def expected_clips() -> dict[str, int]:
    """Files named by the questions; one of train's is missing."""
    return _COUNTS | {"train": _COUNTS["train"] + 1}


def _questions(clip: Clip) -> list[list[str]]:
    """Two questions with the answer yes, two with no, two with another word; annotators may err."""
    rng = sounds.seeded("questions", clip.name)
    absent = [kind for kind in KINDS if kind not in clip.kinds]
    first, second = (absent[i] for i in rng.choice(len(absent), 2, replace=False))
    present = clip.kinds[0]
    count = ("one", "two")[len(clip.kinds) - 1]
    asked = [
        (heard(present), "yes"),
        (_any(clip.kinds[-1]), "yes"),
        (heard(first), "no"),
        (heard(second), "no"),
        (_WHICH[present.group], present.noun),
        ("how many kinds of sound are heard?", count),
    ]
    lines: list[list[str]] = []
    for question, answer in asked:
        for annotator in range(3):
            wrong = annotator == 2 and answer in ("yes", "no") and rng.random() < 0.15
            given = {"yes": "no", "no": "yes"}[answer] if wrong else answer
            given = given.capitalize() if annotator == 1 else given
            lines.append([clip.name, question, given, "maybe" if wrong else "yes"])
    return lines


def _any(kind: Kind) -> str:
    return f"is there a sound of {kind.esc50.replace('_', ' ')}?"
