"""`pengi generate`: text for sound files, from one of our checkpoints or the released ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.options import DEFAULT_LAKE, AsJson, LakeDir, print_json
from flows.steps.lake import Lake
from flows.steps.progress import counted
from schemas import RequestError

if TYPE_CHECKING:
    from pengi_model import Pengi

_BATCH = 8  # clips at a time
_SOUNDS = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au"}


class NoModel(RequestError):
    """No checkpoint at the path given, or none in the lake."""


def generate(
    files: Annotated[list[Path], typer.Argument(help="Sound files, or folders of them.")],
    prompt: Annotated[str, typer.Option(help="What to ask.")] = "generate audio caption",
    additional_text: Annotated[str, typer.Option(help="Text to go on from (App. A).")] = "",
    beam: Annotated[int, typer.Option(min=1, help="Beam size.")] = 5,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 30,
    model: Annotated[Path | None, typer.Option(help="Model folder, or a released .pth.")] = None,
    lake: LakeDir = DEFAULT_LAKE,
    as_json: AsJson = False,
) -> None:
    """Answer a prompt for every file; without --model the lake's newest run answers."""
    pengi = _model(model or _newest(Lake.open(lake)))
    found: list[dict[str, Any]] = []
    show = counted()
    paths = _sounds(files)
    for start in range(0, len(paths), _BATCH):
        found += _answers(
            pengi, paths[start : start + _BATCH], prompt, additional_text, beam, max_new_tokens
        )
        if len(paths) > _BATCH:
            show("generate", len(found), len(paths))
    if as_json:
        print_json(found)
    else:
        for line in found:
            typer.echo(f"{line['file']}: {line.get('error', line['text'])}", err="error" in line)
    raise typer.Exit(1 if any("error" in line for line in found) else 0)


def _answers(
    pengi: "Pengi", paths: list[Path], prompt: str, extra: str, beam: int, longest: int
) -> list[dict[str, Any]]:
    """One line per file; a file that cannot be read has an error, the others their text."""
    import torch

    from pengi_model.audio import AudioError, read, window

    lines: list[dict[str, Any]] = []
    clips: list[Any] = []
    for path in paths:
        line: dict[str, Any] = {"file": str(path), "text": None}
        try:
            clips.append(window(read(path, pengi.config), pengi.config))
        except AudioError as fault:
            line["error"] = str(fault)
        lines.append(line)
    good = [line for line in lines if "error" not in line]
    if good:
        added = [extra] * len(good) if extra else None
        texts = pengi.generate(torch.stack(clips), prompt, added, beam, longest)
        for line, text in zip(good, texts, strict=True):
            line.update(text=text.text, score=text.score)
    return lines


def _sounds(files: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in files:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in _SOUNDS)
        else:
            found.append(path)
    if not found:
        raise RequestError(f"no sound file in {', '.join(map(str, files))}.")
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
