"""Simulated light read-out as FLOW.hdf5 files, with the truth and the channel status beside.

The layout is that of h5flow (lbl-neutrino/h5flow) and of the event builders of ndlar_flow.
Waveforms are made and written in blocks of events, so memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...nodes.simulation.light_rows import faulty_rows, waveform_places
from ...schemas.arrays import I4, I8, Mask
from ...schemas.light_faults import PLANTED_FAULTS, planted
from ...schemas.light_simulation import (
    LIGHT_EVENT_TRUTH,
    LIGHT_PULSES,
    RECTANGLES,
    RWM_CHANNEL,
    RWM_THRESHOLD_ADC16,
    LightSimulationSettings,
)
from ...schemas.lightdqm.detector import N_CHANNELS
from ...schemas.sources import EventRange
from ..definition import Definition
from ..files import check_new_files, new_output
from ..graph import build_driver, dependencies
from ..hdf5 import need_room, new_file

Compression = Literal["gzip", "lzf"]

STAGES: Final = ("channels", "faults", "events", "waveforms")
SUFFIX: Final = ".FLOW.hdf5"
STATUS_FILE: Final = "channel_status.csv"
BLOCK_SAMPLES: Final = 1 << 24
_ELSEWHERE: Final = "another folder"

_SERIAL: Final = 0x0A7B_5000
_EVENTS: Final = "light/events"
_WAVEFORMS: Final = "light/wvfm"
_REF: Final = "light/events/ref/light/wvfm"
_BACK: Final = "light/wvfm/ref/light/events"
_REGION: Final = np.dtype([("start", "i4"), ("stop", "i4")])
_NS_PER_MS: Final = 1_000_000
_CHUNK_EVENTS: Final = 16
_CHUNK_REFERENCES: Final = 1024


@dataclass(frozen=True)
class LightSimulationResult:
    """What was written. ``faults`` is the PlantedFaults frame."""

    out: Path
    events_truth: Path
    faults_truth: Path
    channel_status: Path
    faults: pd.DataFrame
    n_beam: int
    n_self: int
    size_bytes: int


def light_simulation_pipeline() -> Definition:
    """The graph of the simulated light read-out."""
    modules = tuple(f"radiograph.nodes.simulation.light_{stage}" for stage in STAGES)
    tables = (LIGHT_EVENT_TRUTH, LIGHT_PULSES, PLANTED_FAULTS, RECTANGLES)
    return Definition("light_simulation", modules=modules, tables=tables)


class LightSimulation:
    """The graph of one file: what all events share is made once, waveforms block by block."""

    def __init__(self, settings: LightSimulationSettings) -> None:
        driver = build_driver(light_simulation_pipeline(), {})
        inputs = {name: getattr(settings, name) for name in type(settings).model_fields}
        shared = (
            "light_streams",
            "pulse_shapes",
            "planted_faults",
            "light_channels",
            "light_segments",
            "light_tones",
            "light_triggers",
            "adc_missing",
            "clock_offset_ms",
            "light_pulses",
            "rectangles",
            "recorded_pulses",
            "recorded_rectangles",
            "light_event_truth",
            "channel_status",
        )
        self.shared = dict(driver.execute(list(shared), inputs=inputs))
        needed = dependencies(driver, "light_samples") - {"event_range"}
        self._of_samples = {name: (inputs | self.shared)[name] for name in needed}

    def samples(self, first_event: int, n_events: int) -> NDArray[np.int16]:
        """Samples of a range of events, shape (n_events, n_adcs, 64, n_samples).

        The node is called by itself: what Hamilton keeps of an execution would hold every block
        until Python collects its garbage.
        """
        from ...nodes.simulation.light_waveforms import light_samples

        return light_samples(EventRange(first_event, n_events), **self._of_samples)


def output_paths(settings: LightSimulationSettings, folder: Path) -> dict[str, Path]:
    """Names of the files: the data, the truth of events and of faults, the channel status."""
    return {
        "out": folder / f"{settings.stem}{SUFFIX}",
        "events_truth": folder / f"{settings.stem}.truth_events.csv",
        "faults_truth": folder / f"{settings.stem}.truth_faults.csv",
        "channel_status": folder / STATUS_FILE,
    }


def write_light_simulation(
    settings: LightSimulationSettings,
    folder: Path,
    *,
    compression: Compression | None = None,
    overwrite: bool = False,
) -> LightSimulationResult:
    """Simulate one file into ``folder``, which is made, with its truth beside.

    Raises UsageError before a waveform is computed if a file exists and ``overwrite`` is
    false. A channel status file with the same content is no obstacle.
    """
    check_outputs([settings], folder, overwrite=overwrite)
    paths = output_paths(settings, folder)
    simulation = LightSimulation(settings)
    shared = simulation.shared
    status = _status_text(shared["channel_status"])
    texts = {
        paths["events_truth"]: shared["light_event_truth"].to_csv(index=False),
        paths["faults_truth"]: _faults_truth(shared["planted_faults"], settings.n_events),
    }
    held = paths["channel_status"]
    if not (held.is_file() and held.read_text("utf-8") == status):
        check_new_files([held], (), overwrite=overwrite, elsewhere=_ELSEWHERE)
        texts[held] = status
    # All files appear, or none.
    with ExitStack() as stack:
        for path, text in texts.items():
            stack.enter_context(new_output(path, elsewhere=_ELSEWHERE)).write_text(text, "utf-8")
        temporary = stack.enter_context(new_output(paths["out"], elsewhere=_ELSEWHERE))
        with new_file(temporary) as file:
            need_room(temporary, _waveform_bytes(settings) if compression is None else 0)
            _write_flow(file, settings, simulation, compression)
    n_beam = int(shared["light_triggers"].sum())
    return LightSimulationResult(
        **paths,
        faults=shared["planted_faults"],
        n_beam=n_beam,
        n_self=settings.n_events - n_beam,
        size_bytes=paths["out"].stat().st_size,
    )


def check_outputs(
    several: Iterable[LightSimulationSettings], folder: Path, *, overwrite: bool
) -> None:
    """UsageError if a file of any of the settings exists; of the status file the content counts."""
    for settings in several:
        paths = output_paths(settings, folder)
        mine = [path for name, path in paths.items() if name != "channel_status"]
        check_new_files(mine, (), overwrite=overwrite, elsewhere=_ELSEWHERE)


def _faults_truth(faults: pd.DataFrame, n_events: int) -> str:
    """The faults with their first event and the first one after them."""
    spans = [fault.events(n_events) for fault in planted(faults)]
    events = {
        name: [span[k] for span in spans] for k, name in enumerate(("first_event", "end_event"))
    }
    return str(faults.assign(**events).to_csv(index=False))


def _status_text(status: I4) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in status.tolist())


def _waveform_bytes(settings: LightSimulationSettings) -> int:
    return 2 * settings.n_events * settings.n_adcs * N_CHANNELS * settings.n_samples


def _write_flow(
    file: h5py.File,
    settings: LightSimulationSettings,
    simulation: LightSimulation,
    compression: Compression | None,
) -> None:
    """Datasets, references and attributes of the file, waveforms in blocks."""
    n = settings.n_events
    group = file.create_group(_EVENTS)
    group.attrs.update(_attributes(settings))
    events = file.create_dataset(
        f"{_EVENTS}/data",
        (n,),
        dtype=_event_type(settings),
        maxshape=(None,),
        chunks=(_CHUNK_EVENTS,),
        compression=compression,
    )
    shape = (settings.n_adcs, N_CHANNELS, settings.n_samples)
    waveforms = file.create_dataset(
        f"{_WAVEFORMS}/data",
        (n,),
        dtype=np.dtype([("samples", "<i2", shape)]),
        maxshape=(None,),
        chunks=(1,),
        compression=compression,
    )
    trigger_type = np.zeros(n, dtype=np.uint8)
    faults = planted(simulation.shared["planted_faults"])
    places = waveform_places(n, faults)
    block = max(1, BLOCK_SAMPLES // int(np.prod(shape)))
    for first in range(0, n, block):
        samples = simulation.samples(first, min(block, n - first))
        rows = slice(first, first + len(samples))
        put_rows(waveforms, places[rows], samples.reshape(-1).view(waveforms.dtype))
        # As the event builder does it: an event whose ADC 0 is absent counts as self-triggered.
        monitor = samples[:, RWM_CHANNEL[0], RWM_CHANNEL[1]]
        trigger_type[rows] = (monitor > RWM_THRESHOLD_ADC16).any(axis=1)
    if n:
        events[:] = faulty_rows(_event_rows(settings, simulation.shared, trigger_type), faults)
    _write_references(file, places)


def _event_type(settings: LightSimulationSettings) -> np.dtype[Any]:
    adcs = (settings.n_adcs,)
    inputs = (settings.n_adcs, N_CHANNELS)
    old = settings.layout == "adc64"
    times = inputs if old else adcs
    return np.dtype(
        [
            ("id", "<u8"),
            ("event", "<i4"),
            ("sn", "<i4", adcs),
            *([("ch", "u1", inputs)] if old else []),
            ("utime_ms", "<u8", times),
            ("tai_ns", "<u8", times),
            ("wvfm_valid", "u1", inputs),
            *([] if old else [("trig_type", "u1")]),
        ]
    )


def _event_rows(
    settings: LightSimulationSettings, shared: Mapping[str, Any], trigger_type: NDArray[np.uint8]
) -> NDArray[np.void]:
    truth: pd.DataFrame = shared["light_event_truth"]
    present: Mask = ~shared["adc_missing"]
    rows = np.zeros(settings.n_events, dtype=_event_type(settings))
    rows["id"] = truth["event"]
    rows["event"] = truth["event"] + 1
    rows["sn"] = present * _serials(settings.n_adcs)
    rows["wvfm_valid"] = present[:, :, None]
    ahead_ms: I8 = shared["clock_offset_ms"]
    tai = present * (truth["tai_ns"].to_numpy()[:, None] + _NS_PER_MS * ahead_ms)
    if settings.layout == "adc64":
        # Older files number the channels and leave the Unix time empty.
        rows["ch"] = present[:, :, None] * np.arange(N_CHANNELS)
        rows["tai_ns"] = tai[:, :, None]
    else:
        rows["utime_ms"] = present * (truth["utime_ms"].to_numpy()[:, None] + ahead_ms)
        rows["tai_ns"] = tai
        rows["trig_type"] = trigger_type
    return rows


def _serials(n_adcs: int) -> I4:
    return _SERIAL + 0x11 * np.arange(n_adcs, dtype=np.int32)


def _attributes(settings: LightSimulationSettings) -> dict[str, Any]:
    """What the event builder notes on the group of the events."""
    attributes = {
        "classname": "LightMPDEventGenerator",
        "class_version": "0.0.0",
        "start_position": 0,
        "end_position": settings.n_events,
        "input_filename": f"{settings.stem}.data",
        "wvfm_dset_name": _WAVEFORMS,
        "n_adcs": settings.n_adcs,
        "n_channels": N_CHANNELS,
        "first_channel": 0,
        "batch_size": 12,
        "sync_channel": 0,
        "sync_threshold": 40000,
        "sync_buffer": 200,
        "clock_timestamp_factor": 1.0,
        "utime_ms_window": 1000,
        "tai_ns_window": 1000,
        "rwm_channel": list(RWM_CHANNEL),
        "rwm_threshold": RWM_THRESHOLD_ADC16,
        "sn_table": _serials(settings.n_adcs),
        "n_samples": settings.n_samples,
    }
    if settings.layout == "adc64":
        attributes["classname"] = "LightADC64EventGenerator"
        del attributes["rwm_channel"], attributes["rwm_threshold"]
    return attributes


def put_rows(dataset: h5py.Dataset, places: I8, rows: NDArray[Any]) -> None:
    """Rows at places of a dataset; in one piece where they follow one another."""
    if (np.diff(places) == 1).all():
        dataset[int(places[0]) : int(places[-1]) + 1] = rows
        return
    for place, row in zip(places.tolist(), rows, strict=True):
        dataset[place] = row


def _write_references(file: h5py.File, places: I8) -> None:
    """Event i belongs to waveform places[i]: pairs, and regions that find the pairs of a row."""
    n = len(places)
    index = np.arange(n, dtype=np.uint32)
    pairs = file.create_dataset(
        f"{_REF}/ref",
        data=np.stack([index, places.astype(np.uint32)], axis=1),
        maxshape=(None, 2),
        chunks=(_CHUNK_REFERENCES, 2),
    )
    pairs_of: list[tuple[str, NDArray[Any]]] = [(_REF, index), (_BACK, np.argsort(places))]
    # The pairs stand in the order of the events; a waveform finds its pair by who points at it.
    for k, (path, pair_of) in enumerate(pairs_of):
        regions = np.zeros(n, dtype=_REGION)
        regions["start"] = pair_of
        regions["stop"] = pair_of + 1
        region = file.create_dataset(
            f"{path}/ref_region", data=regions, maxshape=(None,), chunks=(_CHUNK_REFERENCES,)
        )
        region.attrs["ref"] = pairs.name
        pairs.attrs[f"ref_region{k}"] = region.name
    pairs.attrs["dset0"] = f"/{_EVENTS}/data"
    pairs.attrs["dset1"] = f"/{_WAVEFORMS}/data"
