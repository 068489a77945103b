"""The tiers of a real run beside LEGEND's own: layout, types and order of columns, read back."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from germanium_data import THREE_TIERS, reference
from radiograph.drivers.main import guarded
from radiograph.nodes.germanium.hit_flags import BITS

CHANNELS = ("ch1084803", "ch1084804", "ch1121600")
DSP, HIT = THREE_TIERS.format("dsp"), THREE_TIERS.format("hit")
SCALE = 0.15
# Of the form of LEGEND's par_hit; numbers of no meaning but that of the scale.
ENERGIES = {
    f"{name}_ctc_cal": {"expression": f"a+b*{name}", "parameters": {"a": 0.0, "b": SCALE}}
    for name in ("cuspEmax", "zacEmax", "trapEmax")
}
OPERATIONS = {
    **ENERGIES,
    "trapTmax_cal": {"expression": "b*trapTmax", "parameters": {"b": SCALE}},
    "AoE_Corrected": {
        "expression": "A_max/cuspEmax/(1+b*cuspEmax_ctc_cal)",
        "parameters": {"b": -1e-6},
    },
    "AoE_Classifier": {
        "expression": "(AoE_Corrected-m)/s",
        "parameters": {"m": 0.07, "s": 1e-3},
    },
    "AoE_Low_Cut": {"expression": "AoE_Classifier>a", "parameters": {"a": -2.0}},
    "AoE_Double_Sided_Cut": {
        "expression": "(AoE_Low_Cut)&(AoE_Classifier<a)",
        "parameters": {"a": 3.0},
    },
    "is_saturated": {"expression": "t_sat_hi>0"},
    "is_valid_rt": {"expression": "(tp_90-tp_10)>a", "parameters": {"a": 50.0}},
    "is_valid_t0": {"expression": "tp_0_est>a", "parameters": {"a": 45000.0}},
    "is_valid_tmax": {"expression": "tp_max>tp_0_est"},
    "is_valid_dteff": {"expression": "dt_eff>a", "parameters": {"a": 0.0}},
    "is_valid_ediff": {
        "expression": "abs(trapEmax-cuspEmax)<a",
        "parameters": {"a": 1e3},
    },
    "is_valid_efrac": {"expression": "abs(trapEftp/trapEmax-1)<a", "parameters": {"a": 0.1}},
    "is_valid_0vbb": {"expression": "is_valid_cal&is_valid_rt&is_valid_t0"},
    "is_negative_crosstalk": {"expression": "is_negative&(~is_discharge)"},
    "is_discharge": {"expression": "t_sat_lo>0"},
    "is_neg_energy": {"expression": "cuspEmax<0"},
    "is_negative": {"expression": "trapTmax_invert>trapTmax"},
    "is_valid_baseline": {"expression": "bl_std<a", "parameters": {"a": 50.0}},
    "is_valid_tail": {"expression": "pz_std<a", "parameters": {"a": 50.0}},
    "is_downgoing_baseline": {"expression": "bl_slope<a", "parameters": {"a": -0.1}},
    "is_upgoing_baseline": {"expression": "bl_slope>a", "parameters": {"a": 0.1}},
    "is_noise_burst": {"expression": "bl_std>a", "parameters": {"a": 50.0}},
    "is_valid_cal": {"expression": "is_valid_baseline&is_valid_tail&(~is_saturated)"},
}


def _order(table: h5py.Group) -> list[str]:
    text: str = table.attrs["datatype"]
    return text.removeprefix("table{").removesuffix("}").split(",")


@pytest.fixture(scope="module")
def hit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hit tier of the real dsp file, by operations as LEGEND's par_hit holds them."""
    folder = tmp_path_factory.mktemp("hit")
    with h5py.File(reference(HIT)) as file:
        outputs = _order(file[f"{CHANNELS[0]}/hit"])
    # Files of LEGEND have no parameters of an operation without any.
    whole = {name: {"parameters": {}, **item} for name, item in OPERATIONS.items()}
    pars = {"pars": {"outputs": outputs, "operations": whole}}
    (folder / "par_hit.yaml").write_text(yaml.safe_dump(dict.fromkeys(CHANNELS, pars)))
    argv = ["germanium", "build", "hit", str(reference(DSP)), "-o", str(folder), "--no-cache"]
    assert guarded([*argv, "--parameters", str(folder / "par_hit.yaml")]) == 0
    return folder / HIT


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_hit_tier_has_the_layout_of_the_production(hit: Path, channel: str) -> None:
    """Names, order, types, lengths and attributes; our packed flags come after them."""
    with h5py.File(hit) as ours, h5py.File(reference(HIT)) as theirs:
        assert list(ours) == list(theirs) == list(CHANNELS)
        made, stored = ours[f"{channel}/hit"], theirs[f"{channel}/hit"]
        assert _order(made) == [*_order(stored), BITS]
        for name in _order(stored):
            assert made[name].dtype == stored[name].dtype, name
            assert made[name].shape == stored[name].shape, name
            assert made[name].attrs["datatype"] == stored[name].attrs["datatype"], name
        assert made["timestamp"].attrs["units"] == stored["timestamp"].attrs["units"]
        np.testing.assert_array_equal(made["timestamp"][()], stored["timestamp"][()])


def test_the_values_are_those_of_the_expressions(hit: Path) -> None:
    with h5py.File(hit) as file, h5py.File(reference(DSP)) as dsp:
        made, columns = file[f"{CHANNELS[1]}/hit"], dsp[f"{CHANNELS[1]}/dsp"]
        cusp = columns["cuspEmax"][()].astype(np.float64)
        np.testing.assert_allclose(made["cuspEmax_ctc_cal"][()], SCALE * cusp, rtol=1e-12)
        negative = columns["trapTmax_invert"][()] > columns["trapTmax"][()]
        np.testing.assert_array_equal(made["is_negative"][()], negative)


def test_the_dsp_tier_has_the_order_of_the_production(tmp_path: Path) -> None:
    """What is computed of the raw waveforms stands in the order of LEGEND's table, with its types.

    Columns of ours that it has not come where the schema has them.
    """
    pz = {"pz": {"tau1": "450000*ns"}}
    filters = {"etrap": {"rise": "8*us", "flat": "2.5*us"}}
    filters |= {name: {"sigma": "8*us", "flat": "2.5*us"} for name in ("cusp", "zac")}
    text = yaml.safe_dump({channel: {**pz, **filters} for channel in CHANNELS})
    (tmp_path / "par_dsp.yaml").write_text(text)
    raw = reference(THREE_TIERS.format("raw"))
    argv = ["germanium", "build", "dsp", str(raw), "-o", str(tmp_path), "--no-cache"]
    assert guarded([*argv, "--parameters", str(tmp_path / "par_dsp.yaml")]) == 0
    with h5py.File(tmp_path / DSP) as ours, h5py.File(reference(DSP)) as theirs:
        for channel in CHANNELS:
            made, stored = ours[f"{channel}/dsp"], theirs[f"{channel}/dsp"]
            shared = [name for name in _order(made) if name in stored]
            assert shared == [name for name in _order(stored) if name in made]
            # A column that is NaN in every row of a channel is not written: no sample is at a rail.
            assert {name for name in _order(stored) if name not in made} <= {"t_discharge"}
            for name in shared:
                assert made[name].dtype == stored[name].dtype, name
                assert made[name].shape == stored[name].shape, name
        # ADC a sample; rows 0 to 2 of the README of the data.
        seen = ours["ch1084804/dsp/A_max"][:3]
        np.testing.assert_allclose(seen, [1702.2, 164.9, 1645.1], rtol=1e-3)


def test_legends_tools_read_the_hit_tier(hit: Path) -> None:
    """Where LEGEND's reader is installed: all columns of a table, flags as bool."""
    lh5 = pytest.importorskip("lh5", reason="LEGEND's reader lh5 is not installed")
    table = lh5.read(f"{CHANNELS[0]}/hit", str(hit))
    with h5py.File(hit) as file:
        assert list(table.keys()) == _order(file[f"{CHANNELS[0]}/hit"])
        for name in table:
            np.testing.assert_array_equal(table[name].nda, file[f"{CHANNELS[0]}/hit/{name}"][()])


def test_legends_build_hit_gives_the_same_columns(hit: Path, tmp_path: Path) -> None:
    """Where pygama is installed: its evaluation of the same operations."""
    pytest.importorskip("pygama", reason="LEGEND's pygama is not installed")
    from pygama.hit.build_hit import build_hit

    pars = yaml.safe_load((hit.parent / "par_hit.yaml").read_text())
    tables = {f"{channel}/dsp": {**pars[channel]["pars"]} for channel in CHANNELS}
    theirs = tmp_path / "theirs.lh5"
    build_hit(str(reference(DSP)), outfile=str(theirs), lh5_tables_config=tables)
    with h5py.File(hit) as file, h5py.File(theirs) as other:
        for channel in CHANNELS:
            for name, dataset in other[f"{channel}/hit"].items():
                mine = file[f"{channel}/hit/{name}"][()]
                np.testing.assert_allclose(mine, dataset[()], rtol=1e-6, err_msg=name)
