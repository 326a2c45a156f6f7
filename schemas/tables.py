"""Arrow schemas of every Parquet file in the lake. One grain per table, stated beside it."""

import pyarrow as pa

_STRINGS = pa.list_(pa.string())

# One published file of a dataset, as it was fetched.
FETCHES = pa.schema(
    {
        "dataset": pa.string(),
        "archive": pa.string(),
        "url": pa.string(),  # where it came from; "raw" for a licensed copy given with --raw
        "path": pa.string(),  # relative to the lake, or the absolute path of a licensed copy
        "bytes": pa.int64(),
        "sha256": pa.string(),
        "checksum": pa.string(),  # as published, "md5:…", or null
        "verified": pa.bool_(),  # a published checksum was compared
        "retrieved": pa.string(),  # ISO 8601, UTC
        "etag": pa.string(),  # the server's, or null; says at a refresh whether it has another file
    }
)

# One sound that is fetched by itself, as the last try left it.
REMOTES = pa.schema(
    {
        "dataset": pa.string(),
        "name": pa.string(),  # member name in the tree
        "url": pa.string(),
        "status": pa.string(),  # ok | gone (for good) | failed (a refresh tries again)
        "reason": pa.string(),  # a short code where it is not ok
        "bytes": pa.int64(),
        "sha256": pa.string(),
        "retrieved": pa.string(),  # ISO 8601, UTC
    }
)

# One clip: one decoded sound in a shard.
CLIPS = pa.schema(
    {
        "clip_id": pa.string(),  # first 32 hex digits of sha256(dataset \0 name \0 source_sha256)
        "dataset": pa.string(),
        "name": pa.string(),  # member name inside the raw archives
        "archive": pa.string(),
        "archive_sha256": pa.string(),
        "source_bytes": pa.int64(),
        "source_sha256": pa.string(),
        "sample_sha256": pa.string(),  # of the little-endian int16 samples
        "samples": pa.int64(),  # at 44.1 kHz
        "seconds": pa.float64(),
        "source_rate": pa.int32(),
        "source_channels": pa.int32(),
        "source_format": pa.string(),
        "decoder": pa.string(),  # name and version
        "downmix": pa.string(),
        "shard": pa.string(),
        "offset": pa.int64(),  # of the FLAC bytes in the shard
        "bytes": pa.int64(),
        "licence": pa.string(),
        "attribution": pa.string(),
        "origin_ids": _STRINGS,
    }
)

# One annotation of a clip, as the dataset's reader gave it.
ROWS = pa.schema(
    {
        "dataset": pa.string(),
        "row_id": pa.string(),
        "clip": pa.string(),
        "split": pa.string(),
        "caption": pa.string(),
        "question": pa.string(),
        "answer": pa.string(),
        "events": _STRINGS,
        "scene": pa.string(),
        "emotion": pa.string(),
        "sentiment": pa.string(),
        "language": pa.string(),
        "genre": pa.string(),
        "tags": _STRINGS,
        "instrument": pa.string(),
        "pitch": pa.int32(),
        "velocity": pa.int32(),
        "qualities": _STRINGS,
        "metadata": pa.string(),
        "licence": pa.string(),
        "attribution": pa.string(),
        "origin_ids": _STRINGS,
    }
)

# One (audio, input text, output text).
PAIRS = pa.schema(
    {
        "pair_id": pa.string(),  # first 32 hex digits of a sha256, computed in sql/build/pairs.sql
        "clip_id": pa.string(),
        "dataset": pa.string(),
        "split": pa.string(),
        "row_id": pa.string(),
        "template": pa.string(),
        "template_version": pa.int32(),
        "input": pa.string(),
        "output": pa.string(),
    }
)

# One clip, row or (row, template) left out, with its reason.
REJECTED = pa.schema(
    {
        "dataset": pa.string(),
        "stop": pa.string(),  # rows | audio | pairs | leakage
        "kind": pa.string(),  # clip | row
        "subject": pa.string(),  # member name or row id
        "template": pa.string(),
        "reason": pa.string(),  # a short code, the same for every subject with the same fault
        "detail": pa.string(),
    }
)

# One clip with pairs in the training splits, and one clip of a benchmark's held-out splits.
_SOUND = {
    "origin_ids": _STRINGS,
    "source_sha256": pa.string(),
    "sample_sha256": pa.string(),
}
TRAINING_CLIPS = pa.schema(
    {
        "dataset": pa.string(),
        "clip_id": pa.string(),
        "clip": pa.string(),
        "pairs": pa.int64(),
        **_SOUND,
    }
)
HELD_OUT = pa.schema({"benchmark": pa.string(), "clip": pa.string(), **_SOUND})

# One training clip and benchmark that hold the same sound.
LEAKS = pa.schema(
    {
        "dataset": pa.string(),
        "clip_id": pa.string(),
        "clip": pa.string(),
        "pairs": pa.int64(),
        "benchmark": pa.string(),
        "kinds": _STRINGS,  # origin | file | samples
        "example": pa.string(),  # "origin freesound:100032"
        "held_out_clip": pa.string(),  # the first of them
        "held_out_clips": pa.int64(),
    }
)

# One generated (or ranked) text for one clip, prompt and row asked.
ANSWERS = pa.schema(
    {
        "run_id": pa.string(),
        "release_id": pa.string(),  # whose rows were asked
        "benchmark": pa.string(),
        "protocol": pa.string(),  # generate | cosine | likelihood | probe
        "protocol_version": pa.int32(),
        "clip_id": pa.string(),
        "row_id": pa.string(),
        "prompt": pa.string(),  # for protocol probe the probe's depth: L1, L2, L3
        "answer": pa.string(),
        "empty": pa.bool_(),  # nothing but blanks and punctuation was said: wrong, whatever asked
        "score": pa.float64(),  # mean log-probability per token, the cosine, or the probe's logit
        "candidates": pa.list_(pa.float32()),  # one score per label, but for protocol generate
        "decoding": pa.string(),  # how a text was chosen: "beam 5, at most 30 tokens"
        "window": pa.string(),  # which part of a sound was heard: "centre 7 s"
        "labels_sha256": pa.string(),  # of the label texts, in the order of the candidates
    }
)

# One example of the paper's Tables 1, 2 and 10 and Figures 4 to 6, made by a run of ours.
EXAMPLES = pa.schema(
    {
        "run_id": pa.string(),
        "release_id": pa.string(),
        "place": pa.string(),  # table1 | table2 | table10 | figure4 | figure5 | figure6
        "dataset": pa.string(),
        "clip_id": pa.string(),  # null in table2, which lists tasks
        "prompt": pa.string(),
        "additional_text": pa.string(),  # App. A, read by the language model behind the prefix
        "answer": pa.string(),
        "details": pa.string(),  # JSON; what else the table or figure shows
    }
)

# One distinct text and its vector in one text space, so that scoring needs no model.
TEXTS = pa.schema({"space": pa.string(), "text": pa.string(), "vector": pa.list_(pa.float32())})

# One number.
SCORES = pa.schema(
    {
        "run_id": pa.string(),
        "run": pa.string(),  # name of the run: pengi, clap, ...
        "release_id": pa.string(),
        "benchmark": pa.string(),
        "protocol": pa.string(),
        "protocol_version": pa.int32(),
        "prompt": pa.string(),
        "decoding": pa.string(),
        "window": pa.string(),
        "metric": pa.string(),
        "headline": pa.bool_(),  # the number that stands in the paper's cell
        "value": pa.float64(),
        "ci_low": pa.float64(),
        "ci_high": pa.float64(),
        "chance": pa.float64(),  # value of the best constant answer, or of a random ranking
        "ceiling": pa.float64(),  # of captions: one reference against the others
        "n": pa.int64(),
        "n_official": pa.int64(),
        "hits": pa.int64(),  # k of an accuracy k/n
        "reason": pa.string(),  # why value is null
        "caution": pa.string(),  # what to know of a value: clips missing, empty answers, one class
        "answers_sha256": pa.string(),
        "labels_sha256": pa.string(),
    }
)
