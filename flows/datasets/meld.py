"""MELD: utterances of a TV series with emotion and sentiment, sound in MP4 (Poria et al. 2019)."""

from collections.abc import Iterator

from schemas import Archive, Choice, Dataset, Malformed, Raw, Row

_CSV = "https://raw.githubusercontent.com/declare-lab/MELD/master/data/MELD/{}_sent_emo.csv"
_HUGGING_FACE = "https://huggingface.co/datasets/declare-lab/MELD/resolve/main/MELD.Raw.tar.gz"
_FILES = (  # name in file names, bytes, md5 of the CSV at commit 2d2011b
    ("train", 1119290, "3a33b022655c68961c440a83c93497ec"),
    ("dev", 121640, "0ff1dda801c068b6e69bf8dd83218ac2"),
    ("test", 294526, "46c92f610268c703cb1a0472c76925e5"),
)
_FOLDERS = (  # split, name in file names, folder of the clips inside <name>.tar.gz
    ("train", "train", "train_splits"),
    ("validation", "dev", "dev_splits_complete"),
    ("test", "test", "output_repeated_splits_test"),
)
EMOTIONS = ("neutral", "joy", "sadness", "anger", "surprise", "fear", "disgust")
SENTIMENTS = ("positive", "neutral", "negative")
_COLUMNS = ("Sr No.", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
_ADJECTIVES = {"joy": "happy", "sadness": "sad", "anger": "angry"}  # the rest is spelt alike
_WRONGLY_CUT = {  # clips of 41 to 305 s by the CSVs' times (declare-lab/MELD issue 20)
    ("train", "dia309_utt0.mp4"),
    ("test", "dia38_utt4.mp4"),
    ("test", "dia220_utt0.mp4"),
}

DATASET = Dataset(
    name="meld",
    title="MELD",
    homepage="https://affective-meld.github.io",
    licence="GPL-3.0-only",
    citation="Poria et al.: MELD: a multimodal multi-party dataset for emotion, ACL 2019",
    archives=(
        Archive(
            name="MELD.Raw.tar.gz",
            url="http://web.eecs.umich.edu/~mihalcea/downloads/MELD.Raw.tar.gz",
            mirrors=(_HUGGING_FACE,),
        ),
        *(
            Archive(
                name=f"{name}_sent_emo.csv",
                url=_CSV.format(name),
                checksum=f"md5:{md5}",
                bytes=size,
            )
            for name, size, md5 in _FILES
        ),
    ),
    splits=("train", "validation", "test"),
    train=("train",),
    templates=("speech_emotion_recognition", "speech_sentiment_recognition"),
    expected_clips={"train": 9989, "validation": 1109, "test": 2610},
    hours=13.7,  # 13,708 utterances of 3.59 s
    bytes=10_900_000_000,  # as the mirror lists it
    choices=(
        Choice(
            name="emotion_words",
            value="publisher",
            others=("msp_podcast",),
            why="The paper does not say that it made the words of its sources alike (joy and "
            "happy, anger and angry), so they stay as published.",
        ),
    ),
    notes=(
        "The audio is from a TV series under copyright: research use only.",
        "train dia125_utt3.mp4 is corrupt, dev dia110_utt7.mp4 is missing: rejected at the audio.",
        "Clips without a row (dev dia66_utt9 and others) are not read.",
        "Three clips cut wrongly, of 41 to 305 s, are rejected; too short ones (train dia338_utt3 "
        "has 6 ms) are rejected at the audio. StartTime and EndTime are not read.",
        "About 200 train clips over 2.5 MB have disturbed audio, and some dialogues are shifted "
        "against their text; no full list is published, so they stay.",
        "Dialogue and utterance numbers start again in every split.",
        "Sentiment follows from emotion, except for surprise.",
    ),
)


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per utterance; clips are found by folder, whether still in the nested tar or not."""
    words = _ADJECTIVES if raw.choice("emotion_words") == "msp_podcast" else {}
    for split, name, folder in _FOLDERS:
        found = {path.rpartition("/")[2]: path for path in raw.names(f"*{folder}/dia*_utt*.mp4")}
        tables = raw.names(f"*{name}_sent_emo.csv")
        for table in sorted(tables, key=len)[:1]:  # MELD.Raw.tar.gz may hold an older copy
            for line in raw.csv(table, columns=_COLUMNS):
                file = f"dia{line['Dialogue_ID']}_utt{line['Utterance_ID']}.mp4"
                row_id = f"{name}_sent_emo.csv:{line['Sr No.']}"
                clip = found.get(file, f"{name}.tar.gz/{folder}/{file}")
                emotion, sentiment = line["Emotion"].strip(), line["Sentiment"].strip()
                if emotion not in EMOTIONS:
                    yield Malformed(row_id=row_id, clip=clip, reason="unknown_emotion")
                elif sentiment not in SENTIMENTS:
                    yield Malformed(row_id=row_id, clip=clip, reason="unknown_sentiment")
                elif (name, file) in _WRONGLY_CUT:
                    yield Malformed(row_id=row_id, clip=clip, reason="wrongly_cut")
                else:
                    yield Row(
                        row_id=row_id,
                        clip=clip,
                        split=split,
                        emotion=words.get(emotion, emotion),
                        sentiment=sentiment,
                    )


BENCHMARKS = ()
