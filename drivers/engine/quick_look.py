"""The quick look of any pipeline: one run over all files of a folder that are complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...schemas.errors import InputError
from ..cache.opening import CacheOptions
from ..config import LoadedConfig
from ..definition import Definition
from ..files import check_new_files
from ..files_of_settings import files_of_settings
from ..input_paths import output_path
from ..provenance import pipeline_of_path
from ..registry import definition_of


@dataclass
class EngineQuickLook:
    """The output file of a config, made of all complete files of a folder.

    Each file is computed once and known to the cache, so that a watch that is started again goes
    on where it was.
    """

    flow: Definition
    loaded: LoadedConfig[Any]
    folder: Path
    cache: CacheOptions
    overwrite: bool = False

    def __post_init__(self) -> None:
        self.pattern = self.flow.sources[0].pattern
        self.out = output_path(self.loaded)
        is_mine = self.out.is_file() and pipeline_of_path(self.out) == self.flow.name
        consent = self.overwrite or self.loaded.config.io.overwrite or is_mine
        read = files_of_settings(self.loaded)
        check_new_files([self.out], read, overwrite=consent, key="io.output_path")

    def update(self, new: Sequence[Path], complete: Sequence[Path]) -> Iterator[str]:
        """Run all complete files; one line a new file."""
        names = tuple(str(path.absolute()) for path in complete)
        io = self.loaded.config.io.model_copy(update={"input_path": names})
        config = self.loaded.config.model_copy(update={"io": io})
        left_out: dict[str, str] = {}
        try:
            report = self.flow.run(
                replace(self.loaded, config=config), overwrite=True, cache=self.cache
            )
        except InputError as error:
            for path in new:
                yield f"{path.name}: left out: {error.message}"
            return
        for failure in report.failed:
            if "file" in failure.at:
                left_out[names[int(failure.at["file"])]] = failure.message
        n_good = len(names) - len(left_out)
        for path in new:
            fault = left_out.get(str(path.absolute()))
            told = f"left out: {fault}" if fault else f"{n_good} files in {self.out.name}"
            yield f"{path.name}: {told}"


def looked_at(
    loaded: LoadedConfig[Any], folder: Path, cache: CacheOptions, overwrite: bool
) -> EngineQuickLook:
    """The quick look of the pipeline of a config."""
    return EngineQuickLook(definition_of(loaded.config), loaded, folder, cache, overwrite)
