"""Readers of detector and simulation files: one per format, in one table.

A reader turns a file and its settings into rows, problems and metadata. Everything that knows
a facility or a program stands in its module and in the configs, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from . import hits_table, ngimager_hdf5, novo_ddaq_root, phits_usrdef
from .reader import Reader

READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "phits_usrdef": phits_usrdef.READER,
        "root_novo_ddaq": novo_ddaq_root.READER,
        "hdf5_ngimager": ngimager_hdf5.READER,
        "hits_table": hits_table.READER,
    }
)
"""The reader of each ``[io] input_format``."""
