"""YAML files: read safely, as plain values; no tag makes an object."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ..schemas.errors import UsageError

MOST_BYTES: Final = 1_000_000


def read_yaml(path: Path, key: str) -> Any:
    """The values of a YAML file.

    Parameters
    ----------
    key
        The setting that names the file, for errors.

    Raises
    ------
    UsageError
        If it is not there, longer than MOST_BYTES, no text, no YAML, or holds a tag.
    """
    import yaml

    repair = f"Correct {key}." if not path.is_file() else "Correct the file."
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            msg = (
                f"{path}: {size} bytes; a YAML file of settings has at most {MOST_BYTES}. {repair}"
            )
            raise UsageError(msg, file=path, key=key, code="bad_yaml")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as reason:
        said = getattr(reason, "strerror", None) or "it is no UTF-8 text"
        msg = f"{path}: cannot be read ({said}). {repair}"
        raise UsageError(msg, file=path, key=key, code="bad_yaml") from None
    try:
        return yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, RecursionError) as reason:
        said = " ".join(str(getattr(reason, "problem", None) or reason).split())
        mark = getattr(reason, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        msg = f"{path}: is no plain YAML{where}: {said}. {repair}"
        raise UsageError(msg, file=path, key=key, code="bad_yaml") from None


def _loader() -> Any:
    """The safe loader, compiled where it can be, which takes a key twice for an error."""
    import yaml

    class Once(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key_node, _ in node.value:
                name = key_node.value
                if key_node.tag != "tag:yaml.org,2002:merge" and name in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {name} stands twice", key_node.start_mark
                    )
                seen.add(name if isinstance(name, str) else id(key_node))
            return super().construct_mapping(node, deep)

    return Once
