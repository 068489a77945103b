"""The input files of a run as a frame: what was read, and what was not and why."""

from __future__ import annotations

from typing import Final

from .tables import Column, TableSchema

INPUT_FILES: Final = TableSchema(
    "InputFiles",
    "an input file, in the order of the input",
    (
        Column("axis", "category", "", "its role: file, or the name of a further role"),
        Column("number", "int64", "", "place among all that were given", at_least=0),
        Column("path", "category", "", "where it was read"),
        Column("content_hash", "category", "", "xxh3_128 of its content; empty = not read"),
        Column("bytes", "int64", "bytes", "its size", at_least=0),
        Column("n_records", "int64", "", "raw records that were read of it", at_least=0),
        Column("status", "category", "", "whether it was read", categories=("read", "failed")),
        Column("code", "category", "", "kind of failure; empty = none"),
        Column("message", "category", "", "why it was not read; empty = it was"),
    ),
)
