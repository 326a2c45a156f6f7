"""METEOR by its jar against published values; SPICE's parser from a local publisher."""

import csv
import hashlib
import io
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

import scored_lake as s
from flows.cli import app
from flows.steps import meteor as running
from flows.steps import spice
from flows.steps.bootstrap import interval
from flows.steps.captions import tokens
from flows.steps.download import FetchError
from flows.steps.meteor import JavaError, meteor, statistic
from flows.steps.metrics import value
from flows.steps.published import ChecksumError
from flows.steps.scores import score
from publisher import Reply, Server
from schemas.tables import TEXTS

SAID = [["a", "dog", "barks"], ["rain", "falls"]]
REFERENCES = [[["the", "dog", "barks"], ["a", "dog"]], [["it", "rains"], ["rain", "is", "falling"]]]


@pytest.fixture
def java() -> str:
    pytest.importorskip("pycocoevalcap", reason="needs the extra `captions`")
    if (found := shutil.which("java")) is None:
        pytest.skip("needs Java")
    return found


@pytest.mark.slow
def test_meteor_is_the_published_one(shared_data, java: str) -> None:
    """aac-metrics' example_1.csv: 0.178840, as its README and pycocoevalcap have it."""
    with (shared_data / "caption-metrics" / "aac-metrics" / "example_1.csv").open() as file:
        lines = list(csv.DictReader(file))
    said = [tokens(line["caption_predicted"]) for line in lines]
    references = [[tokens(line[f"caption_{i}"]) for i in range(1, 6)] for line in lines]
    counts = meteor(said, references)
    assert value(statistic(counts), len(said)) == pytest.approx(0.178840, abs=5e-7)
    low, high = interval(statistic(counts), [str(i) for i in range(len(said))])
    assert 0.16 < low < 0.1788 < high < 0.20


@pytest.mark.slow
def test_our_sum_over_clips_is_the_jars(java: str) -> None:
    """Every clip's METEOR, and that of all, from pycocoevalcap's own wrapper."""
    from pycocoevalcap.meteor.meteor import Meteor

    said = [*SAID, ["birds", "sing"], [], ["the", "dog", "barks"]]
    references = [*REFERENCES, [["a", "car"]], [["a", "dog"]], [["the", "dog", "barks"]]]
    given = {i: [" ".join(words)] for i, words in enumerate(said)}
    truth = {i: [" ".join(r) for r in group] for i, group in enumerate(references)}
    whole, each = Meteor().compute_score(truth, given)
    counts = meteor(said, references)
    assert value(statistic(counts), 5) == pytest.approx(whole, abs=1e-12)
    ours = [value(statistic(counts[i : i + 1]), 1) for i in range(5)]
    assert ours == pytest.approx(each, abs=1e-12)


def test_without_java_there_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JavaError, match="no Java here"):
        meteor(SAID, REFERENCES)
    rows = s.rows([{"caption": "a dog barks"}, {"caption": "rain falls"}])
    benchmark = s.benchmark(scoring="caption", truth="caption", metric="SPIDEr")
    answers = s.answers("b", ["a dog barks", "rain"])
    found = s.lines(score(s.run(), benchmark, rows, answers, TEXTS.empty_table()))
    for metric in ("METEOR", "SPICE", "SPIDEr"):
        assert found[metric]["value"] is None
        assert "no Java here; install" in found[metric]["reason"]
    assert found["BLEU-1"]["value"] is not None


def program(folder: Path, text: str) -> None:
    """A `java` of our own, first on the path."""
    folder.mkdir(exist_ok=True)
    path = folder / "java"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    pytest.importorskip("pycocoevalcap", reason="needs the extra `captions`")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PENGI_SPICE", str(tmp_path / "spice"))
    return tmp_path / "bin"


@pytest.mark.parametrize("text", ["exit 1", "exec cat >&2", "while read line; do echo no; done"])
def test_a_meteor_that_fails_or_hangs_is_a_reason(
    fake: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    program(fake, text)
    monkeypatch.setattr(running, "_LIMIT", 1.0)
    running._process.cache_clear()
    with pytest.raises(JavaError, match="METEOR's Java process ended or took longer"):
        meteor(SAID, REFERENCES)


def corenlp(**changed: bytes | None) -> bytes:
    """A zip with both jars where Stanford's has them; a name changed to None is left out."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name, inside in spice.JARS.items():
            jar = io.BytesIO()
            with zipfile.ZipFile(jar, "w") as members:
                members.writestr(inside, "x")
            body = changed.get("models" if "models" in name else "code", jar.getvalue())
            if body is not None:
                whole.writestr(f"stanford-corenlp-full-2015-12-09/{name}", body)
    return file.getvalue()


ZIP = corenlp()


def test_the_parser_is_fetched_once_and_goes_on_where_it_broke_off(
    server: Server, tmp_path: Path
) -> None:
    server.script = [Reply(body=ZIP, drop_after=200)]
    server.pages = {"/c.zip": Reply(body=ZIP)}
    digest = hashlib.sha256(ZIP).hexdigest()
    found = spice.fetch(tmp_path, f"{server.url}/c.zip", digest)
    assert [asked[1] for asked in server.asked] == [None, "bytes=200-"]
    assert (found["bytes"], found["sha256"]) == (len(ZIP), digest)
    for name, line in found["jars"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == line["sha256"]
    left = [".lock", "spice.json", *spice.JARS]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(left)
    assert spice.fetch(tmp_path, f"{server.url}/c.zip") == found
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"not a zip", "damaged or another version"),
        (corenlp(models=None), "with stanford-corenlp-3.6.0-models.jar, found none"),
        (corenlp(code=b"not a jar"), "stanford-corenlp-3.6.0.jar is damaged"),
        (corenlp(models=corenlp()), "models.jar is damaged or another version"),
    ],
)
def test_another_file_is_refused(server: Server, tmp_path: Path, body: bytes, message: str) -> None:
    server.pages = {"/c.zip": Reply(body=body)}
    with pytest.raises(ChecksumError, match=message):
        spice.fetch(tmp_path, f"{server.url}/c.zip")
    assert spice.ledger(tmp_path) is None


def test_a_wrong_checksum_is_refused_and_an_absent_file_told(
    server: Server, tmp_path: Path
) -> None:
    server.pages = {"/c.zip": Reply(body=ZIP), "/none": Reply(status=404)}
    with pytest.raises(ChecksumError, match="expected 00"):
        spice.fetch(tmp_path, f"{server.url}/c.zip", "00")
    with pytest.raises(FetchError, match="HTTP 404"):
        spice.fetch(tmp_path, f"{server.url}/none")


def test_the_command_says_where_the_parser_is(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENGI_SPICE", str(tmp_path / "spice"))
    server.pages = {"/c.zip": Reply(body=ZIP)}
    done = CliRunner().invoke(app, ["fetch-spice", "--url", f"{server.url}/c.zip", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["folder"] == str(tmp_path / "spice")
    assert spice.ledger(tmp_path / "spice") is not None


# Answers for each clip of the given file its number + 1 quarters, as SPICE's output has them.
SCORER = """
for last; do case "$prev" in edu.anu.spice.SpiceScorer) given=$last;; -out) out=$last;; esac
prev=$last; done
python3 - "$given" "$out" <<'END'
import json, sys
asked = json.load(open(sys.argv[1]))
assert all(set(line) == {"image_id", "test", "refs"} for line in asked)
f = lambda clip: {"All": {"f": (clip + 1) / 4}}
scores = [{"image_id": a["image_id"], "scores": f(a["image_id"])} for a in asked]
json.dump(scores[::-1], open(sys.argv[2], "w"))
END
"""


def test_spice_and_spider_stand_where_the_parser_is(fake: Path, server: Server) -> None:
    server.pages = {"/c.zip": Reply(body=ZIP)}
    program(fake, SCORER)
    with pytest.raises(JavaError, match="`pengi fetch-spice` gets it"):
        spice.spice(SAID, REFERENCES)
    spice.fetch(spice.folder(), f"{server.url}/c.zip")
    assert spice.spice(SAID, REFERENCES).tolist() == [0.25, 0.5]
    rows = s.rows([{"caption": "a dog barks twice"}, {"caption": "rain falls on leaves"}])
    benchmark = s.benchmark(scoring="caption", truth="caption", metric="SPIDEr")
    answers = s.answers("b", ["a dog barks twice", "rain falls on leaves"])
    found = s.lines(score(s.run(), benchmark, rows, answers, TEXTS.empty_table()))
    assert found["SPICE"]["value"] == 0.375
    assert found["CIDEr-D"]["value"] == pytest.approx(10.0)
    assert found["SPIDEr"]["value"] == pytest.approx((10.0 + 0.375) / 2)


def test_a_spice_that_fails_says_its_first_line(fake: Path, server: Server) -> None:
    server.pages = {"/c.zip": Reply(body=ZIP)}
    program(fake, "echo no heap >&2; exit 3")
    spice.fetch(spice.folder(), f"{server.url}/c.zip")
    with pytest.raises(JavaError, match="failed with 3: no heap"):
        spice.spice(SAID, REFERENCES)
