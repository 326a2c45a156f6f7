"""The report as a file: what stands on the page, against numbers worked out by hand."""

import base64
import io
import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from matplotlib.image import imread
from sklearn.metrics import confusion_matrix

import reported_lake as r
import scored_lake as s
from flows.steps import samples
from flows.steps.confusion import benchmark_rows, matrix
from flows.steps.figures import bar, curve, logged, training
from flows.steps.heard import heard
from flows.steps.lake import Lake
from flows.steps.release import ingested, read_release
from flows.steps.report import report
from flows.steps.results import results

VOID = {"meta", "img", "br", "link"}
POINTS_TO = ("aria-labelledby", "popovertarget")


class Page(HTMLParser):
    """The elements of a page with their text, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[dict[str, Any]] = []
        self.all: list[dict[str, Any]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.all.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.all.append({"tag": tag, "text": "", **dict(attrs)})

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()["tag"] == tag
        if tag in ("td", "th", "dt", "dd"):
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element["text"] += data

    def words(self, **wanted: str) -> list[str]:
        """The text, with single spaces, of every element that has these attributes."""
        return [
            " ".join(element["text"].split())
            for element in self.all
            if all(element.get(key) == value for key, value in wanted.items())
        ]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return r.reported_lake(tmp_path_factory.mktemp("reported") / "lake")


@pytest.fixture(scope="module")
def path(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(lake, "HEAD", tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(path: Path) -> Page:
    return Page(path.read_text())


def test_the_page_is_whole_and_asks_for_nothing(page: Page) -> None:
    assert page.open == []
    addresses = [e[k] for e in page.all for k in ("src", "href", "srcset", "action") if k in e]
    assert {re.match("#|data:(image/png|audio/mpeg);", a) is not None for a in addresses} == {True}
    style = page.words(tag="style")[0]
    assert "url(" not in style and "@import" not in style
    assert "script" not in {element["tag"] for element in page.all}
    assert not [key for element in page.all for key in element if key.startswith("on")]


def test_the_page_is_valid_html(path: Path) -> None:
    html5lib = pytest.importorskip("html5lib", reason="needs html5lib (extra dev)")
    html5lib.HTMLParser(strict=True).parse(path.read_text())


def test_ids_are_unique_and_what_points_to_them_finds_them(page: Page) -> None:
    ids = Counter(element["id"] for element in page.all if "id" in element)
    assert [name for name, times in ids.items() if times > 1] == []
    pointed = {e["href"][1:] for e in page.all if e.get("href", "").startswith("#")}
    pointed |= {e[key] for e in page.all for key in POINTS_TO if key in e}
    assert pointed <= set(ids) and len(pointed) > 20


def test_headings_skip_no_level_and_header_cells_say_what_they_head(page: Page) -> None:
    levels = [int(e["tag"][1]) for e in page.all if re.fullmatch("h[1-6]", e["tag"])]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))
    heads = [element for element in page.all if element["tag"] == "th"]
    assert {e.get("scope") for e in heads} == {"col", "row", "rowgroup"}
    pictures = [e for e in page.all if e["tag"] in ("img", "svg", "audio")]
    assert all(e.get("alt") or e.get("aria-label") or "aria-hidden" in e for e in pictures)


@pytest.mark.parametrize(
    "words",
    [
        "0 of 2 benchmarks clearly above chance",
        "Pengi accuracy, n 4 of 2000 0.9195 0.7500 0.2500–1.0000 -0.1695 paper in interval 0.5000",
        "CLAP accuracy, n 4 of 2000 0.8260 1.0000",
        "run frozen_pengi was not made on this release",
        "sound event classification 4",
        "missing_clip",
        "3 of 4 right, “generate metadata”",
        "Most frequent mistakes: rain as dog (1).",
        "generate metadata 0.25",
        "loss 4 → 1, dashed: validation loss",
        "loss, audio qa: 1.25 → 1.25",
        "No training clips leak.",
        "CC-BY-NC-3.0 4 0.003",
        "generate metadata + the sound of a pet a <dog> barks",
        "bark woof cosines 0.25 to 0.50",
        "prompt seconds generate metadata 0.25, 5",
        "Wav2CLIP 0.4140",
    ],
)
def test_the_page_says(page: Page, words: str) -> None:
    assert words in page.words(tag="body")[0]


def test_every_number_of_ours_says_where_it_is_from(page: Page, lake: Lake, path: Path) -> None:
    cells = [c for c in results(lake) if c["ours"] is not None]
    buttons = [e for e in page.all if e.get("class") == "number"]
    read_off = sum(c["row"] == "Pengi" and c["column"] == "esc50" for c in cells)
    read_off += 2  # of Tables 9 and 11
    assert len(buttons) == len(cells) + read_off
    scores = pq.read_table(path.parent / "scores.parquet").to_pylist()
    hashes = {line["answers_sha256"] for line in scores}
    for button in buttons:
        (card,) = page.words(id=button["popovertarget"])
        names, said = (_facts(page, button["popovertarget"], tag) for tag in ("dt", "dd"))
        facts = dict(zip(names, said, strict=True))
        assert f": {button['text'].strip()}" in card
        assert facts["release"] == s.RELEASE and facts["run id"] in ("pengi-1", "clap-1")
        assert (lake.root / facts["answers"]).is_file()
        assert facts["answers sha256"] in hashes
        assert {"protocol", "scored", "label texts sha256"} <= set(facts)


def _facts(page: Page, card: str, tag: str) -> list[str]:
    start = next(i for i, element in enumerate(page.all) if element.get("id") == card)
    found: list[str] = []
    for element in page.all[start + 1 :]:
        if element.get("class") == "source":
            break
        found += [element["text"].strip()] if element["tag"] == tag else []
    return found


def test_a_confusion_matrix_is_scikit_learns(lake: Lake) -> None:
    asked = s.ESC50.model_copy(update={"splits": ("fold1",)})
    rows = benchmark_rows(lake, asked, ingested(lake, read_release(lake, "HEAD"))["esc50"])
    stem = "esc50-00000000"
    files = lake.answers("pengi-1", stem), lake.texts("pengi-1", stem)
    found = matrix(asked, rows, *files, r.HEARD)
    assert found is not None
    expected = confusion_matrix(r.TRUTH, r.SAID, labels=found.labels)
    assert found.counts == expected.tolist() and found.columns == ["dog", "rain"]
    assert (found.hits, found.n, found.mistakes) == (3, 4, [("rain", "dog", 1)])
    silent = matrix(asked, rows, *files, "this is a sound of")
    assert silent is not None
    assert silent.columns == ["dog", "rain", "(no answer)"]
    assert silent.counts == [[0, 2, 0], [0, 1, 1]]
    assert matrix(asked, rows, *files, "never asked") is None


def test_a_card_plays_and_shows_its_clip(lake: Lake) -> None:
    for clip in pq.read_table(lake.clips("esc50", "a")).to_pylist():
        pitch = r.PITCHES[int(clip["clip_id"][1])]
        card = heard(lake, clip)
        wave, rate = soundfile.read(io.BytesIO(_data(card.audio)))
        loudest = np.abs(np.fft.rfft(wave)).argmax() * rate / len(wave)
        assert loudest == pytest.approx(pitch, rel=0.01)
        assert card.seconds == pytest.approx(min(clip["seconds"], 5.0), abs=0.01)
        shades = imread(io.BytesIO(_data(card.picture)), format="png")[..., :3].sum(axis=2)
        assert shades.shape == (56, 220)
        band = 56 - shades[:, 20:200].mean(axis=1).argmax() - 0.5  # from the lowest, its middle
        assert 60 * (11_025 / 60) ** (band / 56) == pytest.approx(pitch, rel=0.1)


def _data(address: str) -> bytes:
    return base64.b64decode(address.partition("base64,")[2])


def test_sounds_stop_at_their_limit(
    lake: Lake, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "LIMIT", 8_000)
    short = report(lake, "HEAD", tmp_path)
    assert short.stat().st_size < path.stat().st_size
    text = " ".join(Page(short.read_text()).words(tag="main"))
    assert re.search(r"so 3 cards are without", text)
    assert "sound is not on the page" in text


def test_a_lost_shard_is_said_and_the_page_is_made(tmp_path: Path) -> None:
    lake = r.reported_lake(tmp_path / "lake")
    (lake.audio("esc50", "a") / "shard-00000.tar").unlink()
    text = report(lake, "HEAD", tmp_path / "report").read_text()
    assert "audio/mpeg" not in text and "sound is not on the page" in text


def test_the_same_lake_gives_the_same_bytes(lake: Lake, path: Path, tmp_path: Path) -> None:
    report(lake, s.RELEASE, tmp_path)
    names = ["report.html", "results.csv", "results.md", "results.parquet", "scores.parquet"]
    assert sorted(found.name for found in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (path.parent / name).read_bytes()


def test_a_lake_without_runs_has_a_report(tmp_path: Path) -> None:
    lake = s.scored_lake(tmp_path / "lake")
    for run_id in lake.runs():
        (lake.run(run_id) / "run.json").unlink()
    text = Page(report(lake, "HEAD", tmp_path / "report").read_text()).words(tag="body")[0]
    assert "No run has been scored." in text and "No answers are stored." in text


def test_curves_run_from_the_highest_value_to_the_lowest(lake: Lake, tmp_path: Path) -> None:
    series = logged(lake.run("pengi-1"))
    assert series["loss"] == [(10, 4.0), (20, 2.0), (40, 1.0)]  # of metrics.parquet
    drawn = training(series)
    assert drawn is not None
    assert drawn["loss"].points == "25.00,0.00 50.00,66.67 100.00,100.00"
    assert drawn["loss"].more == (("validation_loss", "50.00,33.33 100.00,50.00"),)
    assert [name for name, _ in drawn["templates"]] == ["audio qa"]
    assert [name for name, _ in drawn["others"]] == ["lr"]
    lines = '{"step": 1, "steps": 2, "loss": 3.0}\n{"step": 2, "steps": 2, "loss": 1.5}\n'
    (tmp_path / "metrics.jsonl").write_text(lines)
    assert logged(tmp_path) == {"loss": [(1, 3.0), (2, 1.5)]}
    assert training(logged(tmp_path / "none")) is None
    long = curve([(step, float(step)) for step in range(1, 5001)])
    assert len(long.points.split()) <= 401 and long.points.endswith("100.00,0.00")


@pytest.mark.parametrize(
    ("difference", "place"),
    [(0.25, ("50.00%", "25.00%")), (-0.5, ("0.00%", "50.00%")), (2.0, ("50.00%", "50.00%"))],
)
def test_a_bar_starts_at_zero_and_stops_at_its_full_length(difference, place) -> None:
    assert bar(difference, 0.5) == place
