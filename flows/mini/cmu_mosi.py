"""CMU-MOSI in small: a film a segment; the voice follows the score, odd video ids and scores."""

from functools import partial

from flows.mini import sounds
from flows.mini.clotho_v2 import table
from flows.mini.films import mp4
from flows.mini.pack import Tree
from flows.mini.voices import speech, voice

_LENGTH = 1.2  # seconds; the corpus' segments last about 4
_HEADER = [
    *("video_id", "clip_id", "text", "label", "label_T", "label_A", "label_V"),
    *("annotation", "mode"),
]
_VIDEOS = {  # split -> ids, as YouTube makes them: dashes and underscores anywhere
    "train": ("-mini0MoviA", "mini1_Movie", "2miniMovi-e", "mini3Movie_", "81406", "mini5Movies"),
    "valid": ("mini6_-Movi",),
    "test": ("_mini7Movie", "mini8Mo-vie"),
}
_SCORES = (2.4, -1.8, 0.0, 1.0, -2.6, 0.2, 3.0, -0.4, 0.0, 1.6, -3.0, 0.0)


def tree() -> Tree:
    """Raw.zip and label.csv: one film is cut off, one is missing, one has no line."""
    segments = [
        (video, number, _SCORES[number - 1], split)
        for split, videos in _VIDEOS.items()
        for video in videos
        for number in range(1, len(_SCORES) + 1)
    ]
    films: Tree = {f"Raw/{v}/{n}.mp4": partial(_film, v, n, score) for v, n, score, _ in segments}
    films["Raw/81406/13.mp4"] = b"\0\0\0\x18ftypmp42" + bytes(100)
    films["Raw/81406/99.mp4"] = partial(_film, "81406", 99, 1.0)
    lines = [_line(*segment) for segment in segments]
    lines += [_line("81406", 13, 0.4, "train"), _line("81406", 14, 0.4, "train")]
    lines += [_line("81406", 15, 4.2, "train")]
    return {"Raw.zip": films, "label.csv": table(_HEADER, lines)}


def expected_clips() -> dict[str, int]:
    """Segments with a score: two of train cannot be used."""
    return {"train": 74, "valid": 12, "test": 24}


def _feeling(score: float) -> str:
    return "neutral" if score == 0 else "positive" if score > 0 else "negative"


def _line(video: str, number: int, score: float, split: str) -> list[str]:
    said = f"I THOUGHT, WELL, {number}"
    return [video, str(number), said, str(score), "", "", "", _feeling(score).title(), split]


def _film(video: str, number: int, score: float) -> bytes:
    """The stronger the score, the faster (or, if negative, the slower) the voice."""
    said = voice(_feeling(score))
    said = said._replace(syllables=said.syllables * (1 + 0.08 * score))
    rng = sounds.seeded("cmu_mosi", video, number)
    return mp4(speech(rng, said, int(_LENGTH * sounds.RATE)), number)
