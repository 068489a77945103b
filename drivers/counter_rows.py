"""Counters as rows: the total and the parts of both species side by side."""

from __future__ import annotations

from collections.abc import Mapping


def counter_rows(counters: Mapping[str, int]) -> list[tuple[str, ...]]:
    """(name, total, neutrons, gammas) of every counter that is not zero; empty where it has none.

    ``x_n`` and ``x_g`` are parts of ``x``, or of ``x_total``.
    """
    rows: dict[str, dict[str, int]] = {}
    for name, value in counters.items():
        stem, _, suffix = name.rpartition("_")
        of_species = {f"{stem}_n", f"{stem}_g"} <= counters.keys()
        if suffix in ("n", "g") and (of_species or stem in counters):
            rows.setdefault(stem, {})[suffix] = value
        elif suffix == "total" and f"{stem}_n" in counters:
            rows.setdefault(stem, {})["total"] = value
        else:
            rows.setdefault(name, {})["total"] = value
    return [
        (name, *(f"{parts[k]:,}" if k in parts else "" for k in ("total", "n", "g")))
        for name, parts in rows.items()
        if any(parts.values())
    ]
