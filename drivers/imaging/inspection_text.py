"""Traces as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Trace = dict[str, Any]


def event_text(trace: Trace) -> str:
    """The trace of an event and its cone."""
    raw = trace["event_id"] if trace["event_id"] >= 0 else "unknown"
    lines = [f"event {trace['event_index']}: {trace['species']}, raw event {raw}"]
    if trace["file_ix"] > 0:
        lines[0] += f" (input file {trace['file_ix']})"
    lines += _table(
        ("hit", "detector", "material", "x cm", "y cm", "z cm", "t ns", "light MeVee", "psd"),
        [(str(k + 1), *_hit_cells(hit)) for k, hit in enumerate(trace["hits"])],
    )
    if trace["raw_event_hits"]:
        lines += ["", f"hits of raw event {trace['event_id']}"]
        lines += _table(
            ("row", "species", "detector", "material", "t ns", "light MeVee", "fate"),
            [
                (
                    str(h["hit_row"]), h["species"], str(h["det_id"]), str(h["material"]),
                    f"{h['t_ns']:.4f}", f"{h['light_MeVee']:.4f}", h["filter"],
                )
                for h in trace["raw_event_hits"]
            ],
        )  # fmt: skip
    if trace["hypotheses"]:
        lines += ["", "hypotheses", *_hypothesis_table(trace)]
    return "\n".join([*lines, "", *_cone_lines(trace)])


def region_text(trace: Trace, limit: int) -> str:
    """What a region of the picture is made of; the first ``limit`` cones."""
    u0, u1, v0, v1 = trace["region_cm"]
    counts = ", ".join(f"{name} {count:,}" for name, count in trace["counts"].items())
    lines = [
        f"u {u0:g} to {u1:g}, v {v0:g} to {v1:g} cm: {trace['pixels']:,} pixel"
        + ("s" if trace["pixels"] > 1 else "")
        + (f", counts {counts}" if counts else "")
        + f" (pixels of the cones from: {trace['from']})"
    ]
    for name, word in (("n", "neutron"), ("g", "gamma")):
        spread = trace["energies_MeV"][name]
        if spread is not None:
            n = trace["n_cones"][name]
            lines.append(
                f"{n:,} {word} cone{'s' if n > 1 else ''}, energy "
                f"{spread['least']:.3f} .. {spread['median']:.3f} (median) .. "
                f"{spread['most']:.3f} MeV"
            )
    n_cones = len(trace["cones"]["cone_id"])
    if not n_cones:
        return "\n".join([*lines, "no cone goes through it"])
    lines += _table(
        ("cone", "event", "hypothesis", "theta deg", "E MeV", "delta deg", "pixels", "detectors"),
        [_cone_cells(trace, k) for k in range(min(n_cones, limit))],
    )
    if n_cones > limit:
        lines.append(f"  and {n_cones - limit:,} cones more (--limit, or --json for all)")
    return "\n".join(lines)


def _cone_cells(trace: Trace, k: int) -> tuple[str, ...]:
    cone = {name: column[k] for name, column in trace["cones"].items()}
    hit = trace["events"].get("hits_det_id")
    return (
        str(cone["cone_id"]),
        str(cone["event_index"]),
        _hypothesis(cone),
        _degrees(cone["theta_rad"]),
        f"{cone['incident_energy_MeV']:.3f}",
        _degrees(cone["delta_theta_rad"]),
        str(cone["lit_in_region"]),
        "" if hit is None else " ".join(str(d) for d in hit[k] if d >= 0),
    )


def _hit_cells(hit: Trace) -> tuple[str, ...]:
    psd = hit.get("psd", np.nan)
    return (
        str(hit["det_id"]),
        str(hit["material"]),
        *(f"{hit[f'{a}_cm']:.3f}" for a in "xyz"),
        f"{hit['t_ns']:.4f}",
        f"{hit['light_MeVee']:.4f}",
        f"{psd:.3f}" if np.isfinite(psd) else "-",
    )


def _hypothesis_table(trace: Trace) -> list[str]:
    return _table(
        ("", "hypothesis", "theta deg", "E MeV", "recoil MeV", "delta deg", "status", "direction"),
        [
            (
                "*" if h["selected"] else "", _hypothesis({**h, "species": trace["species"]}),
                _degrees(h["theta_rad"]), f"{h['incident_energy_MeV']:.3f}",
                f"{h['recoil_energy_MeV']:.3f}", _degrees(h["delta_theta_rad"]), h["status"],
                "ok" if h["direction_ok"] else "away",
            )
            for h in trace["hypotheses"]
        ],
    )  # fmt: skip


def _cone_lines(trace: Trace) -> list[str]:
    cone, footprint = trace["cone"], trace["footprint"]
    if cone is None:
        return [f"no cone: {trace['no_cone_because']}"]
    angle, energy = _degrees(cone["theta_rad"]), cone["incident_energy_MeV"]
    lines = [
        f"cone {cone['cone_id']}: {_hypothesis(cone)}, theta {angle} deg, energy {energy:.4f} MeV",
        f"  apex ({_vector(cone['apex_cm'])}) cm, axis ({_vector(cone['axis'])})",
    ]
    if footprint is None:
        return [*lines, "  there is no plane"]
    if footprint["u_cm"] is None:
        return [*lines, "  it lights no pixel: it misses the picture"]
    u, v = (" to ".join(f"{x:g}" for x in footprint[f"{a}_cm"]) for a in "uv")
    lit = f"  lights {footprint['n_pixels']} pixels within u {u}, v {v} cm"
    return [*lines, f"{lit} (from: {footprint['from']})"]


def _hypothesis(of: Trace) -> str:
    if of["species"] == "neutron":
        return f"{of['recoil']} recoil"
    return f"hits {'-'.join(str(k + 1) for k in of['hit_order'])}"


def _degrees(angle_rad: float) -> str:
    return f"{np.degrees(angle_rad):.3f}" if np.isfinite(angle_rad) else "-"


def _vector(values: Sequence[float]) -> str:
    return ", ".join(f"{x:.4f}" for x in values)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    return [
        "  " + "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
