"""Questions to the cache about a config: why a node would run, and whether stored bits hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...schemas.errors import UsageError
from ..config import LoadedConfig, config_rows, resolved_path
from ..graph import graph_nodes
from ..protocols import Session
from ..registry import definition_of
from ..setting_keys import in_effect
from .content import fingerprint
from .opening import NO_CACHE, CacheOptions
from .reasons import value_changes
from .report import spread


def why_node(loaded: LoadedConfig, name: str, folder: Path | None) -> dict[str, Any]:
    """Whether a node would run, and the first causes: what runs though its inputs are known."""
    session = _session(loaded, folder)
    (node,) = session.resolved([name])
    verdicts = session.survey([node])
    mine = [v for v in verdicts if v.node == node]
    runs = [v for v in verdicts if v.status == "miss"]
    slots = {v.slot for v in verdicts}
    causes = [
        f"{v.node} runs{f' (events {v.slot})' if len(slots) > 2 else ''}: {v.reason}" for v in runs
    ]
    changes = _setting_changes(session) if runs else []
    return {
        "node": node,
        "verdict": "would run" if runs or not mine else "known, nothing runs",
        "because": [*dict.fromkeys(causes), *(f"setting {c}" for c in changes)],
    }


def _setting_changes(session: Session) -> list[str]:
    """Settings and content that differ from those of the last run over this input, old and new."""
    assert session.cache is not None
    by_content, by_name = (session.cache.remembered(n) for n in _names_of_input(session))
    last = by_content or by_name
    return value_changes(last, settings_record(session)) if isinstance(last, dict) else []


def remember_settings(session: Session) -> None:
    """Keep the settings of a run under the content and under the name of its input."""
    assert session.cache is not None
    record = settings_record(session)
    for name in _names_of_input(session):
        session.cache.remember(name, record)


def _names_of_input(session: Session) -> tuple[str, str]:
    files = session.input_files
    contents = " ".join(file.content_hash for file in files)
    names = " ".join(Path(file.path).name for file in files)
    return f"settings:{contents}", f"settings:{names}"


def settings_record(session: Session) -> dict[str, str]:
    """The settings that enter the graph, and the input of a run, as texts: compared later."""
    rows = {key: value for key, _, value in config_rows(session.config)}
    contents = " ".join(file.content_hash for file in session.input_files)
    return in_effect(definition_of(session.config), rows) | {"content of the input file": contents}


def recomputed(loaded: LoadedConfig, folder: Path | None, sample: int) -> list[dict[str, Any]]:
    """Some stored nodes of a config computed again without the cache, compared bit by bit."""
    session = _session(loaded, folder)
    plain = definition_of(loaded.config).session(loaded, NO_CACHE)
    asked = [n for n, v in graph_nodes(session.driver).items() if v.tags.get("stored") != "false"]
    known = {v.node for v in session.survey(asked) if v.status == "hit"}
    compared = []
    for node in spread(sorted(known), sample):
        stored, fresh = session.run([node])[node], plain.run([node])[node]
        compared.append({"node": node, "equal": fingerprint(stored) == fingerprint(fresh)})
    return compared


def named_folder(loaded: LoadedConfig, folder: Path | None) -> Path | None:
    """The cache that was asked for: by ``folder``, else by [cache] dir; None = the user's."""
    named = loaded.config.cache.dir
    return resolved_path(loaded, named) if folder is None and named is not None else folder


def _session(loaded: LoadedConfig, folder: Path | None) -> Session:
    options = CacheOptions(named_folder(loaded, folder))
    session: Session = definition_of(loaded.config).session(loaded, options)
    if session.cache is None:
        msg = "the cache cannot be used; name a folder with --cache-dir"
        raise UsageError(msg, key="cache.dir")
    return session
