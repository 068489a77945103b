"""What an LH5 file holds: tables of a channel and a tier, their columns and waveforms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WaveformLayout:
    """Waveforms of one length and sampling.

    Attributes
    ----------
    name
        The column: "waveform", "waveform_presummed" or "waveform_windowed".
    n_samples
        Samples of each.
    dt_ns, t0_ns
        Time of a sample, and of the first one.
    codec
        How they are encoded; "" = plain numbers.
    """

    name: str
    n_samples: int
    dt_ns: float
    t0_ns: float
    codec: str = ""


@dataclass(frozen=True)
class TableLayout:
    """One table of a file.

    Attributes
    ----------
    path
        Where it stands: "ch1104000/dsp".
    channel
        Its channel: "ch1104000"; "geds" in files of a single test stand.
    tier
        "raw", "dsp" or "hit".
    n_rows
        Rows of every column.
    columns
        Names in the order of the file.
    waveforms
        Those of the raw tier.
    """

    path: str
    channel: str
    tier: str
    n_rows: int
    columns: tuple[str, ...]
    waveforms: tuple[WaveformLayout, ...] = ()


@dataclass(frozen=True)
class FileLayout:
    """The tables of a file in order of its channels, and the groups that are no such table."""

    tables: tuple[TableLayout, ...]
    others: tuple[str, ...] = ()

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers that the file holds."""
        return tuple(dict.fromkeys(table.tier for table in self.tables))


@dataclass(frozen=True)
class FileName:
    """What the name of a file says; empty where it says nothing."""

    experiment: str = ""
    period: str = ""
    run: str = ""
    datatype: str = ""
    timestamp: str = ""
    tier: str = ""
    stem: str = ""
    """The name up to its tier."""


@dataclass(frozen=True)
class InputRun:
    """To which run of the experiment an input file belongs, by its name.

    Attributes
    ----------
    run
        "l200-p03-r000"; the file's own name where that names no run.
    file
        The name of the file up to its tier.
    """

    run: str
    file: str
