"""The light pipeline on the shared core: what runs again, what is written, how files are known."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.drivers import pipeline
from radiograph.drivers.cache.opening import CacheOptions
from radiograph.drivers.config import LoadedConfig, load_config
from radiograph.drivers.files import sampled_file_ref
from radiograph.drivers.lightdqm.inputs import graph_values
from radiograph.drivers.lightdqm.run import Outputs, run_lightdqm
from radiograph.drivers.lightdqm.session import LightSession, open_session
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.drivers.runfile.exporting import write_parquet
from radiograph.drivers.runfile.verifying import dataset_hashes
from radiograph.schemas.errors import ConfigError, InputError
from radiograph.schemas.light_simulation import LightSimulationSettings
from radiograph.schemas.lightdqm.config import LightDqmConfig
from radiograph.schemas.lightdqm.frames import DQM_VERDICT, TABLES
from radiograph.schemas.lightdqm.units import LEGACY_V_PER_ADC16, PER_ADC16

SETTINGS = """\
[pipeline]
name = "lightdqm"
[lightdqm]
input_path = "data"
output_dir = "out"
max_evts = 30
[cache]
dir = "cache"
"""
NAME = "mpd_run_data_rctl_50014_p0.FLOW.hdf5"


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings and one simulated file."""
    folder = tmp_path_factory.mktemp("light")
    settings = LightSimulationSettings(n_events=60, n_adcs=2, n_samples=200)
    write_light_simulation(settings, folder / "data")
    (folder / "light.toml").write_text(SETTINGS)
    return folder


def loaded_with(folder: Path, *overrides: str) -> LoadedConfig[Any]:
    return load_config(folder / "light.toml", overrides=overrides)


def session_of(folder: Path, *overrides: str, cache: Path | None = None) -> LightSession:
    options = CacheOptions(cache) if cache is not None else CacheOptions(enabled=False)
    return open_session(loaded_with(folder, *overrides), folder / "data" / NAME, options)


def executed(session: LightSession) -> set[str]:
    return {name for name, record in session.manifest.nodes.items() if record.status == "executed"}


TARGETS = ("dqm_verdict", "epcb_spectra", "dqm_fractions")


@pytest.fixture(scope="module")
def known(light: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that knows TARGETS; not to be changed."""
    folder = tmp_path_factory.mktemp("known")
    session_of(light, cache=folder).run(TARGETS)
    return folder


@pytest.fixture
def cache(known: Path, tmp_path: Path) -> Path:
    """A cache of its own that knows TARGETS."""
    return Path(shutil.copytree(known, tmp_path / "known"))


def test_fractions_need_no_spectrum_and_no_drawing(light: Path) -> None:
    session = session_of(light)
    fractions = session.run(["fractions"])["dqm_fractions"]
    assert len(fractions) > 0
    ran = executed(session)
    assert {"chosen_waveforms", "waveform_numbers", "dqm_fractions"} <= ran
    stages = {session.driver.graph.nodes[name].tags["stage"] for name in ran}
    assert stages == {"load", "grouping", "features", "fractions"}


@pytest.mark.parametrize(
    ("override", "again"),
    [
        ("lightdqm.spread_adc16=5.0", {"channel_masks", "dqm_verdict"}),
        ("lightdqm.baseline_band_adc16=[-29000, -26000]", {"channel_masks", "dqm_verdict"}),
        ("lightdqm.limits.noise_high=4", {"dqm_verdict"}),
        ("lightdqm.spark_step_adc16=900.0", {"spark_rates", "channel_history"}),
        ('lightdqm.units="V"', set()),
        ('lightdqm.output_dir="elsewhere"', set()),
    ],
)
def test_a_change_runs_what_depends_on_it(
    light: Path, cache: Path, override: str, again: set[str]
) -> None:
    targets = ["dqm_verdict", "epcb_spectra"]
    changed = session_of(light, override, cache=cache)
    changed.run(targets)
    ran = executed(changed)
    # The verdict runs again if what it looks at is another value.
    assert again <= ran <= again | {"dqm_verdict"}
    same = session_of(light, override, cache=cache)
    assert {v.status for v in same.survey(targets)} == {"hit"}
    same.run(targets)
    assert executed(same) == set()


def test_a_threshold_reads_no_waveform_again_for_the_features(light: Path, cache: Path) -> None:
    changed = session_of(light, "lightdqm.ptps16bit=700.0", cache=cache)
    changed.run(["dqm_fractions"])
    assert executed(changed) == {"waveform_features", "dqm_fractions"}


def test_from_python(light: Path) -> None:
    analysis = pipeline("lightdqm", light / "light.toml")
    found = analysis.run(["verdict", "trigger_counts"])
    assert set(found) == {"verdict", "trigger_counts"}
    assert found["verdict"]["check"].iloc[0] == "missing_adcs"
    assert "channel_masks" in str(analysis.explain("dqm_verdict"))
    assert "dqm_fractions" in analysis.nodes().index
    with pytest.raises(Exception, match="of the pipeline lightdqm, not of imaging"):
        pipeline("imaging", light / "light.toml")


def test_files_are_known_by_samples_of_them(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(3_000_000))
    first = sampled_file_ref(path)
    assert first == sampled_file_ref(path)
    assert first.content_hash.startswith("sampled:")
    assert first.size == 3_000_000
    content = bytearray(path.read_bytes())
    content[1_234_567] ^= 1
    time.sleep(0.01)
    path.write_bytes(bytes(content))
    assert sampled_file_ref(path) != first
    with pytest.raises(InputError, match="cannot be read"):
        sampled_file_ref(tmp_path / "none")
    path.write_bytes(b"")
    assert sampled_file_ref(path).size == 0


def test_the_hdf5_file_describes_itself(light: Path, tmp_path: Path) -> None:
    loaded = loaded_with(light, f'lightdqm.output_dir="{tmp_path}"')
    outputs = Outputs(figures=False)
    report = run_lightdqm(loaded, light / "data" / NAME, outputs=outputs)
    assert report.output == str(tmp_path / "mpd_run_data_rctl_50014_p0_light_dqm.h5")
    with h5py.File(report.output) as file:
        bare: list[str] = []

        def look(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and not {"units", "description"} <= set(item.attrs):
                bare.append(name)

        file.visititems(look)
        assert bare == []
        for node in ("dqm_verdict", "channel_masks", "dqm_fractions", "noise_summary"):
            table = TABLES[loaded_node(loaded, light, node)]
            assert set(file[f"numbers/{node}"]) == set(table.names)
        numbers = file["numbers"]
        assert numbers["noise_summary/median_adc16"].attrs["units"] == "adc16"
        assert numbers["power_spectra/mean_V2"].attrs["units"] == "V^2"
        assert numbers["power_spectra/mean_V2"].shape == (2, 64, 101)
        assert np.array_equal(
            numbers["waveform_features/noise_adc16"],
            report.values["waveform_features"]["noise_adc16"],
        )
        assert file["meta/config_toml"][()].decode() == SETTINGS
        keys = [k.decode() for k in file["meta/config_effective/keys"]]
        assert "lightdqm.limits.noise_high" in keys
        assert file["provenance/inputs/size"][0] == (light / "data" / NAME).stat().st_size
        assert b"dqm_verdict" in list(file["provenance/nodes/name"])
        assert "lightdqm/fractions.py" in file["meta/repo_bundle"]


def loaded_node(loaded: LoadedConfig[Any], light: Path, node: str) -> str:
    session = open_session(loaded, light / "data" / NAME)
    return str(session.driver.graph.nodes[node].tags["schema"])


def test_parquet_carries_units(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    frame = DQM_VERDICT.frame(
        {c.name: [0.0] if c.dtype != "category" else ["dead"] for c in DQM_VERDICT.columns}
        | {"status": ["pass"]}
    )
    write_parquet("v", iter([frame]), tmp_path / "v.parquet", TABLES["DqmVerdict"])
    table = parquet.read_table(tmp_path / "v.parquet")
    assert table.column_names == DQM_VERDICT.names
    assert table.schema.field("value").metadata[b"description"].startswith(b"the worst value")
    back = table.to_pandas()
    assert back["check"].tolist() == ["dead"]
    pd.testing.assert_series_equal(back["value"], frame["value"])


def values(**settings: Any) -> Any:
    return graph_values(LightDqmConfig.model_validate({"lightdqm": settings}), Path())


def test_units_are_exact() -> None:
    """ADC16, ADC14 and V are powers of two apart: nothing is rounded."""
    assert dict(PER_ADC16) == {"ADC16": 1.0, "ADC14": 0.25, "V": 2.0**-15}
    for units in PER_ADC16:
        given = values(units=units)
        assert given["pulse_threshold"].adc16 == 500.0
        assert given["spectrum_settings"].V_per_adc16 == 2.0**-15
        assert given["mask_limits"] == values()["mask_limits"]


@pytest.mark.parametrize(
    ("units", "threshold", "dead", "spread", "low"),
    [
        ("ADC16", 500.0, 300.0, 900.0, -30000.0),
        ("ADC14", 500.0, 1200.0, 900.0, -120000.0),
        ("V", 1000.0, 300.0 * 32764, 900.0 * 32764, -30000.0 * 32764),
    ],
)
def test_limits_of_the_script_in_counts(
    units: str, threshold: float, dead: float, spread: float, low: float
) -> None:
    """Its numbers are applied in the chosen unit: section 2 of the specification."""
    given = values(units=units, legacy=True)
    assert given["pulse_threshold"].adc16 == threshold
    limits = given["mask_limits"]
    assert (limits.dead_adc16, limits.spread_adc16) == pytest.approx((dead, spread), rel=1e-14)
    assert limits.baseline_band_adc16[0][0] == pytest.approx(low, rel=1e-14)
    assert LEGACY_V_PER_ADC16 == 1 / 32764


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('units = "mV"', 'allowed: "ADC16", "ADC14" or "V"'),
        ("baseline_band_adc16 = [-26000, -30000]", "lower end"),
        ("baseline_band_adc16 = []", "holds no window"),
        ('write_json_blobs = "False"', "allowed: true or false"),
        ("max_evts = -1", "at least 0"),
        ('pages = ["clipped_self_tcp"]', 'did you mean "clipped_self_tpc"'),
        ('channel_status_csv = "none.csv"', "there is no file"),
        ('granularities = ["board"]', '"epcb"'),
        ('time_zone = "Mars"', "no such time zone"),
        ("[lightdqm.limits]\nbeam_self_ratio = [-1.0, 2.0]", "not negative"),
    ],
)
def test_wrong_settings(tmp_path: Path, line: str, expected: str) -> None:
    path = tmp_path / "light.toml"
    path.write_text(f'[pipeline]\nname = "lightdqm"\n[lightdqm]\n{line}\n')
    with pytest.raises(ConfigError) as failure:
        load_config(path)
    assert expected in failure.value.message
    assert len(failure.value.problems) == 1


def test_the_page_of_arguments_names_what_was_used(tmp_path: Path) -> None:
    """The status file and what it is compared with, none of the settings that choose files."""
    (tmp_path / "status.csv").write_text("0")
    config = LightDqmConfig.model_validate({"lightdqm": {"channel_status_csv": "status.csv"}})
    facts = graph_values(config, tmp_path, source=Path("x.FLOW.hdf5"))["run_facts"]
    assert facts.source == "x.FLOW.hdf5"
    assert facts.arguments["channel_status_csv"] == str(tmp_path / "status.csv")
    assert facts.arguments["compared with"] == "no other file"
    assert not {"input_path", "nfiles", "start_run"} & set(facts.arguments)
    assert values()["run_facts"].arguments["channel_status_csv"] == "none"


def test_bands_of_each_adc(tmp_path: Path) -> None:
    path = tmp_path / "light.toml"
    path.write_text(
        '[pipeline]\nname = "lightdqm"\n[lightdqm]\n'
        "baseline_band_adc16 = [[-30000, -26000], [-29000, -25000]]\n"
    )
    settings = load_config(path).config.lightdqm
    assert settings.baseline_bands == ((-30000.0, -26000.0), (-29000.0, -25000.0))


def test_temp_dir_is_accepted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "light.toml"
    path.write_text('[pipeline]\nname = "lightdqm"\n[lightdqm]\ntemp_dir = "tmp"\n')
    assert load_config(path).notices == (
        "[lightdqm] temp_dir is unused: temporary files stand beside the outputs",
    )


def test_every_key_stands_in_the_shipped_file() -> None:
    from importlib import resources

    text = resources.files("radiograph.configs").joinpath("lightdqm.toml").read_text("utf-8")
    sections = LightDqmConfig.model_fields["lightdqm"].annotation.model_fields  # type: ignore[union-attr]
    limits = sections["limits"].annotation.model_fields
    for key in {*sections, *limits} - {"limits"}:
        assert f"\n{key} = " in text or f"\n# {key} = " in text, key


Run = Callable[..., Any]


def test_run_of_two_files_for_one_output_is_refused(
    light: Path, tmp_path: Path, radiograph: Run
) -> None:
    (tmp_path / "more").mkdir()
    shutil.copy(light / "data" / NAME, tmp_path / "more" / NAME)
    done = radiograph(
        "run", light / "light.toml", light / "data" / NAME, tmp_path / "more" / NAME,
        "--no-cache", "-o", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 2
    assert "would be made of" in done.err
    assert not (tmp_path / "out").exists()


def test_a_target_writes_numbers_and_nothing_else(
    light: Path, tmp_path: Path, radiograph: Run
) -> None:
    options = ("--no-cache", "-o", tmp_path, "--target", "fractions")
    done = radiograph("run", light / "light.toml", *options, "--json")
    assert done.code == 0
    assert done.json["targets"] == ["dqm_fractions"]
    stem = "mpd_run_data_rctl_50014_p0_light_dqm"
    assert [p.name for p in tmp_path.iterdir()] == [f"{stem}_targets.h5"]
    (tmp_path / f"{stem}_flatline.png").write_text("of a full run")
    wrong = radiograph("run", light / "light.toml", *options[:-1], "fractoins")
    assert wrong.code == 2
    assert "No node 'fractoins'" in wrong.err
    again = radiograph("run", light / "light.toml", *options)
    assert again.code == 2
    assert "exists already" in again.err


def test_dask_gives_the_same(light: Path, tmp_path: Path, radiograph: Run, scheduler: str) -> None:
    """Pages and pictures are made here; the verdict is kept in the store as ever."""
    found = []
    for name, how in (("here", ()), ("there", ("--executor", "dask", "--scheduler", scheduler))):
        out = tmp_path / name
        done = radiograph("run", light / "light.toml", "--no-cache", "-o", out, *how)
        assert done.code == 0, done.err
        with h5py.File(next(out.glob("*.h5"))) as file:
            hashes = dataset_hashes(file)
        found.append((hashes, sorted(p.name for p in out.iterdir())))
    assert found[0] == found[1]
    assert "/numbers/dqm_verdict/status" in found[0][0]


def test_why_and_nodes(light: Path, tmp_path: Path, radiograph: Run) -> None:
    config = light / "light.toml"
    done = radiograph(
        "run", config, "-o", tmp_path, "--cache-dir", tmp_path / "c", "--target", "verdict"
    )
    assert done.code == 0
    why = radiograph(
        "cache", "why", "verdict", config, "--cache-dir", tmp_path / "c", "--json"
    ).json
    assert why["verdict"] == "known, nothing runs"
    changed = ("--set", "lightdqm.spread_adc16=800")
    why = radiograph(
        "cache", "why", "verdict", config, "--cache-dir", tmp_path / "c", "--json", *changed
    ).json
    assert "channel_masks runs: input mask_limits changed" in why["because"]
    assert "setting lightdqm.spread_adc16: 900.0 -> 800.0" in why["because"]
    listed = radiograph("nodes", config, "--json").json
    assert listed["pipeline"] == "lightdqm"
    assert listed["nodes"][0] == radiograph("nodes", "lightdqm", "--json").json["nodes"][0]
    assert radiograph("nodes", tmp_path / "none.toml").code == 2
    names = {n["name"] for n in listed["nodes"]}
    assert {"light_events", "dqm_fractions", "light_figures"} <= names
    schema = radiograph("check", "--schema", "--pipeline", "lightdqm")
    assert '"baseline_band_adc16"' in schema.out
