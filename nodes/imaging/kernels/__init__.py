"""Array kernels of the imaging pipeline, compiled by numba and kept on disk.

numba does not see an edit of a kernel that is called from another file (numba PR 8396). The
folder of compiled code is therefore named after a hash of all kernel sources, and is chosen
here, before the kernel modules load.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import xxhash
from numba import config as _numba_config


def _compiled_code_folder() -> Path:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = xxhash.xxh3_128()
    for source in sources:
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    name = f"kernels-{digest.hexdigest()}"
    root = os.environ.get("RADIOGRAPH_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    candidates = [Path(root)] if root else [Path(home) / "radiograph"]
    candidates.append(Path(tempfile.gettempdir()) / f"radiograph-{os.getuid()}")
    for parent in candidates:
        try:
            folder = parent / name
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="radiograph-kernels-"))


_numba_config.CACHE_DIR = str(_compiled_code_folder())
