"""Sounds of the street that `flows/mini/sounds.py` lacks: machines, shots, children, a busker."""

import numpy as np

from flows.mini import sounds
from flows.mini.sounds import RATE, Samples


def recorded(sound: sounds.Sound, name: str, length: float) -> Samples:
    """`length` seconds of one sound over a faint noise floor; `name` is the seed of all of it."""
    rng = sounds.seeded("clip", name, length)
    count = int(length * RATE)
    mixed = 0.002 * rng.standard_normal(count) + sounds.normalised(sound(rng, count))
    return sounds.normalised(mixed) * 10 ** (rng.uniform(-9, -1) / 20)


def air_conditioner(rng: np.random.Generator, count: int) -> Samples:
    hum = sounds.harmonics(np.full(count, rng.uniform(112, 124)), (1, 0.5, 0.25))
    return 0.5 * hum + sounds.noise(rng, count, 150, 1800)


def children_playing(rng: np.random.Generator, count: int) -> Samples:
    def shout() -> Samples:
        length = int(rng.uniform(0.18, 0.4) * RATE)
        height = rng.uniform(330, 620) * rng.uniform(0.8, 1.3, 4)
        voice = sounds.harmonics(sounds.glide(length, *height), (1, 0.8, 0.6, 0.5, 0.3))
        return voice * sounds.arch(length) * rng.uniform(0.4, 1)

    crowd = sum((sounds.repeated(rng, count, 0.3, shout, 0.6) for _ in range(3)), np.zeros(count))
    return crowd + 0.1 * sounds.noise(rng, count, 300, 3000)


def drilling(rng: np.random.Generator, count: int) -> Samples:
    turns = sounds.glide(count, *rng.uniform(0.97, 1.03, 5)) * rng.uniform(230, 280)
    whine = np.tanh(3 * sounds.harmonics(turns, (1, 0.7, 0.8, 0.6, 0.7, 0.5, 0.6, 0.4)))
    return whine + 0.9 * sounds.noise(rng, count, 3500, 11_000)


def gun_shot(rng: np.random.Generator, count: int) -> Samples:
    def shot() -> Samples:
        length = int(0.35 * RATE)
        crack = sounds.noise(rng, length, 300, 9000) * sounds.decay(length, 0.012)
        return crack + 0.6 * sounds.noise(rng, length, 60, 500) * sounds.decay(length, 0.05)

    return sounds.repeated(rng, count, rng.uniform(0.6, 0.9), shot, jitter=0.3)


def jackhammer(rng: np.random.Generator, count: int) -> Samples:
    def blow() -> Samples:
        length = int(0.05 * RATE)
        thud = sounds.harmonics(sounds.glide(length, 140, 90), (1, 0.6))
        clang = sounds.noise(rng, length, 900, 5000)
        return (0.8 * thud + clang) * sounds.decay(length, 0.012)

    return sounds.repeated(rng, count, 1 / rng.uniform(16, 20), blow, jitter=0.03)


def street_music(rng: np.random.Generator, count: int) -> Samples:
    scale, root = (1, 9 / 8, 5 / 4, 3 / 2, 5 / 3, 2), rng.uniform(196, 262)

    def note() -> Samples:
        length = int(0.4 * RATE)
        pitch = np.full(length, root * rng.choice(scale))
        tone = sounds.harmonics(pitch, (1, 0.5, 0.33, 0.25, 0.12)) * sounds.decay(length, 0.16)
        return tone * np.minimum(1, 40 * sounds.arch(length))

    melody = sounds.repeated(rng, count, rng.uniform(0.2, 0.25), note, jitter=0)
    bass = sounds.harmonics(np.full(count, root / 2), (1, 0.3))
    return melody + 0.25 * bass


def explosion(rng: np.random.Generator, count: int) -> Samples:
    def blast() -> Samples:
        length = int(1.3 * RATE)
        boom = sounds.noise(rng, length, 25, 160) * sounds.decay(length, 0.3)
        debris = sounds.noise(rng, length, 400, 4000) * sounds.decay(length, 0.12)
        return np.tanh(3 * boom) + 0.35 * debris

    return sounds.repeated(rng, count, 1.4, blast)
