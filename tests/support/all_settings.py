"""Every setting of a model by its dotted key."""

from __future__ import annotations

from collections.abc import Iterator

from radiograph.drivers.config_fields import Model, bare, is_section, sections


def setting_keys(model: Model) -> Iterator[str]:
    """The dotted key of every setting; a table of any names and an array are one."""
    for section, of_section in sections(model):
        for name, field in of_section.model_fields.items():
            if not is_section(bare(field.annotation)):
                yield f"{section}.{name}".removeprefix(".")
