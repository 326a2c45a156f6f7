"""What the sounds are called in each dataset, and the clips made of one or two of them.

The words are the publishers' own labels (ESC-50, ESC-10, FSD50K with parents); captions and
questions are built from one subject and one verb a kind, so that text follows from sound alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from flows.mini import sounds
from flows.mini.sounds import Samples


class Kind(NamedTuple):
    """One kind of sound and its words. `events` are FSD50K's labels, parents included."""

    sound: Callable[[np.random.Generator, int], Samples]
    esc50: str
    esc10: str | None
    events: str
    subject: str
    verb: str
    doing: str
    group: str  # animal | nature | human | object
    noun: str  # the single-word answer


KINDS: tuple[Kind, ...] = (
    Kind(
        sounds.dog,
        *("dog", "Dog bark", "Bark,Dog,Domestic_animals_and_pets,Animal"),
        *("a dog", "barks", "barking", "animal", "dog"),
    ),
    Kind(
        sounds.rain,
        *("rain", "Rain", "Rain,Water"),
        *("rain", "falls", "falling", "nature", "rain"),
    ),
    Kind(
        sounds.sea_waves,
        *("sea_waves", "Sea waves", "Waves_and_surf,Ocean,Water"),
        *("sea waves", "roll", "rolling", "nature", "waves"),
    ),
    Kind(
        sounds.crying_baby,
        *("crying_baby", "Baby cry", "Crying_and_sobbing,Human_voice"),
        *("a baby", "cries", "crying", "human", "baby"),
    ),
    Kind(
        sounds.clock_tick,
        *("clock_tick", "Clock tick", "Tick-tock,Clock,Mechanisms"),
        *("a clock", "ticks", "ticking", "object", "clock"),
    ),
    Kind(
        sounds.sneezing,
        *("sneezing", "Person sneeze", "Sneeze,Respiratory_sounds"),
        *("a person", "sneezes", "sneezing", "human", "sneeze"),
    ),
    Kind(
        sounds.helicopter,
        *("helicopter", "Helicopter", "Aircraft,Vehicle"),
        *("a helicopter", "flies", "flying", "object", "helicopter"),
    ),
    Kind(
        sounds.chainsaw,
        *("chainsaw", "Chainsaw", "Power_tool,Sawing,Tools"),
        *("a chainsaw", "cuts wood", "cutting wood", "object", "chainsaw"),
    ),
    Kind(
        sounds.rooster,
        *("rooster", "Rooster", "Chicken_and_rooster,Fowl,Animal"),
        *("a rooster", "crows", "crowing", "animal", "rooster"),
    ),
    Kind(
        sounds.crackling_fire,
        *("crackling_fire", "Fire crackling", "Crackle,Fire"),
        *("a fire", "crackles", "crackling", "nature", "fire"),
    ),
    Kind(
        sounds.siren,
        *("siren", None, "Siren,Alarm"),
        *("a siren", "wails", "wailing", "object", "siren"),
    ),
    Kind(
        sounds.church_bells,
        *("church_bells", None, "Church_bell,Bell"),
        *("church bells", "ring", "ringing", "object", "bells"),
    ),
    Kind(
        sounds.engine,
        *("engine", None, "Idling,Engine"),
        *("an engine", "idles", "idling", "object", "engine"),
    ),
    Kind(
        sounds.car_horn,
        *("car_horn", None, "Vehicle_horn_and_car_horn_and_honking,Car,Vehicle"),
        *("a car horn", "honks", "honking", "object", "horn"),
    ),
    Kind(
        sounds.footsteps,
        *("footsteps", None, "Walk_and_footsteps"),
        *("footsteps", "pass", "passing", "human", "footsteps"),
    ),
    Kind(
        sounds.thunderstorm,
        *("thunderstorm", None, "Thunder,Thunderstorm"),
        *("a thunderstorm", "rumbles", "rumbling", "nature", "thunder"),
    ),
    Kind(
        sounds.vacuum_cleaner,
        *("vacuum_cleaner", None, "Mechanical_fan,Domestic_sounds_and_home_sounds"),
        *("a vacuum cleaner", "hums", "humming", "object", "vacuum"),
    ),
    Kind(
        sounds.wind,
        *("wind", None, "Wind"),
        *("wind", "blows", "blowing", "nature", "wind"),
    ),
    Kind(
        sounds.cat,
        *("cat", None, "Meow,Cat,Domestic_animals_and_pets,Animal"),
        *("a cat", "meows", "meowing", "animal", "cat"),
    ),
    Kind(
        sounds.chirping_birds,
        *("chirping_birds", None, "Chirp_and_tweet,Bird,Wild_animals,Animal"),
        *("birds", "chirp", "chirping", "animal", "birds"),
    ),
)

_PLURAL = ("sea waves", "church bells", "footsteps", "birds", "children")


class Clip(NamedTuple):
    """A clip to be made: `name` is its member name, and with `dataset` the seed of all it holds."""

    dataset: str
    name: str
    split: str
    kinds: tuple[Kind, ...]
    length: float  # seconds

    def samples(self) -> Samples:
        """Its kinds mixed at slightly different levels, over a faint noise floor."""
        rng = sounds.seeded("clip", self.name, self.length)
        count = int(self.length * sounds.RATE)
        mixed = 0.002 * rng.standard_normal(count)
        for kind in self.kinds:
            mixed += 10 ** (rng.uniform(-6, 0) / 20) * sounds.normalised(kind.sound(rng, count))
        return sounds.normalised(mixed) * 10 ** (rng.uniform(-9, -1) / 20)

    def wav(self) -> bytes:
        return sounds.wav(self.samples())


def clips(
    dataset: str, split: str, names: list[str], pairs: float, shortest: float, longest: float
) -> list[Clip]:
    """One clip a name; kinds take turns, and a share `pairs` of the clips has a second kind.

    The second kind is of another group, so that "which animal ...?" has one answer.
    """
    made: list[Clip] = []
    for number, name in enumerate(names):
        rng = sounds.seeded(dataset, split, number)
        kinds = (KINDS[number % len(KINDS)],)
        if rng.random() < pairs:
            others = [kind for kind in KINDS if kind.group != kinds[0].group]
            kinds += (others[int(rng.integers(len(others)))],)
        length = round(float(rng.uniform(shortest, longest)), 1)
        made.append(Clip(dataset, name, split, kinds, length))
    return made


def captions(clip: Clip, count: int) -> list[str]:
    """Different sentences, each saying everything that is heard."""
    first, last = clip.kinds[0], clip.kinds[-1]
    if len(clip.kinds) == 1:
        return [
            f"{first.subject} {first.verb}",
            f"{first.subject} {_is(first)} {first.doing}",
            f"{_bare(first)} {first.doing}",
            f"the sound of {first.esc50.replace('_', ' ')}",
            f"{first.subject} {first.verb} again and again",
        ][:count]
    return [
        f"{first.subject} {first.verb} while {last.subject} {last.verb}",
        f"{first.subject} {_is(first)} {first.doing} and {last.subject} {_is(last)} {last.doing}",
        f"{_bare(last)} {last.doing} and {_bare(first)} {first.doing}",
        f"the sound of {first.esc50.replace('_', ' ')} and {last.esc50.replace('_', ' ')}",
        f"{last.subject} {last.verb} as {first.subject} {first.verb}",
    ][:count]


def heard(kind: Kind) -> str:
    """The yes-or-no question whether a kind is in a clip."""
    return f"{_is(kind)} {kind.subject} {kind.doing}?"


def _is(kind: Kind) -> str:
    return "are" if kind.subject in _PLURAL else "is"


def _bare(kind: Kind) -> str:
    return kind.subject.removeprefix("a ").removeprefix("an ")
