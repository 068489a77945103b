"""Small light files, written sample by sample, and nodes of the graph asked by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from radiograph.drivers.graph import build_driver
from radiograph.drivers.lightdqm.inputs import graph_values
from radiograph.drivers.registry import definition
from radiograph.schemas.lightdqm.config import LightDqmConfig
from radiograph.schemas.sources import FileRef

Ask = Callable[..., Any]
Write = Callable[..., Path]
RWM = (0, 18)


def event_dtype(n_adcs: int, *, old: bool = False) -> np.dtype[Any]:
    """The fields of an event; old files have no trigger type and times of each channel."""
    if old:
        return np.dtype(
            [
                ("id", "u8"),
                ("event", "i4"),
                ("sn", "i4", (n_adcs,)),
                ("ch", "u1", (n_adcs, 64)),
                ("utime_ms", "u8", (n_adcs, 64)),
                ("tai_ns", "u8", (n_adcs, 64)),
                ("wvfm_valid", "u1", (n_adcs, 64)),
            ]
        )
    return np.dtype(
        [
            ("id", "u8"),
            ("event", "i4"),
            ("sn", "i4", (n_adcs,)),
            ("utime_ms", "u8", (n_adcs,)),
            ("tai_ns", "u8", (n_adcs,)),
            ("wvfm_valid", "u1", (n_adcs, 64)),
            ("trig_type", "u1"),
        ]
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes samples (event, ADC, input, sample) as a file of the layout of h5flow."""

    def written(
        samples: NDArray[Any],
        triggers: Any = None,
        valid: NDArray[Any] | None = None,
        *,
        name: str = "mpd_run_data_rctl_7_p0.FLOW.hdf5",
        rwm: tuple[int, int] | None = RWM,
        old: bool = False,
        compression: str | None = None,
    ) -> Path:
        n, n_adcs, _, n_samples = samples.shape
        rows = np.zeros(n, dtype=event_dtype(n_adcs, old=old))
        rows["id"] = np.arange(100, 100 + n)
        rows["event"] = np.arange(n)
        rows["wvfm_valid"] = 1 if valid is None else valid
        times = 1_757_246_400_000 + 600 * np.arange(n, dtype=np.uint64)
        if not old:
            rows["utime_ms"] = times[:, np.newaxis]
            rows["tai_ns"] = times[:, np.newaxis] * 1_000_000
            rows["trig_type"] = 0 if triggers is None else triggers
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            waves = np.dtype([("samples", "i2", (n_adcs, 64, n_samples))])
            file.create_dataset("light/events/data", data=rows, chunks=(16,), maxshape=(None,))
            data = file.create_dataset(
                "light/wvfm/data",
                (n,),
                waves,
                chunks=(1,),
                maxshape=(None,),
                compression=compression,
            )
            for k in range(n):
                data[k] = (samples[k].astype(np.int16),)
            group = file["light/events"]
            group.attrs["n_adcs"] = n_adcs
            group.attrs["classname"] = "LightEventGenerator"
            if rwm is not None:
                group.attrs["rwm_channel"] = np.array(rwm)
        return path

    return written


@pytest.fixture
def ask() -> Ask:
    """Values of nodes for a file: one name gives its value, several a dictionary."""

    def asked(path: Path, *names: str, status: Path | None = None, **given: Any) -> Any:
        keys = set(type(LightDqmConfig().lightdqm).model_fields)
        settings = {k: v for k, v in given.items() if k in keys}
        inputs = {k: v for k, v in given.items() if k not in keys}
        config = LightDqmConfig.model_validate({"lightdqm": settings})
        values = {**graph_values(config, Path()), "source_file": FileRef(str(path), 0, "")}
        choices = {"legacy": config.lightdqm.legacy, "channel_status": "none"}
        if status is not None:
            choices["channel_status"] = "file"
            values["channel_status_file"] = FileRef(str(status), 0, "")
        found = build_driver(definition("lightdqm"), choices).execute(
            list(names), inputs=values | inputs
        )
        return found[names[0]] if len(names) == 1 else found

    return asked


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20251107)


def quiet(
    rng: np.random.Generator,
    n: int,
    n_adcs: int = 2,
    n_samples: int = 200,
    *,
    baseline: float = -28000.0,
    noise: float = 35.0,
) -> NDArray[np.int16]:
    """Waveforms of noise around a baseline, multiples of 4 as the read-out makes them."""
    samples = rng.normal(baseline, noise, (n, n_adcs, 64, n_samples))
    return np.asarray(np.clip(np.round(samples / 4) * 4, -32768, 32764), dtype=np.int16)
