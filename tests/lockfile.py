"""Whether requirements.lock is what pyproject.toml asks for and can be installed from any index."""

import re
import tomllib
from collections.abc import Collection
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")


UNLOCKED = {"youtube"}  # extras that follow a site and not a release of ours


def declared(root: Path, leave_out: Collection[str] = ()) -> dict[str, Requirement]:
    """Requirements of the project and its extras by canonical name, without the project itself."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    optional = project.get("optional-dependencies", {})
    extras = [lines for name, lines in optional.items() if name not in leave_out]
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    requirements = {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}
    requirements.pop(canonicalize_name(project["name"]), None)
    return requirements


def pins(text: str) -> dict[str, list[tuple[str, bool, bool]]]:
    """Package -> (version, has hashes, pyproject.toml asks for it) of each of its pins."""
    found: dict[str, list[tuple[str, bool, bool]]] = {}
    for block in re.split(r"\n(?=\S)", text):
        if pin := PIN.match(block):
            direct = "(pyproject.toml)" in block
            entry = (pin[2], "--hash=sha256:" in block, direct)
            found.setdefault(canonicalize_name(pin[1]), []).append(entry)
    return found


def lock_problems(root: Path) -> list[str]:
    """Every way in which the lock is out of step, unhashed or tied to an index."""
    text = (root / "requirements.lock").read_text()
    locked, wanted = pins(text), declared(root, UNLOCKED)
    tied = ("://", "--index", "--extra", "--find")
    found = [f"{word!r} in the lock" for word in tied if word in text]
    for name, requirement in wanted.items():
        versions = [version for version, _, _ in locked.get(name, [])]
        if not any(requirement.specifier.contains(version) for version in versions):
            found.append(f"pyproject.toml has {requirement}, the lock {versions or 'none'}")
    for name, entries in locked.items():
        found += [f"{name}=={version} has no hash" for version, hashed, _ in entries if not hashed]
        if any(direct for _, _, direct in entries) and name not in wanted:
            found.append(f"the lock has {name} for pyproject.toml, which does not ask for it")
    return [f"{problem}; run `make lock`" for problem in found]
