"""The light data-quality pipeline as the core sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.lightdqm.pages import unknown_page
from ..defaults import later
from ..definition import Definition, Fault, Source
from ..home import path_of_setting
from .inputs import CHOICES, INPUTS

if TYPE_CHECKING:
    from ..config import LoadedConfig


def _ours(place: str) -> Callable[..., Any]:
    """A function of this package, imported when it is called."""
    return later(f"{__package__}.{place}")


def faults(config: LightDqmConfig, folder: Path, skip: frozenset[str]) -> Iterator[Fault]:
    """Every problem between settings, or between them and the disk."""
    if "lightdqm" in skip:
        return
    settings = config.lightdqm
    status = settings.channel_status_csv
    fault = "" if status is None else _status_fault(path_of_setting(folder, status))
    if fault:
        text = f'channel_status_csv = "{status}": {fault}, or leave the key out'
        yield Fault("lightdqm", text, ("lightdqm.channel_status_csv",))
    for page in settings.pages:
        fault = unknown_page(page)
        if fault:
            yield Fault("lightdqm", f"pages: {fault}", ("lightdqm.pages",))
    if settings.write_parquet and find_spec("pyarrow") is None:
        text = (
            "write_parquet = true needs pyarrow, which is not installed: pip install "
            "'radiograph[parquet]', or leave the key out (the HDF5 file has every number)"
        )
        yield Fault("lightdqm", text, ("lightdqm.write_parquet",))
    window = settings.limits.beam_self_ratio
    if window is not None and window[0] < 0:
        text = f"beam_self_ratio = {list(window)}: a ratio is not negative; start at 0"
        yield Fault("lightdqm.limits", text, ("lightdqm.limits.beam_self_ratio",))


def _status_fault(path: Path) -> str:
    """Why a channel status file cannot be one, whatever the data; empty if it may be."""
    if not path.is_file():
        return (
            f"there is no file {path}; correct the path (in a TOML file relative to that file, "
            "on the command line to the working folder)"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as reason:
        return f"{path} cannot be read as text ({reason}); correct the file"
    if not text.strip():
        return f"{path} is empty; write a row of 64 numbers for each ADC"
    return ""


def notices(config: LightDqmConfig, _replaced: tuple[str, ...]) -> Iterator[str]:
    """What is accepted without effect."""
    if config.lightdqm.temp_dir is not None:
        yield "[lightdqm] temp_dir is unused: temporary files stand beside the outputs"


def summary(loaded: LoadedConfig[LightDqmConfig]) -> dict[str, Any]:
    """What a checked file asks for, as plain values."""
    from ..input_paths import named_inputs

    settings = loaded.config.lightdqm
    return {
        "pipeline": "lightdqm",
        "input": named_inputs(loaded),
        "output": loaded.config.io.output_path,
        "status": settings.channel_status_csv,
        "events": "all" if settings.max_evts == 0 else f"at most {settings.max_evts}",
        "formulas": "legacy" if settings.legacy else "corrected",
    }


_STAGES: Final = (
    "load",
    "grouping",
    "features",
    "relations",
    "channel_orders",
    "blocks",
    "coding",
    "order",
    "rates",
    "fractions",
    "spectra",
    "picks",
    "masks",
    "verdict",
    "figures",
    "verdict_pages",
)

LIGHTDQM = Definition(
    name="lightdqm",
    home=f"{__name__}:LIGHTDQM",
    modules=tuple(f"radiograph.nodes.lightdqm.{stage}" for stage in _STAGES),
    tables="radiograph.schemas.lightdqm.frames:TABLES",
    settings=LightDqmConfig,
    sources=(
        Source(
            "source",
            "io.input_path",
            "FLOW.hdf5 file of the light read-out",
            "*.FLOW.hdf5",
            sampled=True,
        ),
    ),
    # A file is one part. What is of the run (figures) comes when its waveforms are gone.
    scopes=MappingProxyType({"range": (), "run": ()}),
    inputs=INPUTS,
    choices=CHOICES,
    aliases=MappingProxyType({"verdict": "dqm_verdict", "fractions": "dqm_fractions"}),
    tables_page="lightdqm_schemas.md",
    example="lightdqm.toml",
    listed_choices=MappingProxyType({"legacy": False, "channel_status": "file"}),
    faults=faults,
    notices=notices,
    run=_ours("config_run:run_config"),
    session=_ours("config_run:compared_session"),
    summary=summary,
    described=_ours("file_summary:light_summary"),
    pages=f"{__package__}.pages",
    verify=_ours("verifying:verify"),
    report=_ours("report:write_report"),
    quick_look=_ours("watching:light_quick_look"),
    starter=_ours("starter:write_starter"),
    summary_node="channel_masks",
    setting_aliases=MappingProxyType(
        {
            "lightdqm.input_path": "io.input_path",
            "lightdqm.output_dir": "io.output_path",
            "lightdqm.overwrite": "io.overwrite",
        }
    ),
)
