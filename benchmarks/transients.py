"""Transients: kernels beside plain numpy and scipy, an archive beside gunzip, scores of many rows.

Recordings of 220,000 samples are simulated; an archive of RECORDINGS of them (0.9 MB each) goes to
the folder for temporary files (TMPDIR) and is deleted afterwards.
"""

from __future__ import annotations

import gzip
import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from radiograph.nodes.transients import maps, outliers
from radiograph.nodes.transients.kernels.demodulation import demodulated_rows
from radiograph.nodes.transients.kernels.fits import exponential_rows
from radiograph.schemas.transients.config import Maps, Outliers
from radiograph.schemas.transients.frames import FEATURES, FOREST_SCORES
from radiograph.schemas.transients.recordings import RecordingForm
from scipy.optimize import curve_fit
from scipy.signal import remez

from .figures import Figure

FS, CF, PRE, POST = 20e6, 1.275e9, 20_000, 200_000
RECORDINGS = int(os.environ.get("RADIOGRAPH_RECORDINGS", "600"))
KERNEL_RECORDINGS = 8
REPEATS = 5
TAPS = remez(129, [0, 3e6, 3.2e6, FS / 2], [1, 0], fs=FS)
ROWS = 804_000

SETTINGS = """
[pipeline]
name = "transients"
[io]
input_path = "campaign"
output_path = "out"
overwrite = true
"""


def recording(seed: int) -> Any:
    """I and Q of a carrier near +fs/4 that jumps at the trigger: (220,000, 2) int16."""
    rng = np.random.default_rng(seed)
    n = PRE + POST
    t = np.maximum(np.arange(n) - PRE, 0) / FS
    jump = np.where(np.arange(n) >= PRE, 20e-6 * CF * np.exp(-650 * t), 0)
    phase = np.cumsum(2 * np.pi * (FS / 4 - 35e3 + jump + rng.normal(0, 1500, n)) / FS)
    z = np.exp(1j * phase) + rng.normal(0, 0.003, n) + 1j * rng.normal(0, 0.003, n)
    return (np.rint(np.stack([z.real, z.imag], axis=1) * 1200) * 16).astype(np.int16)


def cpu_s(work: Callable[[], Any]) -> float:
    """CPU seconds of the quickest of several calls."""
    found = []
    for _ in range(REPEATS):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return min(found)


def plain_means(iq: Any) -> Any:
    """Window means as a script writes them: mix, filter, angle, unwrap, difference, mean."""
    mixer = np.tile(np.array([1, -1j, -1, 1j]), len(iq) // 4 + 1)[: len(iq)]
    z = (iq[:, 0] + 1j * iq[:, 1].astype(np.float64)) * mixer
    filtered = np.convolve(z, TAPS, mode="valid")
    f = np.diff(np.unwrap(np.angle(filtered))) * FS / (2 * np.pi)
    mean = f[: PRE - 100].mean()
    y = (f - mean) / (CF + mean) * 1e6
    means = np.convolve(y, np.ones(500) / 500, mode="valid")
    return means[: PRE - 600 : 250], means[PRE::250]


def plain_fit(post: Any) -> Any:
    """The fit of the same script."""
    t = (499 + 250 * np.arange(len(post))) / FS

    def model(t: Any, n: float, decay: float, c: float) -> Any:
        return (n - c) * np.exp(-decay * t) + c

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bounds = ([-np.inf, 0, -np.inf], np.inf)
        return curve_fit(model, t, post, (post.max(), 1000, 0.0), bounds=bounds)


def kernel_figures() -> Iterator[Figure]:
    """Raw samples to features, one thread, beside the plain form."""
    iq = np.stack([recording(k) for k in range(KERNEL_RECORDINGS)])
    n = len(iq)
    out = (np.empty((n, 78)), np.empty((n, 798)), np.empty((n, 3)), np.empty(n), np.empty(n))
    fits = np.empty((n, 7))

    def kernels(decimate: int) -> None:
        demodulated_rows(iq, np.arange(n), TAPS, decimate, PRE - 200, PRE - 64, 500, 250, 80, 220,
                         FS, *out)  # fmt: skip

    def fitted() -> None:
        exponential_rows(out[1], 0.5 / FS, 250 / FS, 500, FS, True, 2e5, fits)

    kernels(1)
    kernels(5)
    fitted()
    post = plain_means(iq[0])[1]
    plain_a_recording = cpu_s(lambda: plain_means(iq[0]))
    fit_plain = cpu_s(lambda: plain_fit(post))
    fit_ours = cpu_s(fitted) / n
    yield Figure("plain numpy and scipy, a recording", plain_a_recording + fit_plain, "s CPU")
    for decimate, mark in ((1, ">= 4.5"), (5, ">= 13"), (10, "")):
        ours = cpu_s(lambda d=decimate: kernels(d)) / n + fit_ours  # type: ignore[misc]
        ratio = (plain_a_recording + fit_plain) / ours
        yield Figure(
            f"raw to features, decimate {decimate}: times the plain form", ratio, "x", mark
        )
    yield Figure("fit: times curve_fit", fit_plain / fit_ours, "x", ">= 100")


def archive_figures() -> Iterator[Figure]:
    """An archive to features beside python -m gzip -d of it: wall time, page cache warm."""
    with tempfile.TemporaryDirectory(prefix="radiograph-") as name:
        folder = Path(name)
        archive = _campaign(folder)
        (folder / "t.toml").write_text(SETTINGS)
        main = "from radiograph.drivers.main import cli; cli()"
        words = ("run", "t.toml", "--target", "features", "--no-cache", "--quiet")
        ours = [sys.executable, "-c", main, *words]
        gunzip = [sys.executable, "-m", "gzip", "-d"]
        walls: dict[str, list[float]] = {"gunzip": [], "run": []}
        for _ in range(REPEATS):
            begin = time.perf_counter()
            with archive.open("rb") as stream, (folder / "plain").open("wb") as out:
                # The module reads standard input if it is named so.
                subprocess.run([*gunzip, "-"], stdin=stream, stdout=out, check=True, cwd=folder)
            walls["gunzip"].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            subprocess.run(ours, check=True, cwd=folder)
            walls["run"].append(time.perf_counter() - begin)
        ratio = statistics.median(walls["run"]) / statistics.median(walls["gunzip"])
        yield Figure(f"gunzip of {RECORDINGS} recordings", statistics.median(walls["gunzip"]), "s")
        yield Figure("archive to features: times gunzip", ratio, "x", "<= 1.3")


def _campaign(folder: Path) -> Path:
    download = folder / "campaign" / "download"
    download.mkdir(parents=True)
    path = download / "run_001.tar"
    some = [recording(k).astype("<i2").tobytes() for k in range(KERNEL_RECORDINGS)]
    with gzip.open(path, "wb", 6) as packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        for number in range(RECORDINGS):
            header = np.array([1_000_000 * (number + 1), 1_652_500_000 + number, 0], "<u8")
            content = header.tobytes() + some[number % len(some)]
            x, y = 495 * (number % 7), 495 * (number // 7 % 7)
            info = tarfile.TarInfo(f"run_001/x_{x:06d}/y_{y:06d}/trig_{number:06d}.dat")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    (folder / "campaign" / "runs_summary.csv").write_text(
        "name,url,md5sum\nrun_001,http://127.0.0.1:1/run_001.tar,\n"
    )
    (folder / "campaign" / "logbook.csv").write_text(
        "run_id,scan_x_lsb_per_um,scan_y_lsb_per_um,sdr_data,sdr_info_cf,sdr_info_fs,"
        f"sdr_info_len_pretrig,sdr_info_len_posttrig\n1,99,99,1,{CF},{FS},{PRE},{POST}\n"
    )
    return path


def score_figures() -> Iterator[Figure]:
    """Scores and maps of the largest run."""
    rng = np.random.default_rng(1)
    n_axis, hits = 127, ROWS // 127**2
    n = n_axis * n_axis * hits
    axis = 99 * np.arange(n_axis)
    columns: dict[str, Any] = {c.name: rng.normal(1, 0.1, n) for c in FEATURES.columns}
    columns |= {"number": np.arange(n), "source_row": np.arange(n)}
    columns |= {"x_lsb": np.repeat(axis, n_axis * hits)}
    columns |= {"y_lsb": np.tile(np.repeat(axis, hits), n_axis)}
    columns |= {"quality": np.zeros(n, np.uint16), "usable": np.ones(n, np.bool_)}
    columns |= {"fit_lambda": rng.normal(650, 30, n), "trig_val": rng.normal(20, 1, n)}
    features = FEATURES.frame(columns)
    settings, form = Outliers(), RecordingForm(PRE, POST, FS, CF, 99.0, 99.0)
    forest = FOREST_SCORES.frame({"forest_score": np.full(n, np.nan)})

    def work(features: pd.DataFrame, forest: pd.DataFrame) -> None:
        centres = outliers.local_centres(features, 0.3, settings)
        scores = outliers.local_scores(features, centres, 0.3, settings)
        found = outliers.outliers(features, centres, scores, forest, 0.3, settings)
        maps.position_maps(features, found, form, Maps())
        maps.filtered_position_maps(features, found, form, Maps(fill="neighbours"))

    work(features.iloc[:2000].reset_index(drop=True), forest.iloc[:2000])
    begin = time.process_time()
    work(features, forest)
    yield Figure(f"{n:,} rows scored and mapped", time.process_time() - begin, "s CPU", "<= 60")


def figures() -> Iterator[Figure]:
    """All of it."""
    yield from kernel_figures()
    yield from score_figures()
    yield from archive_figures()
