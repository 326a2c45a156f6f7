"""Releases: an immutable, hashed set of pairs; the manifest is the truth, HEAD names the newest."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.steps.hashes import hashed
from flows.steps.lake import Lake, LakeError, locked, sha256_file, sha256_text, write_json, written
from flows.steps.progress import Progress, silent
from schemas import TEMPLATES, File, Part, Release
from schemas.tables import PAIRS

WITHHELD = ("licence", "takedown")  # stops of REJECTED that leave whole pairs out, a line each


class Ingested(NamedTuple):
    """One dataset after its first three stops: the versions that name its files."""

    dataset: str
    rows: str
    audio: str
    pairs: str


def make_release(
    lake: Lake,
    ingested: Iterable[Ingested],
    train: Mapping[str, tuple[str, ...]],
    provenance: Mapping[str, str],
    progress: Progress = silent,
    leakage: str = "paper",
    licences: tuple[str, ...] = (),
) -> Release:
    """Write the manifest of the pairs of the `train` splits and move HEAD to it.

    `leakage` says how `ingested` came about: "paper", or "strict" (flows/steps/leakage.py), and
    `licences` what was let in, where not all was (flows/steps/allowed.py). The id
    hashes the content alone, so that equal pairs have one id whatever commit made them; commit,
    lock hash and time stand in `provenance`.
    """
    head = lake.head()
    stops = sorted(ingested)
    parts: list[Part] = []
    for done, stop in enumerate(stops, 1):
        parts.append(_part(lake, stop, train.get(stop.dataset, ())))
        progress("release: hashed datasets", done, len(stops))
    pairs, pairs_sha256 = _pair_ids(lake, parts)
    content = Release(
        release_id="",
        leakage=leakage,
        licences=licences,
        templates={name: template.version for name, template in TEMPLATES.items()},
        parts=tuple(parts),
        pairs=pairs,
        pairs_sha256=pairs_sha256,
        provenance={},
    )
    release = content.model_copy(
        update={"release_id": _identify(content), "provenance": dict(provenance)}
    )
    _write(lake, release)
    if head != release.release_id:
        lake.move_head(head, release.release_id)
    return read_release(lake, release.release_id)


def read_release(lake: Lake, release_id: str) -> Release:
    """The manifest of `release_id`, or of HEAD when it is "HEAD"; LakeError when there is none."""
    wanted = lake.head() if release_id == "HEAD" else release_id
    if wanted is None or not lake.release(wanted).exists():
        raise LakeError(
            f"release {release_id}: none in {lake.root}. "
            f"Found: {', '.join(lake.releases()) or 'no release'}. Make one with `pengi run`."
        )
    return Release.model_validate_json(lake.release(wanted).read_text())


def training_pairs(
    lake: Lake, parts: Iterable[Part], columns: Sequence[str] = PAIRS.names
) -> pa.Table:
    """The pairs of `parts` in training order: by dataset, then as their files stand."""
    tables = [
        _of_splits(pq.read_table(lake.root / part.pairs.path, columns=list(columns)), part.train)
        for part in sorted(parts, key=lambda part: part.dataset)
    ]
    return pa.concat_tables([PAIRS.empty_table().select(list(columns)), *tables])


def read_parts(release: Release, config: Mapping[str, Any]) -> list[Part]:
    """The parts of a release that a run of this config reads; a fetched model reads none."""
    if config["stage"] == "pretrained":
        return []
    wanted = config.get("datasets") or [part.dataset for part in release.parts]
    return [part for part in release.parts if part.pair_counts and part.dataset in wanted]


def verify(lake: Lake, release_id: str, progress: Progress = silent) -> list[str]:
    """Every damage to the release's files, one line each; empty when there is none.

    Every byte is read, on all processors; the manifest is compared with its seal and its own id.
    """
    damages = manifest_damages(lake, release_id)
    if any("cannot be read" in line for line in damages):
        return damages
    release = read_release(lake, release_id)
    files = [f for part in release.parts for f in (part.rows, part.clips, part.pairs, *part.shards)]
    with ThreadPoolExecutor() as threads:  # hashing lets go of the interpreter
        for done, damage in enumerate(threads.map(lambda file: _damage(lake, file), files), 1):
            damages += damage
            progress("verify: files", done, len(files))
    return damages


def manifest_damages(lake: Lake, release_id: str) -> list[str]:
    """How a manifest differs from its seal and from its own id, one line each."""
    wanted = (lake.head() if release_id == "HEAD" else release_id) or release_id
    try:
        release = read_release(lake, wanted)
    except ValueError as fault:  # no UTF-8, no JSON, or not the fields of a Release
        what = str(fault).splitlines()[0]
        return [f"releases/{wanted}.json: manifest cannot be read: {what}"]
    damages = _unsealed(lake, wanted)
    expected = _identify(release.model_copy(update={"release_id": "", "provenance": {}}))
    if not wanted == release.release_id == expected:
        damages.append(f"manifest: content hashes to {expected}, its id is {release.release_id}")
    return damages


def refuse_damaged(lake: Lake, release: Release) -> None:
    """LakeError when what a training reads is not what the manifest says.

    Manifest and tables are hashed; of shards only the size is compared, for their clips are hashed
    one by one where they are read.
    """
    damages = _unsealed(lake, release.release_id)
    for part in release.parts:
        damages += _damage(lake, part.pairs) + _damage(lake, part.clips)
        damages += [damage for shard in part.shards for damage in resized(lake, shard)]
    if damages:
        raise LakeError(
            f"release {release.release_id} is not what it was: {'; '.join(damages[:5])}. "
            "See all with `pengi release verify`; ingest the dataset again to rebuild it."
        )


def resized(lake: Lake, file: File) -> list[str]:
    """Whether a file is missing or of another size, in a line."""
    path = lake.root / file.path
    if not path.is_file():
        return [f"{file.path}: missing"]
    if (size := path.stat().st_size) != file.bytes:
        return [f"{file.path}: {size} bytes, expected {file.bytes}"]
    return []


def _damage(lake: Lake, file: File) -> list[str]:
    if damage := resized(lake, file):
        return damage
    if (found := sha256_file(lake.root / file.path)) != file.sha256:
        return [f"{file.path}: sha256 {found}, expected {file.sha256}"]
    return []


def _write(lake: Lake, release: Release) -> None:
    """The manifest, once, and its seal: the id does not cover provenance, the seal does."""
    path, seal = lake.release(release.release_id), lake.seal(release.release_id)
    with locked(path.parent):
        if not path.exists():
            write_json(path, release.model_dump())
        if not seal.exists():
            with written(seal) as part:
                part.write_text(f"{sha256_file(path)}  {path.name}\n")


def _unsealed(lake: Lake, release_id: str) -> list[str]:
    path, seal = lake.release(release_id), lake.seal(release_id)
    if not seal.is_file():
        return [f"{lake.relative(seal)}: missing"]
    found = f"{sha256_file(path)}  {path.name}\n"
    if seal.read_bytes() != found.encode():
        return [f"{lake.relative(path)}: manifest is not what {seal.name} says, found {found[:64]}"]
    return []


def ingested(lake: Lake, release: Release) -> dict[str, Ingested]:
    """The versions behind a release, read back from its file names."""
    return {
        part.dataset: Ingested(
            dataset=part.dataset,
            rows=Path(part.rows.path).stem,
            audio=Path(part.clips.path).parent.name,
            pairs=Path(part.pairs.path).stem,
        )
        for part in release.parts
    }


def summary(release: Release) -> dict[str, object]:
    """What people ask of a release first: counts, hours, splits, templates, commit."""
    templates: dict[str, int] = {}
    for part in release.parts:
        for name, count in part.pair_counts.items():
            templates[name] = templates.get(name, 0) + count
    return {
        "release": release.release_id,
        "pairs": release.pairs,
        "clips": sum(part.clips_in_release for part in release.parts),
        "hours": round(sum(part.seconds_in_release for part in release.parts) / 3600, 3),
        "datasets": ", ".join(f"{p.dataset} ({','.join(p.train) or '-'})" for p in release.parts),
        "templates": ", ".join(f"{name} {count}" for name, count in sorted(templates.items())),
        "leakage": release.leakage,
        **({"licences": ", ".join(release.licences)} if release.licences else {}),
        **{f"left out, {reason}": f"{count} pairs" for reason, count in _left_out(release)},
        "rejected": sum(part.rejected for part in release.parts),
        "made": release.provenance.get("made", ""),
        "code": release.provenance.get("code_commit", ""),
    }


def _left_out(release: Release) -> list[tuple[str, int]]:
    counts = Counter[str]()
    for part in release.parts:
        counts.update(part.left_out)
    return sorted(counts.items())


def _part(lake: Lake, stop: Ingested, train: tuple[str, ...]) -> Part:
    columns = ["pair_id", "clip_id", "split", "template"]
    pairs = _of_splits(pq.read_table(lake.pairs(stop.dataset, stop.pairs), columns=columns), train)
    clips = pq.read_table(lake.clips(stop.dataset, stop.audio), columns=["clip_id", "seconds"])
    used = pc.is_in(clips["clip_id"], value_set=pc.unique(pairs["clip_id"]))
    seconds = clips.filter(used)["seconds"].to_pylist()
    counted = pairs.group_by("template").aggregate([("pair_id", "count")]).to_pylist()
    rejected = sum(
        pq.read_metadata(lake.rejected(stop.dataset, stage, version)).num_rows
        for stage, version in (("rows", stop.rows), ("audio", stop.audio), ("pairs", stop.pairs))
    )
    left_out = pq.read_table(
        lake.rejected(stop.dataset, "pairs", stop.pairs),
        columns=["reason"],
        filters=[("stop", "in", WITHHELD)],
    )
    why = left_out.group_by("reason").aggregate([("reason", "count")]).to_pylist()
    tables = (
        lake.rows(stop.dataset, stop.rows),
        lake.clips(stop.dataset, stop.audio),
        lake.pairs(stop.dataset, stop.pairs),
    )
    shards = sorted(lake.audio(stop.dataset, stop.audio).glob("shard-*.tar"))
    files = hashed(lake, stop.dataset, (*tables, *shards))
    return Part(
        dataset=stop.dataset,
        rows=files[0],
        clips=files[1],
        pairs=files[2],
        shards=tuple(files[3:]),
        train=train,
        pair_counts={line["template"]: line["pair_id_count"] for line in counted},
        clips_in_release=len(seconds),
        seconds_in_release=round(math.fsum(seconds), 3),
        rejected=rejected,
        left_out={line["reason"]: line["reason_count"] for line in why},
    )


def _pair_ids(lake: Lake, parts: Iterable[Part]) -> tuple[int, str]:
    """Number of the pairs, and the sha256 of their ids in training order, one per line."""
    ids = training_pairs(lake, parts, ("pair_id", "split"))["pair_id"]
    digest = hashlib.sha256()
    for chunk in filter(len, ids.chunks):
        lines = pc.binary_join_element_wise(chunk, "\n", "")
        _, offsets, text = lines.buffers()
        ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
        digest.update(memoryview(text)[ends[0] : ends[-1]])
    return len(ids), digest.hexdigest()


def _of_splits(pairs: pa.Table, splits: tuple[str, ...]) -> pa.Table:
    return pairs.filter(pc.is_in(pairs["split"], value_set=pa.array(splits, pa.string())))


def _identify(content: Release) -> str:
    return sha256_text(json.dumps(content.model_dump(exclude_defaults=True), sort_keys=True))[:16]
