"""FSD50K: Freesound clips with 200 AudioSet classes, parents included (Fonseca et al. 2022)."""

import json
from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row
from schemas.licences import Credit, spdx

_ZENODO = "https://zenodo.org/record/4060432/files/FSD50K.{}?download=1"
_MD5 = {
    "dev_audio.zip": "c480d119b8f7a7e32fdb58f3ea4d6c5a",
    "dev_audio.z01": "faa7cf4cc076fc34a44a479a5ed862a3",
    "dev_audio.z02": "8f9b66153e68571164fb1315d00bc7bc",
    "dev_audio.z03": "1196ef47d267a993d30fa98af54b7159",
    "dev_audio.z04": "d088ac4e11ba53daf9f7574c11cccac9",
    "dev_audio.z05": "81356521aa159accd3c35de22da28c7f",
    "eval_audio.zip": "6fa47636c3a3ad5c7dfeba99f2637982",
    "eval_audio.z01": "3090670eaeecc013ca1ff84fe4442aeb",
    "ground_truth.zip": "ca27382c195e37d2269c4c866dd73485",
    "metadata.zip": "b9ea0c829a411c1d42adb9da539ed237",
    "doc.zip": "3516162b82dc2945d3e7feba0904e800",
}

DATASET = Dataset(
    name="fsd50k",
    title="FSD50K",
    homepage="https://zenodo.org/record/4060432",
    licence="CC-BY-4.0",
    citation="Fonseca et al.: FSD50K: an open dataset of human-labeled sound events, TASLP 2022",
    archives=tuple(
        Archive(name=f"FSD50K.{name}", url=_ZENODO.format(name), checksum=f"md5:{md5}")
        for name, md5 in _MD5.items()
    ),
    splits=("train", "val", "eval"),
    train=("train",),
    templates=("sound_event_classification",),
    expected_clips={"train": 36796, "val": 4170, "eval": 10231},
    hours=108.3,  # 80.4 of dev and 27.9 of eval
    notes=(
        "Ground truth is CC BY 4.0; every clip has the Freesound licence of its clip info.",
        "The audio is a split zip: .zip with .z01 and on.",
        "Labels stand in smeared order, parents included: the first is not the main one.",
        "train and val are complete only where labelled; eval is labelled exhaustively.",
        "Labels stay as published: with ', ' for '_and_' all but one would be AudioSet's names "
        "(Dishes and pots and pans), but a comma parts the labels of an output.",
        "12 dev clips last 30 s or longer (83298, 121351, ..): they are kept whole.",
        "vocabulary.csv has no header and is not read: the vocabulary stands in this file.",
        "A clip's name is its Freesound id: Clotho has 5.4 % of its clips in common with train.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per line of dev.csv (splits train and val) and eval.csv."""
    for part in ("dev", "eval"):
        credit = _credits(raw, part)
        for path in raw.names(f"*FSD50K.ground_truth/{part}*.csv"):
            root, _, name = path.rpartition("FSD50K.ground_truth/")
            lines = raw.csv(
                path, columns=("fname", "labels", *(["split"] if part == "dev" else []))
            )
            for number, line in enumerate(lines, start=2):
                row_id = f"{name}:{number}"
                clip = f"{root}FSD50K.{part}_audio/{line['fname']}.wav"
                split = line["split"] if part == "dev" else "eval"
                events = tuple(filter(None, line["labels"].replace("_", " ").split(",")))
                if reason := _fault(part, split, events):
                    yield Malformed(row_id=row_id, clip=clip, reason=reason)
                    continue
                yield Row(
                    row_id=row_id,
                    clip=clip,
                    split=split,
                    events=events,
                    **credit.get(line["fname"], {})
                    | {"origin_ids": (f"freesound:{line['fname']}",)},
                )


def _fault(part: str, split: str, events: tuple[str, ...]) -> str | None:
    if split not in (("train", "val") if part == "dev" else ("eval",)):
        return "unknown_split"
    if not events:
        return "no_label"
    return None if set(events) <= set(LABELS) else "unknown_class"


def _credits(raw: Raw, part: str) -> dict[str, Credit]:
    credit: dict[str, Credit] = {}
    for path in raw.names(f"*FSD50K.metadata/{part}_clips_info*.json"):
        with raw.open(path) as file:
            for fname, clip in json.load(file).items():
                attribution = (
                    f"{clip['title']} by {clip['uploader']}, https://freesound.org/s/{fname}/"
                )
                credit[fname] = {"licence": spdx(clip["license"]), "attribution": attribution}
    return credit


_VOCABULARY = """
Accelerating_and_revving_and_vroom Accordion Acoustic_guitar Aircraft Alarm Animal Applause Bark
Bass_drum Bass_guitar Bathtub_(filling_or_washing) Bell Bicycle Bicycle_bell Bird
Bird_vocalization_and_bird_call_and_bird_song Boat_and_Water_vehicle Boiling Boom
Bowed_string_instrument Brass_instrument Breathing Burping_and_eructation Bus Buzz Camera Car
Car_passing_by Cat Chatter Cheering Chewing_and_mastication Chicken_and_rooster
Child_speech_and_kid_speaking Chime Chink_and_clink Chirp_and_tweet Chuckle_and_chortle
Church_bell Clapping Clock Coin_(dropping) Computer_keyboard Conversation Cough Cowbell Crack
Crackle Crash_cymbal Cricket Crow Crowd Crumpling_and_crinkling Crushing Crying_and_sobbing
Cupboard_open_or_close Cutlery_and_silverware Cymbal Dishes_and_pots_and_pans Dog
Domestic_animals_and_pets Domestic_sounds_and_home_sounds Door Doorbell Drawer_open_or_close
Drill Drip Drum Drum_kit Electric_guitar Engine Engine_starting Explosion Fart Female_singing
Female_speech_and_woman_speaking Fill_(with_liquid) Finger_snapping Fire Fireworks
Fixed-wing_aircraft_and_airplane Fowl Frog Frying_(food) Gasp Giggle Glass Glockenspiel Gong
Growling Guitar Gull_and_seagull Gunshot_and_gunfire Gurgling Hammer Hands Harmonica Harp Hi-hat
Hiss Human_group_actions Human_voice Idling Insect Keyboard_(musical) Keys_jangling Knock
Laughter Liquid Livestock_and_farm_animals_and_working_animals Male_singing
Male_speech_and_man_speaking Mallet_percussion Marimba_and_xylophone Mechanical_fan Mechanisms
Meow Microwave_oven Motor_vehicle_(road) Motorcycle Music Musical_instrument Ocean Organ
Packing_tape_and_duct_tape Percussion Piano Plucked_string_instrument Pour Power_tool Printer
Purr Race_car_and_auto_racing Rail_transport Rain Raindrop Ratchet_and_pawl Rattle
Rattle_(instrument) Respiratory_sounds Ringtone Run Sawing Scissors
Scratching_(performance_technique) Screaming Screech Shatter Shout Sigh Singing
Sink_(filling_or_washing) Siren Skateboard Slam Sliding_door Snare_drum Sneeze Speech
Speech_synthesizer Splash_and_splatter Squeak Stream Strum Subway_and_metro_and_underground
Tabla Tambourine Tap Tearing Telephone Thump_and_thud Thunder Thunderstorm Tick Tick-tock
Toilet_flush Tools Traffic_noise_and_roadway_noise Train Trickle_and_dribble Truck Trumpet
Typewriter Typing Vehicle Vehicle_horn_and_car_horn_and_honking Walk_and_footsteps Water
Water_tap_and_faucet Waves_and_surf Whispering Whoosh_and_swoosh_and_swish Wild_animals Wind
Wind_chime Wind_instrument_and_woodwind_instrument Wood Writing Yell Zipper_(clothing)
"""
LABELS = tuple(name.replace("_", " ") for name in _VOCABULARY.split())

BENCHMARKS = (
    Benchmark(
        name="fsd50k",
        dataset="fsd50k",
        title="FSD50K, sound event classification",
        splits=("eval",),
        prompts=("generate audio caption", "this is a sound of", "generate metadata"),
        truth="events",
        scoring="multilabel",
        metric="mAP",
        labels={label: label.lower() for label in LABELS},
        n_official=10231,
    ),
)
