"""`pengi generate`: text for sound files, from one of our checkpoints or the released ones."""

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.commands.options import DEFAULT_LAKE, AsJson, LakeDir, print_json
from flows.steps.lake import Lake
from schemas import RequestError

if TYPE_CHECKING:
    import torch

    from pengi_model import Pengi

_BATCH = 8  # files at a time
_SOUNDS = {".wav", ".flac", ".ogg", ".mp3", ".m4a", ".aiff", ".aif", ".au", ".opus", ".webm"}
_COLUMNS = ("file", "text", "score", "error")
Line = dict[str, Any]
Crop = Literal["centre", "windows"]


class NoModel(RequestError):
    """No checkpoint at the path given, or none in the lake."""


def generate(
    files: Annotated[list[str], typer.Argument(help="Sound files, folders, or - for names.")],
    prompt: Annotated[str, typer.Option(help="What to ask.")] = "generate audio caption",
    additional_text: Annotated[str, typer.Option(help="Text to go on from (App. A).")] = "",
    beam: Annotated[int, typer.Option(min=1, help="Beam size; 1 is greedy.")] = 5,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 30,
    model: Annotated[Path | None, typer.Option(help="Model folder, or a released .pth.")] = None,
    crop: Annotated[Crop | None, typer.Option(help="What is heard of long files.")] = None,
    lake: LakeDir = DEFAULT_LAKE,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Answer a prompt for every file; without --model the lake's newest run answers.

    `-` reads names from standard input, one a line. Exit code 1: some files were not answered.
    """
    paths = _sounds(files)
    pengi = _ready(_model(model or _newest(Lake.open(lake))), prompt, crop)
    how = {"beam_size": beam, "max_new_tokens": max_new_tokens}
    lines: list[Line] = []
    say = _say if not as_csv else _csv_writer()
    with _bar(len(paths)) as bar:
        for line in _answers(pengi, paths, prompt, additional_text or None, how):
            lines.append(line)
            bar.update(1)
            if not as_json:
                say(line)
    if as_json:
        print_json(lines)
    raise typer.Exit(1 if any("error" in line for line in lines) else 0)


def _bar(length: int) -> Any:
    """A progress bar on standard error, where that is a terminal."""
    hidden = length <= _BATCH or not sys.stderr.isatty()
    return typer.progressbar(length=length, label="generate", file=sys.stderr, hidden=hidden)


def _say(line: Line) -> None:
    typer.echo(f"{line['file']}: {line.get('error', line['text'])}", err="error" in line)


def _csv_writer() -> Callable[[Line], object]:
    writer: csv.DictWriter[str] = csv.DictWriter(sys.stdout, _COLUMNS)
    writer.writeheader()
    return writer.writerow


def _answers(
    pengi: "Pengi", paths: list[Path], prompt: str, extra: str | None, how: dict[str, int]
) -> Iterator[Line]:
    """One line per file; a file that cannot be read has an error, the others their text."""
    for start in range(0, len(paths), _BATCH):
        heard = [_heard(pengi, path) for path in paths[start : start + _BATCH]]
        good = [(line, found) for line, found in heard if found is not None]
        if good:
            prefix = pengi.prefix_of(pengi.encoded([found for _, found in good]), prompt)
            answers = pengi.generate_after(prefix, extra, **how)
            for (line, _), answer in zip(good, answers, strict=True):
                line.update(text=answer.text, score=answer.score)
        yield from (line for line, _ in heard)


def _heard(pengi: "Pengi", path: Path) -> tuple[Line, "torch.Tensor | None"]:
    """A file's line and its windows; None, and an error in the line, if it cannot be read."""
    from pengi_model.audio import AudioError, cut, read

    line: Line = {"file": str(path), "text": None}
    try:
        return line, cut(read(path, pengi.config), pengi.config)
    except (AudioError, OSError) as fault:
        return line | {"error": str(fault)}, None


def _sounds(files: list[str]) -> list[Path]:
    names = [name for given in files for name in (sys.stdin if given == "-" else [given])]
    found: list[Path] = []
    for path in (Path(name.rstrip("\r\n")) for name in names if name.strip()):
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in _SOUNDS)
        else:
            found.append(path)
    if not found:
        raise RequestError(f"no sound file in {', '.join(files)}.")
    return found


def _newest(lake: Lake) -> Path:
    from flows.train import read_run

    models = [
        lake.run(run_id) / "model"
        for run_id in lake.runs()
        if read_run(lake, run_id).name == "pengi" and (lake.run(run_id) / "model").is_dir()
    ]
    if not models:
        raise NoModel(f"no finished run in {lake.root}. Give --model, or train with `pengi run`.")
    return max(models, key=lambda path: path.stat().st_mtime)


def _model(path: Path) -> "Pengi":
    from pengi_model import Pengi

    if not path.exists():
        raise NoModel(f"{path}: no such model.")
    return Pengi.from_released(path) if path.is_file() else Pengi.from_pretrained(path)


def _ready(pengi: "Pengi", prompt: str, crop: Crop | None) -> "Pengi":
    """On the GPU in bfloat16 where there is one; a prompt that would be cut is refused."""
    import torch

    from pengi_model.text import too_long

    for count in too_long(pengi.prompt_tokenizer, [prompt], pengi.config).values():
        raise RequestError(
            f"--prompt: expected at most {pengi.config.prompt_tokens} tokens (that is all the "
            f"model reads), found {count}. Shorten it."
        )
    if crop is not None:
        pengi.config = replace(pengi.config, crop=crop)
    return pengi.to("cuda").in_bfloat16() if torch.cuda.is_available() else pengi
