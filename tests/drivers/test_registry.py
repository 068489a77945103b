"""Which pipelines there are: our own, and those of other packages by entry point."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from radiograph.drivers import registry
from radiograph.drivers.definition import Definition
from radiograph.drivers.graph_inputs import ABSENT, Context, Input
from radiograph.drivers.main import guarded
from radiograph.schemas.errors import UsageError

Brought = Callable[..., None]


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Brought]:
    """Other packages: a module of a text each, and the entry points they name."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def bring(text: str, *points: tuple[str, str]) -> None:
        (tmp_path / "brought_toy.py").write_text(text)
        found = [EntryPoint(name, value, registry.GROUP) for name, value in points]
        monkeypatch.setattr(registry, "entry_points", lambda group: found)
        registry.homes.cache_clear()

    yield bring
    monkeypatch.undo()
    registry.homes.cache_clear()
    for name in set(sys.modules) - before:
        del sys.modules[name]


DEFINED = (
    "from radiograph.drivers.definition import Definition\n"
    "TOY = Definition('toy', home='brought_toy:TOY')\n"
)


def test_our_own_know_where_they_are_written() -> None:
    ours = ("imaging", "lightdqm", "cosmics", "transients", "germanium")
    assert registry.names() == ours
    for name in ours:
        found = registry.definition(name)
        assert (found.name, found.home) == (name, registry.homes()[name])


@pytest.mark.parametrize("name", registry.names())
def test_the_nodes_of_a_pipeline_load_no_library_that_only_some_of_them_need(name: str) -> None:
    # A run that is answered from the cache would wait for them too.
    heavy = (
        "scipy.special", "scipy.stats", "scipy.optimize", "scipy.fft", "scipy.signal", "iminuit",
        "uproot", "matplotlib", "sklearn", "dask", "PIL", "jinja2",
    )  # fmt: skip
    code = (
        f"import sys; from radiograph.drivers.registry import definition; "
        f"definition({name!r}).node_modules(); print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HAMILTON_AUTOLOAD_EXTENSIONS": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_core_names_no_pipeline() -> None:
    """It asks the definition that the registry finds."""
    named = re.compile(r"\b(imaging|lightdqm|cosmics|transients|germanium)\b")
    core = Path(registry.__file__).parent
    own = {core / name for name in registry.names()}
    found = {
        str(path.relative_to(core))
        for path in core.rglob("*.py")
        if own.isdisjoint(path.parents) and named.search(path.read_text("utf-8"))
    }
    assert found == {"registry.py"}


def test_another_package_brings_one(brought: Brought) -> None:
    brought(DEFINED, ("toy", "brought_toy:TOY"), ("toy", "brought_toy:TOY"))
    assert registry.names()[:2] == ("imaging", "lightdqm")
    assert registry.names()[-1] == "toy"
    assert "brought_toy" not in sys.modules
    assert registry.definition("toy").home == "brought_toy:TOY"


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("import nothing_of_that_name\n", "brought_toy:TOY", "nothing_of_that_name"),
        ("def f(:\n", "brought_toy:TOY", "SyntaxError"),
        (DEFINED, "brought_toy:TOYS", "KeyError: 'TOYS'"),
        (DEFINED, "no_such_module:TOY", "no_such_module"),
        ("TOY = 1\n", "brought_toy:TOY", "of type int"),
        (DEFINED.replace("'toy'", "'other'"), "brought_toy:TOY", 'calls itself "other"'),
    ],
)
def test_one_that_cannot_be_had_is_named(
    brought: Brought, text: str, value: str, reason: str
) -> None:
    brought(text, ("toy", value))
    assert registry.definition("imaging").name == "imaging"
    with pytest.raises(UsageError) as caught:
        registry.definition("toy")
    assert caught.value.code == "pipeline_not_loaded"
    for part in (f"pipeline toy cannot be taken from {value}", reason, registry.GROUP):
        assert part in caught.value.message


@pytest.mark.parametrize("name", ["imaging", "toy"])
def test_a_name_that_is_taken_twice_is_an_error(brought: Brought, name: str) -> None:
    brought(DEFINED, ("toy", "brought_toy:TOY"), (name, "brought_toy:OTHER"))
    with pytest.raises(UsageError, match=f"two pipelines are called {name}: .*brought_toy:OTHER"):
        registry.names()


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="There is: imaging, lightdqm"):
        registry.definition("muons")


def test_its_commands_are_found_when_they_are_called(
    brought: Brought, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "from radiograph.drivers.command_places import CommandPlace\n"
        "from radiograph.drivers.definition import Definition\n"
        "TOY = Definition('toy', commands=__name__)\n"
        "COMMANDS = {'greet': CommandPlace(__name__, 'greet', 'Greet.')}\n"
        "def greet(name: str) -> None:\n    print('hello', name)\n"
    )
    brought(text, ("toy", "brought_toy:TOY"))
    assert guarded(["nodes", "--help"]) == 0
    assert "brought_toy" not in sys.modules
    capsys.readouterr()
    assert guarded(["greet", "you"]) == 0
    assert capsys.readouterr().out == "hello you\n"
    assert guarded(["greets", "you"]) == 2


def test_an_input_is_made_or_is_its_setting_or_is_not_there() -> None:
    rows = (
        Input("plain", ("name",)),
        Input("of_folder", (), lambda _, context: context.folder),
        Input("gone", (), lambda _config, _context: ABSENT),
    )
    toy = Definition("toy", inputs=rows)
    assert toy.values_of(toy, Context(Path("x"))) == {"plain": "toy", "of_folder": Path("x")}
