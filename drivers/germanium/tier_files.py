"""The files that a run writes beside its HDF5 file: LH5 tiers and LEGEND's parameter files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd

from ...nodes.germanium.hit_flags import BITS, bits_of_flags, flags_of
from ...nodes.germanium.lh5 import name_of
from ...nodes.germanium.svm_files import NAMES, model_arrays
from ...schemas.germanium.config import GermaniumConfig
from ...schemas.germanium.frames import DSP_COLUMNS
from ..definition import Companion
from ..engine.artifacts import FAILURES, Append, Artifact
from ..engine.parts import Part
from ..temporary_files import meant_name
from .calibration_report import (
    MORE_PAGES,
    NOISE_PAGE,
    OF_REPORT,
    PAGES,
    WHERE_THERE,
    report_text,
)
from .hit_tables import hit_table
from .lh5_writing import ABSENT, columns_of_frame, new_lh5, write_array, write_table
from .parameter_yaml import (
    dplms_of,
    dsp_parameters_of,
    hit_results,
    noise_of,
    operations_of,
    trapping_of,
    write_yaml,
)

_OF_HIT: Final = (
    "hit_parameters",
    "quality_survival",
    "energy_peaks",
    "resolution_curve",
    "qbb_fwhm_keV",
    "full_energy_survival",
    "primary_calibration",
    "aoe_low_cut",
    "aoe_survival",
    "lq_model",
    "lq_survival",
)
"""What par_hit is made of."""
_NOISE, _DPLMS = "noise_optimum", "dplms_filter"
_ALWAYS: Final = "19700101T000000Z"


def artifacts_of(config: GermaniumConfig) -> list[Artifact]:
    """What a config has written beside the run file."""
    wanted = []
    detectors = config.germanium.detectors
    if "dsp" in config.germanium.tiers:
        wanted.append(Artifact("tier_dsp", ("dsp_tier",), _beside("tier_dsp.lh5"), opened=_dsp))
    if "hit" in config.germanium.tiers:
        wanted.append(Artifact("tier_hit", ("hit_tier",), _beside("tier_hit.lh5"), opened=_hit))
        wanted += [
            Artifact(
                f"hit_{form}", ("hit_columns",), _beside(f"tier_hit.{form}"),
                opened=partial(hit_table, form),
            )
            for form in config.output.formats
        ]  # fmt: skip
    if not config.germanium.parameters_path:
        wanted += [
            Artifact(
                "par_dsp",
                ("dsp_parameters", "trapping_alpha_per_ns"),
                _beside("par_dsp.yaml"),
                write=_par_dsp(detectors, with_svm=bool(config.germanium.svm_path)),
                where_there=(_NOISE, _DPLMS) if config.germanium.fft_path else (),
            ),
            Artifact(
                "par_hit",
                _OF_HIT,
                _beside("par_hit.yaml"),
                write=_par_hit(config.germanium.detectors),
                failures=True,
            ),
        ]
        of_svm: tuple[str, ...] = ("svm_model",) if config.germanium.svm_path else ()
        if of_svm or (config.germanium.fft_path and config.germanium.dplms.enabled):
            place, nodes = _beside("par_dsp.lh5"), ("dsp_parameters", *of_svm)
            wanted.append(Artifact("par_arrays", nodes, place, write=_par_arrays))
        if config.output.report:
            drawn = config.output.figures
            pages = (PAGES, *((NOISE_PAGE,) if config.germanium.fft_path else ())) if drawn else ()
            report = _report(absences(config))
            wanted.append(
                Artifact(
                    "report",
                    (*OF_REPORT, *pages),
                    _report_place,
                    write=report,
                    failures=True,
                    where_there=(*WHERE_THERE, *(MORE_PAGES if drawn else ())),
                )
            )
    return wanted


class ValidityFile(Companion):
    """validity.yaml beside the parameter files: from when on they are valid, as LEGEND has it."""

    def beside(self, run_file: Path) -> Path:
        """It stands once in a folder, whatever the run is called."""
        return run_file.with_name(self.name)


def companions_of(config: GermaniumConfig, _folder: Path) -> list[Companion]:
    """What tells of the files of a calibration by their names."""
    if config.germanium.parameters_path:
        return []
    return [ValidityFile("validity.yaml", _validity)]


def _validity(_run_file: Path, path: Path, named: Path) -> None:
    """One entry; of an input without a time in its name the parameters are always valid."""
    name = name_of(named.name)
    entry = {
        "valid_from": name.timestamp or _ALWAYS,
        "category": "all",
        "mode": "reset",
        "apply": [f"{name.stem}-par_dsp.yaml", f"{name.stem}-par_hit.yaml"],
    }
    write_yaml(path, [entry])


def _report_place(_config: Any, run_file: Path) -> Path:
    return run_file.with_name("report.html")


def _report(absent: Sequence[str]) -> Callable[[Path, Mapping[str, Any]], None]:
    def write(path: Path, values: Mapping[str, Any]) -> None:
        path.write_text(report_text(values, absent), encoding="utf-8")

    return write


def absences(config: GermaniumConfig) -> list[str]:
    """What a config leaves out of a calibration, and what would bring it in."""
    found = []
    if not config.germanium.fft_path:
        found.append(
            "No forced triggers were given ([germanium] fft_path): the noise spectrum and the "
            "noise of the filters are absent, and so is the DPLMS filter (dplmsEmax); quality cuts "
            "are those of the calibration alone"
            + (
                ", and the search of the filters begins with a grid of shaping times."
                if config.germanium.filters.optimise
                else "."
            )
        )
    return found


def _par_dsp(
    detectors: Mapping[str, str], *, with_svm: bool
) -> Callable[[Path, Mapping[str, Any]], None]:
    def write(path: Path, values: Mapping[str, Any]) -> None:
        alphas, noise = values["trapping_alpha_per_ns"], values.get(_NOISE, {})
        made = values.get(_DPLMS, {})
        arrays = Path(meant_name(path)).with_suffix(".lh5").name
        content = {
            detectors.get(channel, channel): {
                **dsp_parameters_of(parameters),
                **({"nopt_pars": noise_of(noise[channel])} if channel in noise else {}),
                **dplms_of(parameters, arrays, channel, made.get(channel)),
                **({"svm": {"model_file": f"loadlh5('$_/{arrays}','svm')"}} if with_svm else {}),
                **({"ctc_params": trapping_of(alphas[channel])} if channel in alphas else {}),
            }
            for channel, parameters in values["dsp_parameters"].items()
        }
        write_yaml(path, content)

    return write


def _par_arrays(path: Path, values: Mapping[str, Any]) -> None:
    """What is too long for the parameter file: coefficients of DPLMS filters, and the SVM."""
    with new_lh5(path) as file:
        for channel, parameters in values["dsp_parameters"].items():
            if parameters.dplms:
                group = file.create_group(f"{channel}/dplms")
                write_array(group, "coefficients", np.array(parameters.dplms))
        if "svm_model" in values:
            group = file.create_group("svm")
            for name, array in model_arrays(values["svm_model"]).items():
                write_array(group, name, array)
            named = ",".join(values["svm_model"].names)
            group["labels"].attrs.create(NAMES, named, dtype=h5py.string_dtype("utf-8"))


def _par_hit(detectors: Mapping[str, str]) -> Callable[[Path, Mapping[str, Any]], None]:
    def write(path: Path, values: Mapping[str, Any]) -> None:
        by_node = {name: values[name] for name in _OF_HIT}
        content = {}
        for channel, parameters in values["hit_parameters"].items():
            own = {name: of[channel] for name, of in by_node.items() if channel in of}
            failures = [f for f in values[FAILURES] if f.at.get("channel") == channel]
            content[detectors.get(channel, channel)] = {
                "pars": operations_of(parameters),
                "results": hit_results(own, failures),
            }
        write_yaml(path, content)

    return write


def _beside(ending: str) -> Callable[[Any, Path], Path]:
    """A name beside the run file: the input's up to its tier, and an ending."""

    def place(_config: Any, run_file: Path) -> Path:
        return run_file.with_name(f"{name_of(run_file.name).stem}-{ending}")

    return place


@contextmanager
def _dsp(path: Path) -> Iterator[Append]:
    """The dsp tier: one table a channel."""
    with new_lh5(path) as file:

        def append(part: Part, values: Mapping[str, Any]) -> None:
            frame = written_columns(values["dsp_tier"])
            (channel,) = part.place(("channel",))
            where = f"{channel}/dsp"
            write_table(file, where, columns_of_frame(frame, DSP_COLUMNS))

        yield append


@contextmanager
def _hit(path: Path) -> Iterator[Append]:
    """The hit tier: one table a channel, its flags also as bits of one column.

    An attribute of the table says which columns it has not, and why.
    """
    with new_lh5(path) as file:

        def append(part: Part, values: Mapping[str, Any]) -> None:
            frame, absent = values["hit_tier"].columns, values["hit_tier"].absent
            (channel,) = part.place(("channel",))
            bits = {BITS: bits_of_flags(flags_of(frame))}
            columns = columns_of_frame(frame, DSP_COLUMNS, bits)
            for name, column in columns.items():
                if name.endswith("_cal") and column.values.dtype.kind == "f":
                    columns[name] = replace(column, attributes={"units": "keV"})
            why = {reason: [n for n in absent if absent[n] == reason] for reason in absent.values()}
            lines = [f"{', '.join(names)}: {reason}" for reason, names in why.items()]
            write_table(file, f"{channel}/hit", columns, {ABSENT: "\n".join(lines)} if why else {})

        yield append


def written_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that nothing was computed of: NaN, or -1, in every row."""
    if len(frame) == 0:
        return frame
    kept = [
        name for name in frame.columns
        if not (frame[name].isna().all() if frame[name].dtype.kind == "f" else
                (frame[name].dtype.kind == "i" and bool((frame[name] == -1).all())))
    ]  # fmt: skip
    return frame[kept]
