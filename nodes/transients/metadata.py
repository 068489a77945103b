"""What is known of a run beside its recordings."""

from __future__ import annotations

from hamilton.function_modifiers import tag

from ...schemas.transients.logbook import RunMetadata


@tag(stage="structure", scope="run")
def run_metadata(logbook_row: RunMetadata) -> dict[str, str | float | bool]:
    """The row of the logbook, keys as they stand there."""
    return dict(logbook_row.model_dump())
