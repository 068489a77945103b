"""Thin simple back projection: cones a second, threads, list mode; against ngimager and numpy."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from radiograph.nodes.imaging.back_projection import ConeArrays, scan_back_projection
from radiograph.schemas.imaging.images import PixelGrid, PlaneFrame
from radiograph.schemas.imaging.imaging_method import ImagingMethod, Threads

from .figures import Figure, best_seconds, best_seconds_of, ngimager_python

N_CONES = 200_000
HALF_WIDTH_CM = 50.0
FRAME = PlaneFrame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
NGIMAGER_CONES = {200: 6000, 1000: 2500}
RATIO_MARKS = {200: ">= 110", 1000: ">= 45"}

# The other program as its users call it: one process, scan engine, compiled.
NGIMAGER = """
import json, sys, time
import numpy as np
from ngimager.geometry.plane import Plane
from ngimager.imaging.sbp import Cone, reconstruct_sbp
data = np.load(sys.argv[1])
n, pixels, half = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
cones = [Cone(a, d, t) for a, d, t in zip(data["apex"][:n], data["axis"][:n], data["theta"][:n])]
plane = Plane.from_cfg([0, 0, 0], [0, 0, 1], -half, half, 2 * half / pixels, -half, half,
                       2 * half / pixels, eu=[1, 0, 0], ev=[0, 1, 0])
options = dict(workers=1, progress=False, sbp_engine="scan", use_jit=True)
reconstruct_sbp(cones[:50], plane, **options)
times = []
for _ in range(3):
    started = time.perf_counter(); reconstruct_sbp(cones, plane, **options)
    times.append(time.perf_counter() - started)
print(json.dumps(min(times)))
"""


def random_cones(n: int, seed: int = 1) -> tuple[ConeArrays, np.ndarray]:
    """Cones from 1 m whose axes cross the plane: (arrays, theta)."""
    rng = np.random.default_rng(seed)
    apex = rng.uniform(-20, 20, (n, 3)) + np.array([0, 0, 100])
    towards = rng.uniform(-30, 30, (n, 3)) * [1, 1, 0] - apex
    axis = towards / np.linalg.norm(towards, axis=1)[:, None]
    theta = rng.uniform(0.1, 1.2, n)
    return ConeArrays(apex, axis, np.cos(theta)), theta


def cones_of_a_source(n: int, seed: int = 2) -> tuple[ConeArrays, np.ndarray]:
    """Cones from 1 m that all hold the middle of the plane: (arrays, theta)."""
    rng = np.random.default_rng(seed)
    apex = rng.uniform(-20, 20, (n, 3)) + np.array([0, 0, 100])
    back = -apex / np.linalg.norm(apex, axis=1)[:, None]
    across = np.cross(back, rng.normal(size=(n, 3)))
    across /= np.linalg.norm(across, axis=1)[:, None]
    theta = rng.uniform(0.1, 1.2, n)
    axis = back * np.cos(theta)[:, None] + across * np.sin(theta)[:, None]
    return ConeArrays(apex, axis, np.cos(theta)), theta


def square(pixels: int) -> PixelGrid:
    """A square plane of 1 m."""
    step = 2 * HALF_WIDTH_CM / pixels
    edges = (-HALF_WIDTH_CM, HALF_WIDTH_CM, step, pixels)
    return PixelGrid(*edges, *edges)


def projection(
    cones: ConeArrays, pixels: int, threads: int, *, list_mode: bool = False
) -> Callable[[], Any]:
    """One back projection of all cones, to be called."""
    method = ImagingMethod(list_mode=list_mode)
    return lambda: scan_back_projection(cones, FRAME, square(pixels), method, Threads(threads))


def seconds(cones: ConeArrays, pixels: int, threads: int) -> float:
    """Shortest time of one back projection of all cones."""
    return best_seconds(projection(cones, pixels, threads))


def figures() -> list[Figure]:
    """Rates, ratios of threads, the price of list mode, ratios to ngimager and numpy."""
    cones, theta = random_cones(N_CONES)
    found = []
    for pixels in (200, 400, 1000):
        plain = projection(cones, pixels, 1)
        one, two = best_seconds_of(plain, projection(cones, pixels, 2))
        listing = projection(cones, pixels, 1, list_mode=True)
        unlisted, listed = best_seconds_of(plain, listing, clock=time.process_time)
        rate, size = N_CONES / one, f"{pixels} x {pixels}"
        more = 100 * (listed / unlisted - 1)
        found += [
            Figure(f"thin back projection, {size}, one thread", rate, "cones/s"),
            Figure(f"two threads over one, {size}", one / two, "x", ">= 1.8"),
            Figure(f"list mode, {size}, more CPU time", more, "%", "<= 15"),
        ]
        if pixels in NGIMAGER_CONES:
            found += _against_ngimager(cones, theta, pixels, rate)
            found += _of_a_source(pixels)
    found.append(_against_numpy(cones, 200))
    return found


def _of_a_source(pixels: int) -> list[Figure]:
    """The same for cones of which none misses the plane."""
    cones, theta = cones_of_a_source(N_CONES // 2)
    rate = N_CONES // 2 / seconds(cones, pixels, 1)
    what = ", cones of a source"
    name = f"thin back projection, {pixels} x {pixels}, one thread{what}"
    return [
        Figure(name, rate, "cones/s"),
        *_against_ngimager(cones, theta, pixels, rate, what),
    ]


def _against_ngimager(
    cones: ConeArrays, theta: np.ndarray, pixels: int, rate: float, what: str = ""
) -> list[Figure]:
    python = ngimager_python()
    if python is None:
        return []
    n = NGIMAGER_CONES[pixels]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cones.npz"
        np.savez(path, apex=cones.apex_cm, axis=cones.axis, theta=theta)
        done = subprocess.run(
            [python, "-c", NGIMAGER, str(path), str(n), str(pixels), str(HALF_WIDTH_CM)],
            check=True,
            capture_output=True,
            text=True,
        )
    theirs = n / json.loads(done.stdout.splitlines()[-1])
    name = f"over ngimager scan + jit, {pixels} x {pixels}, one thread{what}"
    return [
        Figure(f"ngimager scan + jit, {pixels} x {pixels}{what}", theirs, "cones/s"),
        Figure(name, rate / theirs, "x", RATIO_MARKS[pixels]),
    ]


def _against_numpy(cones: ConeArrays, pixels: int) -> Figure:
    """The same roots by plain numpy, one cone at a time over all lines at once."""
    n = 300
    few = ConeArrays(cones.apex_cm[:n], cones.axis[:n], cones.cos_theta[:n])
    grid = square(pixels)
    centers = grid.u_centers_cm

    def plain() -> None:
        image = np.zeros(pixels * pixels, np.uint32)
        for apex, axis, cosine in zip(few.apex_cm, few.axis, few.cos_theta, strict=True):
            lit = [_numpy_line(apex, axis, cosine, centers, grid, swap) for swap in (False, True)]
            image[np.unique(np.concatenate(lit))] += 1

    compiled = best_seconds(
        lambda: scan_back_projection(few, FRAME, grid, ImagingMethod(), Threads(1))
    )
    return Figure(f"over plain numpy, {pixels} x {pixels}", best_seconds(plain, 3) / compiled, "x")


def _numpy_line(
    apex: np.ndarray,
    axis: np.ndarray,
    cosine: float,
    centers: np.ndarray,
    grid: PixelGrid,
    swap: bool,
) -> np.ndarray:
    i, j = (1, 0) if swap else (0, 1)
    p = centers - apex[i]
    h = -apex[2]
    g = axis[i] * p + axis[2] * h
    a = axis[j] ** 2 - cosine**2
    b = axis[j] * g
    c = g**2 - cosine**2 * (p**2 + h**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(b * b - a * c)
        found = []
        for q in ((-b + root) / a, (-b - root) / a):
            ahead = np.sign(cosine) * (g + axis[j] * q) >= -1e-9
            pixel = np.floor((q + apex[j] - grid.v_min_cm) / grid.dv_cm)
            good = ahead & (pixel >= 0) & (pixel < grid.nv)
            line, cross = np.flatnonzero(good), pixel[good].astype(np.int64)
            found.append(line * grid.nu + cross if swap else cross * grid.nu + line)
    return np.concatenate(found)
