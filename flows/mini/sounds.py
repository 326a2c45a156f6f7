"""Twenty everyday sounds, synthesised: each kind is heard at once as itself and never twice alike.

A sound is a float array at 44.1 kHz with a peak of 1; every random choice follows from the names
given to `seeded`, so the same clip has the same samples everywhere this runs.
"""

import io
import wave
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Sound = Callable[[np.random.Generator, int], Samples]  # (generator, how many samples)

RATE = 44_100  # Hz


def seeded(*names: object) -> np.random.Generator:
    """A generator that depends on the names alone."""
    text = "\0".join(str(name) for name in names)
    return np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:8], "big"))


def wav(samples: Samples, rate: int = RATE) -> bytes:
    """A mono 16-bit WAV file of samples in -1..1."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def seconds(count: int, rate: int = RATE) -> Samples:
    """The times of `count` samples, in seconds."""
    return np.arange(count) / rate


def normalised(samples: Samples) -> Samples:
    """Peak 1; silence stays silence."""
    peak = float(np.abs(samples).max(initial=0))
    return samples / peak if peak > 0 else samples


def noise(
    rng: np.random.Generator, count: int, low: float, high: float, rate: int = RATE
) -> Samples:
    """Gaussian noise between two frequencies (Hz) with soft edges, peak 1."""
    white = rng.standard_normal(count, dtype=np.float32)
    spectrum = np.fft.rfft(white) * _band(count, low, high, rate)
    return normalised(np.fft.irfft(spectrum, count).astype(np.float64))


@lru_cache(maxsize=64)
def _band(count: int, low: float, high: float, rate: int) -> NDArray[np.float32]:
    frequency = np.fft.rfftfreq(count, 1 / rate) + 1e-9
    below, above = np.square(np.square(low / frequency)), np.square(np.square(frequency / high))
    return (1 / (1 + below * below) / (1 + above * above)).astype(np.float32)


def harmonics(pitch: Samples, weights: tuple[float, ...], rate: int = RATE) -> Samples:
    """A tone whose pitch (Hz, one a sample) may glide; `weights` are the partials' amplitudes."""
    turn = np.exp(2j * np.pi / rate * np.cumsum(pitch))
    power, out = np.ones_like(turn), np.zeros(len(pitch))
    for weight in weights:
        power *= turn
        out += weight * np.imag(power)
    return normalised(out)


def glide(count: int, *points: float) -> Samples:
    """A line through `points` at even distances."""
    return np.interp(np.linspace(0, len(points) - 1, count), np.arange(len(points)), points)


def decay(count: int, half: float, rate: int = RATE) -> Samples:
    """1 falling by half every `half` seconds."""
    return np.exp2(-seconds(count, rate) / half)


def arch(count: int) -> Samples:
    """0 up to 1 and down to 0, half a sine."""
    return np.sin(np.pi * np.arange(count) / count)


def repeated(
    rng: np.random.Generator,
    count: int,
    every: float,
    sound: Callable[[], Samples],
    jitter: float = 0.1,
) -> Samples:
    """One new `sound` about every so many seconds, cut at the end of the clip."""
    out = np.zeros(count)
    start = rng.uniform(0, 0.5) * every
    while (first := int(start * RATE)) < count:
        piece = sound()[: count - first]
        out[first : first + len(piece)] += piece
        start += every * rng.uniform(1 - jitter, 1 + jitter)
    return out


def _buzz(partials: int) -> tuple[float, ...]:
    return tuple(1 / k for k in range(1, partials + 1))


def dog(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(380, 520)

    def bark() -> Samples:
        length = int(rng.uniform(0.13, 0.18) * RATE)
        voice = harmonics(glide(length, height, 1.35 * height, 0.7 * height), _buzz(9))
        return (voice + 0.5 * noise(rng, length, 600, 2500)) * arch(length) ** 0.5

    return repeated(rng, count, rng.uniform(0.38, 0.5), bark)


def rain(rng: np.random.Generator, count: int) -> Samples:
    drops = np.where(rng.random(count) < 120 / RATE, rng.uniform(0.5, 2, count), 0)
    return noise(rng, count, 2000, 12_000) + noise(rng, count, 900, 5000) * 0.3 + drops


def sea_waves(rng: np.random.Generator, count: int) -> Samples:
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * (rng.uniform(0.6, 0.8) * seconds(count) + rng.random()))
    return noise(rng, count, 80, 1400) * swell**2 + 0.3 * noise(rng, count, 1400, 5000) * swell**4


def crying_baby(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(430, 520)

    def wail() -> Samples:
        length = int(rng.uniform(0.5, 0.6) * RATE)
        tremble = 1 + 0.04 * np.sin(2 * np.pi * 9 * seconds(length))
        voice = harmonics(glide(length, 0.8, 1.1, 1.0, 0.75) * height * tremble, (0.5, 1, 0.9, 0.7))
        return voice * arch(length) ** 0.4

    return repeated(rng, count, rng.uniform(0.68, 0.78), wail, jitter=0.05)


def clock_tick(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(2600, 3400)

    def tick() -> Samples:
        length = int(0.03 * RATE)
        ring = harmonics(np.full(length, height), (1, 0.0, 0.5))
        return (ring + noise(rng, length, 1500, 8000)) * decay(length, 0.003)

    return repeated(rng, count, rng.uniform(0.24, 0.27), tick, jitter=0)


def sneezing(rng: np.random.Generator, count: int) -> Samples:
    def sneeze() -> Samples:
        breath, burst = int(0.35 * RATE), int(0.4 * RATE)
        inhale = noise(rng, breath, 1500, 4000) * glide(breath, 0, 0.15)
        voice = harmonics(glide(burst, 420, 180), _buzz(5)) * decay(burst, 0.06)
        return np.concatenate(
            [inhale, 0.5 * voice + noise(rng, burst, 900, 9000) * decay(burst, 0.05)]
        )

    return repeated(rng, count, 1.3, sneeze)


def helicopter(rng: np.random.Generator, count: int) -> Samples:
    beat = rng.uniform(11, 14)
    chop = (0.5 + 0.5 * np.sin(2 * np.pi * beat * seconds(count))) ** 4
    return noise(rng, count, 60, 500) * (0.15 + chop) + 0.15 * noise(rng, count, 500, 2500) * chop


def chainsaw(rng: np.random.Generator, count: int) -> Samples:
    revs = glide(count, *rng.uniform(0.8, 1.25, 7)) * rng.uniform(105, 125)
    rasp = np.tanh(4 * harmonics(revs, _buzz(30)))
    return rasp + 0.4 * noise(rng, count, 2000, 7000)


def rooster(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(650, 800)

    def crow() -> Samples:
        parts = ((0.12, 1.0, 1.1), (0.1, 1.2, 1.2), (0.15, 1.1, 1.5), (0.6, 1.5, 0.8))
        return np.concatenate(
            [
                harmonics(glide(n, a * height, b * height), (0.6, 1, 0.8, 0.5, 0.4, 0.3))
                * arch(n) ** 0.3
                for n, a, b in ((int(s * RATE), a, b) for s, a, b in parts)
            ]
        )

    return repeated(rng, count, 1.25, crow)


def crackling_fire(rng: np.random.Generator, count: int) -> Samples:
    snaps = np.zeros(count)
    for first in rng.integers(0, count, rng.poisson(22 * count / RATE)):
        length = min(int(rng.uniform(0.004, 0.012) * RATE), count - int(first))
        snap = rng.standard_normal(length) * decay(length, 0.0015)
        snaps[first : first + length] += snap * rng.uniform(0.2, 1)
    return normalised(snaps) + 0.06 * noise(rng, count, 60, 400)


def siren(rng: np.random.Generator, count: int) -> Samples:
    turn = rng.uniform(1.0, 1.3) * seconds(count) + rng.random()
    height = 950 + 420 * np.sin(2 * np.pi * turn)
    return harmonics(height * rng.uniform(0.93, 1.07), (1, 0.25, 0.15))


def church_bells(rng: np.random.Generator, count: int) -> Samples:
    low = rng.uniform(240, 300)
    partials = ((1, 1.0, 0.9), (2, 0.7, 0.5), (2.4, 0.6, 0.4), (3, 0.4, 0.3), (4.1, 0.5, 0.2))

    def stroke() -> Samples:
        length, height = int(1.5 * RATE), low * rng.choice((1.0, 1.19, 1.5))
        time = seconds(length)
        return sum(
            (a * np.sin(2 * np.pi * height * r * time) * decay(length, h) for r, a, h in partials),
            np.zeros(length),
        )

    return repeated(rng, count, rng.uniform(0.65, 0.8), stroke)


def engine(rng: np.random.Generator, count: int) -> Samples:
    turns = glide(count, *rng.uniform(0.97, 1.03, 12)) * rng.uniform(34, 44)
    return harmonics(turns, (1, 0.9, 0.5, 0.7, 0.3, 0.3)) + 0.12 * noise(rng, count, 60, 300)


def car_horn(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(390, 430)

    def honk() -> Samples:
        length = int(rng.uniform(0.35, 0.45) * RATE)
        pair = [harmonics(np.full(length, height * r), _buzz(14)) for r in (1.0, 1.26)]
        return (pair[0] + pair[1]) * np.minimum(1, 12 * arch(length))

    return repeated(rng, count, rng.uniform(0.6, 0.7), honk)


def footsteps(rng: np.random.Generator, count: int) -> Samples:
    def step() -> Samples:
        length = int(0.16 * RATE)
        thud = harmonics(glide(length, 130, 70), (1, 0.4)) * decay(length, 0.03)
        scuff = noise(rng, length, 400, 1500) * arch(length) * 0.25
        return thud + scuff

    return repeated(rng, count, rng.uniform(0.5, 0.58), step, jitter=0.04)


def thunderstorm(rng: np.random.Generator, count: int) -> Samples:
    def roll() -> Samples:
        length = int(1.6 * RATE)
        rumble = noise(rng, length, 20, 110) * decay(length, 0.45)
        return rumble + 0.35 * noise(rng, length, 200, 3000) * decay(length, 0.05)

    return repeated(rng, count, 1.5, roll) + 0.03 * noise(rng, count, 3000, 9000)


def vacuum_cleaner(rng: np.random.Generator, count: int) -> Samples:
    whine = harmonics(np.full(count, rng.uniform(700, 850)), (1, 0.6, 0.4, 0.2))
    return whine * 0.6 + noise(rng, count, 200, 6000)


def wind(rng: np.random.Generator, count: int) -> Samples:
    bands = ((150, 300), (300, 550), (550, 900))
    gusts = [
        noise(rng, count, low, high) * glide(count, *rng.uniform(0, 1, 6)) ** 2
        for low, high in bands
    ]
    return gusts[0] + gusts[1] + gusts[2]


def cat(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(600, 720)

    def meow() -> Samples:
        length = int(rng.uniform(0.75, 0.9) * RATE)
        voice = harmonics(
            glide(length, 0.75, 1.1, 1.0, 0.6) * height, (1, 0.25, 0.1, 0.4, 0.5, 0.3)
        )
        return voice * arch(length)

    return repeated(rng, count, 1.1, meow)


def chirping_birds(rng: np.random.Generator, count: int) -> Samples:
    def chirp() -> Samples:
        length = int(rng.uniform(0.05, 0.09) * RATE)
        height = rng.uniform(3800, 5200)
        return harmonics(glide(length, height, 1.4 * height), (1,)) * arch(length)

    return repeated(rng, count, rng.uniform(0.11, 0.15), chirp, jitter=0.5)
