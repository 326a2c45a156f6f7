"""ESC50-Actions in small: ESC-50's layout with its ten human classes, three listeners a clip."""

from functools import partial

import numpy as np

from flows.datasets.esc50 import LABELS
from flows.datasets.esc50_actions import VERBS
from flows.mini import city, clotho_v2, esc50, human, sounds
from flows.mini.pack import Content, Tree
from flows.mini.vocabulary import KINDS

_ROOT = "ESC-50-master/"
_FOLDS = range(1, 6)
_LENGTH = 2.0  # seconds; the publisher's clips last 5
_WHOLE = ("crying_baby", "sneezing", "footsteps")  # classes of which all clips are ESC-50's
_HUMAN: dict[str, sounds.Sound] = {
    "clapping": human.clapping,
    "breathing": human.breathing,
    "coughing": human.coughing,
    "laughing": human.laughing,
    "brushing_teeth": human.brushing_teeth,
    "snoring": human.snoring,
    "drinking_sipping": human.drinking_sipping,
}
_MARKS = {  # class -> what its listeners mark on average, as most of them did
    "crying_baby": {"wailing": 3, "groaning": 1},
    "sneezing": {"exhaling": 3, "blowing": 1},
    "clapping": {"tapping": 3},
    "breathing": {"exhaling": 3, "gasping": 3},
    "coughing": {"exhaling": 3, "gasping": 1},
    "footsteps": {"tapping": 3, "crumpling": 2},
    "laughing": {"exhaling": 2, "gasping": 1},
    "brushing_teeth": {"scraping": 3},
    "snoring": {"exhaling": 2, "groaning": 2},
    "drinking_sipping": {"dripping": 2, "pouring": 2},
    "dog": {"calling": 3},
    "rain": {"splashing": 2, "dripping": 2, "pouring": 2},
    "sea_waves": {"splashing": 3, "blowing": 1},
    "clock_tick": {"tapping": 3},
    "helicopter": {"rotating": 3, "vibrating": 2},
    "chainsaw": {"vibrating": 3, "rotating": 2},
    "rooster": {"calling": 3, "singing": 1},
    "crackling_fire": {"sizzling": 3, "breaking": 2},
    "siren": {"wailing": 3, "ringing": 2},
    "church_bells": {"ringing": 3, "vibrating": 2},
    "engine": {"vibrating": 3, "rotating": 2},
    "car_horn": {"blowing": 2, "ringing": 1},
    "thunderstorm": {"exploding": 2, "rolling": 2},
    "vacuum_cleaner": {"blowing": 3, "rotating": 1},
    "wind": {"blowing": 3},
    "cat": {"calling": 3, "wailing": 2},
    "chirping_birds": {"calling": 3, "singing": 2},
}


def tree() -> Tree:
    """ESC-50's zip and both tables; a clip is broken, one gone, one unnamed, one sum is wrong."""
    made = _clips()
    credits = "".join(map(esc50.credit, esc50.split_clips()))
    members: Tree = {f"{_ROOT}LICENSE": credits.encode()}
    members |= {f"{_ROOT}audio/{name}": content for name, content in made.items()}
    broken, gone, wrong = "5-999990-A-22.wav", "5-999992-A-22.wav", "5-999993-A-22.wav"
    members[f"{_ROOT}audio/{broken}"] = b"RIFF"
    members[f"{_ROOT}audio/5-999991-A-22.wav"] = made["1-100-A-22.wav"]
    marks = {name: _listeners(name) for name in (*made, broken, gone, wrong)}
    sums = {name: sum(given, np.zeros(len(VERBS), int)) for name, given in marks.items()}
    sums[wrong][0] += 1
    lines = [[*_named(name), *(f"{mark}.0" for mark in sums[name])] for name in marks]
    votes = [[name, _category(name), *map(str, given)] for name in marks for given in marks[name]]
    return {
        "ESC-50-master.zip": members,
        "actionvector_one_per_audiofile_sum.csv": clotho_v2.table(
            ["filename", "fold", "target", "category", *VERBS], lines
        ),
        "actionvector_three_per_audiofile.csv": clotho_v2.table(
            ["filename", "category", *VERBS], votes
        ),
    }


def expected_clips() -> dict[str, int]:
    """Clips whose sums are right; one of fold 5 is broken, one missing."""
    folds = [int(name[0]) for name in _clips()]
    return {f"fold{fold}": folds.count(fold) + 2 * (fold == 5) for fold in _FOLDS}


def _clips() -> dict[str, Content]:
    """Five clips of each human class; of ESC-50's other classes here one clip each."""
    made: dict[str, Content] = {}
    for number, clip in enumerate(esc50.split_clips()):
        kind = clip.kinds[0].esc50
        if kind in _WHOLE or number // len(KINDS) == number % len(_FOLDS):
            made[clip.name] = clip.wav
    for kind, sound in _HUMAN.items():
        for fold in _FOLDS:
            name = f"{fold}-{100 * fold}-A-{LABELS.index(kind.replace('_', ' '))}.wav"
            made[name] = partial(_wav, sound, name)
    return made


def _wav(sound: sounds.Sound, name: str) -> bytes:
    return sounds.wav(city.recorded(sound, name, _LENGTH))


def _category(name: str) -> str:
    return LABELS[int(name.removesuffix(".wav").rpartition("-")[2])].replace(" ", "_")


def _named(name: str) -> list[str]:
    return [name, name[0], name.removesuffix(".wav").rpartition("-")[2], _category(name)]


def _listeners(name: str) -> list[np.ndarray]:
    """What three listeners mark, 0 to 4 a verb: about the class's marks, now and then one more."""
    rng = sounds.seeded("listeners", name)
    usual = np.array([_MARKS[_category(name)].get(verb, 0) for verb in VERBS])
    heard = [np.where(usual > 0, usual + rng.integers(-1, 2, len(VERBS)), 0) for _ in range(3)]
    return [given + (rng.random(len(VERBS)) < 0.04) * (usual == 0) for given in heard]
