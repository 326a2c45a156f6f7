"""Where a release or a run came from: commit, lock, versions, time; never hashed into ids."""

import hashlib
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("torch", "transformers", "duckdb", "pyarrow", "soundfile", "soxr", "av")
_ROOT = Path(__file__).resolve().parents[1]


def provenance(profile: str) -> dict[str, str]:
    """Profile, commit ("+changes" when files differ), lock hash, versions and the time in UTC."""
    lock = _ROOT / "requirements.lock"
    return {
        "profile": profile,
        "code_commit": _commit(),
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else "",
        "python": platform.python_version(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: version(name) for name in _PACKAGES},
    }


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = git("rev-parse", "HEAD")
    except FileNotFoundError:  # no git on this machine
        return ""
    return f"{commit}+changes" if commit and git("status", "--porcelain") else commit
