"""`pengi generate` as a user meets it: names, formats, bad files, bad models."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from pengi_model import Clap, Pengi
from pengi_model.config import TINY
from pengi_model.tokens import train_tokenizer

Command = Callable[..., Any]
RATE = 44_100


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    tokens = train_tokenizer(["generate audio caption", "a dog barks while rain falls"], 300)
    end = tokens.eos_token_id
    folder = tmp_path_factory.mktemp("tiny") / "model"
    Pengi(TINY.with_tokens(len(tokens), end, end), tokens).eval().save_pretrained(folder)
    return folder


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    seconds = np.arange(3 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * (440 + 300 * seconds) * seconds)  # no two windows are alike
    soundfile.write(folder / "long.wav", tone, RATE)
    soundfile.write(folder / "short.flac", tone[:4410], RATE)
    soundfile.write(folder / "stereo.ogg", np.stack([tone, -0.5 * tone], 1), RATE)
    return folder


def test_a_folder_is_answered_as_the_model_does(pengi: Command, model: Path, sounds: Path) -> None:
    said = pengi("generate", sounds, "--model", model, "--beam", 2, "--json")
    assert said.code == 0, said.err
    paths = [str(sounds / name) for name in ("long.wav", "short.flac", "stereo.ogg")]
    expected = Pengi.from_pretrained(model).generate(paths, "generate audio caption", None, 2)
    lines = json.loads(said.out)
    assert [line["file"] for line in lines] == paths
    assert [line["text"] for line in lines] == [answer.text for answer in expected]
    for line, answer in zip(lines, expected, strict=True):
        assert line["score"] == pytest.approx(answer.score, abs=1e-4)


def test_names_come_from_standard_input_and_csv_goes_out(
    pengi: Command, model: Path, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{sounds}/long.wav\n\n{sounds}/none.wav\r\n"))
    said = pengi("generate", "-", sounds / "short.flac", "--model", model, "--csv")
    assert said.code == 1
    lines = list(csv.DictReader(io.StringIO(said.out)))
    assert [Path(line["file"]).name for line in lines] == ["long.wav", "none.wav", "short.flac"]
    assert [bool(line["error"]) for line in lines] == [False, True, False]
    assert "expected an audio file, found none" in lines[1]["error"]
    assert float(lines[0]["score"]) < 0 and not lines[1]["score"]


def test_bad_files_are_named_and_the_rest_is_answered(
    pengi: Command, model: Path, sounds: Path
) -> None:
    (sounds / "a_text.wav").write_text("not a sound")
    soundfile.write(sounds / "empty.wav", np.zeros(0), RATE)
    soundfile.write(sounds / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    said = pengi("generate", sounds, sounds / "gone.wav", "--model", model)
    assert said.code == 1
    assert len(said.out.splitlines()) == 3  # the three that can be heard
    errors = dict(line.split(": ", 1) for line in said.err.splitlines())
    for name, words in (
        ("a_text.wav", "expected an audio file that libsndfile or FFmpeg reads"),
        ("empty.wav", "found 0 samples"),
        ("nan.wav", "found some that are not finite"),
        ("gone.wav", "expected an audio file, found none"),
    ):
        assert words in errors[str(sounds / name)]


def test_options_reach_the_model(pengi: Command, model: Path, sounds: Path) -> None:
    path = sounds / "long.wav"

    def asked(*options: object) -> dict[str, Any]:
        said = pengi("generate", path, "--model", model, "--json", *options)
        assert said.code == 0, said.err
        return json.loads(said.out)[0]

    plain = asked()
    for options in (
        ("--additional-text", "a dog"),
        ("--prompt", "a dog"),
        ("--max-new-tokens", 3),
        ("--crop", "windows"),
    ):
        assert asked(*options)["score"] != plain["score"], options


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["{sounds}", "--model", "{clap}"], 1, "expected kind 'pengi' and format 1, found 'clap'"),
        (["{sounds}", "--model", "{text}"], 1, "cannot be read as one"),
        (["{sounds}", "--model", "{other}"], 1, 'expected a dict with key "model"'),
        (["{sounds}", "--model", "{half}"], 1, "missing: 4"),
        (["{sounds}", "--model", "{sounds}"], 1, "is not a model folder"),
        (["{sounds}", "--model", "{model}", "--prompt", "dog " * 60], 2, "at most 40 tokens"),
        (["{sounds}", "--model", "{model}", "--beam", "0"], 2, "--beam"),
        (["{sounds}", "--model", "{model}", "--crop", "left"], 2, "--crop"),
        (["{sounds}", "--model", "{model}", "--max-new-tokens", "999"], 1, "expected 1 to 241"),
        (["{empty}", "--model", "{model}"], 2, "no sound file in"),
    ],
)
def test_what_cannot_be_answered_is_explained(
    pengi: Command,
    model: Path,
    sounds: Path,
    tmp_path: Path,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    names = {name: tmp_path / name for name in ("clap", "text", "other", "half", "empty")}
    Clap(TINY).save_pretrained(names["clap"])
    names["text"].write_text("no weights")
    torch.save({"weights": 1}, names["other"])
    torch.save({"model": {"module.audio_encoder.projection.linear1.weight": torch.zeros(1)}},
               names["half"])  # fmt: skip
    names["empty"].mkdir()
    filled = [a.format(sounds=sounds, model=model, **names) for a in arguments]
    answer = pengi("generate", *filled)
    assert answer.code == code
    assert said in " ".join(answer.err.split())
    assert "Traceback" not in answer.err and not answer.out
