"""What every room's tests may ask for: real data, a fresh lake, one Prefect server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from flows.steps.lake import Lake
from publisher import Server, serving
from referees import installed

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

if "CI" not in os.environ:  # there hypothesis has a profile of its own: no deadline, fixed examples
    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
for name in ("PENGI_LAKE", "PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_PROFILE"):
    os.environ.pop(name, None)


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.is_dir():
        pytest.skip(f"needs ../shared/{name} beside the repository, which is not here")
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real public data in the publishers' layouts."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_facts() -> Path:
    """The facts that dataset files and `published.csv` were written from."""
    return _shared("facts")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """The released implementation's numeric specification and golden values."""
    return _shared("reference")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake.create(tmp_path / "lake")


@pytest.fixture
def server() -> Iterator[Server]:
    """A publisher's server on this machine."""
    with serving() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """A server under another host and port."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def referees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the commands duckdb and mlcroissant, and a python with openlineage."""
    return installed(tmp_path_factory.mktemp("referees") / "venv")


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary Prefect server for the whole session; about 15 s, so only flows ask for it."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
