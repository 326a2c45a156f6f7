"""The rules of the house (CONTRIBUTING.md) as functions: each returns the places that break it."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOMS = ("schemas", "pengi_model", "flows", "sql", "infra")
FILE_LINES = 300
FUNCTION_LINES = 40
BANNED_WORDS = {"util", "utils", "helper", "helpers", "common", "manager", "base", "core"}

# folder -> what nothing in it may import, and what of that it may all the same
IMPORTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "schemas": (("pengi_model", "flows", "infra", "tests", "prefect", "torch"), ()),
    "pengi_model": (("schemas", "flows", "infra", "tests", "prefect"), ()),
    "flows": (("infra", "tests"), ()),
    "flows/datasets": (("flows", "pengi_model", "prefect", "torch"), ("flows.datasets",)),
    "flows/steps": (("pengi_model", "prefect", "torch"), ()),
}

# a path of somebody's machine, or the host of a package index
MACHINE = re.compile(
    r"(?<![\w.>}*])/(?:home|root|work|Users)/\w|pypi\.[o]rg|python[h]osted|npm[j]s"
)
TEXT = {".cfg", ".csv", ".html", ".lock", ".md", ".py", ".pyi", ".sh", ".sql", ".toml", ".txt"}
TEXT |= {".yaml", ".yml", ""}


def python_files(root: Path, *folders: str) -> Iterator[tuple[str, str]]:
    """(path below `root`, text) of every Python file in the rooms and tests, or in `folders`."""
    for folder in folders or (*ROOMS, "tests"):
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), path.read_text()


def imported(path: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of all that a file imports, at any depth of nesting."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            parts = [*above, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*parts, alias.name])) for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def imports_one_way(root: Path) -> list[str]:
    """infra -> flows -> {pengi_model, schemas}; readers and steps stay free of engines."""
    found = []
    for folder, (banned, except_for) in IMPORTS.items():
        for path, text in python_files(root, folder):
            for line, name in imported(path, ast.parse(text)):
                if within(name, banned) and not within(name, except_for):
                    found.append(f"{path}:{line} imports {name}, which {folder} may not")
    return found


def engines_loaded(root: Path) -> list[str]:
    """Whether importing every dataset file and step brings in torch or Prefect by any way round."""
    modules = [
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path, _ in python_files(root, "schemas", "flows/steps", "flows/datasets")
    ]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        "    for engine in {'prefect', 'torch', 'transformers'} & set(sys.modules):\n"
        "        sys.exit(f'{name} loads {engine}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    return [done.stderr.strip()] if done.returncode else []


def undeclared(root: Path, declared: set[str]) -> list[str]:
    """Third-party packages that the rooms import and pyproject.toml does not name."""
    owners = packages_distributions()
    found = []
    for path, text in python_files(root, *ROOMS):
        for line, name in imported(path, ast.parse(text)):
            top = name.split(".")[0]
            if top in ROOMS or top in sys.stdlib_module_names or not top:
                continue
            names = {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners.get(top, [top])}
            if not names & declared:
                found.append(f"{path}:{line} imports {top}, which pyproject.toml does not declare")
    return found


def too_long(root: Path) -> list[str]:
    """Files and functions beyond their limit."""
    found = []
    for path, text in python_files(root):
        if (lines := text.count("\n")) > FILE_LINES:
            found.append(f"{path} has {lines} lines; at most {FILE_LINES}")
        for node, lines in functions(text):
            if lines > FUNCTION_LINES:
                found.append(f"{path}:{node.lineno} {node.name} has {lines} lines")
    return found


def functions(text: str) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """(function, its number of lines without decorators)."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def postponed_annotations(root: Path) -> list[str]:
    """`from __future__ import annotations` in flows breaks pydantic parameters under `.serve()`."""
    return [
        f"{path}:{line} imports {name}"
        for path, text in python_files(root, "flows")
        for line, name in imported(path, ast.parse(text))
        if name == "__future__.annotations"
    ]


def empty_names(root: Path) -> list[str]:
    """Modules, folders and classes called after nothing in particular."""
    found = []
    for path, text in python_files(root):
        words = set(re.split(r"[/_.]", path.removesuffix(".py").lower()))
        found += [f"{path} is called {word}" for word in sorted(words & BANNED_WORDS)]
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                words = {word.lower() for word in re.findall(r"[A-Z][a-z0-9]*", node.name)}
                if words & BANNED_WORDS:
                    found.append(f"{path}:{node.lineno} is called {node.name}")
    return found


def swallowed(root: Path) -> list[str]:
    """`except: pass` in any form."""
    return [
        f"{path}:{node.lineno} swallows an error"
        for path, text in python_files(root)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(line, ast.Pass) or _is_ellipsis(line) for line in node.body)
    ]


def _is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and getattr(node.value, "value", None) is Ellipsis


def assembled_sql(root: Path) -> list[str]:
    """SQL put together from strings on its way into `execute`, `sql` or `query`."""
    return [
        f"{path}:{node.lineno} assembles SQL from strings"
        for path, text in python_files(root, *ROOMS)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and node.args and _runs_sql(node) and _assembled(node.args[0])
    ]


def _runs_sql(node: ast.Call) -> bool:
    names = {"execute", "executemany", "sql", "query"}
    return isinstance(node.func, ast.Attribute) and node.func.attr in names


def _assembled(node: ast.expr) -> bool:
    formatted = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"format", "join"}
    return formatted or isinstance(node, ast.JoinedStr | ast.BinOp)


def grainless(root: Path) -> list[str]:
    """SQL files whose first line is not a comment that says the grain."""
    return [
        f"{path.relative_to(root).as_posix()} does not start with '-- grain: ...'"
        for path in sorted((root / "sql").rglob("*.sql"))
        if not re.match(r"-- grain: \w", path.read_text())
    ]


def machine_places(root: Path) -> list[str]:
    """Paths of one machine, or package index hosts, in any text that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True)
    names = listed.stdout.splitlines() if not listed.returncode else _all_files(root)
    found = []
    for name in sorted(names):
        path = root / name
        if path.suffix in TEXT and path.is_file():
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if match := MACHINE.search(line):
                    found.append(f"{name}:{number} names {match.group()}")
    return found


def _all_files(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in root.rglob("*")]


RULES: tuple[Callable[[Path], list[str]], ...] = (
    imports_one_way,
    engines_loaded,
    too_long,
    postponed_annotations,
    empty_names,
    swallowed,
    assembled_sql,
    grainless,
    machine_places,
)
