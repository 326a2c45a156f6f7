"""The house keeps its rules, and every rule can be broken (each is tried on a bad snippet)."""

import statistics
from pathlib import Path

import pytest

import house
import lockfile
from flows import datasets

ROOT = Path(__file__).parents[1]

BROKEN = {
    "imports_one_way": {
        "schemas/a.py": "import flows.cli",
        "pengi_model/a.py": "def f():\n    from schemas import Row",
        "pengi_model/b.py": "from prefect import flow",
        "flows/a.py": "import infra.services",
        "flows/datasets/a.py": "from flows.steps import fetch",
        "flows/datasets/b.py": "import torch",
        "flows/datasets/c.py": "from ..steps.lake import Lake",
        "flows/steps/a.py": "from prefect.logging import get_run_logger",
        "flows/steps/b.py": "import torch.nn as nn",
        "flows/steps/c.py": "from pengi_model import Pengi",
    },
    "too_long": {
        "flows/long_file.py": "x = 1\n" * 301,
        "tests/long_function.py": "def f():\n" + "    x = 1\n" * 40,
    },
    "postponed_annotations": {"flows/steps/a.py": "from __future__ import annotations"},
    "empty_names": {
        "flows/utils.py": "",
        "flows/steps/audio_helpers.py": "",
        "pengi_model/core/a.py": "",
        "schemas/a.py": "class BaseLoader: ...",
        "infra/a.py": "class RunManager: ...",
    },
    "swallowed": {
        "flows/a.py": "try:\n    x = 1\nexcept:\n    pass",
        "flows/b.py": "try:\n    x = 1\nexcept ValueError:\n    ...",
    },
    "assembled_sql": {
        "flows/a.py": 'con.execute(f"select * from {table}")',
        "flows/b.py": 'con.sql("select * from " + table)',
        "flows/c.py": 'con.execute("select {}".format(column))',
        "flows/d.py": 'con.query("select %s" % column)',
    },
    "grainless": {"sql/audit/a.sql": "select 1", "sql/audit/b.sql": "-- all clips\nselect 1"},
    "machine_places": {
        "flows/a.py": 'path = "/{}/me/lake"'.format("home"),
        "Makefile": "run:\n\tcd /{}/pengi".format("root"),
        "notes.md": "pip install --index-url {}.org".format("pypi"),
    },
}

SOUND = {
    "schemas/rows.py": "import pyarrow\n",
    "pengi_model/model.py": "import torch\n\nfrom pengi_model.mel import LogMel\n",
    "flows/pengi.py": "from prefect import flow\n\nimport pengi_model\nfrom flows import x\n",
    "flows/datasets/esc50.py": "from schemas import Dataset\n",
    "flows/steps/lake.py": "try:\n    x = 1\nexcept ValueError as error:\n    raise E from error\n",
    "flows/steps/pairs.py": 'con.execute(sql("build/pairs"), [version])\n',
    "infra/services.py": "import flows.pengi\n",
    "sql/build/pairs.sql": "-- grain: one line per pair\nselect 1\n",
    "README.md": "PYTHON=/path/to/python3.11 or lake/work/x\n",
}


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("rule", house.RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize(("rule", "file"), [(r, f) for r, files in BROKEN.items() for f in files])
def test_each_rule_finds_its_offence(rule: str, file: str, tmp_path: Path) -> None:
    found = getattr(house, rule)(build(tmp_path, {file: BROKEN[rule][file]}))
    assert len(found) == 1
    assert found[0].startswith(file)


@pytest.mark.parametrize("rule", BROKEN)
def test_no_rule_complains_about_sound_files(rule: str, tmp_path: Path) -> None:
    assert getattr(house, rule)(build(tmp_path, SOUND)) == []


def test_an_engine_loaded_the_long_way_round_is_found(tmp_path: Path) -> None:
    files = {
        "schemas/__init__.py": "",
        "flows/__init__.py": "",
        "flows/steps/__init__.py": "import flows.deep",
        "flows/deep.py": "import importlib\nimportlib.import_module('tor' + 'ch')",
        "torch.py": "",
    }
    assert house.engines_loaded(build(tmp_path, files)) == ["flows.steps loads torch"]


def test_functions_are_short_in_the_middle() -> None:
    texts = [text for _, text in house.python_files(ROOT, *house.ROOMS)]
    assert statistics.median(n for text in texts for _, n in house.functions(text)) <= 15


def test_every_import_is_declared(tmp_path: Path) -> None:
    assert house.undeclared(ROOT, set(lockfile.declared(ROOT))) == []
    build(tmp_path, {"flows/a.py": "import json\nimport yaml\nimport sql\nfrom . import b"})
    assert house.undeclared(tmp_path, {"numpy"}) == [
        "flows/a.py:2 imports yaml, which pyproject.toml does not declare"
    ]


def test_the_lock_is_in_step_and_names_no_index() -> None:
    assert lockfile.lock_problems(ROOT) == []


PROJECT = '[project]\nname = "p"\ndependencies = ["numpy>=2"]\n'
LOCK = "numpy==2.4.6 ; python_version < '3.12' \\\n    --hash=sha256:00\n"
LOCK += "    # via p (pyproject.toml)\n"


@pytest.mark.parametrize(
    ("project", "lock", "problem"),
    [
        (PROJECT, LOCK, None),
        (PROJECT, LOCK.replace("2.4.6", "1.26.0"), "has numpy>=2"),
        (PROJECT, "", "the lock none"),
        (PROJECT, LOCK.replace("    --hash=sha256:00\n", ""), "no hash"),
        (PROJECT.replace('"numpy>=2"', ""), LOCK, "does not ask for it"),
        (PROJECT, "--index-url https" + "://example.org\n" + LOCK, "'://'"),
        (PROJECT, "--find-links wheels\n" + LOCK, "'--find'"),
    ],
)
def test_a_lock_out_of_step_is_found(project, lock, problem, tmp_path: Path) -> None:
    build(tmp_path, {"pyproject.toml": project, "requirements.lock": lock})
    found = lockfile.lock_problems(tmp_path)
    assert (problem is None) == (found == [])
    assert problem is None or problem in found[0]


def test_every_dataset_file_loads_under_its_name() -> None:
    """Their facts, readers and benchmarks are tested in tests/datasets."""
    assert datasets.names()
    for name in datasets.names():
        assert datasets.load(name).dataset.name == name
