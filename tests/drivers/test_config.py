"""Reading a TOML file as a user writes it: what is right, and how each slip is told."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import typer
from all_settings import setting_keys
from radiograph.drivers.commands.check import check
from radiograph.drivers.config import (
    LoadedConfig,
    config_rows,
    json_schema,
    load_config,
    resolved_path,
)
from radiograph.drivers.config_fields import (
    allowed_text,
    bare,
    is_section,
    known_keys,
    nearest,
    sections,
)
from radiograph.drivers.imaging.fast_mode import with_fast_mode
from radiograph.drivers.imaging.sources import named_files
from radiograph.drivers.input_paths import output_path
from radiograph.drivers.overrides import Override, from_shell, parsed_override, with_overrides
from radiograph.drivers.registry import definition
from radiograph.schemas.errors import ConfigError, UsageError
from radiograph.schemas.imaging.config import ImagingConfig
from radiograph.schemas.simulation import SimulationSettings
from typer.testing import CliRunner

CONFIGS = Path(str(files("radiograph.configs")))
SHIPPED = sorted(CONFIGS.glob("*.toml"))
NGIMAGER = os.environ.get("NGIMAGER_EXAMPLES")

PLANE = """
[plane]
origin = [0, 0, 0]
normal = [0, 0, 1]
u_min = -10
u_max = 10
du = 0.5
v_min = -10
v_max = 10
dv = 0.5
"""
EDEP = '[energy]\nstrategy = "Edep"\n'
GOOD = EDEP + PLANE

Problems = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., LoadedConfig]:
    def load_text(text: str, *overrides: str, **settings: Any) -> LoadedConfig:
        path = tmp_path / "run7.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, overrides=overrides, **settings)

    return load_text


@pytest.fixture
def problems(load: Callable[..., LoadedConfig]) -> Problems:
    """The problems of a text, one string each, with the folder of the test left out."""

    def of(text: str, *overrides: str, **settings: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, *overrides, **settings)
        assert caught.value.exit_code == 2
        folder = str(Path(caught.value.file or "").parent) + "/"
        return [str(p).replace(folder, "") for p in caught.value.problems]

    return of


# --- files that are no TOML --------------------------------------------------------------


def error_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.exit_code == 2
    assert caught.value.file == str(path)
    return str(caught.value)


def test_a_file_that_is_not_there_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "run8.toml").write_text(GOOD)
    message = error_of(tmp_path / "run7.toml")
    assert "run7.toml: there is no such file; there: run8.toml" in message
    assert "there is no such file. Give" in error_of(tmp_path / "none" / "run7.toml")


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder. Give the path of a TOML file" in error_of(tmp_path)


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "run7.toml"
    path.write_bytes(b'[run]\nplot_label = "10 \xb5s"\n')
    assert "line 2 has the byte 0xb5, which is not UTF-8" in error_of(path)


@pytest.mark.parametrize("name", ["run7.yaml", "run7.yml", "run7.json", "RUN7.YAML"])
def test_other_formats(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("run: {}")
    assert "settings are read from TOML" in error_of(path)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[run]\nfast = yes\n", ("in line 2, column 8: fast = yes", "Text stands in quotes")),
        ("[run]\n[run]\n", ("in line 2", "twice", "Keep one of the two")),
        ('[io]\ninput_path = "C:\\data"\n', ("in line 2", "In paths write /")),
        ("[run\n", ("in line 1", "[run")),
        ("[run]\nmeta = [1,", ("not TOML",)),
    ],
)
def test_toml_syntax(problems: Problems, text: str, parts: tuple[str, ...]) -> None:
    [problem] = problems(text)
    for part in ("run7.toml: not TOML", *parts):
        assert part in problem


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "run7.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_config(path).config.plane is not None


# --- one slip each -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            GOOD.replace("du =", "dU ="),
            "run7.toml: [plane] unknown key 'dU' (did you mean 'du'?). Allowed: origin,",
        ),
        (GOOD + "[run]\ndu = 1\n", "[run] unknown key 'du'; 'du' is a key of [plane]. Allowed:"),
        (GOOD + "[runn]\nfast = true\n", "run7.toml: unknown section [runn] (did you mean [run]?)"),
        (GOOD + "[metrics]\n", "unknown section [metrics]; there is [vis.projections.metrics]"),
        ("neutrons = true\n" + GOOD, "unknown key 'neutrons'; 'neutrons' is a key of [run]"),
        ("fast = true\n" + GOOD, "[fast] is a boolean, true; allowed: a table with min_L1"),
        ("fast = true\n" + GOOD, "Is 'fast' of [run] meant?"),
        (GOOD + '[run]\nneutrons = "yes"\n', 'neutrons = "yes" is a string; allowed: true or'),
        (GOOD + '[run]\nneutrons = "yes"\n', "Write neutrons = true"),
        (
            GOOD + "[run]\nneutrons = 0\n",
            "neutrons = 0 is a whole number; allowed: true or false. Write neutrons = false",
        ),
        (
            GOOD + '[run]\nmax_cones = "5"\n',
            'max_cones = "5" is a string; allowed: a whole number at least 0. Write',
        ),
        (
            GOOD + "[run]\nmax_cones = 5.0\n",
            "is a floating-point number; allowed: a whole number at least 0. Write",
        ),
        (GOOD + '[run]\nmax_cones = "5"\n', "Write max_cones = 5 without quotes"),
        (GOOD + "[run]\nmax_cones = 5.0\n", "Write max_cones = 5"),
        (GOOD + "[run]\nmax_cones = true\n", "max_cones = true is a boolean; allowed: a whole"),
        (GOOD + "[run]\nmax_cones = -1\n", "max_cones = -1 is out of range; allowed: a whole"),
        (GOOD + "[run]\nmax_cones = -1\n", "Left out it is 0"),
        (GOOD + "[run]\nworkers = -1\n", "workers = -1: -1 is negative"),
        (GOOD + '[run]\nworkers = "aut"\n', 'is not a choice (did you mean "auto"?); allowed: a'),
        (GOOD + "[run]\nplot_label = 7\n", 'allowed: a string. Write plot_label = "7" in quotes'),
        (GOOD + "[run.meta]\nx = [1]\n", "[run.meta] x = [1] is an array of 1; allowed: true or"),
        (
            GOOD + "[io]\nmax_bad_fraction = 2\n",
            "allowed: a number at least 0 and at most 1. Left out it is 0.01",
        ),
        (
            GOOD + "[filters.events]\nmax_hit_distance_cm = inf\n",
            "max_hit_distance_cm = inf is out",
        ),
        (GOOD + "[filters.events]\ntof_window_ns = [3, 1]\n", "the lower end 3.0 is above the"),
        (
            GOOD + "[filters.hits]\nbars_include = 3\n",
            "allowed: an array of whole numbers. Write bars_include = [3]",
        ),
        (
            GOOD + '[filters.hits]\nbars_include = [3, "b"]\n',
            '[filters.hits] bars_include[1] = "b"',
        ),
        (
            GOOD + '[vis]\nspecies = ["n", "m"]\n',
            'species[1] = "m" is not a choice; allowed: "n", "g" or "all"',
        ),
        (GOOD + '[cones]\nnappe = "Forward"\n', '(did you mean "forward"?)'),
        (GOOD + '[imaging]\nmethod = "sart"\n', 'method = "sart" is not a choice; allowed: "sbp"'),
        (
            GOOD + '[detectors.material_map]\na7 = "OGS"\n',
            '[detectors.material_map] the key "a7" is no whole number',
        ),
        (
            GOOD + "[detectors.material_map]\n7 = 3\n",
            "[detectors.material_map] 7 = 3 is a whole number",
        ),
        (
            GOOD + "[[detectors.geometry.detectors]]\nidd = 3\n",
            "[detectors.geometry.detectors, entry 1] unknown key 'idd' (did you mean 'id'?)",
        ),
        (GOOD + '[vis]\ncmap = "gray"\ncolormap = "gray"\n', "two spellings of one key"),
        (
            GOOD + "[uncertainty]\nscale = 'fit'\n",
            'scale = "fit" needs reference_source_cm',
        ),
        (
            GOOD + "[uncertainty]\ncombine_light = true\n",
            'combine_light = true needs [energy] strategy = "FixedEn", not "Edep"',
        ),
        (
            GOOD + "[calibration]\nmode = 'self'\n",
            'step "consistency" needs [energy] strategy = "FixedEn"',
        ),
        (GOOD + "[calibration]\nmode = 'file'\n", "belong together; give both"),
        (
            GOOD + "[calibration]\nmode = 'file'\npath = 'no.csv'\n",
            "there is no file",
        ),
        (
            GOOD + "[calibration]\nmode = 'self'\nsteps = ['bias']\n",
            '"bias" is that of "consistency"',
        ),
        (
            re.sub(r"\[plane\].*?(?=\n\[|\Z)", "", GOOD, flags=re.DOTALL)
            + "[pipeline]\nuntil = 'cones'\n[run]\ngammas = false\n[uncertainty]\nenabled = true\n",
            "enabled = true needs the plane that gamma cones are seen from",
        ),
        (
            GOOD + "[uncertainty]\nuse_lut_bands = true\n",
            "use_lut_bands = true needs a table with light_low and light_high",
        ),
        (GOOD + "[uncertainty.energy]\nd = 1.0\n", "[uncertainty.energy] unknown key 'd'"),
        (
            GOOD + "[reconstruction]\nconsistency_edges = [1.0, 0.5]\n",
            "[reconstruction] consistency_edges = [1.0, 0.5]: [1.0, 0.5] do not rise",
        ),
        (
            GOOD.replace("origin = [0, 0, 0]", "origin = [0, 0]"),
            "origin = [0, 0] is an array of 2; allowed: an array of 3 numbers",
        ),
        (GOOD.replace("origin = [0, 0, 0]", 'origin = [0, 0, "0"]'), 'origin = [0, 0, "0"] is an'),
        (
            GOOD.replace("normal = [0, 0, 1]", "normal = [0, 0, 0]"),
            "[plane] normal = [0, 0, 0]: a direction of length zero",
        ),
        (
            GOOD.replace("u_max = 10", "u_max = 10.2"),
            "[plane] the range u_min..u_max = 20.2 cm is 40.4 steps of du = 0.5; it must",
        ),
        (
            GOOD.replace("du = 0.5\n", ""),
            "[plane] missing key 'du' (Pixel width, cm); add du = ..., a number above 0",
        ),
        (PLANE, "missing section [energy]: there is no default; write [energy] strategy = one"),
        (PLANE + "[energy]\nforce_proton_recoils = true\n", "[energy] missing key 'strategy'"),
        (
            PLANE + '[energy]\nstrategy = "edep"\n',
            'strategy = "edep" is not a choice (did you mean "Edep"?); allowed: "ELUT",',
        ),
        (PLANE + '[energy]\nstrategy = "FixedEn"\n', '"FixedEn" needs fixed_En_MeV'),
        (GOOD + '[prior]\ntype = "point"\n', '[prior] type = "point" needs point = [x, y, z]'),
        (GOOD + '[energy.lut_paths.M600]\nprotons = "x"\n', "[energy.lut_paths.M600] unknown key"),
        (
            GOOD + '[pipeline]\nname = "lightdqn"\n',
            'name = "lightdqn" is not a choice (did you mean "lightdqm"?); allowed: "imaging" or',
        ),
    ],
)
def test_one_slip_gives_one_problem(problems: Problems, text: str, expected: str) -> None:
    [problem] = problems(text)
    assert expected in problem
    assert problem.startswith("run7.toml: ")


def test_the_four_strategies_are_explained(problems: Problems) -> None:
    [problem] = problems(PLANE)
    for part in ('"ELUT" (recoil', '"ToF" (energy', '"FixedEn" (known', '"Edep" (the light'):
        assert part in problem


def tables() -> Iterator[tuple[str, type[Any]]]:
    yield from sections(ImagingConfig)


@pytest.mark.parametrize(("name", "model"), list(tables()), ids=[n or "top" for n, _ in tables()])
def test_a_slip_in_a_key_of_any_section_is_caught(
    tmp_path: Path, name: str, model: type[Any]
) -> None:
    for key in known_keys(model):
        wrong = key + "q"
        data = f"[{wrong}]\n" if not name else f"[{name}]\n{wrong} = 1\n"
        path = tmp_path / "run7.toml"
        path.write_text(data)
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        text = next(p.text for p in caught.value.problems if repr(wrong)[1:-1] in p.text)
        guess = nearest(wrong, known_keys(model))
        assert guess is not None
        assert re.search(rf"did you mean ['\[]{guess}['\]]", text)
        own = next(p for p in caught.value.problems if p.text == text)
        assert own.key == name


def test_all_problems_of_a_file_come_at_once(problems: Problems) -> None:
    found = problems(
        "[run]\nneutrons = false\ngammas = false\nprogres = true\n"
        '[energy]\nstrateg = "ELUT"\n'
        '[detectors]\ndefault_material = "LYSO"\n'
        '[plane]\norigin = [0, 0]\ndU = "1"\n'
        '[cache]\nenabled = "no"\n'
    )
    for part in (
        "unknown key 'progres'",
        "neutrons = false and gammas = false",
        "unknown key 'strateg' (did you mean 'strategy'?)",
        "origin = [0, 0] is an array of 2",
        "unknown key 'dU' (did you mean 'du'?)",
        "missing key 'normal'",
        'enabled = "no" is a string',
    ):
        assert [part in p for p in found].count(True) == 1, part
    # A misspelt key is not missing as well, and what the faulty [plane] would say is left out.
    assert not [p for p in found if "missing key 'strategy'" in p or "missing key 'du'" in p]
    assert not [p for p in found if "missing section" in p]
    order = [name for p in found if (name := p.split("[")[1].split("]")[0])]
    names = list(ImagingConfig.model_fields)
    assert order == sorted(order, key=names.index)


def test_a_misspelt_key_is_checked_as_it_was_meant(problems: Problems) -> None:
    found = problems(GOOD.replace("du = 0.5", "dU = 0.7"))
    assert len(found) == 2
    assert "unknown key 'dU'" in found[0]
    assert "28.5714 steps of du = 0.7" in found[1]


def test_a_key_is_not_meant_where_its_value_does_not_suit(problems: Problems) -> None:
    """tiers is an array: that 1 is none says nothing of it."""
    found = problems('[pipeline]\nname = "germanium"\n[germanium]\ntresh = 1\n')
    (of_key,) = [text for text in found if "[germanium]" in text]
    assert "unknown key 'tresh'" in of_key


def test_an_unknown_key_does_not_hide_the_faults_between_keys(problems: Problems) -> None:
    found = problems(PLANE + '[energy]\nstrategy = "FixedEn"\nzzz = 1\n')
    assert len(found) == 2
    found = problems(PLANE + '[energy]\nstrategy = "FixedEn"\nfixed_en_MeV = 14.8\n')
    assert len(found) == 1


# --- sections that do not fit together ---------------------------------------------------

CONES = '[pipeline]\nuntil = "cones"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + "[run]\nneutrons = false\ngammas = false\n", "[run] neutrons = false and gammas"),
        (EDEP, 'missing section [plane], which until = "image" needs; add it with origin,'),
        (EDEP + CONES, '[prior] type = "none" without [plane]: gamma cones are chosen by'),
        (GOOD + "[prior]\npoint = [0, 0, 0]\n", 'point is given but no type; add type = "point"'),
        (
            PLANE + '[energy]\nstrategy = "ToF"\ntof.start_time_ns = 0\n',
            '[energy.tof] strategy "ToF" needs to know where neutrons start: set source_cm',
        ),
        (PLANE + '[energy]\nstrategy = "ELUT"\n', "needs the material of each detector"),
        (
            PLANE
            + '[energy]\nstrategy = "ELUT"\n[detectors.material_map]\n1 = "OGS"\n2 = "LYSO"\n',
            'no light response of material "LYSO"; built in: OGS, M600. Add',
        ),
        (
            PLANE + '[energy]\nstrategy = "ELUT"\n[detectors]\ndefault_material = "UNK"\n',
            'no light response of material "UNK"',
        ),
        (
            PLANE
            + '[energy]\nstrategy = "ELUT"\nlut_paths.OGS.carbon = "no.csv"\n'
            + '[detectors]\ndefault_material = "OGS"\n',
            '[energy.lut_paths.OGS] carbon = "no.csv": there is no file no.csv',
        ),
        (
            GOOD + '[run]\nsbp_engine = "poly"\n[cones]\nnappe = "both"\n',
            '[run] sbp_engine = "poly" draws the forward half of a cone only',
        ),
        (
            GOOD + '[run]\nfast = true\n[fast]\nsbp_engine = "poly"\n[cones]\nnappe = "both"\n',
            '[fast] sbp_engine = "poly" draws',
        ),
        (GOOD + "[imaging]\npoly_range_cm = -3.0\n", "-3 is not above 0; give a length in cm"),
        (GOOD + "[imaging]\npoly_samples = 4\n", "poly_samples = 4"),
        (
            GOOD + "[list_mode]\nregion_cm = [0.1, 0.2, -5, 5]\n",
            "region_cm = [0.1, 0.2, -5.0, 5.0] holds no centre of a pixel along u",
        ),
        (
            GOOD + "[list_mode]\nregion_cm = [-5, 5, 100, 200]\n",
            "holds no centre of a pixel along v",
        ),
        (
            GOOD + "[list_mode]\nregion_cm = [5, -5, 0, 1]\n",
            "u from 5 to -5 cm: the lower end comes first; swap the two",
        ),
        (GOOD + "[list_mode]\ncone_ids = [3, -1]\n", "cone_ids"),
        (
            GOOD + "[filters.hits]\nmin_light_MeVee = 5\ngamma.max_light_MeVee = 3\n",
            "min_light_MeVee = 5 is above max_light_MeVee = 3 for gamma hits",
        ),
    ],
)
def test_sections_that_do_not_fit(problems: Problems, text: str, expected: str) -> None:
    [problem] = problems(text)
    assert expected in problem


@pytest.mark.parametrize(
    "text",
    [
        EDEP + '[pipeline]\nuntil = "hits"\n',
        EDEP + '[pipeline]\nuntil = "events"\n',
        EDEP + CONES + "[run]\ngammas = false\n",
        EDEP + CONES + '[prior]\ntype = "point"\npoint = [0, 0, 0]\n',
        # What needs a source, a material or a table is not asked for where it is not used.
        PLANE + '[energy]\nstrategy = "ELUT"\n[run]\nneutrons = false\n',
        PLANE + '[energy]\nstrategy = "ELUT"\n[pipeline]\nuntil = "events"\n',
        PLANE + '[energy]\nstrategy = "ToF"\ntof.start_time_ns = 0\n[run]\nneutrons = false\n',
        PLANE + '[energy]\nstrategy = "ToF"\ntof = {start_time_ns = 0, source_cm = [0, 0, 0]}\n',
        PLANE + '[energy]\nstrategy = "ToF"\ntof.start_det_id = 1\n'
        '[prior]\ntype = "line"\nline = {p0 = [0, 0, 0], p1 = [0, 1, 0]}\n',
        PLANE + '[energy]\nstrategy = "ELUT"\n[detectors.material_map]\n1 = "OGS"\n2 = "LYSO"\n'
        '[filters.hits]\nmaterials_exclude = ["LYSO"]\n',
        GOOD + '[fast]\nsbp_engine = "poly"\n',
        GOOD + '[run]\nsbp_engine = "poly"\n[imaging]\npoly_range_cm = 250\n',
        GOOD + '[run]\nfast = true\n[fast]\nsbp_engine = "poly"\n',
        GOOD + '[run]\nsbp_engine = "poly"\nfast = true\n[fast]\nsbp_engine = "scan"\n'
        '[cones]\nnappe = "both"\n',
        GOOD + '[io]\ninput_path = ["a"]\n',
        GOOD + '[cache]\ndir = "somewhere"\n',
    ],
)
def test_sections_that_fit(load: Callable[..., LoadedConfig], text: str) -> None:
    assert load(text).config.model_fields_set


def test_a_material_with_a_table_of_its_own(
    tmp_path: Path, load: Callable[..., LoadedConfig]
) -> None:
    (tmp_path / "lyso.csv").write_text("light_MeVee,energy_MeV\n")
    text = (
        PLANE
        + '[energy]\nstrategy = "ELUT"\nlut_paths.LYSO.proton = "lyso.csv"\n'
        + 'lut_paths.EJ.proton = "ej.csv"\n[detectors]\ndefault_material = "LYSO"\n'
    )
    assert load(text).notices == (
        "[energy.lut_paths.EJ] is unused: no neutron detector is made of it",
    )


def test_what_is_accepted_without_effect_is_said(load: Callable[..., LoadedConfig]) -> None:
    text = (
        GOOD.replace('"Edep"', '"Edep"\nlut_paths.OGS.proton = "not/there.npz"')
        + "[run]\njit = false\nlist = true\n"
        + '[io]\nrestart_path = "x.h5"\n[pipeline]\nuntil = "cones"\n'
        + '[prior]\ntype = "none"\npoint = [0, 0, 0]\n'
    )
    notices = "\n".join(load(text).notices)
    for part in ("jit has no effect", "restart_path", "lut_paths is unused", "point and line"):
        assert part in notices
    assert 'list is unused: until is "cones"' in notices
    assert load(GOOD).notices == ()
    [free] = load(GOOD + "[point_fit]\nfree_distance = true\n").notices
    assert "the distance is biased" in free
    assert "u and v follow it along the ray" in free


# --- the command line --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("plane.du=1", ("plane", "du"), 1),
        ("plane.du = 0.5", ("plane", "du"), 0.5),
        ("run.fast=true", ("run", "fast"), True),
        ("run.fast=True", ("run", "fast"), "True"),
        ("prior.type=none", ("prior", "type"), "none"),
        ('prior.type="none"', ("prior", "type"), "none"),
        ("run.plot_label=a = b", ("run", "plot_label"), "a = b"),
        ("run.plot_label=", ("run", "plot_label"), ""),
        ("plane.origin=[0, 1, 2]", ("plane", "origin"), [0, 1, 2]),
        # A second line is a part of the text, not a second setting.
        ("run.plot_label=1\nlist = true", ("run", "plot_label"), "1\nlist = true"),
        ("io.output_path=", ("io", "output_path"), ""),
        ("detectors.material_map.7=OGS", ("detectors", "material_map", "7"), "OGS"),
        ("filters.hits.neutron.psd_min=0.2", ("filters", "hits", "neutron", "psd_min"), 0.2),
        ('run.meta."a b"=1', ("run", "meta", "a b"), 1),
        ("run.meta={a = 1}", ("run", "meta"), {"a": 1}),
        ("io.input_path=a.out", ("io", "input_path"), "/shell/a.out"),
        ("io.input_path=/data/a.out", ("io", "input_path"), "/data/a.out"),
        ('io.input_path=["a.out"]', ("io", "input_path"), ["/shell/a.out"]),
        ("energy.lut_paths.OGS.proton=a.csv", ("energy", "lut_paths", "OGS", "proton"), None),
        ("io.extra_text_files={a = 'b'}", ("io", "extra_text_files"), {"a": "/shell/b"}),
        # A table set as a whole holds files as well, and what is none.
        (
            "energy.lut_paths={OGS = {proton = 'a'}}",
            ("energy", "lut_paths"),
            {"OGS": {"proton": "/shell/a"}},
        ),
        ("io.adapter={tree_key = 'a'}", ("io", "adapter"), {"tree_key": "a"}),
        ("pipeline.nothing=a", ("pipeline", "nothing"), "a"),
    ],
)
def test_overrides_are_toml_values_or_strings(text: str, path: tuple[str, ...], value: Any) -> None:
    override = parsed_override(text)
    assert isinstance(override, Override)
    override = from_shell(override, ImagingConfig, Path("/shell"))
    assert override.path == path
    assert override.value == ("/shell/a.csv" if value is None else value)


def test_files_of_the_command_line_are_the_shells() -> None:
    """All settings that name a file or folder, and no other."""
    named = {
        "imaging": {"io.input_path", "io.file_list", "io.output_path", "io.restart_path",
                    "cache.dir", "calibration.path", "vis.png_dir"},
        "lightdqm": {"io.input_path", "io.file_list", "io.output_path",
                     "lightdqm.channel_status_csv", "lightdqm.store", "cache.dir"},
    }  # fmt: skip
    for name, keys in named.items():
        root = definition(name).settings
        found = {
            key
            for key in setting_keys(root)
            if from_shell(Override(tuple(key.split(".")), "a", ""), root, Path("/shell")).value
            == "/shell/a"
        }
        assert found == keys


@pytest.mark.parametrize(
    "text", ["plane.du", "du=1", "=1", "", "plane..du=1", "pl ane.du=1", "[plane]\ndu=1"]
)
def test_an_override_without_section_or_value(problems: Problems, text: str) -> None:
    [problem] = problems(GOOD, text)
    assert problem.startswith(f"--set {text}: no setting of a section is named; write --set sec")


def test_an_override_wins_and_leaves_the_text(load: Callable[..., LoadedConfig]) -> None:
    loaded = load(GOOD, "plane.du=1", "plane.dv=2.5", settings={"run.fast": True, "run.list": None})
    assert loaded.config.plane is not None
    assert (loaded.config.plane.du, loaded.config.plane.dv) == (1.0, 2.5)
    assert loaded.config.run.fast
    assert not loaded.config.run.list
    assert loaded.text == GOOD
    assert loaded.overrides == ("--set plane.du=1", "--set plane.dv=2.5", "command line (run.fast)")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("plane.dU=1", "--set plane.dU=1: [plane] unknown key 'dU' (did you mean 'du'?)"),
        ("planes.du=1", "--set planes.du=1: unknown section [planes] (did you mean [plane]?)"),
        ("run.du=1", "--set run.du=1: [run] unknown key 'du'; 'du' is a key of [plane]"),
        ("plane.du=x", '--set plane.du=x: [plane] du = "x" is a string; allowed: a number above 0'),
        ("plane.du=[0", "--set plane.du=[0: [plane] [0 is no complete TOML value"),
        ("run.plot_label='a", "--set run.plot_label='a: [run] 'a is no complete TOML value"),
        ("run.neutrons=False", 'neutrons = "False" is a string; allowed: true or false. Write neu'),
        (
            "plane.origin.x=1",
            "plane.origin.x=1: plane.origin is no table in run7.toml; set plane.o",
        ),
        ("plane.du=0.7", "run7.toml: [plane] the range u_min..u_max = 20 cm is 28.5714 steps"),
        ("plane.du=0.7", "(with --set plane.du=0.7)"),
        ("imaging.poly_range_cm=0", "0 is not above 0; give a length in cm"),
    ],
)
def test_a_wrong_override_is_named(problems: Problems, override: str, expected: str) -> None:
    [problem] = problems(GOOD, override)
    assert expected in problem


def test_overrides_share_nothing_with_what_they_change() -> None:
    data = {"plane": {"origin": [0.0, 0.0, 0.0]}, "io": {"input_path": [["a"]]}}
    tables = Override(("run", "meta"), {"list": [[1]]}, "")
    changed, problems = with_overrides(data, [tables, Override(("plane", "du"), 1.0, "")], "")
    assert problems == []
    changed["plane"]["origin"].append(9.0)
    changed["io"]["input_path"][0].append("b")
    changed["run"]["meta"]["list"][0].append(2)
    changed["run"]["meta"]["more"] = 1
    assert data == {"plane": {"origin": [0.0, 0.0, 0.0]}, "io": {"input_path": [["a"]]}}
    assert tables.value == {"list": [[1]]}


def test_paths_belong_to_the_file_or_to_the_shell(
    tmp_path: Path, load: Callable[..., LoadedConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    text = GOOD + '[io]\ninput_path = "a.out"\noutput_path = "b.h5"\n'
    loaded = load(text, "io.output_path=c.h5")
    assert named_files(loaded) == [tmp_path / "a.out"]
    assert output_path(loaded) == Path("/c.h5")
    assert resolved_path(loaded, "x/y") == tmp_path / "x" / "y"
    assert named_files(load(text, 'io.input_path=["d.out"]')) == [Path("/d.out")]


def test_a_run_needs_paths(load: Callable[..., LoadedConfig]) -> None:
    for of, key in ((named_files, "input_path"), (output_path, "output_path")):
        with pytest.raises(ConfigError, match=rf"\[io\] missing key '{key}'; add {key} = "):
            of(load(GOOD))


# --- fast mode ---------------------------------------------------------------------------

FAST = """
[run]
fast = true
max_cones = 7
[fast]
min_L1_MeVee = 3
min_L2_MeVee = 1
min_L_any_MeVee = 0.5
min_light_MeVee = 0.2
max_light_MeVee = 50
max_events = 1000
max_cones = 200
plane_downsample = 4
[filters.events.neutron]
min_L1_MeVee = 0.3
[filters.hits.gamma]
min_light_MeVee = 9
psd_max = 0.4
"""


def test_fast_mode_replaces_what_it_sets(load: Callable[..., LoadedConfig]) -> None:
    loaded = load(GOOD + FAST)
    config = loaded.config
    assert (config.run.max_events, config.run.max_cones) == (1000, 200)
    neutron, gamma = config.filters.events.neutron, config.filters.events.gamma
    assert (neutron.min_L1_MeVee, neutron.min_L2_MeVee) == (3.0, 1.0)
    assert gamma.min_L_any_MeVee == 0.5
    rows = {key: value for key, _, value in config_rows(config)}
    for species in ("neutron", "gamma"):
        assert rows[f"filters.hits.{species}.min_light_MeVee"] == "0.2"
        assert rows[f"filters.hits.{species}.max_light_MeVee"] == "50.0"
    assert rows["filters.hits.gamma.psd_max"] == "0.4"
    assert rows["filters.hits.neutron.psd_max"] == "null"
    assert config.plane is not None
    assert (config.plane.du, config.plane.u_min, config.plane.u_max) == (2.0, -10.0, 10.0)
    assert loaded.replaced == (
        "run.max_events",
        "run.max_cones",
        "filters.hits.min_light_MeVee",
        "filters.hits.max_light_MeVee",
        "filters.hits.gamma.min_light_MeVee",
        "filters.events.neutron.min_L1_MeVee",
        "filters.events.neutron.min_L2_MeVee",
        "filters.events.gamma.min_L_any_MeVee",
        "plane.du",
        "plane.dv",
    )
    assert loaded.notices == ()


def test_fast_mode_is_pure_and_off_by_default(load: Callable[..., LoadedConfig]) -> None:
    base = load((GOOD + FAST).replace("fast = true", "fast = false")).config
    before = base.model_dump()
    assert with_fast_mode(base) == (base, ())
    running = base.model_copy(update={"run": base.run.model_copy(update={"fast": True})})
    changed, replaced = with_fast_mode(running)
    assert replaced
    assert changed != running
    assert base.model_dump() == before


def test_fast_mode_without_a_table_changes_nothing(load: Callable[..., LoadedConfig]) -> None:
    loaded = load(GOOD + "[run]\nfast = true\n")
    assert loaded.replaced == ()
    assert with_fast_mode(loaded.config) == (loaded.config, ())


@pytest.mark.parametrize(("factor", "u_max", "nu"), [(3, 11.0, 14), (7, 11.0, 6), (40, 10.0, 1)])
def test_a_coarse_plane_is_rounded_up(
    load: Callable[..., LoadedConfig], factor: int, u_max: float, nu: int
) -> None:
    loaded = load(GOOD + f"[run]\nfast = true\n[fast]\nplane_downsample = {factor}\n")
    plane = loaded.config.plane
    assert plane is not None
    assert plane.u_min == -10.0
    assert plane.u_max == pytest.approx(u_max)
    assert (plane.u_max - plane.u_min) / plane.du == pytest.approx(nu)
    assert len(loaded.notices) == (u_max > 10)
    if u_max > 10:
        assert loaded.notices[0] == (
            "fast mode moved plane.u_max to 11 cm and plane.v_max to 11 cm: "
            "the range is no multiple of the coarser pixels"
        )
        assert loaded.replaced == ("plane.du", "plane.u_max", "plane.dv", "plane.v_max")


def test_fast_mode_can_lift_a_cap(load: Callable[..., LoadedConfig]) -> None:
    loaded = load(GOOD + "[run]\nfast = true\nmax_events = 7\n[fast]\nmax_events = 0\n")
    assert loaded.config.run.max_events == 0
    assert loaded.replaced == ("run.max_events",)


def test_pixels_that_no_number_writes_exactly_are_counted_whole(
    load: Callable[..., LoadedConfig],
) -> None:
    # (0.3 - 0) / 0.1 is 2.9999999999999996: three pixels, which make one of three.
    given = ("plane.u_min=0.0", "plane.u_max=0.3", "plane.du=0.1")
    loaded = load(GOOD + "[run]\nfast = true\n[fast]\nplane_downsample = 3\n", *given)
    plane = loaded.config.plane
    assert plane is not None
    assert plane.u_max == 0.3
    assert "plane.u_max" not in loaded.replaced


def test_fast_mode_can_close_a_window(problems: Problems) -> None:
    text = GOOD + "[run]\nfast = true\n[fast]\nmax_light_MeVee = 1\n[filters.hits.neutron]\n"
    found = problems(text + "min_light_MeVee = 2\n")
    [problem] = found
    assert "min_light_MeVee = 2 is above max_light_MeVee = 1 for neutron hits" in problem
    assert problem.endswith("lower one or raise the other (here or in [fast])")


# --- what is stored and published --------------------------------------------------------


def test_config_rows_are_flat_and_ordered(load: Callable[..., LoadedConfig]) -> None:
    text = GOOD + (
        '[detectors.material_map]\n12 = "OGS"\n2 = "M600"\n[run.meta]\n"b c" = 1\na = true\n'
        "[[detectors.geometry.detectors]]\nid = 3\n"
    )
    rows = config_rows(load(text).config)
    keys = [key for key, _, _ in rows]
    assert len(keys) == len(set(keys))
    assert all(json.loads(value) is None or kind != "NoneType" for _, kind, value in rows)
    by_key = {key: (kind, value) for key, kind, value in rows}
    assert by_key["plane.origin"] == ("list", "[0.0, 0.0, 0.0]")
    assert by_key["energy.strategy"] == ("str", '"Edep"')
    assert by_key["plane.u_axis"] == ("NoneType", "null")
    assert by_key['run.meta."b c"'] == ("int", "1")
    assert by_key["run.meta.a"] == ("bool", "true")
    kind, value = by_key["detectors.geometry.detectors"]
    assert kind == "list"
    assert json.loads(value)[0]["id"] == 3
    assert keys.index("detectors.material_map.2") + 1 == keys.index("detectors.material_map.12")
    swapped = text.replace('12 = "OGS"\n2 = "M600"', '2 = "M600"\n12 = "OGS"')
    assert config_rows(load(swapped).config) == rows


def test_resolutions_by_material_and_by_detector(load: Callable[..., LoadedConfig]) -> None:
    loaded = load(
        GOOD
        + "[uncertainty]\nsigma_time_ns = 0.4\n[uncertainty.energy]\na = 0.1\nOGS = {a = 0.2}\n"
        + "[uncertainty.time]\n12 = 0.7\n[uncertainty.doi]\nsigma_cm = 0.6\n"
    )
    known = loaded.config.uncertainty
    assert (known.energy.of("OGS").a, known.energy.of("M600").a) == (0.2, 0.1)
    assert (known.sigma_of_time_ns(12), known.sigma_of_time_ns(3)) == (0.7, 0.4)
    assert known.sigma_along_cm == 0.6


def test_json_schema_has_every_default_and_description() -> None:
    schema = json_schema()
    json.dumps(schema)
    tables = {"ImagingConfig": schema, **schema["$defs"]}
    for name, table in tables.items():
        assert table["additionalProperties"] is False, name
        for key, entry in table["properties"].items():
            required = key in table.get("required", [])
            assert required or "default" in entry, f"{name}.{key} has no default"
            assert entry.get("description"), f"{name}.{key} is not described"
    events = schema["$defs"]["EventFilters"]["properties"]
    assert events["tof_window_ns"]["default"] == [0.0, 1e9]
    assert "colormap" in schema["$defs"]["Vis"]["properties"]


def test_allowed_values_in_words() -> None:
    assert allowed_text(int | str) == "a whole number or a string"
    assert allowed_text(tuple[float, float]) == "an array of 2 numbers"
    assert bare(ImagingConfig.model_fields["plane"].annotation).__name__ == "Plane"
    assert not is_section(int)


# --- the shipped files -------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_a_shipped_file_loads(path: Path) -> None:
    loaded = load_config(path)
    assert loaded.notices == ()
    if loaded.config.pipeline.name != "imaging":
        return
    assert loaded.config.plane is not None
    assert named_files(loaded)[0].parent == output_path(loaded).parent == path.parent


def test_every_use_is_shipped() -> None:
    assert {p.name for p in SHIPPED} >= {
        "phits_edep.toml",
        "novo_ddaq_fixeden.toml",
        "novo_ddaq_elut.toml",
        "tof.toml",
        "fast_list.toml",
        "lightdqm.toml",
        "cosmics.toml",
        "cosmics_offspill.toml",
        "cosmics_dead_time.toml",
    }


def test_the_simulated_array_is_that_of_the_phits_files() -> None:
    settings = SimulationSettings()
    bars = {bar.det_id: bar.material for bar in settings.detector.bars}
    for name in ("phits_edep.toml", "fast_list.toml"):
        config = load_config(CONFIGS / name).config
        assert config.detectors.material_map == bars
        assert config.plane is not None
        assert config.plane.origin == settings.source.at_cm


_HEADER = re.compile(r"(# )?\[\[?(?P<name>[\w.]+)\]\]?")
_SETTING = re.compile(r"(?P<off># )?(?P<key>\w+) = (?P<value>[^#]*[^#\s])\s*(# (?P<note>.*))?")


def reference_lines() -> Iterator[tuple[str, str, bool, Any, str]]:
    """Section, key, whether commented out, value and note of each line of phits_edep.toml."""
    section = ""
    for line in (CONFIGS / "phits_edep.toml").read_text().splitlines():
        if header := _HEADER.match(line):
            section = header["name"]
        elif setting := _SETTING.fullmatch(line):
            value = tomllib.loads(f"v = {setting['value']}")["v"]
            yield section, setting["key"], bool(setting["off"]), value, setting["note"] or ""


def models() -> Iterator[tuple[str, type[Any]]]:
    """Every section, and those inside arrays and free tables, by the name of its header."""
    from radiograph.schemas.imaging.detectors import Bar, DetectorPlacement
    from radiograph.schemas.imaging.physics import LutPaths

    yield from sections(ImagingConfig)
    yield "detectors.geometry.detectors", DetectorPlacement
    yield "detectors.geometry.bars", Bar
    yield "energy.lut_paths.OGS", LutPaths


def test_the_reference_file_names_every_key() -> None:
    written = {(section, key) for section, key, *_ in reference_lines()}
    headers = {
        m["name"]
        for line in (CONFIGS / "phits_edep.toml").read_text().splitlines()
        if (m := _HEADER.match(line))
    }
    missing = []
    for name, model in models():
        species = name.startswith("filters.") and name.endswith((".neutron", ".gamma"))
        for key, field in model.model_fields.items():
            full = f"{name}.{key}" if name else key
            is_table = is_section(bare(field.annotation)) or field.default in ({}, ())
            if is_table and any(h == full or h.startswith(full + ".") for h in headers):
                continue
            if not species and (name, key) not in written:
                missing.append(full)
    assert missing == []


def test_the_reference_file_shows_the_defaults() -> None:
    known = dict(models())
    wrong = []
    for section, key, off, value, note in reference_lines():
        if section.startswith("filters.") and section.endswith((".neutron", ".gamma")):
            continue  # an example of an override: absent keys are those of both species
        if section in known and key in known[section].model_fields:
            field = known[section].model_fields[key]
            wrong += [f"{section}.{key}"] if not _shows(field, value, off, note) else []
        else:
            # An entry of a free table of any names.
            assert section in ("run.meta", "io.extra_text_files", "detectors.material_map")
    assert wrong == []


def _shows(field: Any, value: Any, off: bool, note: str) -> bool:
    if field.is_required():
        return "required" in note
    if field.default is None:
        return "default: absent" in note
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    if off or value == default:
        return bool(value == default)
    given = re.search(r"default: (\S+)", note)
    return given is not None and bool(tomllib.loads(f"v = {given[1]}")["v"] == default)


# The forms in which ngimager's own example files write settings.
LIKE_NGIMAGER = (
    PLANE
    + """
[run]
source_type = "phits"
workers = 0
chunk_cones = "auto"
jit = true
fast = false
[io]
input_path = "../sets/usrdef.out"
output_path = "../sets/usrdef_out.h5"
hdf5_overwrite = true
[io.adapter]
type = "phits"
style = "usrdef"
unit_pos_is_mm = false
[io.extra_text_files]
deck = "not/there.inp"
[detectors.material_map]
200 = "OGS"
210 = "M600"
[filters.hits]
bars_include = []
[filters.hits.neutron]
[fast]
plane_downsample = 2
sbp_engine = "poly"
[energy]
strategy = "Edep"
fixed_En_MeV = 14.1
lut_paths.M600.proton = "not/there.npz"
lut_paths.OGS.carbon = "not/there.npz"
[prior]
type = "point"
point = [0.0, 0.0, -500.0]
strength = 1.0
[uncertainty]
enabled = false
[vis]
species = ["n", "g", "all"]
filename_pattern = "{stem}_{species}.{ext}"
"""
)


def test_settings_as_ngimager_writes_them(load: Callable[..., LoadedConfig]) -> None:
    loaded = load(LIKE_NGIMAGER)
    assert loaded.config.energy.lut_paths["OGS"].carbon == "not/there.npz"
    assert loaded.config.prior.target_cm == (0.0, 0.0, -500.0)
    assert len(loaded.notices) == 2


@pytest.mark.skipif(NGIMAGER is None, reason="NGIMAGER_EXAMPLES names no folder of its examples")
@pytest.mark.parametrize(
    "name", ["phits_usrdef_simple", "phits_usrdef_line", "phits_usrdef_ring", "novo_ptb"]
)
def test_files_of_ngimager_load_unchanged(name: str) -> None:
    loaded = load_config(Path(NGIMAGER or "") / f"{name}.toml")
    assert any("jit has no effect" in n for n in loaded.notices)


# --- the command -------------------------------------------------------------------------


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(check)
    return app


def test_check_says_ok(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [str(CONFIGS / "fast_list.toml")])
    assert result.exit_code == 0
    for part in (
        "fast_list.toml: OK",
        "until     image",
        "strategy  Edep",
        "60 x 60 pixels of 1 x",
    ):
        assert part in result.stdout
    assert "events.out (not there yet)" in result.stdout
    assert "fast mode replaces run.max_cones" in result.stdout


def test_check_speaks_json(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "run7.toml"
    path.write_text(EDEP + '[io]\ninput_path = "run7.toml"\n[run]\njit = true\n' + CONES)
    arguments = [str(path), "--json", "--set", "run.gammas=false"]
    result = CliRunner().invoke(app, arguments)
    summary = json.loads(result.stdout)
    assert summary["ok"] is True
    assert (summary["until"], summary["species"], summary["plane"]) == ("cones", ["neutrons"], None)
    assert (summary["input"], summary["overrides"]) == (["run7.toml"], ["--set run.gammas=false"])
    assert len(summary["notices"]) == 1


def test_check_prints_the_schema(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--schema"])
    assert json.loads(result.stdout) == json_schema()


def test_check_raises_what_is_wrong(app: typer.Typer, tmp_path: Path) -> None:
    assert isinstance(CliRunner().invoke(app, []).exception, UsageError)
    missing = CliRunner().invoke(app, [str(tmp_path / "run7.toml")])
    assert isinstance(missing.exception, ConfigError)
