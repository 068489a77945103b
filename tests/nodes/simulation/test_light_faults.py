"""Planted faults: their places, what they change, and what the status file tells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.simulation.light_channels import light_streams, sound_channels
from radiograph.nodes.simulation.light_faults import (
    channel_status,
    light_channels,
    light_tones,
    planted_faults,
)
from radiograph.schemas.errors import UsageError
from radiograph.schemas.light_faults import FAULT_KINDS, Fault, planted
from radiograph.schemas.light_simulation import LightChannels, Readout, Scintillation, Tone

STREAMS = light_streams(4, 1, 0)
SOUND = sound_channels(8, Readout(), Scintillation(), STREAMS)


def placed(*faults: Fault) -> pd.DataFrame:
    return planted_faults(faults, SOUND, STREAMS)


def faulty(*faults: Fault) -> LightChannels:
    return light_channels(SOUND, placed(*faults))


def test_the_seed_finds_each_fault_an_active_channel_of_its_own() -> None:
    rows = planted(placed(*(Fault(kind=kind) for kind in FAULT_KINDS)))
    assert [r.kind for r in rows] == list(FAULT_KINDS)
    of_channels = [(r.adc, r.channel) for r in rows if FAULT_KINDS[r.kind].target == "channel"]
    assert len(set(of_channels)) == len(of_channels)
    assert all(SOUND.active[place] for place in of_channels)
    of_adcs = [r.adc for r in rows if FAULT_KINDS[r.kind].target == "adc"]
    assert len(set(of_adcs)) == len(of_adcs)
    assert all(r.channel == -1 for r in rows if FAULT_KINDS[r.kind].target == "adc")
    assert planted(planted_faults((), SOUND, STREAMS)) == []


def test_a_place_that_is_given_is_taken() -> None:
    rows = planted(placed(Fault(kind="dead", adc=3, channel=17), Fault(kind="noisy", adc=2)))
    assert [(r.adc, r.channel) for r in rows] == [(3, 17), (2, -1)]
    changed = faulty(Fault(kind="noisy", adc=2, value=3.0))
    assert np.all(
        changed.noise_adc16[2][SOUND.active[2]] == 3.0 * SOUND.noise_adc16[2][SOUND.active[2]]
    )
    assert np.array_equal(changed.noise_adc16[3], SOUND.noise_adc16[3])


@pytest.mark.parametrize(
    ("kind", "attribute", "expected"),
    [
        ("dead", "light_gain", 0.0),
        ("flatline", "noise_adc16", 0.0),
        ("railed_top", "rail", 1),
        ("railed_bottom", "rail", -1),
        ("sparking", "spark_rate", 0.2),
        ("negative", "negative_rate", 0.2),
        ("undershoot", "undershoot", 0.3),
        ("baseline_spread", "pedestal_jitter_adc16", 1800.0),
    ],
)
def test_a_fault_changes_its_channel_only(kind: str, attribute: str, expected: float) -> None:
    fault = Fault.model_validate({"kind": kind, "adc": 1, "channel": 10})
    values, before = getattr(faulty(fault), attribute), getattr(SOUND, attribute)
    assert values[1, 10] == expected
    changed = values != before
    assert changed.sum() == 1


def test_a_moved_pedestal_stays_in_the_range() -> None:
    changed = faulty(Fault(kind="baseline_band", adc=1, channel=10, value=-9000.0))
    assert changed.pedestal_adc16[1, 10] == -32768.0


def test_tones_of_the_set_up_and_faulty_ones() -> None:
    tones = light_tones((Tone(adc=1, frequency_MHz=10.0),), placed(Fault(kind="tone", adc=5)))
    assert tones.adc.tolist() == [1, 5]
    assert tones.frequency_MHz.tolist() == [10.0, 12.5]
    assert tones.amplitude_adc16[0] == 40.0 < tones.amplitude_adc16[1]


def test_the_status_tells_of_known_faults_only() -> None:
    frame = placed(
        Fault(kind="dead", adc=0, channel=4),
        Fault(kind="dead", adc=0, channel=5, known=True),
        Fault(kind="baseline_band", adc=0, channel=5, known=True),
        Fault(kind="baseline_spread", adc=7, channel=63, known=True),
        Fault(kind="missing_adc", adc=6, known=True),
    )
    status = channel_status(SOUND, frame)
    assert np.bincount(status.ravel() + 1).tolist() == [128, 382, 0, 1, 1]
    assert status[0, 5] == 3
    assert status[7, 63] == 2


def test_more_faults_than_places_are_an_error() -> None:
    with pytest.raises(UsageError, match="no sound ADC is left"):
        placed(*(Fault(kind="tone") for _ in range(9)))
    two = sound_channels(2, Readout(), Scintillation(), STREAMS)
    with pytest.raises(UsageError, match="no sound channel is left"):
        planted_faults(tuple(Fault(kind="dead") for _ in range(97)), two, STREAMS)


def test_places_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="channel 3 of no ADC"):
        Fault(kind="dead", channel=3)
    with pytest.raises(ValueError, match="acts on a whole ADC"):
        Fault(kind="tone", adc=1, channel=3)
