"""Counters as a flow: what entered each stage, what left it and why, what remained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Triple = tuple[int, int | None, int | None]


@dataclass(frozen=True)
class Step:
    """A part of a stage: all, neutrons, gammas; None where it is not counted by species."""

    words: str
    numbers: Triple
    is_loss: bool = True


@dataclass(frozen=True)
class FlowStage:
    """What entered, what was lost by reason, and what was kept."""

    title: str
    noun: str
    entered: Step
    losses: tuple[Step, ...]
    kept: Step

    @property
    def adds_up(self) -> bool:
        """Whether what entered is what was lost and what was kept."""
        lost = sum(step.numbers[0] for step in self.losses)
        return self.entered.numbers[0] == lost + self.kept.numbers[0]


def flow_of(counters: Mapping[str, int]) -> list[FlowStage]:
    """The stages that were counted, in order."""
    stages = []
    if "raw_events_total" in counters:
        names = {
            "raw_events_rejected_unreconstructable": "too few hits of one kind",
            "raw_events_species_off": "its species is off",
            "raw_events_rejected_shaping": "no event could be shaped",
        }
        losses = [Step(text, _triple(counters, name)) for name, text in names.items()]
        total = counters["raw_events_total"]
        kept = total - sum(step.numbers[0] for step in losses)
        stages.append(
            _stage(
                "Coincidence windows", "windows", (total, None, None), losses, (kept, None, None)
            )
        )
    for title, noun, entered, prefixes, kept_name in (
        ("Hits", "hits", "hits_total", ("hits_rejected_",), "hits_after_filters"),
        (
            "Events", "events", "events_typed_total",
            ("events_dropped_", "events_rejected_"), "events_after_filters",
        ),
        (
            "Cones", "events", "events_cone_build_attempted",
            ("events_cone_build_failed", "cones_rejected_", "cones_dropped_"), "cones_kept",
        ),
        ("Images", "cones", "cones_kept", ("cones_missed_plane",), "cones_imaged_total"),
        (
            "Hypotheses", "hypotheses", "candidates_total", ("candidates_rejected_",), "",
        ),
    ):  # fmt: skip
        if entered not in counters or (kept_name and kept_name not in counters):
            continue
        into = _triple(counters, entered)
        losses = _losses(counters, prefixes)
        left = _triple(counters, kept_name) if kept_name else _rest(into, losses)
        stages.append(_stage(title, noun, into, losses, left))
    return stages


def _stage(title: str, noun: str, entered: Triple, losses: list[Step], kept: Triple) -> FlowStage:
    return FlowStage(
        title,
        noun,
        Step(f"{noun} in", entered, is_loss=False),
        tuple(losses),
        Step("kept", kept, is_loss=False),
    )


def _losses(counters: Mapping[str, int], prefixes: tuple[str, ...]) -> list[Step]:
    found: dict[str, Step] = {}
    for name in counters:
        prefix = next((p for p in prefixes if name.startswith(p)), None)
        if prefix is None:
            continue
        base = name[:-2] if name.endswith(("_n", "_g")) and name != prefix else name
        words = base.removeprefix(prefix).replace("_", " ") or base.replace("_", " ")
        found[base] = Step(_WORDS.get(base, words), _triple(counters, base))
    return list(found.values())


_WORDS = {
    "events_cone_build_failed": "no hypothesis is possible",
    "cones_missed_plane": "the cone misses the plane's range",
    "cones_rejected_direction": "points away from the plane",
    "events_rejected_L1_min": "light of hit 1 too low",
    "events_rejected_L2_min": "light of hit 2 too low",
    "events_rejected_L_any_min": "light of a hit too low",
    "events_dropped_max_events": "beyond max_events",
    "cones_dropped_max_cones": "beyond max_cones",
    "cones_rejected_delta_theta": "|φ − θ| too large",
    "cones_rejected_incident_energy": "incident energy too high",
    "hits_rejected_threshold": "light outside of its window",
}


def _triple(counters: Mapping[str, int], name: str) -> Triple:
    """All, neutrons and gammas of a counter, whichever of them are counted."""
    # Some totals are named like their parts, others end in _total instead.
    base = name if f"{name}_n" in counters else name.removesuffix("_total")
    n, g = counters.get(f"{base}_n"), counters.get(f"{base}_g")
    total = counters.get(name)
    return (n or 0) + (g or 0) if total is None else total, n, g


def _rest(entered: Triple, losses: list[Step]) -> Triple:
    total, n, g = entered
    lost = [sum(step.numbers[k] or 0 for step in losses) for k in range(3)]
    return (
        total - lost[0],
        None if n is None else n - lost[1],
        None if g is None else g - lost[2],
    )
