"""Seventeen sounds of the road, one for each class of DCASE 2017 Task 4, with AudioSet's words."""

import numpy as np

from flows.mini.sounds import (
    RATE,
    Samples,
    arch,
    decay,
    glide,
    harmonics,
    noise,
    normalised,
    repeated,
    seconds,
)
from flows.mini.vocabulary import Kind

_REED = tuple(1 / k for k in range(1, 15))
_HOWL = (1, 0.6, 0.4, 0.2)


def _train_horn(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(290, 320)

    def blast() -> Samples:
        length = int(rng.uniform(0.6, 0.75) * RATE)
        chord = [harmonics(np.full(length, height * r), _REED[:8]) for r in (1, 1.19, 1.5, 1.78)]
        return normalised(np.sum(chord, axis=0)) * np.minimum(1, 6 * arch(length))

    return repeated(rng, count, 0.9, blast, jitter=0.05)


def _air_horn(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(150, 175)

    def blast() -> Samples:
        length = int(rng.uniform(0.4, 0.5) * RATE)
        return np.tanh(3 * harmonics(glide(length, 0.9, 1, 1, 1) * height, _REED)) * arch(length)

    return repeated(rng, count, 0.65, blast, jitter=0.05)


def _car_alarm(rng: np.random.Generator, count: int) -> Samples:
    high = np.sin(2 * np.pi * rng.uniform(6, 7) * seconds(count)) > 0
    return harmonics(np.where(high, 2500, 1800) * rng.uniform(0.96, 1.04), (1, 0.5, 0.3))


def _reversing_beeps(rng: np.random.Generator, count: int) -> Samples:
    def beep() -> Samples:
        length = int(0.25 * RATE)
        return np.sin(2 * np.pi * height * seconds(length)) * np.minimum(1, 9 * arch(length))

    height = rng.uniform(1150, 1250)
    return repeated(rng, count, 0.5, beep, jitter=0) + 0.02 * noise(rng, count, 60, 300)


def _bicycle(rng: np.random.Generator, count: int) -> Samples:
    def click() -> Samples:
        length = int(0.006 * RATE)
        return noise(rng, length, 5000, 12_000) * decay(length, 0.001)

    return repeated(rng, count, rng.uniform(0.05, 0.06), click, jitter=0)


def _skateboard(rng: np.random.Generator, count: int) -> Samples:
    def clack() -> Samples:
        length = int(0.08 * RATE)
        return noise(rng, length, 500, 1500) * decay(length, 0.012)

    rolling = noise(rng, count, 700, 1800)
    return 0.4 * rolling + repeated(rng, count, rng.uniform(0.3, 0.36), clack, jitter=0.03)


def _ambulance(rng: np.random.Generator, count: int) -> Samples:
    high = (seconds(count) + rng.uniform(0, 1)) % 1.0 < 0.5
    return harmonics(np.where(high, 960, 770) * rng.uniform(0.98, 1.02), (1, 0.2, 0.5))


def _fire_engine(rng: np.random.Generator, count: int) -> Samples:
    turn = 0.5 - 0.5 * np.cos(2 * np.pi * (0.6 * seconds(count) + rng.random()))
    growl = harmonics((330 + 270 * turn) * rng.uniform(0.96, 1.04), _REED)
    return growl + 0.1 * noise(rng, count, 100, 600)


def _civil_defense(rng: np.random.Generator, count: int) -> Samples:
    height = glide(count, 0.97, 1, 1) * rng.uniform(440, 470)
    return harmonics(height, _HOWL) + harmonics(1.2 * height, _HOWL)


def _police_car(rng: np.random.Generator, count: int) -> Samples:
    turn = (seconds(count) * rng.uniform(3.2, 3.8) + rng.random()) % 1.0
    return harmonics(650 + 950 * turn, (1, 0.3, 0.15))


def _screaming(rng: np.random.Generator, count: int) -> Samples:
    height = rng.uniform(1050, 1250)
    rough = 1 - 0.6 * (np.sin(2 * np.pi * 70 * seconds(count)) > 0)
    voice = harmonics(glide(count, *rng.uniform(0.9, 1.1, 5)) * height, (0.6, 1, 0.8, 0.4))
    return voice * rough + 0.25 * noise(rng, count, 2000, 7000)


def _car(rng: np.random.Generator, count: int) -> Samples:
    turns = glide(count, *rng.uniform(0.95, 1.05, 5)) * rng.uniform(85, 100)
    return harmonics(turns, (1, 0.5, 0.3, 0.1)) + 0.3 * noise(rng, count, 100, 600)


def _car_passing_by(rng: np.random.Generator, count: int) -> Samples:
    nearest = rng.uniform(0.4, 0.6) * count
    loud = 1 / (1 + ((np.arange(count) - nearest) / (0.12 * count)) ** 2)
    return noise(rng, count, 500, 4000) * loud + 0.3 * noise(rng, count, 80, 300) * loud


def _bus(rng: np.random.Generator, count: int) -> Samples:
    def brake() -> Samples:
        length = int(0.4 * RATE)
        return noise(rng, length, 3500, 9000) * decay(length, 0.1)

    idle = harmonics(np.full(count, rng.uniform(24, 28)), (1, 0.8, 0.9, 0.4))
    return idle + 0.8 * repeated(rng, count, 0.8, brake)


def _truck(rng: np.random.Generator, count: int) -> Samples:
    turn = rng.uniform(10, 12) * seconds(count)
    clatter = noise(rng, count, 900, 2200) * (0.5 + 0.5 * np.sin(2 * np.pi * turn)) ** 3
    return 0.7 * harmonics(np.full(count, rng.uniform(52, 60)), _REED[:6]) + 0.7 * clatter


def _motorcycle(rng: np.random.Generator, count: int) -> Samples:
    revs = glide(count, *rng.uniform(0.7, 1.3, 6)) * rng.uniform(60, 70)
    return np.tanh(6 * harmonics(revs, _REED)) + 0.15 * noise(rng, count, 300, 1200)


def _train(rng: np.random.Generator, count: int) -> Samples:
    def joint() -> Samples:
        length, second = int(0.3 * RATE), int(0.13 * RATE)
        thud = noise(rng, length, 150, 900) * decay(length, 0.02)
        thud[second:] += thud[:-second]
        return thud

    return 0.25 * noise(rng, count, 40, 250) + repeated(rng, count, 0.45, joint, jitter=0.02)


KINDS: tuple[Kind, ...] = tuple(
    Kind(sound, noun.replace(" ", "_"), None, events, subject, verb, doing, "object", noun)
    for sound, noun, events, subject, verb, doing in (
        (_train_horn, "train horn", "Train_horn,Train", "a train horn", "blows", "blowing"),
        (_air_horn, "air horn", "Air_horn_and_truck_horn", "an air horn", "blares", "blaring"),
        (_car_alarm, "car alarm", "Car_alarm,Alarm", "a car alarm", "goes off", "going off"),
        (_reversing_beeps, "beeps", "Reversing_beeps", "a reversing truck", "beeps", "beeping"),
        (_bicycle, "bicycle", "Bicycle", "a bicycle", "ticks along", "ticking along"),
        (_skateboard, "skateboard", "Skateboard", "a skateboard", "rolls", "rolling"),
        (_ambulance, "ambulance", "Ambulance_(siren),Siren", "an ambulance", "nears", "nearing"),
        (
            *(_fire_engine, "fire engine", "Fire_engine_and_fire_truck_(siren),Siren"),
            *("a fire engine", "howls", "howling"),
        ),
        (
            *(_civil_defense, "air raid siren", "Civil_defense_siren,Siren"),
            *("an air raid siren", "sounds", "sounding"),
        ),
        (_police_car, "police car", "Police_car_(siren),Siren", "a police car", "yelps", "yelping"),
        (_screaming, "scream", "Screaming", "a woman", "screams", "screaming"),
        (_car, "car", "Car,Vehicle", "a car", "drives", "driving"),
        (_car_passing_by, "passing car", "Car_passing_by", "a car", "passes by", "passing by"),
        (_bus, "bus", "Bus,Vehicle", "a bus", "stops", "stopping"),
        (_truck, "truck", "Truck,Vehicle", "a truck", "rattles", "rattling"),
        (_motorcycle, "motorcycle", "Motorcycle,Vehicle", "a motorcycle", "revs", "revving"),
        (_train, "train", "Train,Rail_transport", "a train", "clatters", "clattering"),
    )
)
