"""`make up`, `make down`: real processes on a free port, and the deployments they serve."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from flows.params import Params
from infra import services

DEPLOYMENTS = yaml.safe_load((services.ROOT / "infra" / "prefect.yaml").read_text())["deployments"]


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Services with a home, a pointer file and a port of their own; the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(services, "HOME", tmp_path / "home")
    monkeypatch.setattr(services, "POINTER", tmp_path / "prefect.toml")
    monkeypatch.setenv("PENGI_PORT", str(port))
    return port


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_parameters_are_what_the_flow_takes(deployment) -> None:
    path, name = deployment["entrypoint"].split(":")
    assert f"\ndef {name}(params: Params)" in (services.ROOT / path).read_text()
    assert list(deployment["parameters"]) == ["params"]
    Params.model_validate(deployment["parameters"]["params"])


def test_full_is_the_paper_and_its_schedule_sleeps() -> None:
    deployments = {deployment["name"]: deployment for deployment in DEPLOYMENTS}
    assert set(deployments) == {"mini", "full"}
    assert deployments["full"]["parameters"]["params"]["profile"] == "paper"
    assert [schedule["active"] for schedule in deployments["full"]["schedules"]] == [False]


def test_the_users_own_prefect_is_left_alone(apart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_KEY", "a secret of the user's")
    monkeypatch.setenv("PREFECT_API_URL", "https" + "://cloud.example/api")
    monkeypatch.setenv("PREFECT_PROFILE", "work")
    environment = services.settings(services.address())
    assert environment["PREFECT_API_URL"] == f"http://127.0.0.1:{apart}/api"
    assert environment["PREFECT_HOME"] == str(services.HOME / "prefect")
    assert "PREFECT_API_KEY" not in environment
    assert "PREFECT_PROFILE" not in environment
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_a_taken_port_is_refused(apart) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", apart))
        other.listen()
        with pytest.raises(services.ServiceError, match=f"port {apart} is taken.*PENGI_PORT="):
            services.up()


def test_a_prefect_toml_of_the_users_is_not_overwritten(apart) -> None:
    services.POINTER.write_text("[api]\nurl = 'mine'\n")
    with pytest.raises(services.ServiceError, match="is not ours"):
        services.up()
    services.down()
    assert services.POINTER.read_text() == "[api]\nurl = 'mine'\n"


@pytest.mark.slow
def test_up_twice_then_down_leaves_no_process(apart) -> None:
    try:
        services.up()
        first = {process.pid for role in ("server", "worker") for process in services.running(role)}
        services.up()
        again = {process.pid for role in ("server", "worker") for process in services.running(role)}
        assert again == first
        assert services.status() == 0
        assert f"http://127.0.0.1:{apart}/api" in services.POINTER.read_text()
        assert _deployed(services.address()) == {"mini": [], "full": [False]}
        training = _orphan()
    finally:
        services.down()
    assert not psutil.pid_exists(training.pid) or training.wait(timeout=5) < 0
    assert not services.running("server")
    assert not services.running("worker")
    assert not services.POINTER.exists()
    assert services.status() == 1


def _deployed(url: str) -> dict[str, list[bool]]:
    answer = httpx.post(f"{url}/deployments/filter", json={}).raise_for_status()
    return {
        deployment["name"]: [schedule["active"] for schedule in deployment["schedules"]]
        for deployment in answer.json()
    }


def _orphan() -> subprocess.Popen[bytes]:
    """What a training looks like after its flow run died: its own session, no parent of ours."""
    return subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={services._MARK: str(services.HOME), services._ROLE: "worker"},
        start_new_session=True,
    )
