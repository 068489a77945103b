"""The quick look of the imaging pipeline: one picture of all files that have arrived.

Each file is computed once and known to the cache; the picture, its numbers and the page are made
of all of them anew. So a watch that is started again finds everything it had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ...nodes.hdf5_content import Content
from ...nodes.imaging.readers import READERS
from ...schemas.errors import ConfigError, InputError, SettingProblem
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.images import Counts, ImageMetrics
from ..cache.opening import CacheOptions
from ..config import LoadedConfig
from ..engine.report import RunReport
from ..input_paths import output_file
from .places import check_outputs
from .report_files import write_report
from .run import run_imaging
from .saved import open_run
from .session import open_session

TARGETS: Final = ("summed_images", "projections", "projection_metrics", "counters")
WATCHED: Final = "watched_folder"


@dataclass
class ImagingQuickLook:
    """Images and numbers of all complete files of a folder, in the output file of a config."""

    loaded: LoadedConfig[ImagingConfig]
    folder: Path
    cache: CacheOptions
    overwrite: bool = False
    _left_out: dict[Path, str] = field(default_factory=dict)
    _contents: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = self.loaded.config
        self.pattern = READERS[config.io.input_format].pattern
        if not self.pattern:
            arriving = ", ".join(name for name, reader in READERS.items() if reader.pattern)
            text = (
                f'input_format = "{config.io.input_format}" is no format that files arrive in; '
                f"set one of {arriving}"
            )
            raise ConfigError([SettingProblem(str(self.loaded.path), "io", text)])
        self.out = output_file(self.loaded, [self.folder])
        self.page = self.out.with_suffix(".html")
        if config.plane is None:
            text = "missing section [plane]: a watch makes images"
            raise ConfigError([SettingProblem(str(self.loaded.path), "", text)])
        mine = self.out.is_file() and _folder_of(self.out) == str(self.folder.resolve())
        consent = self.overwrite or mine
        check_outputs(
            self.loaded, (), self.out, overwrite=consent, figures=config.vis.export_png_on_write
        )

    def update(self, new: Sequence[Path], complete: Sequence[Path]) -> Iterator[str]:
        """Image all complete files; one line a new file."""
        counts = {path: self._counts(path) for path in new}
        good = [path for path in complete if path not in self._left_out]
        made = self._image(good) if good else None
        for path in new:
            found = counts[path]
            if found is None or made is None:
                yield f"{path.name}: left out: {self._left_out[path]}"
            else:
                yield f"{path.name}: {_numbers(found)}; {self._together(made, len(good))}"

    def _counts(self, path: Path) -> Counts | None:
        """The counters of one file; None if it cannot be read."""
        self._left_out.pop(path, None)
        try:
            session = open_session(self.loaded.config, path, self.loaded.path.parent, self.cache)
            same = self._same_content(path, session.files[0].ref.content_hash)
            if same is not None:
                self._left_out[path] = f"{path}: has the content of {same.name}"
                return None
            # The problems are asked for so that a refusal names them.
            found: Counts = session.run(["counters"], ["parse_problems"])["counters"]
        except InputError as error:
            self._left_out[path] = error.message
            return None
        if session.cache is not None:
            session.cache.close(self.loaded.config.cache.size_limit_GB)
        return found

    def _same_content(self, path: Path, content: str) -> Path | None:
        """Another file of the folder with the same content; its events must not count twice."""
        first = self._contents.setdefault(content, path)
        return first if first != path and first.exists() else None

    def _image(self, good: Sequence[Path]) -> RunReport:
        config = self.loaded.config
        names = tuple(str(path.absolute()) for path in good)
        meta = {**config.run.meta, WATCHED: str(self.folder.resolve())}
        config = config.model_copy(
            update={
                "io": config.io.model_copy(update={"input_path": names}),
                "run": config.run.model_copy(update={"meta": meta}),
            }
        )
        figures = ("figures",) if config.vis.export_png_on_write else ()
        made = run_imaging(
            replace(self.loaded, config=config),
            targets=(*TARGETS, *figures),
            overwrite=True,
            cache=self.cache,
        )
        write_report(self.out, self.page, pdf=False, overwrite=True)
        return made

    def _together(self, made: RunReport, n_files: int) -> str:
        files = "1 file" if n_files == 1 else f"{n_files} files"
        with open_run(self.out) as saved:
            peaks = saved.metrics
        where = "".join(f", {name} peak {_peak(m)}" for name, m in peaks.items() if name != "all")
        return f"{files}: {made.counters['cones_imaged_total']:,} cones imaged{where}"


def _folder_of(out: Path) -> str:
    """The folder that an output file was made of by a watch; empty for another file."""
    from ...nodes.hdf5_heaps import opened_hdf5

    try:
        with opened_hdf5(out) as file:
            content = Content(file, out)
            if "meta/run_meta" not in content:
                return ""
            return str(content.content("meta/run_meta").attrs.get(WATCHED, ""))
    except (OSError, InputError):
        return ""


def _numbers(counts: Counts) -> str:
    events, cones = counts.values["raw_events_total"], counts.values["cones_kept"]
    return f"{events:,} raw events, {cones:,} cones"


def _peak(metrics: ImageMetrics) -> str:
    found = [metrics.axes[a] for a in ("u", "v") if a in metrics.axes]
    if len(found) < 2 or not all(m.peak_ok for m in found):
        return "not found yet"
    u, v = (m.fit_pos_cm if m.fit_ok else m.peak_pos_cm for m in found)
    return f"({u:.1f}, {v:.1f}) cm"
