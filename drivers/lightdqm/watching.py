"""The quick look of the light pipeline: each file gets its verdict, its pictures and its page.

Files that the store of runs holds with the same settings are known and not looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...schemas.errors import InputError
from ...schemas.lightdqm.config import LightDqmConfig
from ..cache.opening import CacheOptions
from ..config import LoadedConfig
from ..files import sampled_file_ref
from .checking import checked_files
from .opening import store_path
from .records import identity_of
from .run import Outputs
from .store import RunStore
from .verdict_text import failure_words, unreadable_text


@dataclass
class LightQuickLook:
    """Verdicts of the files of a folder, kept in the store of runs."""

    loaded: LoadedConfig[LightDqmConfig]
    cache: CacheOptions
    overwrite: bool = False
    pattern: str = "*.FLOW.hdf5"

    def update(self, new: Sequence[Path], complete: Sequence[Path]) -> Iterator[str]:
        """Check the new files in turn; one line each."""
        del complete
        with RunStore(store_path(self.loaded, None)) as store:
            for path in new:
                yield f"{path.name}: {self._line(path, store)}"

    def _line(self, path: Path, store: RunStore) -> str:
        settings = self.loaded.config.lightdqm
        try:
            identity = identity_of(sampled_file_ref(path), settings)
        except InputError as error:
            return unreadable_text(error.message, path)
        known = {stored.identity: stored for stored in store.runs(identity.config_hash)}
        if identity in known:
            verdict = store.rows("verdict", [known[identity].run_id])
            return f"known already: {failure_words(verdict)}"
        # A file of this name that is not known has changed: its outputs are of another state.
        (found,) = checked_files(
            self.loaded, [path], store, outputs=Outputs(), overwrite=True, cache=self.cache
        )
        if found.error is not None:
            return unreadable_text(found.error.message, path)
        return failure_words(found.verdict)


def light_quick_look(
    loaded: LoadedConfig[LightDqmConfig], _folder: Path, cache: CacheOptions, overwrite: bool
) -> LightQuickLook:
    """The quick look of a config, whatever the folder."""
    return LightQuickLook(loaded, cache, overwrite)
