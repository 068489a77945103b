"""``python -m benchmarks [--json] [PART ...]``: speed as figures and ratios of one run."""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import platform

PARTS = (
    "start",
    "kernels",
    "reconstruction",
    "stages",
    "chain",
    "scaling",
    "cache",
    "lightdqm",
    "lightdqm_faults",
    "lightdqm_statement",
    "cosmics",
    "transients",
    "transients_fetch",
    "transients_outliers",
)


def main() -> None:
    """Measure the parts asked for and print a line a figure, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    machine = f"{platform.machine()}, {cores} cores, Python {platform.python_version()}"
    found = []
    if not arguments.json:
        print(f"{machine}, {datetime.date.today()}")
    for part in arguments.parts or PARTS:
        for figure in importlib.import_module(f"benchmarks.{part}").figures():
            found.append({"part": part, **vars(figure)})
            if not arguments.json:
                mark = f"   (mark {figure.mark})" if figure.mark else ""
                print(f"{figure.name:78} {figure.value:14,.2f} {figure.unit}{mark}", flush=True)
    if arguments.json:
        print(json.dumps({"machine": machine, "figures": found}))


if __name__ == "__main__":
    main()
