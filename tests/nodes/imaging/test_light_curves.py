"""The light response of a run: the built-in curves, and those of the user in their place."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from radiograph.drivers.files import file_ref
from radiograph.nodes.imaging.light_curves import light_response
from radiograph.nodes.light_response import response_curve
from radiograph.schemas.errors import InputError
from radiograph.schemas.light_response import LIGHT_RESPONSE, LightTables
from radiograph.schemas.sources import FileRef


@pytest.fixture(scope="module")
def stopping_power_file() -> FileRef:
    return file_ref(Path(str(resources.files("radiograph.configs") / "stopping_powers.csv")))


def test_light_response_without_a_user_table(stopping_power_file: FileRef) -> None:
    response = light_response(stopping_power_file, LightTables())
    LIGHT_RESPONSE.validate(response, "light_response")
    curve = response_curve(response, "OGS", "proton")
    assert curve is not None
    # Specification, section 3.
    assert np.interp(14.0, *curve) == pytest.approx(8.442, rel=5e-3)
    assert len(response.groupby(["material", "recoil"], observed=True)) == 4


def test_a_user_table_replaces_its_curve_only(stopping_power_file: FileRef, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("light_MeVee,energy_MeV\n0.5,1\n5,14\n")
    tables = LightTables((("OGS", "proton", file_ref(file)), ("EJ309", "carbon", file_ref(file))))
    response = light_response(stopping_power_file, tables)
    LIGHT_RESPONSE.validate(response, "light_response")
    for material, recoil in (("OGS", "proton"), ("EJ309", "carbon")):
        curve = response_curve(response, material, recoil)
        assert curve is not None
        assert curve[0].tolist() == [1.0, 14.0]
        assert curve[1].tolist() == [0.5, 5.0]
    built_in = light_response(stopping_power_file, LightTables())
    for material, recoil in (("OGS", "carbon"), ("M600", "proton")):
        ours = response_curve(response, material, recoil)
        theirs = response_curve(built_in, material, recoil)
        assert ours is not None
        assert theirs is not None
        np.testing.assert_array_equal(ours, theirs)


def test_a_bad_user_table_is_an_input_error(stopping_power_file: FileRef, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("light_MeVee,energy_MeV\n0.5,1\n0.5,14\n")
    with pytest.raises(InputError, match="must rise strictly"):
        light_response(stopping_power_file, LightTables((("OGS", "proton", file_ref(file)),)))
