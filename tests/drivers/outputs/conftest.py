"""Output files as a run leaves them, made once: whole, of each stage, of one species, empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

METRICS = "\n[vis.projections.metrics]\nenabled = true\n"
# A plane of half a millimetre, far away: no cone meets it.
FAR = [
    f"--set={key}={value}"
    for key, value in {
        "plane.origin": "[5000.0, 0.0, 0.0]", "cones.directionality": "off",
        "plane.u_min": -0.03, "plane.u_max": 0.03, "plane.du": 0.002,
        "plane.v_min": -0.02, "plane.v_max": 0.02, "plane.dv": 0.002,
    }.items()
]  # fmt: skip


@pytest.fixture(scope="session")
def made(
    tmp_path_factory: pytest.TempPathFactory,
    simulated: Path,
    settings: str,
    radiograph: Callable[..., Any],
) -> Callable[..., Path]:
    """Run the simulated file with some options and give the output file; each once."""
    files: dict[tuple[object, ...], Path] = {}

    def run(*options: object, name: str = "image") -> Path:
        key = (name, *options)
        if key not in files:
            folder = tmp_path_factory.mktemp(name)
            (folder / "run.toml").write_text(settings + METRICS, "utf-8")
            (folder / "events.out").symlink_to(simulated / "events.out")
            out = folder / f"{name}.h5"
            done = radiograph("run", folder / "run.toml", "-o", out, "-q", *options)
            assert done.code == 0, done.err
            files[key] = out
        return files[key]

    return run


@pytest.fixture(scope="session")
def whole(made: Callable[..., Path]) -> Path:
    """Both species, list mode, every stage."""
    return made("--list")


@pytest.fixture(scope="session")
def empty(made: Callable[..., Path]) -> Path:
    """Images without a count: every cone misses the plane's range."""
    return made(*FAR, name="empty")
