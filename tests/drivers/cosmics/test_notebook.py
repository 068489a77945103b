"""The notebook of a run: its form, and that its cells run as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_it_is_a_notebook_whose_cells_run(
    runs: dict[str, Path],
    radiograph: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    out = tmp_path / "look.ipynb"
    done = radiograph("cosmics", "notebook", runs["a"], "-o", out)
    assert done.code == 0, done.err
    assert done.out.strip() == str(out)
    document = json.loads(out.read_text())
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in document["cells"]}) == len(document["cells"])
    for cell in document["cells"]:
        code = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert cell.keys() == {"cell_type", "id", "metadata", "source"} | code
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    with mpl.rc_context({"backend": "agg"}):
        for cell in document["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), space)
        # Momenta, the others, the flow, the veto windows, the projection.
        assert len(plt.get_fignums()) == 5
        plt.close("all")
    assert space["run"].cutset == "SU2020e"
    assert space["studies"]["veto_study"]["selected_events"] > 0


def test_it_stands_beside_the_file_and_is_not_replaced(
    runs: dict[str, Path], radiograph: Callable[..., Any]
) -> None:
    assert radiograph("cosmics", "notebook", runs["c"]).code == 0
    assert (
        '"c.h5"' in json.loads(runs["c"].with_suffix(".ipynb").read_text())["cells"][1]["source"][7]
    )
    again = radiograph("cosmics", "notebook", runs["c"])
    assert again.code == 2
    assert "exists already" in again.err
    assert radiograph("cosmics", "notebook", runs["c"], "--overwrite").code == 0


def test_a_file_of_something_else(radiograph: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_text("")
    done = radiograph("cosmics", "notebook", tmp_path / "x.h5")
    assert done.code == 3
    assert [p.name for p in tmp_path.iterdir()] == ["x.h5"]
