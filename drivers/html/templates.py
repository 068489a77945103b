"""Templates of pages: what is written into them is escaped unless it is ``Markup``."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment


def filled(template: str, /, **values: Any) -> Markup:
    """A template with values in it.

    Parameters
    ----------
    template
        Package and file: ``radiograph.drivers.html:page.html``.
    values
        By their names in the template; one that is missing is an error.
    """
    return Markup(_environment().get_template(template).render(values))


def shipped(name: str) -> str:
    """The text of a file of a package, named as filled() names it."""
    package, _, file = name.partition(":")
    return resources.files(package).joinpath(file).read_text("utf-8")


@functools.cache
def _environment() -> Environment:
    # Imported when the first page is made: no other command waits for it.
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(shipped),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
