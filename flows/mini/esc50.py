"""ESC-50 in small: the twenty of its classes that have a sound here, one clip a class and fold."""

from flows.mini import clotho_v2, fsd50k, sounds
from flows.mini.clotho_v2 import table
from flows.mini.pack import Tree
from flows.mini.vocabulary import KINDS, Clip

_ROOT = "ESC-50-master/"
_FOLDS = range(1, 6)
_TARGETS = (  # numbers of the kinds among the 50 classes
    *(0, 10, 11, 20, 38, 21, 40, 41, 1, 12),
    *(42, 46, 44, 43, 25, 19, 36, 16, 5, 14),
)
_SHARED = 5  # kinds whose recordings other datasets have too
_LENGTH = 2.0  # seconds; the publisher's clips last 5


def tree() -> Tree:
    """GitHub's zip of the branch; one file is empty, one is in no line, one line has no file."""
    made = split_clips()
    members: Tree = {f"{_ROOT}audio/{clip.name}": clip.wav for clip in made}
    members[f"{_ROOT}audio/5-999990-A-0.wav"] = b""
    members[f"{_ROOT}audio/5-999991-A-0.wav"] = made[0].wav
    lines = [_line(name) for name in (clip.name for clip in made)]
    lines += [_line("5-999990-A-0.wav"), _line("5-999992-A-0.wav")]
    header = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    return {
        "ESC-50-master.zip": {
            f"{_ROOT}LICENSE": "".join(map(credit, made)).encode(),
            f"{_ROOT}meta/esc50.csv": table(header, lines),
            **members,
        }
    }


def expected_clips() -> dict[str, int]:
    """Clips named by esc50.csv; two of fold 5 cannot be used."""
    return {f"fold{fold}": len(KINDS) + 2 * (fold == 5) for fold in _FOLDS}


def credit(clip: Clip) -> str:
    """One line of the publisher's list of attributions (which names the Ogg files)."""
    name = clip.name.rpartition("/")[2].removesuffix(".ogg")
    if name.endswith(".wav"):
        name = name.rpartition("-")[0]
    sound, licence = name.split("-")[1], ("CC0", "CC-BY", "CC-Sampling+")[len(name) % 3]
    address = f"http://www.freesound.org/people/mini/sounds/{sound}/"
    return f"- [{name}.ogg]: clip derived from {sound}.wav ({address}) by mini [{licence}]\n"


def split_clips() -> list[Clip]:
    """The good clips of all folds; the Freesound id is the second part of a name."""
    return [
        Clip(
            "esc50",
            f"{fold}-{_sound(fold, target)}-A-{target}.wav",
            f"fold{fold}",
            (kind,),
            _LENGTH,
        )
        for fold in _FOLDS
        for kind, target in zip(KINDS, _TARGETS, strict=True)
    ]


def _sound(fold: int, target: int) -> int:
    """A Freesound id: some are also FSD50K's or Clotho's, with a sound of the same kind."""
    kind = _TARGETS.index(target)
    if kind < _SHARED and fold == 1:
        return int(fsd50k.split_clips("train")[kind].name)
    if kind < _SHARED and fold == 2:
        return int(clotho_v2.credit(clotho_v2.split_clips("development")[kind], kind)[2])
    return 10_000 + int(sounds.seeded("esc50", fold, target).integers(200_000))


def _line(name: str) -> list[str]:
    fold, sound, take, target = name.removesuffix(".wav").split("-")
    kind = KINDS[_TARGETS.index(int(target))]
    return [name, fold, target, kind.esc50, str(kind.esc10 is not None), sound, take]
