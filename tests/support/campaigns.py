"""Small campaigns of transients for tests, and where the shared one lies."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from radiograph.schemas.transients.layout import RecordingName, recording_path

CAMPAIGN = Path(__file__).resolve().parents[3] / "shared" / "data" / "transients"
needs_campaign = pytest.mark.skipif(
    not CAMPAIGN.is_dir(), reason="../shared/data/transients is not there"
)
FS, CF, PRE, POST = 20e6, 1.275e9, 2000, 5000
_KEYS = {
    "run_id": 1,
    "run_date": "14.05.2022",
    "run_beam_active": True,
    "scan_type": "XY",
    "scan_unit": "um",
    "scan_x_lsb_per_um": 100.0,
    "scan_y_lsb_per_um": 100.0,
    "dut_type": "ADPLL",
    "dut_name": "ADPLL1",
    "sdr_data": 1,
    "sdr_info_cf": CF,
    "sdr_info_fs": FS,
    "sdr_info_len_pretrig": PRE,
    "sdr_info_len_posttrig": POST,
}


def samples(
    amplitude_ppm: float,
    decay: float,
    seed: int,
    *,
    n_pre: int = PRE,
    n_post: int = POST,
    noise_Hz: float = 1500.0,
) -> NDArray[np.int16]:
    """I and Q of a carrier near +fs/4 whose frequency jumps at the trigger and decays."""
    rng = np.random.default_rng(seed)
    n = n_pre + n_post
    t = (np.arange(n) - n_pre) / FS
    pulse = np.where(t >= 0, amplitude_ppm * 1e-6 * CF * np.exp(-decay * np.maximum(t, 0)), 0)
    frequency = FS / 4 - 35_000 + pulse + rng.normal(0, noise_Hz, n)
    phase = np.cumsum(2 * np.pi * frequency / FS)
    z = 0.6 * np.exp(1j * phase) + rng.normal(0, 0.002, n) + 1j * rng.normal(0, 0.002, n)
    iq = np.rint(np.stack([z.real, z.imag], axis=1) * 2047) * 16
    return iq.astype(np.int16)


def recording(iq: NDArray[np.int16], number: int, ticks: int = 0) -> bytes:
    """A recording's file: header and samples."""
    header = np.array([ticks or 1_000_000 * (number + 1), 1_652_500_000 + number, 250], "<u8")
    return header.tobytes() + iq.astype("<i2").tobytes()


def tar_of(members: Mapping[str, bytes] | Sequence[tuple[str, bytes]], *, packed: bool) -> bytes:
    """An archive of members in their order."""
    content = io.BytesIO()
    pairs = members.items() if isinstance(members, Mapping) else members
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in pairs:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    plain = content.getvalue()
    return gzip.compress(plain, 1, mtime=0) if packed else plain


def small_members(run: int = 1, hits: int = 3) -> dict[str, bytes]:
    """Recordings at 2 x 2 positions, amplitude 12 ppm, decay 8000 /s."""
    members = {}
    number = 0
    for x in (0, 100):
        for y in (0, 100):
            for _ in range(hits):
                name = recording_path(RecordingName(run, x, y, number))
                members[name] = recording(samples(12.0, 8000.0, 100 + number), number)
                number += 1
    return members


def write_campaign(
    folder: Path,
    archives: Mapping[str, Sequence[bytes]],
    *,
    keys: Mapping[int, Mapping[str, object]] | None = None,
    more: str = "",
) -> Path:
    """A campaign with an archive (one or several parts) a run; its settings file."""
    download = folder / "campaign" / "download"
    download.mkdir(parents=True)
    lines = ["name,url,md5sum"]
    rows = []
    for name, parts in archives.items():
        files = [f"{name}.tar"]
        if len(parts) > 1:
            files = [f"{name}.tar.parta{chr(97 + k)}" for k in range(len(parts))]
        for file, content in zip(files, parts, strict=True):
            (download / file).write_bytes(content)
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            lines.append(f"{name},http://127.0.0.1:1/{file},{digest}")
        number = int(name.removeprefix("run_"))
        rows.append({**_KEYS, "run_id": number, **(keys or {}).get(number, {})})
    (folder / "campaign" / "runs_summary.csv").write_text("\n".join(lines) + "\n")
    header = list(rows[0])
    table = [",".join(header)] + [",".join(str(row[k]) for k in header) for row in rows]
    (folder / "campaign" / "logbook.csv").write_text("\n".join(table) + "\n")
    config = folder / "transients.toml"
    config.write_text(
        '[pipeline]\nname = "transients"\n[io]\ninput_path = "campaign"\noutput_path = "out"\n'
        f"[run]\nchunk_events = 5\n[output]\nfigures = false\nreport = false\n{more}"
    )
    return config
