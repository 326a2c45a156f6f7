"""Programs of others that some tests compare with, in an environment of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("duckdb-cli", "mlcroissant[parquet]", "openlineage-python", "license-expression")


def installed(folder: Path) -> Path:
    """The folder of their commands; the test is skipped where they cannot be installed."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("needs uv, to install the programs it compares with")
    made = ([uv, "venv", "-q", "--python", sys.executable, folder], [*_install(uv, folder)])
    for command in made:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(
                f"{', '.join(PACKAGES)} could not be installed: {done.stderr.strip()[-200:]}"
            )
    return folder / "bin"


def _install(uv: Path, folder: Path) -> list[str | Path]:
    return [uv, "pip", "install", "-q", "--python", folder / "bin" / "python", *PACKAGES]
