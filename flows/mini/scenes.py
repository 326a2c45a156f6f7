"""Places, synthesised: the noise a place always makes, and what happens in it now and then.

The words are those of CochlScene and of TUT Acoustic Scenes 2017; a place that both know sounds the
same in both.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from flows.mini import sounds
from flows.mini.music import speech
from flows.mini.sounds import RATE, Samples, Sound


class Scene(NamedTuple):
    """`bed` is noise in bands (low Hz, high Hz, level); `hum` a motor's pitch; `events` occur."""

    bed: tuple[tuple[float, float, float], ...]
    events: tuple[tuple[float, Sound], ...] = ()  # level, sound
    hum: float = 0.0  # Hz
    sway: float = 0.0  # times a second the noise swells


def _strokes(every: float, low: float, high: float, half: float) -> Sound:
    """Short noises: clicks, clatter, drops, rail joints."""

    def sound(rng: np.random.Generator, count: int) -> Samples:
        length = int(8 * half * RATE)

        def stroke() -> Samples:
            return sounds.noise(rng, length, low, high) * sounds.decay(length, half)

        return sounds.repeated(rng, count, every, stroke, jitter=0.4)

    return sound


def _tones(every: float, held: float, *pitches: float) -> Sound:
    """A signal of one or more tones: scanner, door, gong, bell."""

    def sound(rng: np.random.Generator, count: int) -> Samples:
        length = int(held * RATE)

        def signal() -> Samples:
            each = [sounds.harmonics(np.full(length, p), (1, 0.3, 0.2)) for p in pitches]
            return np.concatenate([tone * sounds.decay(length, held / 2) for tone in each])

        return sounds.repeated(rng, count, every, signal)

    return sound


def _voices(rng: np.random.Generator, count: int, people: int) -> Samples:
    return sum((speech(rng, count) for _ in range(people)), np.zeros(count))


def _pass_by(rng: np.random.Generator, count: int) -> Samples:
    """A car comes and goes."""
    near = np.exp(-(((sounds.seconds(count) - rng.uniform(0.2, 1) * count / RATE) / 0.3) ** 2))
    return sounds.noise(rng, count, 150, 2500) * near


def _squeal(rng: np.random.Generator, count: int) -> Samples:
    pitch = sounds.glide(count, *rng.uniform(2600, 3100, 4))
    return sounds.harmonics(pitch, (1, 0.5)) * sounds.arch(count) ** 2


_DISHES = _strokes(0.35, 3000, 9000, 0.03)
_FLUSH: Sound = partial(sounds.noise, low=500, high=6000)  # of water, without a pause
_PLACES = {
    "beach": Scene(((150, 800, 0.2),), ((1.0, sounds.sea_waves),), sway=0.7),
    "bus": Scene(((40, 160, 1.0),), ((0.3, _tones(1.6, 0.25, 980, 780)),), hum=58),
    "cafe": Scene(((200, 900, 0.1),), ((0.6, partial(_voices, people=3)), (0.8, _DISHES))),
    "car": Scene(((25, 90, 1.0), (600, 1800, 0.12)), hum=95),
    "crowded": Scene(((250, 1500, 0.15),), ((1.0, partial(_voices, people=8)),)),
    "elevator": Scene(((30, 70, 0.3),), ((0.5, _tones(1.4, 0.4, 1320, 1050)),), hum=180),
    "forest": Scene(((3500, 9000, 0.05),), ((0.8, sounds.chirping_birds), (0.9, sounds.footsteps))),
    "grocery": Scene(((90, 240, 0.6),), ((0.6, _tones(0.55, 0.09, 2100)), (0.5, sounds.footsteps))),
    "home": Scene(((60, 130, 0.1),), ((0.9, sounds.clock_tick), (0.3, speech))),
    "kitchen": Scene(((3000, 7000, 0.35),), ((1.0, _DISHES), (0.5, _strokes(0.2, 200, 500, 0.04)))),
    "library": Scene(((200, 500, 0.03),), ((0.25, _strokes(0.7, 4000, 12_000, 0.12)),)),
    "office": Scene(((90, 180, 0.1),), ((0.7, _strokes(0.13, 1500, 4000, 0.008)),), hum=240),
    "park": Scene(((100, 700, 0.15),), ((0.8, sounds.chirping_birds), (0.4, sounds.dog))),
    "residential": Scene(((60, 300, 0.25),), ((0.5, sounds.dog), (0.6, _pass_by)), sway=0.4),
    "restaurant": Scene(((400, 1200, 0.3),), ((0.9, partial(_voices, people=5)), (0.4, _DISHES))),
    "restroom": Scene(((600, 1500, 0.1),), ((0.9, _FLUSH), (0.6, _tones(0.6, 0.05, 900)))),
    "station": Scene(((50, 400, 0.5),), ((0.9, _squeal), (0.5, _tones(1.8, 0.5, 660, 550, 440)))),
    "street": Scene(((80, 900, 0.5),), ((1.0, _pass_by), (0.5, sounds.car_horn))),
    "subway": Scene(((60, 500, 1.0),), ((0.6, _strokes(0.3, 100, 400, 0.03)), (0.4, _squeal))),
    "train": Scene(((50, 200, 0.6),), ((1.0, _strokes(0.24, 150, 700, 0.025)),), sway=2.0),
    "tram": Scene(((100, 400, 0.4),), ((0.6, _tones(0.9, 0.5, 1500)),), hum=320),
}

COCHLSCENE = {
    "Bus": "bus",
    "Cafe": "cafe",
    "Car": "car",
    "CrowdedIndoor": "crowded",
    "Elevator": "elevator",
    "Kitchen": "kitchen",
    "Park": "park",
    "ResidentialArea": "residential",
    "Restaurant": "restaurant",
    "Restroom": "restroom",
    "Street": "street",
    "Subway": "subway",
    "SubwayStation": "station",
}
TUT = {
    "beach": "beach",
    "bus": "bus",
    "cafe/restaurant": "cafe",
    "car": "car",
    "city_center": "street",
    "forest_path": "forest",
    "grocery_store": "grocery",
    "home": "home",
    "library": "library",
    "metro_station": "station",
    "office": "office",
    "park": "park",
    "residential_area": "residential",
    "train": "train",
    "tram": "tram",
}


def scene(place: str, rng: np.random.Generator, count: int) -> Samples:
    """`count` samples of a place at 44.1 kHz, peak 1; `place` is a value of COCHLSCENE or TUT."""
    heard = _PLACES[place]
    swell = 1 + 0.6 * np.sin(2 * np.pi * (heard.sway * sounds.seconds(count) + rng.random()))
    out = 0.002 * rng.standard_normal(count)
    for low, high, level in heard.bed:
        out += rng.uniform(0.8, 1.2) * level * swell * sounds.noise(rng, count, low, high)
    if heard.hum:
        pitch = heard.hum * sounds.glide(count, *rng.uniform(0.97, 1.03, 4))
        out += 0.5 * sounds.harmonics(pitch, (1, 0.6, 0.5, 0.3, 0.2))
    for level, event in heard.events:
        out += rng.uniform(0.8, 1.2) * level * sounds.normalised(event(rng, count))
    return sounds.normalised(out)
