"""``radiograph graph --last-run``: what became of each quantity in a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.dag import Dag, DagNode
from radiograph.drivers.dag_record import NodeOutcome, time_text, with_outcomes
from radiograph.drivers.dag_svg import svg_text

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "< 1 ms"), (0.0123, "12 ms"), (0.5, "0.50 s"), (9.99, "9.99 s"), (72.4, "72 s")],
)
def test_times(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_what_failed_of_a_key_is_shown() -> None:
    """It outweighs what became of the other keys, and the picture says what its frame means."""
    nodes = (DagNode("a", "s", members=("a", "helper")), DagNode("b", "s", members=("b",)))
    outcomes = {"a": NodeOutcome("executed", 1.0), "helper": NodeOutcome("failed", 0.5)}
    dag = with_outcomes(Dag("p", ("s",), nodes, (("a", "b"),)), outcomes)
    assert [(n.status, n.note) for n in dag.nodes] == [
        ("failed", "failed"), ("skipped", "not needed"),
    ]  # fmt: skip
    assert 'class="box failed"' in svg_text(dag, "p")
    good = with_outcomes(Dag("p", ("s",), nodes[1:], ()), {"b": NodeOutcome("hit", 0.0)})
    assert "failed" not in svg_text(good, "p").partition("</style>")[2]


def test_outcomes_of_the_members_of_a_box() -> None:
    def node(name: str, *members: str) -> DagNode:
        return DagNode(name, members=members)

    dag = Dag(
        "imaging", ("a",),
        (
            node("source_file"), node("hits", "hits", "source_records"),
            node("cones", "cones", "neutron_cones"), node("images", "images"),
            node("events", "events"),
        ),
        (),
    )  # fmt: skip
    outcomes = {
        "hits": NodeOutcome("hit", 0.5),
        "source_records": NodeOutcome("executed", 0.25),
        "neutron_cones": NodeOutcome("hit", 0.1),
        "neutron_events": NodeOutcome("executed", 1.0),
    }
    found = {n.name: (n.status, n.note) for n in with_outcomes(dag, outcomes).nodes}
    assert found == {
        "source_file": ("", ""),
        "hits": ("executed", "ran 0.75 s"),
        "cones": ("hit", "from the cache"),
        "images": ("skipped", "not needed"),
        "events": ("executed", "in two parts"),
    }


def test_the_picture_of_a_run(whole: Path, radiograph: Run) -> None:
    done = radiograph("graph", "--run-file", whole)
    assert done.code == 0, done.err
    assert f"{whole.name}, run of 20" in done.out
    assert ">ran " in done.out
    named = radiograph("graph", whole.parent / "run.toml", "--last-run", "--json")
    # The run wrote beside the place that its settings name.
    assert (named.code, "no such file" in named.err) == (0, False) or named.code == 3
    nodes = radiograph("graph", "--run-file", whole, "--json").json["nodes"]
    by_name = {n["name"]: n for n in nodes}
    assert by_name["summed_images"]["status"] == "executed"
    assert by_name["figures"]["status"] == "skipped"
    assert "source_records" in by_name["hits"]["members"]
    everything = radiograph("graph", "--run-file", whole, "--all", "--json").json["nodes"]
    assert {n["status"] for n in everything} - {""} == {"executed", "skipped"}


def test_a_second_run_came_from_the_cache(project: Path, radiograph: Run) -> None:
    text = (project / "run.toml").read_text().replace("enabled = false", 'dir = "kept"')
    (project / "run.toml").write_text(text)
    for _ in range(2):
        assert radiograph("run", project / "run.toml", "--overwrite", "-q").code == 0
    done = radiograph("graph", project / "run.toml", "--last-run", "--json")
    statuses = {n["name"]: n["status"] for n in done.json["nodes"]}
    assert statuses["selected_cones"] == statuses["summed_images"] == "hit"
    drawn = radiograph("graph", project / "run.toml", "--last-run").out
    assert 'class="box known"' in drawn
    assert "from the cache" in drawn


def test_what_is_missing_is_said(project: Path, radiograph: Run) -> None:
    done = radiograph("graph", "--last-run")
    assert (done.code, "--last-run needs a TOML file" in done.err) == (2, True)
    done = radiograph("graph", project / "run.toml", "--last-run")
    assert (done.code, "image.h5: no such file" in done.err) == (3, True)
