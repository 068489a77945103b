"""Parameter files of LEGEND (par_dsp, par_hit): YAML, read safely, a channel or detector a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import h5py
import yaml

from ...schemas.errors import InputError, Unfit
from ...schemas.germanium.dsp import FilterSettings, PoleZeroConstants
from ...schemas.germanium.operations import Operation
from ...schemas.germanium.parameters import ParameterFiles
from ...schemas.germanium.settings import Filters
from ...schemas.sources import FileRefs
from .lh5 import lh5_file
from .lh5_datasets import rows_of_dataset
from .parameter_arrays import named_place

_LARGEST: Final = 50_000_000
_TIME: Final = re.compile(r"\s*([-+.\deE]+)\s*(?:\*?\s*(ns|us|ms|s))?\s*\Z")
_NS: Final = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def parameters_of(
    files: ParameterFiles, channel: str, detectors: Mapping[str, str]
) -> Mapping[str, Any]:
    """What the files hold of a channel, by its table's name or its detector's.

    Raises
    ------
    InputError
        If a file cannot be read.
    Unfit
        If none of them knows the channel.
    """
    names = (channel, detectors.get(channel, channel))
    found: dict[str, Any] = {}
    is_there = False
    for file in files.files:
        content = content_of(file.path, file.content_hash)
        for name in dict.fromkeys(names):
            own = content.get(name)
            if isinstance(own, Mapping):
                is_there = True
                found.update(own)
    if not is_there:
        paths = ", ".join(file.path for file in files.files)
        msg = f"no constants of {' or '.join(dict.fromkeys(names))} in {paths}"
        raise Unfit(code="no_parameters", message=msg)
    return found


@lru_cache(maxsize=8)
def content_of(path: str, content_hash: str) -> Mapping[str, Any]:
    """A file as a mapping by key; by its content, so that each is parsed once a process."""
    del content_hash
    try:
        if Path(path).stat().st_size > _LARGEST:
            msg = f"{path}: is larger than {_LARGEST} bytes; parameters of channels are small."
            raise InputError(msg, file=path, code="no_parameters")
        loaded = yaml.safe_load(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as reason:
        msg = f"{path}: cannot be read ({reason})."
        raise InputError(msg, file=path) from None
    except yaml.YAMLError as reason:
        said = str(reason).replace("\n", " ")
        msg = f"{path}: is no plain YAML ({said}). Tags of Python objects are never followed."
        raise InputError(msg, file=path, code="no_yaml") from None
    if not isinstance(loaded, Mapping):
        msg = f"{path}: holds {type(loaded).__name__}, where channels by name are needed."
        raise InputError(msg, file=path, code="no_parameters")
    return loaded


def operations_in(
    files: ParameterFiles, channel: str, detectors: Mapping[str, str]
) -> tuple[tuple[Operation, ...], tuple[str, ...]]:
    """The operations of a channel's hit tier and the columns it names as outputs.

    InputError naming the operation for what is none; Unfit where there are none.
    """
    parameters = parameters_of(files, channel, detectors)
    pars = parameters.get("pars", parameters)
    if not isinstance(pars, Mapping) or not isinstance(pars.get("operations"), Mapping):
        msg = f"no operations of a hit tier for {channel} in {files.files[-1].path}"
        raise Unfit(code="no_operations", message=msg)
    outputs = pars.get("outputs", ())
    found = tuple(
        _operation(str(name), told, files.files[-1].path)
        for name, told in pars["operations"].items()
    )
    return found, tuple(str(name) for name in outputs)


def absent_in(files: ParameterFiles, channel: str, detectors: Mapping[str, str]) -> dict[str, str]:
    """Columns that a channel's hit tier has not, each with why, where the files tell of any."""
    results = parameters_of(files, channel, detectors).get("results")
    told = results.get("absent") if isinstance(results, Mapping) else None
    if not isinstance(told, Mapping):
        return {}
    return {str(name): str(reason) for name, reason in told.items()}


def _operation(name: str, told: Any, path: str) -> Operation:
    if not isinstance(told, Mapping) or not isinstance(told.get("expression"), str):
        msg = f"{path}: operation {name} has no expression."
        raise InputError(msg, file=path, code="unknown_operation")
    parameters = told.get("parameters") or {}
    wrong = [
        key for key, value in parameters.items()
        if isinstance(value, bool) or not isinstance(value, (int, float))
    ]  # fmt: skip
    if wrong:
        value = parameters[wrong[0]]
        msg = f"{path}: operation {name}: parameter {wrong[0]} is {value!r}, no number."
        raise InputError(msg, file=path, code="unknown_operation")
    numbers = {str(key): float(value) for key, value in parameters.items()}
    return Operation(name, told["expression"], numbers)


def time_in(unit: str, value: Any, what: str) -> float:
    """A time as LEGEND writes it, "439040.0*ns" or a number of ns, in a unit.

    A number that is written in that unit is taken as it stands, to the last digit. InputError for
    what is no time.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) / _NS[unit]
    found = _TIME.match(value) if isinstance(value, str) else None
    try:
        if found is not None:
            return float(found.group(1)) * (_NS[found.group(2) or "ns"] / _NS[unit])
    except ValueError:
        pass
    msg = f"{what} is {value!r}; a time as '439040.0*ns' is needed."
    raise InputError(msg, code="wrong_time")


def pole_zero_in(parameters: Mapping[str, Any], channel: str) -> PoleZeroConstants:
    """The decay of the preamplifier in a par_dsp; Unfit if it has none."""
    told = parameters.get("pz")
    if not isinstance(told, Mapping) or ("tau1" not in told and "tau" not in told):
        msg = (
            f"no decay constant pz.tau1 of {channel} in the parameter files; give par_dsp too, or "
            "files of the tier dsp"
        )
        raise Unfit(code="no_decay", message=msg)
    tau1 = time_in("ns", told.get("tau1", told.get("tau")), f"pz.tau1 of {channel}")
    tau2 = time_in("ns", told["tau2"], f"pz.tau2 of {channel}") if "tau2" in told else 0.0
    frac = float(told.get("frac", 0.0)) if tau2 else 0.0
    return PoleZeroConstants(tau1, tau2, frac, origin="parameters")


def dplms_in(
    parameters: Mapping[str, Any], files: ParameterFiles, channel: str
) -> tuple[float, ...]:
    """The coefficients of the DPLMS filter of a par_dsp; none where it has no such filter.

    InputError if they stand in an LH5 file that is not there or has them not.
    """
    told = parameters.get("dplms")
    if not isinstance(told, Mapping) or "coefficients" not in told:
        return ()
    named = told["coefficients"]
    if isinstance(named, list):
        return tuple(float(value) for value in named)
    path, place = named_place(named, FileRefs(files.arrays), f"dplms.coefficients of {channel}")
    with lh5_file(path) as file:
        item = file.get(place)
        if not isinstance(item, h5py.Dataset) or item.ndim != 1 or item.dtype.kind != "f":
            msg = f"{path}: {place} is no row of numbers: it is to be a DPLMS filter."
            raise InputError(msg, file=path, code="no_parameters")
        return tuple(rows_of_dataset(item, 0, len(item), path).tolist())


def filters_in(parameters: Mapping[str, Any], usual: Filters, channel: str) -> FilterSettings:
    """Shaping times of a par_dsp; those that it has not are the usual ones."""

    def us(filter_name: str, key: str, otherwise: float) -> float:
        told = parameters.get(filter_name)
        if not isinstance(told, Mapping) or key not in told:
            return otherwise
        return time_in("us", told[key], f"{filter_name}.{key} of {channel}")

    return FilterSettings(
        us("cusp", "sigma", usual.cusp_sigma_us),
        us("cusp", "flat", usual.flat_us),
        us("zac", "sigma", usual.zac_sigma_us),
        us("zac", "flat", usual.flat_us),
        us("etrap", "rise", usual.trap_rise_us),
        us("etrap", "flat", usual.flat_us),
        usual.kernel_us,
        "parameters",
    )
