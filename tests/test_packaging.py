"""The package as it is installed: folders listed, the wheel whole, types seen across folders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("nodes", "drivers", "schemas", "configs")


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def packages_on_disk() -> set[str]:
    found = set()
    for folder in FOLDERS:
        for init in (ROOT / folder).rglob("__init__.py"):
            found.add(".".join(("radiograph", *init.parent.relative_to(ROOT).parts)))
    return found


def test_every_requirement_says_what_it_works_with_at_the_lowest() -> None:
    """The constraints of `make test-lowest`: one exact version of everything that is asked for."""
    pytest.importorskip("packaging", reason="packaging is not installed (make test does)")
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "lowest.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    pins = dict(line.split("==") for line in done.stdout.split())
    asked = project()["project"]["dependencies"]  # type: ignore[index]
    assert {line.split(">=")[0] for line in asked} <= set(pins)
    assert {"distributed", "pyarrow", "pytest"} <= set(pins)
    assert f"numpy>={pins['numpy']},<3" in asked


def test_classifiers_name_the_pythons_that_are_tested() -> None:
    """`.ci/run` takes the Pythons from here, and the first as that of the lowest versions."""
    said = project()["project"]
    marks = [x.split(" :: ")[-1] for x in said["classifiers"] if ":: 3." in x]  # type: ignore[index]
    assert len(marks) > 1
    assert said["requires-python"] == f">={marks[0]}"  # type: ignore[index]


def test_every_folder_is_in_the_package_list() -> None:
    listed = project()["tool"]["setuptools"]["packages"]  # type: ignore[index]
    assert set(listed) == packages_on_disk()


def test_no_folder_with_code_lacks_an_init() -> None:
    for folder in FOLDERS:
        for module in (ROOT / folder).rglob("*.py"):
            assert (module.parent / "__init__.py").is_file(), module


def test_shipped_files_are_found_in_the_package() -> None:
    configs = resources.files("radiograph.configs")
    for path in (ROOT / "configs").iterdir():
        if path.suffix in (".toml", ".csv"):
            assert configs.joinpath(path.name).is_file()


@pytest.mark.slow
def test_wheel_holds_every_module(tmp_path: Path) -> None:
    pytest.importorskip("build.__main__", reason="build is not installed (make test does)")
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns(".git", ".venv*", "*.egg-info", "build", "dist", "__pycache__")
    shutil.copytree(ROOT, tree, ignore=ignored, symlinks=True)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            shipped = (".py", ".toml", ".csv", ".html", ".css", ".js", ".svg")
            if path.suffix in shipped or path.name == "py.typed":
                assert f"radiograph/{path.relative_to(ROOT)}" in names
    assert not any(n.startswith(("nodes/", "drivers/", "tests/")) for n in names)


@pytest.mark.slow
def test_injected_type_error_across_folders_is_caught(tmp_path: Path) -> None:
    """In one module and all that it imports; `make types` looks at every module of the package."""
    assert project()["tool"]["mypy"]["packages"] == ["radiograph"]  # type: ignore[index]
    pytest.importorskip("mypy", reason="mypy is not installed (make test does)")
    tree = tmp_path / "tree"
    for folder in (*FOLDERS, ".typecheck"):
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", tree)
    (tree / "nodes" / "injected.py").write_text(
        "from ..schemas.errors import EXIT_BUG\n\nWRONG: str = EXIT_BUG\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"),
         "-m", "radiograph.nodes.injected"],
        capture_output=True, text=True, cwd=tree, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "injected.py:3: error" in done.stdout
    assert done.stdout.count("error:") == done.stdout.count("injected.py")


# What is planted, and the imports by which each contract says that it is broken.
PLANTED = {
    "nodes/imaging/planted.py": "from ...drivers import files\n",
    "schemas/planted.py": "from ..nodes import constants\n",
    "nodes/lightdqm/planted.py": "from ..imaging import cones\n",
    "drivers/lightdqm/planted.py": "def f():\n    from ..imaging import session\n",
    "drivers/home.py": "from . import config\n",
}
CAUGHT = [
    "radiograph.nodes.imaging.planted -> radiograph.drivers.files",
    "radiograph.schemas.planted -> radiograph.nodes.constants",
    "radiograph.nodes.lightdqm.planted -> radiograph.nodes.imaging.cones",
    "radiograph.drivers.lightdqm.planted -> radiograph.drivers.imaging.session",
    "- .home -> .config",
]


@pytest.mark.slow
def test_forbidden_imports_are_caught(tmp_path: Path) -> None:
    """One way from drivers to nodes to schemas, no pipeline into another, no circle."""
    pytest.importorskip("importlinter", reason="import-linter is not installed (make test does)")
    for folder in (*FOLDERS, ".typecheck"):
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def linted() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from importlinter import cli; cli.lint_imports_command()",
             "--no-cache"],
            capture_output=True, text=True, cwd=tmp_path, check=False,
            env={**os.environ, "PYTHONPATH": ".typecheck", "COLUMNS": "200"},
        )  # fmt: skip

    assert linted().returncode == 0
    for place, line in PLANTED.items():
        path = tmp_path / place
        first = "from __future__ import annotations\n"
        text = path.read_text() if path.exists() else first
        path.write_text(text.replace(first, first + line, 1))
    done = linted()
    assert done.returncode == 1
    assert re.search(r"Contracts: 0 kept, \d+ broken", done.stdout)
    for said in CAUGHT:
        assert said in done.stdout, said
