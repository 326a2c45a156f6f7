"""What the great sound libraries hold beside the twenty kinds: places, music, voices, the city.

Freesound and AudioSet really have all of it, so a label of a benchmark is a word that was read in
training. Every clip is a draw of its own; none is a benchmark's.
"""

from functools import partial

from flows.mini import beijing_opera, city, human, vocal_sounds
from flows.mini.music import GENRES, music, speech
from flows.mini.scenes import TUT, scene
from flows.mini.vocabulary import Kind

_AUDIOSET = {  # genre -> AudioSet's names, as FSD50K would spell them
    "classical": "Classical_music",
    "hiphop": "Hip_hop_music",
    "metal": "Heavy_metal",
    "pop": "Pop_music",
    "rock": "Rock_music",
}


def _place(label: str, sound: str) -> Kind:
    word = label.replace("_", " ")
    said = (f"{word} ambience", "is heard", "being heard", "place", word)
    return Kind(partial(scene, sound), word, None, "", *said)


def _genre(name: str) -> Kind:
    word = name.replace("hiphop", "hip hop")
    events = f"{_AUDIOSET.get(name, name.title())},Music"
    said = (f"{word} music", "plays", "playing", "music", word)
    return Kind(partial(music, name), f"{word} music", None, events, *said)


_PLACES = tuple(_place(label, sound) for label, sound in TUT.items())
_GENRES = tuple(_genre(name) for name in GENRES)
_DRUMS = tuple(
    Kind(sound, name, None, "", f"a {name}", verb, doing, "music", name)
    for (name, sound), (verb, doing) in zip(
        beijing_opera.STROKES.items(),
        (
            ("clicks", "clicking"),
            ("rings", "ringing"),
            ("crashes", "crashing"),
            ("rises", "rising"),
        ),
        strict=True,
    )
)
_CITY = (
    Kind(
        city.air_conditioner,
        *("air conditioner", None, "Air_conditioning"),
        *("an air conditioner", "hums", "humming", "object", "air conditioner"),
    ),
    Kind(
        city.children_playing,
        *("children playing", None, "Children_playing"),
        *("children", "play", "playing", "human", "children"),
    ),
    Kind(
        city.drilling,
        *("drilling", None, "Drill,Tools"),
        *("a drill", "bores", "drilling", "object", "drilling"),
    ),
    Kind(
        city.gun_shot,
        *("gun shot", None, "Gunshot_and_gunfire"),
        *("a gunshot", "cracks", "cracking", "object", "gun shot"),
    ),
    Kind(
        city.jackhammer,
        *("jackhammer", None, "Jackhammer,Tools"),
        *("a jackhammer", "pounds", "pounding", "object", "jackhammer"),
    ),
    Kind(
        city.street_music,
        *("street music", None, "Music"),
        *("street music", "plays", "playing", "music", "street music"),
    ),
    Kind(
        city.explosion,
        *("explosion", None, "Explosion"),
        *("an explosion", "booms", "booming", "object", "explosion"),
    ),
)
_VOICES = (
    Kind(
        speech,
        *("speech", None, "Speech"),
        *("a person", "speaks", "speaking", "human", "speech"),
    ),
    Kind(
        vocal_sounds.laughter,
        *("laughter", None, "Laughter"),
        *("a person", "laughs", "laughing", "human", "laughter"),
    ),
    Kind(
        vocal_sounds.sigh,
        *("sigh", None, "Sigh"),
        *("a person", "sighs", "sighing", "human", "sigh"),
    ),
    Kind(
        vocal_sounds.cough,
        *("cough", None, "Cough"),
        *("a person", "coughs", "coughing", "human", "cough"),
    ),
    Kind(
        vocal_sounds.throat_clearing,
        *("throat clearing", None, "Throat_clearing"),
        *("a person", "clears the throat", "clearing the throat", "human", "throat clearing"),
    ),
    Kind(
        vocal_sounds.sneeze,
        *("sneeze", None, "Sneeze"),
        *("a person", "sneezes", "sneezing", "human", "sneeze"),
    ),
    Kind(
        vocal_sounds.sniff,
        *("sniff", None, "Sniff"),
        *("a person", "sniffs", "sniffing", "human", "sniff"),
    ),
    Kind(
        human.clapping,
        *("clapping", None, "Clapping"),
        *("a person", "claps", "clapping", "human", "clapping"),
    ),
    Kind(
        human.breathing,
        *("breathing", None, "Breathing"),
        *("a person", "breathes", "breathing", "human", "breathing"),
    ),
    Kind(
        human.snoring,
        *("snoring", None, "Snoring"),
        *("a person", "snores", "snoring", "human", "snoring"),
    ),
)

KINDS: tuple[Kind, ...] = (*_PLACES, *_GENRES, *_DRUMS, *_CITY, *_VOICES)
