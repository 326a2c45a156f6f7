"""Names of Clotho as its tables, its archives and copies of them spell them."""

import unicodedata

from schemas.spelling import respelt


def test_odd_characters_do_not_hide_a_file() -> None:
    wanted = [
        "Chris&#39; Elevator.wav",
        "Geese1 - (Apollonia&#39;s sPA).wav",
        "Ketchup Farts #2.wav",
        "rain&amp;storm.wav",
        "Grillons à l'étang.wav",
        "Tools .wav",
    ]
    there = [
        "Chris' Elevator.wav",
        "Geese1 - (Apollonia__39_s sPA).wav",
        "Ketchup Farts _2.wav",
        "rain&storm.wav",
        unicodedata.normalize("NFD", "Grillons à l'étang.wav"),
        "Tools .wav",
    ]
    assert respelt(wanted, there) == dict(zip(wanted[:5], there[:5], strict=True))


def test_another_file_is_not_taken_for_it() -> None:
    assert respelt(["Car Keys.wav", "Car_Keys.wav"], ["Car_Keys.wav"]) == {}
    assert respelt(["cow bells.wav"], ["cow_bells.wav", "cow-bells.wav"]) == {}
    assert respelt(["a b.wav", "a-b.wav"], ["a_b.wav"]) == {}
    assert respelt(["Metro.wav"], ["Train.wav"]) == {}
