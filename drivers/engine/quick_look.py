"""The quick look of any pipeline: one run over all files of a folder that are complete."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ...schemas.errors import InputError
from ..cache.opening import CacheOptions
from ..config import LoadedConfig
from ..definition import Definition
from ..files import check_new_files
from ..files_of_settings import files_of_settings
from ..graph_inputs import with_settings
from ..input_paths import is_output_file, output_file, output_path
from ..provenance import pipeline_of_path
from ..registry import definition_of
from ..runfile.record import record_at

_COMMAND: Final = "watch"


@dataclass
class EngineQuickLook:
    """The output of a config, made of all complete files of a folder.

    Each file is computed once and known to the cache, so that a watch that is started again goes
    on where it was. A file that cannot be read is told and left out, whatever [io] on_bad_file.
    """

    flow: Definition
    loaded: LoadedConfig[Any]
    folder: Path
    cache: CacheOptions
    overwrite: bool = False

    def __post_init__(self) -> None:
        self.pattern = self.flow.sources[0].pattern
        out = output_path(self.loaded)
        if is_output_file(out):
            read, consent = files_of_settings(self.loaded), self._may_replace([out])
            check_new_files(
                [out], read, overwrite=consent, key="io.output_path", setting="[io] overwrite"
            )

    def _outputs(self, complete: Sequence[Path]) -> list[Path]:
        """The run files that are there and may be made anew."""
        out = output_path(self.loaded)
        if self.flow.sources[0].joined and not is_output_file(out):
            return list(out.glob("*.h5"))
        return [output_file(self.loaded, complete)]

    def _may_replace(self, outs: Sequence[Path]) -> bool:
        """Whether outputs may be replaced: that is asked for, or a watch of the folder made all."""
        asked = self.overwrite or self.loaded.config.io.overwrite
        return asked or all(self._is_mine(out) for out in outs if out.exists())

    def _is_mine(self, out: Path) -> bool:
        if not out.is_file() or pipeline_of_path(out) != self.flow.name:
            return False
        record, here = record_at(out), self.folder.resolve()
        of_folder = all(Path(source.path).parent.resolve() == here for source in record.inputs)
        return of_folder and _COMMAND in record.argv[1:2]

    def update(self, new: Sequence[Path], complete: Sequence[Path]) -> Iterator[str]:
        """Run all complete files; one line a new file."""
        names = tuple(str(path.absolute()) for path in complete)
        settings: dict[str, Any] = {"io.on_bad_file": "skip"}
        if not self.flow.sources[0].joined:
            settings["io.input_path"] = names
        config = with_settings(self.loaded.config, settings)
        try:
            report = self.flow.run(
                replace(self.loaded, config=config),
                overwrite=self._may_replace(self._outputs(complete)),
                cache=self.cache,
            )
        except InputError as error:
            for path in new:
                yield f"{path.name}: left out: {error.message}"
            return
        left_out = {
            names[int(failure.at["file"])]: failure.message
            for failure in report.failed
            if "file" in failure.at
        }
        n_good = len(names) - len(left_out)
        files = "1 file" if n_good == 1 else f"{n_good} files"
        for path in new:
            fault = left_out.get(str(path.absolute()))
            told = f"left out: {fault}" if fault else f"{files} in {Path(report.output).name}"
            yield f"{path.name}: {told}"


def looked_at(
    loaded: LoadedConfig[Any], folder: Path, cache: CacheOptions, overwrite: bool
) -> EngineQuickLook:
    """The quick look of the pipeline of a config."""
    return EngineQuickLook(definition_of(loaded.config), loaded, folder, cache, overwrite)
