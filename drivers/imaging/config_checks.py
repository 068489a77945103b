"""Checks across sections: each section is right, do they fit together, and is all of it built?

In: the config that runs and the folder of its file. Out: problems and notices. A check is
left out where a section that it reads is itself at fault, so that one slip is told once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.filters import HitFilters, resolved
from ..definition import Fault
from .reconstruction_checks import bands_of_light, constants_file, known_energy, plane_of_sources

# An image of this many counts takes 400 MB, and each thread has its own.
MOST_PIXELS: Final = 100_000_000


def faults(config: ImagingConfig, folder: Path, skip: frozenset[str]) -> Iterator[Fault]:
    """Every problem between sections; ``skip`` names sections that are at fault themselves."""
    for reads, check in _CHECKS:
        if skip.isdisjoint(reads):
            yield from check(config, folder)


def makes_cones(config: ImagingConfig) -> bool:
    """Whether the run goes beyond events."""
    return config.pipeline.until in ("cones", "image")


def _species(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    if not (config.run.neutrons or config.run.gammas):
        text = "neutrons = false and gammas = false leave nothing to image; set one of them true"
        yield Fault("run", text, ("run.neutrons", "run.gammas"))


def _plane(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    if config.plane is not None:
        return
    until = config.pipeline.until
    if until == "image":
        text = (
            'missing section [plane], which until = "image" needs; add it with origin, normal, '
            'u_min, u_max, du, v_min, v_max, dv, or set [pipeline] until = "cones"'
        )
        yield Fault("", text, ("plane", "pipeline.until"))
    elif until == "cones" and config.run.gammas and config.prior.type == "none":
        text = (
            'type = "none" without [plane]: gamma cones are chosen by their distance to a prior; '
            'set type = "point" or "line", add [plane], or set [run] gammas = false'
        )
        yield Fault("prior", text, ("prior.type", "run.gammas"))


def _prior(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    prior = config.prior
    given = [name for name in ("point", "line") if getattr(prior, name) is not None]
    if given and "type" not in prior.model_fields_set:
        text = f'{given[0]} is given but no type; add type = "{given[0]}" (or "none")'
        yield Fault("prior", text, ("prior.type",))


def _flight(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    energy = config.energy
    if energy.strategy != "ToF" or not config.run.neutrons or not makes_cones(config):
        return
    if energy.tof.source_cm is None and config.prior.target_cm is None:
        text = (
            'strategy "ToF" needs to know where neutrons start: set source_cm = [x, y, z], '
            'or [prior] type = "point" or "line"'
        )
        yield Fault("energy.tof", text, ("energy.strategy", "prior.type"))


def used_materials(config: ImagingConfig) -> list[str]:
    """Materials that a neutron hit can have after the hit filters, in the order of the file."""
    detectors = config.detectors
    cuts: HitFilters = resolved(config.filters.hits, config.filters.hits.neutron)
    named = list(detectors.material_map.values())
    if "default_material" in detectors.model_fields_set:
        named.append(detectors.default_material)
    kept = [m for m in dict.fromkeys(named) if m not in cuts.materials_exclude]
    return [m for m in kept if not cuts.materials_include or m in cuts.materials_include]


def _light_response(config: ImagingConfig, folder: Path) -> Iterator[Fault]:
    if config.energy.strategy != "ELUT" or not config.run.neutrons or not makes_cones(config):
        return
    from ...nodes.light_response import SCINTILLATORS

    detectors = config.detectors
    if not detectors.material_map and "default_material" not in detectors.model_fields_set:
        text = (
            'strategy "ELUT" needs the material of each detector: set default_material = "OGS", '
            "or [detectors.material_map] with det_id = material"
        )
        yield Fault("detectors", text, ("energy.strategy", "detectors"))
    for material in used_materials(config):
        tables = config.energy.lut_paths.get(material)
        if material not in SCINTILLATORS and (tables is None or tables.proton is None):
            text = (
                f'strategy "ELUT" has no light response of material "{material}"; built in: '
                f"{', '.join(SCINTILLATORS)}. Add [energy.lut_paths.{material}] "
                'proton = "table.csv" or correct the name in [detectors]'
            )
            yield Fault("energy", text, ("energy.strategy", "detectors"))
        for recoil in ("proton", "carbon"):
            path = None if tables is None else getattr(tables, recoil)
            if path is not None and not (folder / path).is_file():
                text = f'{recoil} = "{path}": there is no file {folder / path}; correct the path'
                section = f"energy.lut_paths.{material}"
                yield Fault(section, text, (f"{section}.{recoil}",))


def _windows(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    of_hits = config.filters.hits
    for species in ("neutron", "gamma"):
        cuts: HitFilters = resolved(of_hits, getattr(of_hits, species))
        for low_key, high_key in (("min_light_MeVee", "max_light_MeVee"), ("psd_min", "psd_max")):
            low, high = getattr(cuts, low_key), getattr(cuts, high_key)
            if low is not None and high is not None and low > high:
                text = (
                    f"{low_key} = {low:g} is above {high_key} = {high:g} for {species} hits: "
                    "no hit can pass; lower one or raise the other"
                )
                if config.run.fast:
                    text += " (here or in [fast])"
                names = ("filters.hits", f"filters.hits.{species}")
                keys = tuple(f"{n}.{k}" for n in names for k in (low_key, high_key))
                yield Fault("filters.hits", text, keys)


def _grid(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    plane = config.plane
    if plane is None:
        return
    nu, nv = (
        (getattr(plane, f"{a}_max") - getattr(plane, f"{a}_min")) / getattr(plane, f"d{a}")
        for a in "uv"
    )
    if nu * nv > MOST_PIXELS:
        text = (
            f"{nu:.0f} x {nv:.0f} = {nu * nv:.3g} pixels; allowed are {MOST_PIXELS:.0e}. "
            "Set a larger du and dv, or a smaller range"
        )
        yield Fault("plane", text, ("plane",))
    for axis in "uv":
        low, high = getattr(plane, f"{axis}_min"), getattr(plane, f"{axis}_max")
        for end in ("min", "max"):
            key = f"roi_{axis}_{end}_cm"
            edge = getattr(config.vis.projections, key)
            if edge is not None and (edge >= high if end == "min" else edge <= low):
                text = (
                    f"{key} = {edge:g} leaves no pixel of the plane inside the region of interest; "
                    f"set it within {axis} = {low:g} to {high:g} cm"
                )
                yield Fault("vis.projections", text, (f"vis.projections.{key}",))


def _region(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    region, plane = config.list_mode.region_cm, config.plane
    if region is None or plane is None:
        return
    for axis, low, high in (("u", *region[:2]), ("v", *region[2:])):
        begin, step = getattr(plane, f"{axis}_min"), getattr(plane, f"d{axis}")
        end = getattr(plane, f"{axis}_max")
        first = max(math.ceil((low - begin) / step - 0.5), 0)
        last = min(math.floor((high - begin) / step - 0.5), round((end - begin) / step) - 1)
        if last < first:
            text = (
                f"region_cm = {list(region)} holds no centre of a pixel along {axis}: pixels are "
                f"{step:g} cm wide from {begin:g} to {end:g} cm. Set a larger region"
            )
            yield Fault("list_mode", text, ("list_mode.region_cm",))


def _engine(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    if config.run.sbp_engine == "poly" and config.cones.nappe == "both":
        section = "fast" if config.run.fast and config.fast.sbp_engine == "poly" else "run"
        text = (
            'sbp_engine = "poly" draws the forward half of a cone only, but [cones] nappe is '
            '"both"; set sbp_engine = "scan" or nappe = "forward"'
        )
        yield Fault(section, text, (f"{section}.sbp_engine", "cones.nappe"))


_CHECKS: Final[
    tuple[tuple[tuple[str, ...], Callable[[ImagingConfig, Path], Iterator[Fault]]], ...]
] = (
    (("run",), _species),
    (("run", "plane", "pipeline", "prior"), _plane),
    (("prior",), _prior),
    (("energy", "prior", "run", "pipeline"), _flight),
    (("energy", "detectors", "filters", "run", "pipeline"), _light_response),
    (("filters", "run", "fast"), _windows),
    (("plane", "vis"), _grid),
    (("plane", "list_mode"), _region),
    (("run", "fast", "cones"), _engine),
    (("energy", "uncertainty", "calibration"), known_energy),
    (("energy", "uncertainty"), bands_of_light),
    (("plane", "imaging", "calibration", "uncertainty"), plane_of_sources),
    (("calibration",), constants_file),
)


# Five runs of 20,000 pairs of the array of benchmarks.coverage, each fitted in the four ways.
_FREE_DISTANCE: Final = (
    "[point_fit] free_distance = true: the distance is biased (in simulations 15 to 19 % too far, "
    "38 to 44 % where the fit counts what the array lets pass; 3 to 4 and 9 to 11 % with "
    "bias_rad = 0), many times its error, and u and v follow it along the ray"
)


def notices(config: ImagingConfig, replaced: tuple[str, ...]) -> Iterator[str]:
    """What is accepted without effect, and what fast mode had to round."""
    energy = config.energy
    if "jit" in config.run.model_fields_set:
        yield "[run] jit has no effect: kernels are always compiled"
    if config.io.restart_path is not None and config.io.input_format != "hdf5_ngimager":
        yield '[io] restart_path is unused: it belongs to input_format = "hdf5_ngimager"'
    if energy.lut_paths and energy.strategy != "ELUT":
        yield f'[energy] lut_paths is unused: strategy is "{energy.strategy}", not "ELUT"'
    elif energy.strategy == "ELUT":
        used = set(used_materials(config))
        for material in sorted(set(energy.lut_paths) - used):
            yield f"[energy.lut_paths.{material}] is unused: no neutron detector is made of it"
    if config.prior.type == "none" and (config.prior.point or config.prior.line):
        yield '[prior] point and line are unused: type is "none"'
    wide = [method for method in config.imaging.methods if method != "sbp"]
    asked = "selection" in config.cones.model_fields_set
    if wide and asked and config.cones.selection == "min_delta":
        yield (
            f'[cones] selection = "min_delta" is of the thin image alone: method "{wide[0]}" '
            "takes every hypothesis with its weight"
        )
    if config.point_fit.free_distance:
        yield _FREE_DISTANCE
    if config.run.list and config.pipeline.until != "image":
        yield f'[run] list is unused: until is "{config.pipeline.until}", not "image"'
    if config.list_mode.model_fields_set and not config.run.list:
        yield "[list_mode] is unused: [run] list is false"
    if config.run.fast and not replaced:
        yield "[fast] is empty: fast mode changes nothing"
    moved = [k for k in ("plane.u_max", "plane.v_max") if k in replaced]
    if moved and config.plane is not None:
        ends = " and ".join(f"{k} to {getattr(config.plane, k[6:]):g} cm" for k in moved)
        yield f"fast mode moved {ends}: the range is no multiple of the coarser pixels"
