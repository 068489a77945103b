"""A simulated campaign as a server holds it: archives, manifest, logbook, and the truth beside.

Recordings are made and packed in blocks, so memory does not grow with the campaign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.transient_simulation import (
    DAMAGED_RECORDINGS,
    OVERWRITTEN,
    TRANSIENT_TRUTH,
    TransientSimulationSettings,
)
from ...schemas.transients.layout import (
    FPGA_HITS,
    FPGA_LOG,
    RecordingName,
    fpga_path,
    recording_path,
    run_name,
)
from ...schemas.transients.manifest import FPGA_DATA, NOT_TO_BE_USED
from ..definition import Definition
from ..files import check_new_files, new_output
from ..graph import build_driver
from .packing import packed, split_file
from .simulated_logbook import logbook_rows, write_csv, write_workbook

MANIFEST: Final = "runs_summary.csv"
DOWNLOADS: Final = "download"
PORT: Final = 8099

_STAGES: Final = ("strikes", "recordings")
_BLOCK: Final = 64
_ELSEWHERE: Final = "another folder"
# 14 May 2022, 07:00 UTC: the day on which the recorded campaign began.
_START_S: Final = 1_652_511_600
_FOREIGN: Final = b"no recording\n"
_TOO_LONG: Final = 100
_SHORT: Final = 2
_SHARED: Final = (
    "transient_truth",
    "damaged_recordings",
    "strikes",
    "noise_keys",
    "flicker_stages_s",
    "hit_ticks_10us",
)


@dataclass(frozen=True)
class SimulatedRun:
    """What was written of a run: its archive in parts, its truth, what was planted."""

    run: int
    recordings: int
    parts: tuple[Path, ...]
    truth: pd.DataFrame
    damage: pd.DataFrame
    size_bytes: int


def transient_simulation_pipeline() -> Definition:
    """The graph of simulated recordings."""
    modules = tuple(f"radiograph.nodes.simulation.transient_{stage}" for stage in _STAGES)
    return Definition(
        "transient_simulation", modules=modules, tables=(TRANSIENT_TRUTH, DAMAGED_RECORDINGS)
    )


def output_paths(several: Sequence[TransientSimulationSettings], folder: Path) -> list[Path]:
    """The files that a campaign of these runs is made of."""
    paths = [folder / name for name in (MANIFEST, "logbook.csv", "logbook.xlsx")]
    paths.append(folder / DOWNLOADS / f"{FPGA_DATA}.tar")
    for settings in several:
        paths += _archive_paths(settings, folder)
        paths.append(folder / f"truth_{settings.run:03d}.csv")
        paths.append(folder / f"damage_{settings.run:03d}.csv")
    return paths


def _archive_paths(settings: TransientSimulationSettings, folder: Path) -> list[Path]:
    whole = folder / DOWNLOADS / f"{run_name(settings.run)}.tar"
    if settings.parts == 1:
        return [whole]
    letters = "abcdefghijklmnopqrstuvwxyz"[: settings.parts]
    return [whole.with_name(f"{whole.name}.parta{letter}") for letter in letters]


def write_campaign(
    several: Sequence[TransientSimulationSettings],
    folder: Path,
    *,
    url: str = f"http://127.0.0.1:{PORT}/",
    overwrite: bool = False,
) -> list[SimulatedRun]:
    """Simulate a campaign of runs into ``folder``, which is made.

    ``url`` is where the manifest says that the archives are. UsageError before anything is
    computed if a file exists and ``overwrite`` is false.
    """
    check_new_files(output_paths(several, folder), (), overwrite=overwrite, elsewhere=_ELSEWHERE)
    runs: list[SimulatedRun] = []
    rows: list[tuple[str, str, str]] = []
    fpga: list[tuple[str, bytes]] = []
    with ExitStack() as stack:

        def new(path: Path) -> Path:
            return stack.enter_context(new_output(path, elsewhere=_ELSEWHERE))

        for settings in several:
            run = TransientSimulation(settings)
            paths = _archive_paths(settings, folder)
            temporary = [new(path) for path in paths]
            joined = _write_archive(run, temporary)
            runs.append(run.told(paths, temporary))
            rows += _manifest_rows(settings, url, paths, temporary, joined)
            fpga += run.fpga_files()
            new(folder / f"truth_{settings.run:03d}.csv").write_text(run.truth_text(), "utf-8")
            new(folder / f"damage_{settings.run:03d}.csv").write_text(run.damage_text(), "utf-8")
        packed(new(folder / DOWNLOADS / f"{FPGA_DATA}.tar"), fpga, gz=False)
        rows.insert(0, (FPGA_DATA, f"{url}{FPGA_DATA}.tar", ""))
        # Lines end as those of the published manifest do.
        lines = [",".join(row) + "\r\n" for row in (("name", "url", "md5sum"), *rows)]
        new(folder / MANIFEST).write_bytes("".join(lines).encode())
        table = logbook_rows(several)
        write_csv(new(folder / "logbook.csv"), table)
        write_workbook(new(folder / "logbook.xlsx"), "log", table)
    return runs


def _write_archive(run: TransientSimulation, parts: Sequence[Path]) -> str:
    """Pack the recordings into one file, cut it into parts; the md5 of the whole."""
    if len(parts) == 1:
        packed(parts[0], run.files(), gz=run.settings.gz)
        return ""
    whole = parts[0].with_name(f"{parts[0].name}.whole")
    try:
        packed(whole, run.files(), gz=run.settings.gz)
        return split_file(whole, parts)
    finally:
        whole.unlink(missing_ok=True)


def _manifest_rows(
    settings: TransientSimulationSettings,
    url: str,
    paths: Sequence[Path],
    written: Sequence[Path],
    joined: str,
) -> Iterator[tuple[str, str, str]]:
    name = run_name(settings.run)
    if len(paths) > 1:
        yield name, f"{NOT_TO_BE_USED}{url}{name}.tar", joined
    for path, temporary in zip(paths, written, strict=True):
        with temporary.open("rb") as stream:
            digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
        yield name, f"{url}{path.name}", digest.hexdigest()


class TransientSimulation:
    """A run: what all recordings share is made once, samples block by block."""

    def __init__(self, settings: TransientSimulationSettings) -> None:
        self.settings = settings
        driver = build_driver(transient_simulation_pipeline(), {})
        self._inputs = {name: getattr(settings, name) for name in type(settings).model_fields}
        self.shared: Mapping[str, Any] = driver.execute(list(_SHARED), inputs=self._inputs)
        self.truth: pd.DataFrame = self.shared["transient_truth"]
        self.damage: pd.DataFrame = self.shared["damaged_recordings"]

    def told(self, paths: Sequence[Path], written: Sequence[Path]) -> SimulatedRun:
        """The answer."""
        return SimulatedRun(
            self.settings.run,
            len(self.truth),
            tuple(paths),
            self.truth,
            self.damage,
            sum(path.stat().st_size for path in written),
        )

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Path and content of each file of the archive, in order of the paths."""
        what = dict(zip(self.damage["number"], self.damage["damage"], strict=True))
        paths = self._paths(
            dict(zip(self.damage["number"], self.damage["new_number"], strict=True))
        )
        order = np.array(sorted(range(len(paths)), key=paths.__getitem__), dtype=np.int64)
        foreign = self.settings.foreign
        for first in range(0, len(order), _BLOCK):
            rows = order[first : first + _BLOCK]
            samples = self.samples(rows)
            headers = self._headers(rows)
            for row, iq, header in zip(rows.tolist(), samples, headers, strict=True):
                if foreign:
                    yield f"{paths[row].rpartition('/')[0]}/notes.dat", _FOREIGN
                    foreign = False
                yield paths[row], _damaged(header, iq, str(what.get(row, "")))

    def _paths(self, new_number: Mapping[int, int]) -> list[str]:
        truth = self.truth
        columns = (truth[name].tolist() for name in ("number", "x_lsb", "y_lsb"))
        return [
            recording_path(RecordingName(self.settings.run, x, y, new_number.get(number, number)))
            for number, x, y in zip(*columns, strict=True)
        ]

    def samples(self, rows: np.ndarray) -> np.ndarray:
        """I and Q of recordings, shape (len(rows), n_pre + n_post, 2).

        The node is called by itself: what Hamilton keeps of an execution would hold every block.
        """
        from ...nodes.simulation.transient_recordings import recording_samples

        names = ("noise", "n_pre", "n_post", "fs_MHz", "cf_MHz", "carrier_codes")
        shared = {name: self.shared[name] for name in ("strikes", "noise_keys", "flicker_stages_s")}
        return recording_samples(rows, **shared, **{name: self._inputs[name] for name in names})

    def _headers(self, rows: np.ndarray) -> np.ndarray:
        """Ticks, Unix seconds and microseconds, shape (len(rows), 3) uint64."""
        ticks = self.truth["hw_ticks"].to_numpy()[rows]
        microseconds = np.floor(ticks / self.settings.fs_MHz).astype(np.int64)
        seconds = _START_S + microseconds // 1_000_000
        return np.stack([ticks, seconds, microseconds % 1_000_000], axis=1).astype("<u8")

    def fpga_files(self) -> Iterator[tuple[str, bytes]]:
        """The log and the hit list."""
        settings = self.settings
        log = f"simulated run {settings.run}\nsteps {settings.steps}x{settings.steps} hits "
        log += f"{settings.hits}\ndone\n"
        hits = "hw_ts_10us,x_lsb,y_lsb\n"
        hits += "".join(f"{t},{x},{y}\n" for t, x, y in self.shared["hit_ticks_10us"].tolist())
        yield fpga_path(settings.run, FPGA_HITS), hits.encode()
        yield fpga_path(settings.run, FPGA_LOG), log.encode()

    def truth_text(self) -> str:
        """The truth as CSV."""
        table = self.truth.copy()
        table.insert(6, "transient", [f"tran_{n:06d}" for n in table.pop("number")])
        return str(table.to_csv(index=False, lineterminator="\n"))

    def damage_text(self) -> str:
        """The damage as CSV; ``path`` is where the recording was before it got another number."""
        paths = self._paths({})
        rows = sorted(zip(self.damage["number"].tolist(), self.damage["damage"], strict=True))
        lines = [f"tran_{n:06d},{what},{paths[n].partition('/')[2]}\n" for n, what in rows]
        return "".join(["transient,damage,path\n", *lines])


def _damaged(header: np.ndarray, iq: np.ndarray, damage: str) -> bytes:
    """The file of a recording, damaged or not."""
    samples = iq.astype("<i2", copy=False)
    whole = header.tobytes() + samples.tobytes()
    n = len(samples)
    match damage:
        case "empty":
            return b""
        case "header_cut":
            return whole[:10]
        case "mid_sample":
            return whole[: len(whole) - n - 3]
        case "half":
            return whole[: len(whole) - 2 * n]
        case "two_short":
            return whole[: -4 * _SHORT]
        case "too_long":
            return whole + whole[-4 * _TOO_LONG :]
        case "bad_time":
            bad = np.array([header[0], 0, 2_000_000], dtype="<u8")
            return bad.tobytes() + samples.tobytes()
        case "zeros_all":
            return header.tobytes() + bytes(samples.nbytes)
        case _:
            return whole


def size_text(runs: Iterable[SimulatedRun]) -> str:
    """The bytes of all archives, in MB."""
    return f"{sum(run.size_bytes for run in runs) / 1e6:.1f} MB"


def planted_lines(run: SimulatedRun) -> Iterator[str]:
    """What was planted and damaged, a line a kind."""
    kinds = run.truth["kind"].value_counts()
    some = ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds.index) if kinds[kind] > 0)
    yield f"  {some}"
    damaged = [str(one) for one in run.damage["damage"] if one != OVERWRITTEN]
    if damaged:
        yield f"  damaged: {', '.join(damaged)}"
