"""Six sounds of the human voice that are no speech, one take of about a second each."""

from collections.abc import Callable

import numpy as np

from flows.mini import sounds
from flows.mini.sounds import Samples, arch, decay, glide, harmonics, noise

_RATE = sounds.RATE


def laughter(rng: np.random.Generator, count: int) -> Samples:
    """Ha-ha: short voiced bursts, five a second, each lower than the one before."""
    every, out = int(rng.uniform(0.17, 0.21) * _RATE), np.zeros(count)
    length, height = int(0.11 * _RATE), rng.uniform(280, 360)
    for number, start in enumerate(range(0, count - length, every)):
        low = height * 0.95**number
        ha = harmonics(glide(length, 1.15 * low, low), (1, 0.8, 0.9, 0.5, 0.3, 0.2), _RATE)
        breath = 0.15 * noise(rng, length, 900, 4000)
        out[start : start + length] += (ha + breath) * arch(length) ** 0.5
    return out


def sigh(rng: np.random.Generator, count: int) -> Samples:
    """A long breath out that darkens and fades, with a little falling voice."""
    bright = noise(rng, count, 700, 3000) * glide(count, 0.3, 0.8, 0.2, 0)
    dark = noise(rng, count, 200, 900) * glide(count, 0.2, 0.6, 0.8, 0)
    height = rng.uniform(150, 190)
    return (
        bright + dark + 0.3 * harmonics(glide(count, height, 0.6 * height), (1, 0.5)) * arch(count)
    )


def cough(rng: np.random.Generator, count: int) -> Samples:
    """Two or three bursts of broad noise over a low voice, each sudden and short."""
    out, length = np.zeros(count), int(0.22 * _RATE)
    every = int(rng.uniform(0.3, 0.36) * _RATE)
    for start in range(0, count - length, every):
        voice = harmonics(glide(length, 220, 120), (1, 0.7, 0.6, 0.4)) * decay(length, 0.05)
        burst = noise(rng, length, 400, 5000) * decay(length, 0.04)
        out[start : start + length] += burst + 0.6 * voice
    return out


def throat_clearing(rng: np.random.Generator, count: int) -> Samples:
    """A low voice that rattles, about thirty beats a second, in two pushes."""
    height = rng.uniform(85, 105)
    rattle = (0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(28, 34) * sounds.seconds(count))) ** 3
    voice = harmonics(glide(count, height, 1.3 * height, height), (1, 0.9, 0.8, 0.7, 0.5, 0.4))
    pushes = np.abs(np.sin(2 * np.pi * np.arange(count) / count)) ** 0.5
    return (voice + 0.3 * noise(rng, count, 150, 900)) * rattle * pushes


def sneeze(rng: np.random.Generator, count: int) -> Samples:
    """A rising breath in, then one loud burst of high noise."""
    breath = int(rng.uniform(0.4, 0.5) * count)
    burst = count - breath
    inhale = noise(rng, breath, 1500, 4000) * glide(breath, 0, 0.05, 0.2)
    voice = harmonics(glide(burst, 420, 180), (1, 0.5, 0.3)) * decay(burst, 0.06)
    return np.concatenate(
        [inhale, noise(rng, burst, 1500, 10_000) * decay(burst, 0.09) + 0.4 * voice]
    )


def sniff(rng: np.random.Generator, count: int) -> Samples:
    """Two or three short breaths in through the nose: high noise without voice."""
    out, length = np.zeros(count), int(rng.uniform(0.16, 0.2) * _RATE)
    every = int(rng.uniform(0.34, 0.4) * _RATE)
    for start in range(0, count - length, every):
        out[start : start + length] += noise(rng, length, 4000, 12_000) * arch(length) ** 2
    return out


SOUNDS: dict[str, Callable[[np.random.Generator, int], Samples]] = {
    "laughter": laughter,
    "sigh": sigh,
    "cough": cough,
    "throatclearing": throat_clearing,
    "sneeze": sneeze,
    "sniff": sniff,
}


def take(kind: str, *names: object) -> Samples:
    """A second or a little more of a kind, at some level over a faint noise floor."""
    rng = sounds.seeded("vocal", kind, *names)
    count = int(rng.uniform(1.0, 1.3) * _RATE)
    out = sounds.normalised(SOUNDS[kind](rng, count)) + 0.002 * rng.standard_normal(count)
    return sounds.normalised(out) * 10 ** (rng.uniform(-6, -1) / 20)
