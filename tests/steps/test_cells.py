"""Every table of the paper out of a made-up score table in which no two numbers are alike."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scored_lake as s
from flows import datasets
from flows.steps.lake import Lake, write_json, write_table
from flows.steps.results import Cell, as_markdown, as_text, published, results
from schemas import Benchmark
from schemas.tables import SCORES

STAGES = {
    "clap": "clap",
    "clap_star": "clap",
    "pengi": "pengi",
    "frozen_pengi": "pengi",
    "single_task_caption": "pengi",
    "no_text_encoder": "pengi",
    "lm_prompt_only": "pengi",
}
PROBED = ("beijing_opera", "crema_d", "esc50", "fsd50k", "gtzan_genres", "ravdess")
BLEU = [f"BLEU-{n}" for n in range(1, 5)]
METRICS = {
    "caption": ["SPIDEr", "SPICE", "METEOR", *BLEU, "ROUGE-L", "CIDEr-D"],
    "text_to_audio": ["R@1", "R@5", "R@10"],
    "audio_to_text": ["R@1", "R@5", "R@10"],
}
Key = tuple[str, str, str, str, str]  # run, benchmark, protocol, prompt, metric


def asked(run: str, benchmark: Benchmark) -> Iterator[tuple[str, str]]:
    """(protocol, prompt) of what `run` is asked."""
    if STAGES[run] == "clap":
        if benchmark.labels:
            yield "cosine", ""
    elif run != "single_task_caption" or benchmark.scoring == "caption":
        yield from (("generate", prompt) for prompt in benchmark.prompts)
        if benchmark.labels:
            yield "likelihood", benchmark.prompts[0]
    if benchmark.name in PROBED and run in ("clap", "pengi"):
        yield from (("probe", f"L{depth}") for depth in (1, 2, 3))


def made_up() -> dict[Key, dict[str, Any]]:
    """A line of SCORES for everything that any run is asked, each with a number of its own."""
    declared = [b for name in datasets.names() for b in datasets.load(name).benchmarks]
    numbers = count(1)
    lines: dict[Key, dict[str, Any]] = {}
    for run in STAGES:
        for benchmark in declared:
            headed: set[str] = set()
            for protocol, prompt in asked(run, benchmark):
                metrics = [*METRICS.get(benchmark.scoring, [benchmark.metric])]
                metrics += [f"{benchmark.metric}_clip_space", "exact", "valid", "empty"]
                for place, metric in enumerate(metrics):
                    found = next(numbers) / 10_000
                    lines[run, benchmark.name, protocol, prompt, metric] = {
                        "run_id": f"{run}-1",
                        "run": run,
                        "release_id": s.RELEASE,
                        "benchmark": benchmark.name,
                        "protocol": protocol,
                        "prompt": prompt,
                        "metric": metric,
                        "headline": place == 0 and protocol not in headed,
                        "value": found,
                        "ci_low": found - 1e-5,
                        "ci_high": found + 1e-5,
                        "n": 7,
                        "decoding": "beam 5",
                        "window": "centre 7 s",
                        "protocol_version": 1,
                        "answers_sha256": "a" * 64,
                        "ceiling": found + 1 if metric in ("METEOR", "CIDEr-D") else None,
                    }
                headed.add(protocol)
    return lines


@pytest.fixture(scope="module")
def lines() -> dict[Key, dict[str, Any]]:
    return made_up()


@pytest.fixture(scope="module")
def lake(lines, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    place = s.scored_lake(tmp_path_factory.mktemp("cells") / "lake")
    for run, stage in STAGES.items():
        made = s.run(run).model_copy(update={"config": {"stage": stage}})
        write_json(place.run(made.run_id) / "run.json", made.model_dump())
        for name in {key[1] for key in lines if key[0] == run}:
            mine = [line for key, line in lines.items() if key[:2] == (run, name)]
            path = place.scores(made.run_id, f"{name}-00000001")
            write_table(path, pa.Table.from_pylist(mine, schema=SCORES))
    return place


@pytest.fixture(scope="module")
def cells(lake: Lake) -> dict[tuple[str, str, str], Cell]:
    return {(c["table"], c["row"], c["column"]): c for c in results(lake)}


META, CAPTION = "generate metadata", "generate audio caption"
# table|row|column = run|benchmark|protocol|prompt (M, C: the two above)|metric
EXPECTED = """
table3|Pengi|esc50 = pengi|esc50|generate|M|accuracy
table3|CLAP|sesa = clap|sesa|cosine|-|accuracy
table3|Pengi|audiocaps_cap = pengi|audiocaps_cap|generate|C|SPIDEr
table3|Pengi|dcase17_task4 = pengi|dcase17_task4|generate|this is a sound of|F1
table4|A_clotho|bleu_1 = single_task_caption|clotho_cap|generate|C|BLEU-1
table4|B_audiocaps|spider = pengi|audiocaps_cap|generate|C|SPIDEr
table5|Pengi|clothoaqa = pengi|clothoaqa|generate|question: {question}|accuracy
table7|Clotho: Pengi|meteor = pengi|clotho_cap|generate|C|METEOR
table7|AudioCaps: Pengi|cider = pengi|audiocaps_cap|generate|C|CIDEr-D
table8|CLAP|fsd50k = clap|fsd50k|cosine|-|mAP
table8|Pengi|us8k = pengi|us8k|generate|C|accuracy
table9|CLAP (L1)|esc50 = clap|esc50|probe|L1|accuracy
table9|CLAP (L3)|ravdess = clap|ravdess|probe|L3|accuracy
table9|Pengi (L1)|fsd50k = pengi|fsd50k|probe|L1|mAP
table9|Pengi (L2)|crema_d = pengi|crema_d|probe|L2|accuracy
table9|Pengi (L3)|beijing_opera = pengi|beijing_opera|probe|L3|accuracy
table9|Pengi (ZS)|gtzan_genres = pengi|gtzan_genres|generate|M|accuracy
table11|tut2017|this_acoustic_scene_is = pengi|tut2017|generate|this acoustic scene is|accuracy
table11|audioset|generate_metadata = pengi|audioset|generate|M|mAP
table11|clothoaqa|question = pengi|clothoaqa|generate|question: {question}|accuracy
table11|audiocaps_a2t|generate_metadata = pengi|audiocaps_a2t|generate|M|R@1
table12|CLAP|esc50 = clap|esc50|cosine|-|accuracy
table13|Frozen Pengi|vocal_sound = frozen_pengi|vocal_sound|generate|M|accuracy
table14|Exp B|nsynth_qualities = no_text_encoder|nsynth_qualities|generate|this music note is|mAP
table15|CLAP*|esc50_actions = clap_star|esc50_actions|cosine|-|mAP
table15|Pengi|crema_d = pengi|crema_d|generate|this emotion is|accuracy
ours|CLAP*|esc10 = clap_star|esc10|cosine|-|accuracy
ours|Exp A of App. F|esc50 = lm_prompt_only|esc50|generate|M|accuracy
"""


def parsed(line: str) -> tuple[tuple[str, ...], Key]:
    cell, key = (side.strip().split("|") for side in line.split(" = "))
    run, benchmark, protocol, prompt, metric = key
    prompt = {"M": META, "C": CAPTION, "-": ""}.get(prompt, prompt)
    return tuple(cell), (run, benchmark, protocol, prompt, metric)


@pytest.mark.parametrize("expected", EXPECTED.strip().splitlines())
def test_a_cell_is_joined_with_its_score(cells, lines, expected: str) -> None:
    cell, key = parsed(expected)
    found, line = cells[cell], lines[key]
    assert found["ours"] == pytest.approx(line["value"], abs=1e-12)
    assert (found["ci_low"], found["ci_high"]) == (line["ci_low"], line["ci_high"])
    for name in ("run_id", "benchmark", "metric", "protocol", "prompt", "n", "decoding", "window"):
        assert found[name] == line[name]
    assert (found["release_id"], found["reason"]) == (s.RELEASE, None)


@pytest.mark.parametrize(("column", "k"), [("r_at_1", 1), ("r_at_5", 5), ("r_at_10", 10)])
def test_table_6_is_in_percent(cells, lines, column: str, k: int) -> None:
    line = lines["pengi", "clotho_t2a", "generate", CAPTION, f"R@{k}"]
    cell = cells["table6", "Pengi", column]
    assert cell["ours"] == pytest.approx(100 * line["value"])
    assert cell["ci_high"] == pytest.approx(100 * line["ci_high"])


def test_every_printed_number_of_our_rows_is_filled(cells) -> None:
    """Rows of Tables 3 to 15 that are no other system's, by their names in the paper."""
    rows = ("Pengi", "CLAP", "CLAP*", "Frozen Pengi", "Exp B", "A_clotho", "B_clotho")
    rows += ("A_audiocaps", "B_audiocaps", "AudioCaps: Pengi", "Clotho: Pengi", "CLAP (L1)")
    rows += ("CLAP (L3)", "Pengi (ZS)", "Pengi (L1)", "Pengi (L3)")
    skipped = ("claims", "table2", "hyper_parameters")
    wanted = {
        (c["table"], c["row"], c["column"]): c["value"]
        for c in published().to_pylist()
        if c["value"] is not None and c["table"] not in skipped
        if c["row"] in rows or c["table"] == "table11"
    }
    assert len(wanted) > 250
    assert {key for key in wanted if cells[key]["ours"] is None} == set()
    assert {key: cells[key]["paper"] for key in wanted} == wanted
    tables = {f"table{n}" for n in (3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15)}
    assert {c["table"] for c in cells.values()} == tables | {"ours"}
    empty = {c["reason"] for c in cells.values() if c["ours"] is None}
    assert empty == {"this model cannot do the task"}


def test_beside_a_number_stand_its_other_readings(cells, lines) -> None:
    cell = cells["table3", "Pengi", "esc50"]
    key = ("pengi", "esc50", "generate", META)
    assert cell["likelihood"] == lines["pengi", "esc50", "likelihood", META, "accuracy"]["value"]
    assert cell["clip_space"] == lines[*key, "accuracy_clip_space"]["value"]
    assert [cell[n] for n in ("exact", "valid", "empty")] == [
        lines[*key, n]["value"] for n in ("exact", "valid", "empty")
    ]
    assert cells["table3", "CLAP", "esc50"]["likelihood"] is None


def test_slips_of_the_paper_stand_as_notes_beside_the_printed_numbers(cells) -> None:
    keys = ("table", "row", "column")
    printed = {tuple(c[k] for k in keys): c for c in published().to_pylist()}
    slips = [key for key in cells if key in printed and printed[key]["note"]]
    assert len(slips) > 20
    for key in slips:
        assert (cells[key]["paper"], cells[key]["note"]) == (
            printed[key]["value"],
            printed[key]["note"],
        )
    assert cells["table3", "Pengi", "gtzan_genres"]["paper"] == 0.3525
    assert "0.342" in cells["table3", "Pengi", "gtzan_genres"]["note"]


def test_people_stand_in_table_7(cells, lines) -> None:
    cell = cells["table7", "Clotho: one reference against the others", "cider"]
    line = lines["pengi", "clotho_cap", "generate", CAPTION, "CIDEr-D"]
    assert cell["ours"] == line["ceiling"]
    assert cell["paper"] is None


def test_tables_come_one_after_another(lake: Lake) -> None:
    found = results(lake)
    order = [cell["table"] for cell in found]
    assert len(set(order)) == sum(a != b for a, b in zip(order, ["", *order], strict=False))
    text = as_text(found)
    assert text.count("Table 9: ") == 1
    assert as_markdown(found).count("### ") == len(set(order))


def test_scores_of_an_older_version_are_read(lake: Lake, tmp_path: Path) -> None:
    place = s.scored_lake(tmp_path / "lake")
    (path,) = (place.run("clap-1") / "scores").glob("*.parquet")
    write_table(path, pq.read_table(path).drop_columns(["caution", "ceiling", "window"]))
    found = {(c["table"], c["row"], c["column"]): c for c in results(place)}
    assert found["table3", "CLAP", "esc50"]["ours"] == 1.0
