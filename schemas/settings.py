"""The base of every settings section, and the sections that every pipeline has.

Sections are frozen, with no unknown key, and nothing is converted silently.

Strict: a string is no number, a boolean is no number and 1.0 is no whole number; a whole
number may stand for a float, and an array of a TOML file becomes a tuple.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

__all__ = [
    "Axis3",
    "Cache",
    "FilePath",
    "InputOutput",
    "NamesFile",
    "OnBadFile",
    "OutputPath",
    "PipelineName",
    "PipelineSettings",
    "Point3",
    "RunSettings",
    "Section",
    "Window",
    "meanings",
]


class Section(BaseModel):
    """A table of the TOML file."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        strict=True,
        allow_inf_nan=False,
        ser_json_inf_nan="strings",
    )

    @model_validator(mode="before")
    @classmethod
    def _arrays_as_tuples(cls, data: Any) -> Any:
        return {k: _frozen(v) for k, v in data.items()} if isinstance(data, dict) else data

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, meaning in meanings(cls).items():
            if name in properties:
                properties[name].setdefault("description", meaning)
        return schema


@cache
def meanings(model: type[BaseModel]) -> Mapping[str, str]:
    """The text under each setting of a model, by name; empty where its source is not at hand.

    Read when asked: pydantic would read the source of every model when it is imported.
    """
    texts: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not issubclass(kind, Section):
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
        except (OSError, TypeError, SyntaxError):
            continue
        (definition,) = tree.body
        assert isinstance(definition, ast.ClassDef)
        for line, below in pairwise(definition.body):
            match line, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    texts[name] = inspect.cleandoc(text)
    return MappingProxyType(texts)


def _frozen(value: object) -> object:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class NamesFile:
    """Marks text that names a file or a folder.

    In a TOML file it is relative to the folder of that file, on the command line to the shell's.
    What is read is not replaced by what a run writes.
    """

    is_read: bool = True


FilePath = Annotated[str, NamesFile()]
OutputPath = Annotated[str, NamesFile(is_read=False)]
Point3 = Annotated[
    tuple[float, float, float], Field(description="x, y, z", json_schema_extra={"unit": "cm"})
]


def _not_zero(axis: tuple[float, float, float]) -> tuple[float, float, float]:
    if sum(a * a for a in axis) == 0.0:
        msg = "a direction of length zero; give a vector that can be normalised"
        raise ValueError(msg)
    return axis


Axis3 = Annotated[tuple[float, float, float], AfterValidator(_not_zero)]


def _ordered(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] > window[1]:
        msg = f"the lower end {window[0]} is above the upper end {window[1]}; swap them"
        raise ValueError(msg)
    return window


Window = Annotated[tuple[float, float], AfterValidator(_ordered)]


OnBadFile = Literal["skip", "fail"]


class PipelineName(Section):
    """[pipeline]."""

    name: str = ""
    """Which graph."""


class InputOutput(Section):
    """[io]: files. Paths are relative to the TOML file."""

    input_path: FilePath | tuple[FilePath, ...] = ""
    """A file, a folder, a pattern, or an array of these."""
    file_list: FilePath = ""
    """A text file that names them instead, one a line; relative to its own folder."""
    output_path: OutputPath = ""
    """What ends in .h5 (or .hdf5) is the file to write, anything else a folder."""
    overwrite: bool = False
    """Replace existing outputs."""
    on_bad_file: OnBadFile = "skip"
    """A file of several that gives nothing is left out, or ends the run with nothing written."""


class RunSettings(Section):
    """[run]: how much is done at a time, and how much of it."""

    workers: int | Literal["auto"] = "auto"
    """Threads; 0 or auto = all."""
    chunk_events: int = Field(default=262144, ge=1)
    """Raw events that are in memory at a time."""
    max_events: int = Field(default=0, ge=0)
    """Keep the first N events; 0 = all."""

    @field_validator("workers")
    @classmethod
    def _some_workers(cls, value: int | str) -> int | str:
        return number_or_auto(value)


def number_or_auto(value: int | str) -> int | str:
    """The value; ValueError for a negative number."""
    if isinstance(value, int) and value < 0:
        msg = f'{value} is negative; give a number, or 0 or "auto" for all'
        raise ValueError(msg)
    return value


class Cache(Section):
    """[cache]: intermediate results on disk."""

    dir: OutputPath | None = None
    """Folder; absent = the user's cache folder."""
    enabled: bool = True
    """Use the cache."""
    size_limit_GB: float = Field(default=20.0, gt=0)
    """Size to which the cache is cut after a run, least recently stored first."""


class PipelineSettings(Section):
    """What the TOML file of every pipeline has; each adds sections of its own."""

    pipeline: PipelineName = PipelineName()
    """Which graph."""
    io: InputOutput = InputOutput()
    """Files."""
    cache: Cache = Cache()
    """Intermediate results on disk."""
