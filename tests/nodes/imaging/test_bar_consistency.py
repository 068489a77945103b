"""Flight against light by bar: a bar that is late is seen before, and not after its constants."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.imaging import uncertainty
from radiograph.nodes.imaging.bar_consistency import bar_consistency
from radiograph.nodes.imaging.cones import neutron_candidate_cones
from radiograph.nodes.imaging.energies import neutron_energies__fixed
from radiograph.schemas.imaging.calibration import BAR_CONSISTENCY

from .test_uncertainty import INCIDENT_MEV, SETTINGS, light_curve, smeared, true_events, x_bars

KINEMATICS = "classical"
LATE_NS = 0.4


def sigmas_of(events: pd.DataFrame) -> pd.DataFrame:
    energies = neutron_energies__fixed(events, INCIDENT_MEV)
    cones = neutron_candidate_cones(events, energies, KINEMATICS)
    told = (KINEMATICS, x_bars(), SETTINGS)
    width = uncertainty.neutron_theta_sigma_rad__fixed(events, cones, INCIDENT_MEV, *told)
    light = uncertainty.neutron_light_theta(
        events, light_curve(), INCIDENT_MEV, KINEMATICS, SETTINGS
    )
    return uncertainty.neutron_candidate_sigmas__both(
        events, cones, width, light, x_bars(), SETTINGS
    )


def found(as_read: pd.DataFrame, calibrated: pd.DataFrame) -> pd.DataFrame:
    sigmas, told = sigmas_of(calibrated), (INCIDENT_MEV, KINEMATICS, x_bars(), SETTINGS)
    return bar_consistency(as_read, calibrated, sigmas, light_curve(), *told)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    """First hits in bars 1 and 3, second hits in bar 2; 30 cm of flight."""
    clean = true_events(np.radians([40.0, 50.0]), distance_cm=30.0, repeats=400)
    first = np.where(np.arange(len(clean)) % 2 == 0, 1, 3)
    return smeared(clean.assign(det_id1=first), np.random.default_rng(4))


def test_a_bar_that_is_late_is_seen_until_it_is_calibrated(events: pd.DataFrame) -> None:
    late = LATE_NS * (events["det_id1"] == 3)
    before = events.assign(t1_ns=events["t1_ns"] + late)
    kept = before.copy()
    table = found(before, events)
    BAR_CONSISTENCY.validate(table, "bar_consistency")
    pd.testing.assert_frame_equal(before, kept)
    assert table["det_id"].tolist() == [1, 3]
    first, third = table.to_dict("records")
    # A first hit that is late shortens the flight: a larger E', a smaller angle by the time.
    assert third["median_before"] < -5.0 * third["error_before"]
    for row, when in ((first, "before"), (first, "after"), (third, "after")):
        assert abs(row[f"median_{when}"]) < 4.0 * row[f"error_{when}"] + 0.1
    assert 390 < third["events_after"] <= 400 >= third["events_before"] > 300
    # Pulls of width 1: the median of 400 is known to 0.06.
    assert first["error_after"] == pytest.approx(1.25 / 20.0, rel=0.2)


def test_without_events_there_is_no_bar(events: pd.DataFrame) -> None:
    assert len(found(events.head(0), events.head(0))) == 0


def test_one_event_has_no_error_and_one_beyond_the_core_no_median(events: pd.DataFrame) -> None:
    one = events.head(1)
    [row] = found(one.assign(t1_ns=one["t1_ns"] + 3.0), one).to_dict("records")
    assert row["events_after"] == 1
    assert np.isfinite(row["median_after"])
    assert np.isnan(row["error_after"])
    assert row["events_before"] == 0
    assert np.isnan(row["median_before"])
