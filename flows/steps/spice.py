"""SPICE 1.0 (Anderson et al. 2016) by the jar that pycocoevalcap carries, and the parser it lacks.

The jar parses with Stanford CoreNLP 3.6.0, half a gigabyte that no package carries: `fetch` brings
it into a folder of this user, once. Until then SPICE and SPIDEr have no value.
"""

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flows.steps.download import download, session
from flows.steps.lake import locked, sha256_file, write_json, written
from flows.steps.meteor import JavaError, java, package
from flows.steps.metrics import Floats
from flows.steps.progress import Progress, silent
from flows.steps.published import ChecksumError

# As pycocoevalcap/spice/get_stanford_models.py has it; its publisher states no checksum.
URL = "https://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip"
JARS = {  # jar -> a file that it holds when it is what it should be
    "stanford-corenlp-3.6.0.jar": "edu/stanford/nlp/semgraph/semgrex/SemgrexPattern.class",
    "stanford-corenlp-3.6.0-models.jar": "edu/stanford/nlp/models/lexparser/englishPCFG.ser.gz",
}
_LEDGER = "spice.json"  # where the jars came from, their sizes and sha256
_LIMIT = 600.0  # s for the parser to start, and on top for every text
_EACH = 2.0  # s
_OPEN = ("java.lang", "java.util", "java.math", "java.net", "java.text")  # closed since Java 16


def folder() -> Path:
    """Where the jars are: $PENGI_SPICE, else `pengi/spice` in this user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("PENGI_SPICE") or Path(cache, "pengi", "spice")).expanduser()


def fetch(
    into: Path, url: str = URL, sha256: str | None = None, progress: Progress = silent
) -> dict[str, Any]:
    """Have the parser's two jars in `into`; the ledger of what is there.

    What is there and as it was is not fetched again. `sha256` is compared with the zip's. Raises
    FetchError, and ChecksumError for a zip that is not the one wanted.
    """
    into.mkdir(parents=True, exist_ok=True)
    with locked(into):
        if (known := ledger(into)) is not None:
            return known
        part = into / "corenlp.part"
        with session() as client:
            address, _ = download(client, (url,), part, None, progress)
        found = sha256_file(part)
        if sha256 not in (None, found):
            part.unlink()
            raise ChecksumError(
                f"{address} has sha256 {found}, expected {sha256}. It was deleted; fetch again, or "
                "leave --sha256 out."
            )
        try:
            lines = {name: _unpack(part, name, into / name) for name in JARS}
        except ChecksumError:
            part.unlink()
            raise
        facts: dict[str, Any] = {"url": address, "bytes": part.stat().st_size, "sha256": found}
        write_json(into / _LEDGER, facts | {"jars": lines})
        part.unlink()
        part.with_suffix(".etag").unlink(missing_ok=True)
        return facts | {"jars": lines}


def ledger(into: Path) -> dict[str, Any] | None:
    """What `fetch` wrote of the jars in `into`; None where one is missing or of another size."""
    path = into / _LEDGER
    if not path.is_file():
        return None
    known = json.loads(path.read_text())
    for name, line in known["jars"].items():
        jar = into / name
        if not jar.is_file() or jar.stat().st_size != line["bytes"]:
            return None
    return known


def spice(said: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> Floats:
    """SPICE's F of one tokenised caption a clip against its references: (clips,).

    JavaError without Java, pycocoevalcap or the parser, or when the program fails.
    """
    program, home, jars = java(), package("spice"), folder()
    if ledger(jars) is None:
        raise JavaError(
            "SPICE's parser (Stanford CoreNLP 3.6.0) is not here; `pengi fetch-spice` gets it"
        )
    asked = [
        {"image_id": clip, "test": " ".join(words), "refs": [" ".join(r) for r in group]}
        for clip, (words, group) in enumerate(zip(said, references, strict=True))
    ]
    path = os.pathsep.join([str(home / "spice-1.0.jar"), f"{home / 'lib'}/*", f"{jars}/*"])
    opened = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPEN]
    with tempfile.TemporaryDirectory() as place:
        given, out = Path(place, "asked.json"), Path(place, "scored.json")
        given.write_text(json.dumps(asked))
        command = [program, "-Xmx8G", "-XX:+IgnoreUnrecognizedVMOptions", *opened, "-cp", path]
        command += ["edu.anu.spice.SpiceScorer", str(given), "-out", str(out), "-subset", "-silent"]
        _ran(command, Path(place), _LIMIT + _EACH * sum(1 + len(group) for group in references))
        scored = {line["image_id"]: line["scores"] for line in json.loads(out.read_text())}
    return np.asarray([float(scored[clip]["All"]["f"]) for clip in range(len(asked))])


def _ran(command: list[str], place: Path, limit: float) -> None:
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise JavaError(f"SPICE took longer than {limit:.0f} s") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no word"])[0]
        raise JavaError(f"SPICE's Java program failed with {done.returncode}: {said}")


def _unpack(archive: Path, name: str, target: Path) -> dict[str, Any]:
    """Take a jar out of the zip; the zip's CRC and a file inside say that it is the right one."""
    try:
        with zipfile.ZipFile(archive) as whole:
            member = next((m for m in whole.namelist() if m.rpartition("/")[2] == name), None)
            if member is None:
                raise ChecksumError(
                    f"{archive}: expected a zip with {name}, found none. It was deleted; fetch "
                    "again, or name another --url."
                )
            with written(target) as part, part.open("wb") as out, whole.open(member) as source:
                shutil.copyfileobj(source, out, 1 << 20)
        with zipfile.ZipFile(target) as jar:
            jar.getinfo(JARS[name])
    except (zipfile.BadZipFile, KeyError) as error:
        raise ChecksumError(
            f"{archive}: {name} is damaged or another version ({error}). It was deleted; fetch "
            "again, or name another --url."
        ) from error
    return {"bytes": target.stat().st_size, "sha256": sha256_file(target)}
