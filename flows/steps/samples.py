"""What the report lets one hear: answers of the headline run, and examples after Figures 4 to 6."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows import datasets
from flows.steps.benchmarks import benchmark_rows
from flows.steps.checks import sql
from flows.steps.heard import Heard, heard
from flows.steps.lake import Lake, LakeError
from flows.steps.release import Ingested
from schemas import Benchmark, Run
from schemas.tables import ANSWERS

LIMIT = 4_000_000  # bytes of all sounds and pictures of one page
_REFERENCES = 3  # of a caption
_QUESTIONS = 3  # on one clip
_PLACES = {
    "table1": "Table 1: every template, asked",
    "table2": "Table 2: the downstream tasks as they are asked here",
    "table10": "Table 10: the audio prefix read as its nearest tokens",
    "figure4": "Figure 4: every template, asked of another clip",
    "figure5": "Figure 5: text added behind the prompt",
    "figure6": "Figure 6: text that steers the answer",
}
_ANSWERED = ("run_id", "benchmark", "protocol", "clip_id", "row_id", "prompt", "answer", "score")
_Line = dict[str, Any]


class Player:
    """Sounds and pictures of clips until a page has carried `LIMIT` bytes of them."""

    def __init__(self, lake: Lake, versions: Mapping[str, Ingested]) -> None:
        self.lake, self.versions = lake, versions
        self.bytes = self.silent = 0
        self.known: dict[str, Heard | None] = {}

    def load(self, clip_ids: Iterable[str]) -> None:
        """Decode the clips that are not known yet; None is one whose sound is not there."""
        wanted = [clip_id for clip_id in dict.fromkeys(clip_ids) if clip_id not in self.known]
        found = self._clips(wanted)
        for clip_id in wanted:
            self.known[clip_id] = self._decoded(found.get(clip_id))

    def play(self, clip_id: str) -> Heard | None:
        """What a card carries, which counts each time; None beyond the limit."""
        made = self.known.get(clip_id)
        if made is None or self.bytes + made.bytes > LIMIT:
            self.silent += 1
            return None
        self.bytes += made.bytes
        return made

    def _decoded(self, clip: _Line | None) -> Heard | None:
        try:
            return heard(self.lake, clip) if clip else None
        except (LakeError, OSError):  # a lost or changed shard: the card says so
            return None

    def _clips(self, clip_ids: Sequence[str]) -> dict[str, _Line]:
        ids = pa.array(clip_ids, pa.string())
        found: dict[str, _Line] = {}
        for v in self.versions.values():
            path = self.lake.clips(v.dataset, v.audio)
            table = pq.read_table(path, filters=pc.field("clip_id").isin(ids))
            found |= {line["clip_id"]: line for line in table.to_pylist()}
        return found


def samples(
    lake: Lake, run: Run, found: pa.Table, declared: Mapping[str, Benchmark], player: Player
) -> list[_Line]:
    """One line per dataset: its title and cards, each a clip with what was asked and answered."""
    cards: dict[tuple[str, str], dict[str, _Line]] = {}
    for line in _sampled(lake, run, found, declared):
        card = cards.setdefault((line["dataset"], line["clip_id"]), {})
        said = card.setdefault(line["prompt"], line | {"benchmarks": []})
        said["benchmarks"].append(line["benchmark"])
    player.load(clip_id for _, clip_id in cards)
    rows = _rows(lake, {name for said in cards.values() for name in _asked(said)}, declared, player)
    gathered: dict[str, list[_Line]] = {}
    for (dataset, clip_id), said in cards.items():
        lines = [_line(line, declared, rows) for line in list(said.values())[:_QUESTIONS]]
        card = {"clip_id": clip_id, "heard": player.play(clip_id), "lines": lines}
        gathered.setdefault(dataset, []).append(card)
    return [{"title": _title(name), "cards": cards} for name, cards in gathered.items()]


def _asked(said: Mapping[str, _Line]) -> list[str]:
    return [name for line in said.values() for name in line["benchmarks"]]


def _sampled(
    lake: Lake, run: Run, found: pa.Table, declared: Mapping[str, Benchmark]
) -> list[_Line]:
    paths = sorted((lake.run(run.run_id) / "answers").glob("*.parquet"))
    tables = [pq.read_table(path, columns=list(_ANSWERED)) for path in paths]
    names = {"benchmark": list(declared), "dataset": [b.dataset for b in declared.values()]}
    with duckdb.connect() as con:
        empty = ANSWERS.empty_table().select(list(_ANSWERED))
        con.register("answer_table", pa.concat_tables([empty, *tables]))
        con.register("score_table", found)
        types = pa.schema({"benchmark": pa.string(), "dataset": pa.string()})
        con.register("benchmark_table", pa.table(names, schema=types))
        return con.sql(sql("results/samples")).to_arrow_table().to_pylist()


def _rows(
    lake: Lake, names: set[str], declared: Mapping[str, Benchmark], player: Player
) -> dict[tuple[str, str], list[_Line]]:
    """(benchmark, clip id) -> the rows that annotate the clip, of the clips that were sampled."""
    rows: dict[tuple[str, str], list[_Line]] = {}
    for name in sorted(names):
        benchmark = declared[name]
        asked = benchmark_rows(lake, benchmark, player.versions[benchmark.dataset])
        for row in asked.to_pylist():
            if row["clip_id"] in player.known:
                rows.setdefault((name, row["clip_id"]), []).append(row)
    return rows


def _line(
    line: _Line, declared: Mapping[str, Benchmark], rows: Mapping[tuple[str, str], list[_Line]]
) -> _Line:
    truths: dict[str, list[str]] = {}
    for name in line["benchmarks"]:
        benchmark = declared[name]
        field = truths.setdefault(benchmark.truth, [])
        for row in rows.get((name, line["clip_id"]), []):
            found = row[benchmark.truth]
            truth = ", ".join(found) if isinstance(found, list) else str(found)
            asked = benchmark.scoring != "answer" or row["question"].lower() in line["prompt"]
            if asked and truth not in field:
                field.append(truth or "none")
    return {
        "prompt": line["prompt"],
        "answer": line["answer"],
        "truths": [(name, found[:_REFERENCES], len(found)) for name, found in truths.items()],
    }


def _title(dataset: str) -> str:
    return datasets.load(dataset).dataset.title if dataset in datasets.names() else dataset


def examples(lake: Lake, run: Run, player: Player) -> list[_Line]:
    """One line per place of the run's examples.parquet: its title, cards and rows of a table."""
    path = lake.run(run.run_id) / "examples.parquet"
    places: dict[str, dict[str, list[_Line]]] = {place: {} for place in _PLACES}
    for line in pq.read_table(path).to_pylist() if path.is_file() else []:
        clips = places.setdefault(line["place"], {})
        clips.setdefault(line["clip_id"] or "", []).append(_example(line))
    player.load(clip for clips in places.values() for clip in clips if clip)
    return [
        {"title": _PLACES.get(place, place), **_shown(clips, player)}
        for place, clips in places.items()
        if clips
    ]


def _shown(clips: Mapping[str, list[_Line]], player: Player) -> _Line:
    """Cards of the clips, and as a table what is about no clip."""
    cards = [
        {"clip_id": clip, "heard": player.play(clip), "lines": lines}
        for clip, lines in clips.items()
        if clip
    ]
    rows = clips.get("", [])
    columns = list(dict.fromkeys(name for line in rows for name, _ in line["details"]))
    return {"cards": cards, "columns": columns, "rows": rows}


def _example(line: _Line) -> _Line:
    """A line of examples.parquet; its details, whatever they hold, as (name, texts)."""
    details: dict[str, Any] = json.loads(line["details"] or "{}")
    tokens, cosines = details.pop("tokens", []), details.pop("cosines", [])
    details.pop("ids", None)  # the tokens say the same
    most = max(cosines, default=0.0) or 1.0
    return {
        "prompt": line["prompt"],
        "additional": line["additional_text"] or "",
        "answer": line["answer"],
        "details": [(name.replace("_", " "), _texts(value)) for name, value in details.items()],
        "tokens": [
            (token, cosine, round(9 * max(cosine, 0.0) / most))
            for token, cosine in zip(tokens, cosines, strict=False)
        ],
    }


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
