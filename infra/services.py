"""Prefect on this machine: server, work pool, deployments and worker, detached from the terminal.

`python -m infra.services up | down | status` (the Makefile's targets). State and logs are under
`.pengi/` ($PENGI_HOME), apart from the user's own Prefect; the port is 4200 ($PENGI_PORT). While
the server is up, `prefect.toml` in the repository tells `prefect` commands run there where it is.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import httpx
import psutil

Role = Literal["server", "worker"]

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("PENGI_HOME", ROOT / ".pengi")).resolve()
POINTER = ROOT / "prefect.toml"
POOL = "pengi"
START = 120  # seconds; a cold start without byte code takes 40 on two busy cores
GRACE = 30  # seconds between SIGTERM and SIGKILL: a training writes its checkpoint in it

# Every process started here carries this variable and hands it to whatever it starts: flow runs and
# trainings are in sessions of their own, so neither parents nor process groups would find them.
_MARK, _ROLE = "PENGI_SERVICES", "PENGI_SERVICES_ROLE"
_SIGNATURE = "# made by `make up`, removed by `make down`\n"


class ServiceError(Exception):
    """A service that cannot be started or did not answer; says where its log is."""


def up() -> None:
    """Start what is not running yet, deploy, and wait until a worker is online."""
    url = address()
    refuse_foreign_pointer()
    if not serving("server"):
        stop("server")
        refuse_taken_port(url)
        start("server", url, "server", "start", "--host", "127.0.0.1", "--port", str(port(url)))
    wait_for("server", url, lambda: healthy(url))
    point_prefect_here(url)
    if not httpx.get(f"{url}/work_pools/{POOL}").is_success:
        prefect(url, "work-pool", "create", POOL, "--type", "process")
    if not serving("worker"):
        stop("worker")
        mark_interrupted(url)
        start("worker", url, "worker", "start", "--pool", POOL, "--type", "process")
    print("deploying pengi/mini and pengi/full ...", flush=True)
    prefect(url, "deploy", "--all", "--prefect-file", "infra/prefect.yaml")
    wait_for("worker", url, lambda: worker_online(url))
    say_what_next(url)


def down() -> None:
    """Stop the worker and its flow runs, then the server; leave no process."""
    url = address()
    stop("worker")
    if healthy(url):
        mark_interrupted(url)
    stop("server")
    if ours(POINTER):
        POINTER.unlink()
    print("Prefect is down.")


def status() -> int:
    """Print what is running; return 0 when server and worker both answer, else 1."""
    url = address()
    answers: dict[Role, bool] = {"server": healthy(url), "worker": worker_online(url)}
    for role, answers_now in answers.items():
        pids = ", ".join(str(process.pid) for process in running(role)) or "none"
        state = "answers" if answers_now else "does not answer"
        print(f"{role}: {state}; processes: {pids}; log: {log(role)}")
    print(f"API: {url}")
    return 0 if all(answers.values()) else 1


def address() -> str:
    """The API: of the server that is up, else on $PENGI_PORT, else on 4200."""
    if serving("server") and ours(POINTER):
        return tomllib.loads(POINTER.read_text())["api"]["url"]
    return f"http://127.0.0.1:{os.environ.get('PENGI_PORT', '4200')}/api"


def port(url: str) -> int:
    return httpx.URL(url).port or 80


def log(role: Role) -> Path:
    return HOME / f"{role}.log"


def settings(url: str) -> dict[str, str]:
    """The environment of everything started here: the user's, with a Prefect home of our own."""
    mine = ("PREFECT_API_", "PREFECT_PROFILE", "PREFECT_SERVER_API_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
        "PREFECT_HOME": str(HOME / "prefect"),
        "PREFECT_PROFILES_PATH": str(HOME / "prefect" / "profiles.toml"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def start(role: Role, url: str, *command: str) -> None:
    """Start a Prefect process in a session of its own, its output in the role's log."""
    (HOME / "prefect").mkdir(parents=True, exist_ok=True)
    with log(role).open("ab") as output:
        subprocess.Popen(
            [sys.executable, "-m", "prefect", *command],
            cwd=ROOT,
            env={**settings(url), _MARK: str(HOME), _ROLE: role},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def prefect(url: str, *command: str) -> None:
    """Run a Prefect command to its end; ServiceError shows what it printed when it failed."""
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *command],
        cwd=ROOT,
        env=settings(url),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise ServiceError(f"`prefect {' '.join(command)}` failed:\n{said}")


def running(role: Role) -> list[psutil.Process]:
    """Processes that this module started in a role, and their descendants."""
    return [
        process
        for process in psutil.process_iter(["environ", "cmdline"])
        if process.info["environ"]
        and process.info["environ"].get(_MARK) == str(HOME)
        and process.info["environ"].get(_ROLE) == role
    ]


def serving(role: Role) -> bool:
    """Whether the role's own process is there, not merely flow runs that outlived it."""
    return any(
        f"{role} start" in " ".join(process.info["cmdline"] or []) for process in running(role)
    )


def stop(role: Role) -> None:
    """SIGTERM to every process of a role, SIGKILL to what is left after the grace period."""
    if not (processes := running(role)):
        return
    print(f"stopping the {role} ({len(processes)} processes) ...", flush=True)
    for process in processes:
        signal_if_alive(process.terminate)
    psutil.wait_procs(processes, timeout=GRACE)
    while left := running(role):
        for process in left:
            signal_if_alive(process.kill)
        psutil.wait_procs(left, timeout=GRACE)


def signal_if_alive(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return


def wait_for(role: Role, url: str, ready: Callable[[], bool]) -> None:
    """Wait until `ready`, saying so; ServiceError when the process ends or takes too long."""
    began = time.monotonic()
    print(f"{role}: waiting for {url} ...", flush=True)
    while not ready():
        waited = time.monotonic() - began
        if not serving(role) or waited > START:
            fate = "did not answer in time" if serving(role) else "ended"
            tail = "\n".join(log(role).read_text(errors="replace").splitlines()[-15:])
            raise ServiceError(
                f"the {role} {fate} after {waited:.0f} s. Its log {log(role)} ends:\n{tail}\n"
                "Run `make down`, then `make up` again."
            )
        time.sleep(0.5)
    print(f"{role}: ready after {time.monotonic() - began:.0f} s", flush=True)


def healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def worker_online(url: str) -> bool:
    """Whether a worker is here and the server heard of it lately."""
    if not serving("worker") or not healthy(url):
        return False
    answer = httpx.post(f"{url}/work_pools/{POOL}/workers/filter", json={}, timeout=10)
    workers: list[dict[str, Any]] = answer.json() if answer.is_success else []
    return any(worker["status"] == "ONLINE" for worker in workers)


def mark_interrupted(url: str) -> None:
    """Record as crashed what the pool still calls running although no worker is there to run it."""
    unfinished = {
        "flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}},
        "work_pools": {"name": {"any_": [POOL]}},
    }
    state = {
        "type": "CRASHED",
        "message": "its worker was stopped; start it again, nothing is lost",
    }
    for run in httpx.post(f"{url}/flow_runs/filter", json=unfinished).raise_for_status().json():
        path = f"{url}/flow_runs/{run['id']}/set_state"
        httpx.post(path, json={"state": state, "force": True}).raise_for_status()


def refuse_taken_port(url: str) -> None:
    with socket.socket() as client:
        if client.connect_ex(("127.0.0.1", port(url))) == 0:
            raise ServiceError(
                f"port {port(url)} is taken by a program that is not ours. Stop it, or take "
                "another port: PENGI_PORT=4300 make up"
            )


def ours(path: Path) -> bool:
    return path.is_file() and path.read_text().startswith(_SIGNATURE)


def refuse_foreign_pointer() -> None:
    if POINTER.exists() and not ours(POINTER):
        raise ServiceError(f"{POINTER} exists and is not ours; move it away, then `make up` again.")


def point_prefect_here(url: str) -> None:
    """Write prefect.toml, which `prefect` reads in the directory where it is run."""
    home = HOME / "prefect"
    paths = f'home = "{home}"\nprofiles_path = "{home / "profiles.toml"}"\n'
    POINTER.write_text(f'{_SIGNATURE}{paths}\n[api]\nurl = "{url}"\n')


def say_what_next(url: str) -> None:
    print(f"\nPrefect is up: {url.removesuffix('/api')}  (logs in {HOME})")
    print("Run one, in this directory:  prefect deployment run pengi/mini --watch")
    print(f"From elsewhere, first:       export PREFECT_API_URL={url}")
    if shutil.which("prefect") is None:
        print(f"`prefect` is in {Path(sys.executable).parent}: activate it, or add it to PATH")
    if (other := os.environ.get("PREFECT_API_URL", url)) != url:
        print(f"This shell's PREFECT_API_URL={other} comes first: unset PREFECT_API_URL")


def main() -> int:
    commands = {"up": up, "down": down, "status": status}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print("usage: python -m infra.services up | down | status", file=sys.stderr)
        return 2
    try:
        return commands[sys.argv[1]]() or 0
    except ServiceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
