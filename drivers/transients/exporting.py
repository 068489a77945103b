"""A run in the formats of other programs: tables, the older HDF5 layout, SigMF."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd

from ...nodes.hdf5_content import opened_content
from ...schemas.errors import UsageError
from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import KEPT_IQ
from ...schemas.transients.quality import QUALITY
from ...schemas.transients.recordings import HitLog, Recordings
from ..cache.opening import NO_CACHE
from ..engine.parts import Part
from ..engine.session import Session
from ..files import check_new_files, new_output
from ..hdf5 import new_file
from ..runfile.export_request import ExportRequest
from ..runfile.exporting import export_run_file, placed
from ..runfile.record import record_at
from .campaign import opened_campaign, runs_of
from .session import run_session
from .stored import read_run
from .tables import write_csv_tables, write_parquet_table

FORMATS: Final = ("csv", "parquet", "root", "ml4see", "sigmf")
_PRE_DEMODULATION_LO: Final = 4
_BYTES_BEFORE: Final = 24


def export_run(request: ExportRequest) -> list[Path]:
    """Write a run's file in another format and name what was written.

    ``ml4see`` and ``sigmf`` read the source of the run again. UsageError for another format.
    """
    if request.to not in FORMATS:
        msg = f"--to {request.to!r}: this pipeline writes {', '.join(FORMATS)}"
        raise UsageError(msg, key="to")
    if request.to == "root":
        return export_run_file(request)
    if request.to in ("csv", "parquet"):
        return _tables(request)
    return _older(request) if request.to == "ml4see" else _sigmf(request)


def _checked(request: ExportRequest, paths: list[Path], read: Sequence[Path] = ()) -> list[Path]:
    check_new_files(paths, [request.source, *read], overwrite=request.overwrite)
    return paths


def _tables(request: ExportRequest) -> list[Path]:
    run = read_run(request.source)
    if run.features is None:
        msg = f"{request.source}: holds no features; run it until a later stage first"
        raise UsageError(msg, file=request.source, key="to")
    first = placed(request, f"{request.source.stem}.{request.to}", (f".{request.to}",))
    if request.to == "parquet":
        _checked(request, [first])
        write_parquet_table(run, first)
        return [first]
    paths = _checked(request, [first, first.with_name(f"{first.stem}_all.csv")])
    first.parent.mkdir(parents=True, exist_ok=True)
    write_csv_tables(run, *paths)
    return paths


def _opened(request: ExportRequest, paths: list[Path]) -> Session:
    """The run of a file once more, on the samples that it keeps, else on its source.

    UsageError if one of ``paths`` cannot be written, or would replace what is read.
    """
    source = request.source
    loaded = record_at(source).loaded(source, TransientsConfig)
    with opened_content(source) as content:
        keeps_samples = KEPT_IQ in content
    if keeps_samples:
        io = loaded.config.io.model_copy(update={"input_path": str(source.absolute())})
        loaded = replace(loaded, config=loaded.config.model_copy(update={"io": io}))
    campaign = opened_campaign(loaded)
    run = runs_of(campaign)[0]
    _checked(request, paths, run.read_beside(paths))
    return run_session(loaded, campaign, run, NO_CACHE)


class _Taking:
    """Hands the values of each part to a function."""

    def __init__(self, take: Callable[[Mapping[str, Any]], None]) -> None:
        self._take = take

    def __call__(self, _part: Part, values: Mapping[str, Any], _shifts: Any) -> None:
        self._take(values)

    def begin_file(self) -> None:
        """There is one source."""

    def drop_file(self) -> None:
        """There is one source."""

    def begin_again(self) -> None:
        """There is one sweep."""


_OF_OLDER: Final = (
    "recording_table",
    "recording_quality",
    "baselines",
    "instantaneous_frequencies_Hz",
)


def _older(request: ExportRequest) -> list[Path]:
    """The layout of the ml4see scripts after their second stage.

    Recordings that are not whole have no frequencies and are left out; of several with one number
    the first stays, since the layout knows them by it.
    """
    path = placed(request, f"{request.source.stem}_ml4see.h5", (".h5", ".hdf5"))
    session = _opened(request, [path])
    form = session.inputs.values["recording_form"]
    with new_output(path) as temporary, new_file(temporary) as file:
        every = file.create_group("sdr_data/all")

        def take(values: Mapping[str, Any]) -> None:
            _add_older(every, values, form.fs_Hz / _PRE_DEMODULATION_LO)

        told = session.run(["run_metadata", "run_log", "hit_log"], _OF_OLDER, _Taking(take))
        _describe_older(file, told, session)
    return [path]


def _add_older(every: h5py.Group, values: Mapping[str, Any], lo_Hz: float) -> None:
    table: pd.DataFrame = values["recording_table"]
    baselines: pd.DataFrame = values["baselines"]
    for row in np.flatnonzero(baselines["mean_Hz"].notna().to_numpy()):
        place, base = table.iloc[row], baselines.iloc[row]
        name = f"tran_{int(place['number']):06d}"
        if name in every:
            continue
        dataset = every.create_dataset(name, data=values["instantaneous_frequencies_Hz"][row])
        dataset.attrs.update(
            {
                "tran_num": int(place["number"]),
                "x_lsb": int(place["x_lsb"]),
                "y_lsb": int(place["y_lsb"]),
                "hw_ts_sec": float(place["hw_time_s"]),
                "sys_ts_sec": float(place["sys_time_s"]),
                "dsp_info_pre_demod_bb_lo_freq_hz": lo_Hz,
                "dataset_unit": "Hz",
                "baseline_freq_mean_hz": float(base["mean_Hz"]),
                "baseline_freq_std_hz": float(base["std_Hz"]),
                "baseline_freq_mean_std_hz": float(base["error_Hz"]),
            }
        )


def _describe_older(file: h5py.File, told: Mapping[str, Any], session: Session) -> None:
    settings = session.config.transients.demodulation
    meta = file.create_group("meta")
    meta.attrs.update({**told["run_metadata"], "processing_stage": 2})
    sdr = file["sdr_data"].attrs
    for key in ("cf", "fs", "len_pretrig", "len_posttrig"):
        sdr[f"sdr_info_{key}"] = told["run_metadata"][f"sdr_info_{key}"]
    sdr["dsp_info_pre_demod_lpf_bw_hz"] = settings.pass_MHz * 1e6
    sdr["dsp_info_pre_demod_lpf_taps"] = settings.taps
    file.create_dataset("fpga_log", data=told["run_log"], dtype=h5py.string_dtype("utf-8"))
    hits: HitLog = told["hit_log"]
    names = ["hw_ts_sec", *hits.columns[1:]]
    rows = np.zeros(len(hits.values), [(name, "f8") for name in names])
    for k, name in enumerate(names):
        rows[name] = hits.values[:, k] * (1e-5 if k == 0 else 1.0)
    file.create_dataset("fpga_hit_data", data=rows)


def _sigmf(request: ExportRequest) -> list[Path]:
    """A SigMF pair: samples as ``ci16_le`` in the order of the source, one capture a recording.

    Each capture has the 24 bytes of its header before it; an annotation marks the trigger.
    """
    data = placed(request, f"{request.source.stem}.sigmf-data", (".sigmf-data",))
    meta = data.with_suffix(".sigmf-meta")
    session = _opened(request, [data, meta])
    form = session.inputs.values["recording_form"]
    captures: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    n_samples = 0
    with ExitStack() as stack:
        stream = stack.enter_context(stack.enter_context(new_output(data)).open("wb"))

        def take(values: Mapping[str, Any]) -> None:
            nonlocal n_samples
            found: Recordings = values["recordings"]
            quality = values["sample_quality"]
            cut = QUALITY.is_set(quality, "short") | QUALITY.is_set(quality, "long")
            for row in np.flatnonzero(~cut):
                header = np.array(
                    [found.ticks[row], found.seconds[row], found.microseconds[row]], "<u8"
                )
                stream.write(header.tobytes() + found.iq_adc[row].astype("<i2").tobytes())
                where = f"number {found.numbers[row]}, x {found.x_lsb[row]}, y {found.y_lsb[row]}"
                captures.append(
                    {
                        "core:sample_start": n_samples,
                        "core:header_bytes": _BYTES_BEFORE,
                        "core:frequency": form.cf_Hz,
                    }
                )
                annotations.append(
                    {
                        "core:sample_start": n_samples + form.n_pre,
                        "core:sample_count": form.n_post,
                        "core:label": "trigger",
                        "core:comment": where,
                    }
                )
                n_samples += form.n_samples

        session.run([], ("recordings", "sample_quality"), _Taking(take))
        document = {
            "global": {
                "core:datatype": "ci16_le",
                "core:sample_rate": form.fs_Hz,
                "core:version": "1.2.0",
                "core:description": f"{request.source.stem}, captures with their headers",
            },
            "captures": captures,
            "annotations": annotations,
        }
        stack.enter_context(new_output(meta)).write_text(json.dumps(document), "utf-8")
    return [data, meta]
