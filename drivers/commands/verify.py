"""``radiograph verify``: is a file what its own settings give?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import AsJson

if TYPE_CHECKING:
    from ..runfile.verification import Verification


def verify(
    file: Annotated[Path, typer.Argument(help="HDF5 file of a run.")],
    input_path: Annotated[
        list[Path] | None,
        typer.Option(help="Where its input is now (repeatable, in the order of the run)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the stored settings again, without cache; compare all datasets (4: differ)."""
    from ...schemas.errors import EXIT_GATE
    from ..runfile.verifying import verify as verified

    found = verified(file, input_path or ())
    if as_json:
        from ..answers import print_json

        print_json(found.as_json())
    else:
        typer.echo(_text(found))
    if not found.equal:
        raise typer.Exit(EXIT_GATE)


def _text(found: Verification) -> str:
    verdict = "equal" if found.equal else "NOT equal"
    lines = [f"{found.file}: {verdict}, {found.compared} datasets compared, {found.seconds:.1f} s"]
    for word, names in (
        ("differs", found.differing),
        ("only in the file", found.missing),
        ("only in the new run", found.added),
    ):
        lines += [f"  {word}: {name}" for name in names]
    lines += [f"  {name} was {old}, is {new}" for name, (old, new) in found.versions.items()]
    return "\n".join(lines)
