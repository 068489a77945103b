"""Which event shows a board best, and its waveforms."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import Mask
from ...schemas.lightdqm.arrays import ChosenWaveforms, LightLayout, PickedWaveforms
from ...schemas.lightdqm.settings import LightHitSettings
from ...schemas.sources import FileRef
from .columns import by_waveform, of_board
from .flow_file import flow_file, samples_of
from .grouping import CHANNELS_OF_EPCB, EPCB_CHANNELS, N_EPCBS

_LIGHT_CHANNELS: Final = 2


@tag(stage="picks", unit="adc16")
def picked_waveforms(
    source_file: FileRef,
    light_layout: LightLayout,
    chosen_waveforms: ChosenWaveforms,
    waveform_features: pd.DataFrame,
    selected_events: pd.DataFrame,
    active_channels: Mask,
    light_hit_settings: LightHitSettings,
) -> PickedWaveforms:
    """For each board the first event with light in two channels or more, else the steepest.

    Light is a pulse of more than ``least_adc16`` counts; the steepest event has the greatest step
    between two samples. Only valid waveforms of active channels count.
    """
    usable = by_waveform(waveform_features, "valid") & active_channels
    height = by_waveform(waveform_features, "maximum_adc16")
    bright = usable & (height > light_hit_settings.least_adc16)
    step = np.where(usable, by_waveform(waveform_features, "spark_step_adc16"), -1)
    with_light = of_board(bright) >= _LIGHT_CHANNELS
    steepest = step[..., CHANNELS_OF_EPCB].max(axis=-1)
    place = np.where(with_light.any(axis=0), with_light.argmax(axis=0), steepest.argmax(axis=0))
    there = (steepest >= 0).any(axis=0)
    needed = np.unique(place[there])
    shape = (light_layout.n_adcs, N_EPCBS, EPCB_CHANNELS, light_layout.n_samples)
    picked = np.zeros(shape, dtype=np.int16)
    if chosen_waveforms.samples is None:
        with flow_file(source_file) as file:
            rows = chosen_waveforms.event_rows[needed]
            samples = samples_of(file, light_layout, rows)
    else:
        samples = chosen_waveforms.samples[needed]
    for adc, board in zip(*np.nonzero(there), strict=True):
        event = int(np.searchsorted(needed, place[adc, board]))
        picked[adc, board] = samples[event, adc, CHANNELS_OF_EPCB[board]]
    ids = {name: selected_events[name].to_numpy()[place] for name in ("event_row", "event_id")}
    return PickedWaveforms(
        event_row=np.where(there, ids["event_row"], -1),
        event_id=np.where(there, ids["event_id"], -1),
        is_light=np.asarray(with_light.any(axis=0)),
        channels=CHANNELS_OF_EPCB.copy(),
        samples=picked,
    )
