"""Sounds that people make without words: seven of ESC-50's ten human classes."""

import numpy as np

from flows.mini import sounds
from flows.mini.sounds import RATE, Samples


def clapping(rng: np.random.Generator, count: int) -> Samples:
    def clap() -> Samples:
        length = int(0.06 * RATE)
        return sounds.noise(rng, length, 900, 4500) * sounds.decay(length, 0.008)

    return sounds.repeated(rng, count, rng.uniform(0.17, 0.22), clap, jitter=0.08)


def breathing(rng: np.random.Generator, count: int) -> Samples:
    def breath() -> Samples:
        drawn, out = int(0.45 * RATE), int(0.5 * RATE)
        inhale = sounds.noise(rng, drawn, 2500, 7000) * sounds.arch(drawn) ** 2
        exhale = sounds.noise(rng, out, 700, 2500) * sounds.arch(out) ** 2
        return np.concatenate([0.6 * inhale, exhale])

    return sounds.repeated(rng, count, rng.uniform(1.0, 1.1), breath, jitter=0.05)


def coughing(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(170, 260)

    def cough() -> Samples:
        length = int(0.28 * RATE)
        voice = sounds.harmonics(sounds.glide(length, height, 0.6 * height), (1, 0.9, 0.8, 0.6))
        burst = sounds.noise(rng, length, 500, 5000)
        return (0.6 * voice + burst) * sounds.decay(length, 0.06)

    return sounds.repeated(rng, count, rng.uniform(0.42, 0.5), cough, jitter=0.15)


def laughing(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(240, 330)

    def ha() -> Samples:
        length = int(0.11 * RATE)
        voice = sounds.harmonics(
            sounds.glide(length, 1.2 * height, height), (1, 0.9, 0.5, 0.6, 0.3)
        )
        return (voice + 0.15 * sounds.noise(rng, length, 1500, 6000)) * sounds.arch(length)

    return sounds.repeated(rng, count, rng.uniform(0.19, 0.22), ha, jitter=0.05)


def brushing_teeth(rng: np.random.Generator, count: int) -> Samples:
    strokes = rng.uniform(5, 6.5) * sounds.seconds(count) + rng.random()
    rub = np.abs(np.sin(np.pi * strokes)) ** 0.7
    return sounds.noise(rng, count, 3500, 12_000) * rub


def snoring(rng: np.random.Generator, count: int) -> Samples:
    flutter = rng.uniform(26, 34)

    def snore() -> Samples:
        length = int(0.8 * RATE)
        rattle = (0.5 + 0.5 * np.sin(2 * np.pi * flutter * sounds.seconds(length))) ** 3
        return sounds.noise(rng, length, 90, 900) * rattle * sounds.arch(length)

    return sounds.repeated(rng, count, rng.uniform(1.0, 1.15), snore, jitter=0.05)


def drinking_sipping(rng: np.random.Generator, count: int) -> Samples:
    def gulp() -> Samples:
        length = int(0.12 * RATE)
        rise = sounds.harmonics(sounds.glide(length, 350, 900), (1, 0.2)) * sounds.arch(length)
        return rise + 0.2 * sounds.noise(rng, length, 1500, 4000) * sounds.arch(length)

    return sounds.repeated(rng, count, rng.uniform(0.38, 0.48), gulp, jitter=0.2)
