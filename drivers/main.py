"""The command ``radiograph``: one module a command, errors turned into exit codes.

Only what the parser needs is imported here: a command when it is called, the rest when it runs.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ..schemas.errors import (
    EXIT_BUG,
    ConfigError,
    LostOutputError,
    RadiographError,
    UsageError,
)
from .answers import print_json
from .commands.table import TableOfCommands, add_commands
from .home import need_home
from .interrupts import watch_interrupts
from .standard_streams import turn_to_nothing, watch_streams

EXIT_INTERRUPTED = 130
# Hamilton looks for two dozen plugins (matplotlib, polars, ...) when it is imported, which takes
# longer than a small run; the graphs here use none. A user of the library is not told so.
os.environ.setdefault("HAMILTON_AUTOLOAD_EXTENSIONS", "0")
# Importing makes a million objects that stay. To look through all of them for cycles again and
# again, and once more at the end, takes a quarter of the time of a small run; young objects are
# still looked through every 5,000.
_COLLECTIONS = 5_000, 20, 100
# typer carries click inside since 0.2x and depended on it before: the base of its errors is
# reached through a name that both have.
_CommandLineError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)

# Plain text: to import what frames and colours need costs more than all the rest of --help.
app = typer.Typer(
    name="radiograph",
    cls=TableOfCommands,
    rich_markup_mode=None,
    help="Radiation-detector data turned into images and verdicts, as a graph of pure functions.",
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"radiograph {version('radiograph')}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Radiation-detector data turned into images and verdicts, as a graph of pure functions."""


add_commands(app)


def cli() -> None:
    """Entry point: run the command and leave with its exit code.

    A batch system's SIGTERM ends a run as Ctrl-C does: temporary files go.
    """
    watch_interrupts()
    watch_streams()
    gc.set_threshold(*_COLLECTIONS)
    code = guarded(sys.argv[1:], time.time())
    # What is left needs no search for cycles: the process ends.
    gc.freeze()
    sys.exit(code)


def guarded(argv: list[str], started_s: float | None = None) -> int:
    """Run a command line; every error becomes a message and an exit code.

    ``started_s`` is when this process began, if the command is all it does.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        # A file that is opened would get the number of standard output, and what is printed.
        msg = "standard output is closed; give it a place, e.g. > /dev/null"
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        return _failed([], UsageError(msg))
    code = 0
    try:
        code = _carried_out(argv, started_s)
        sys.stdout.flush()
        sys.stderr.flush()
    except LostOutputError as lost:
        turn_to_nothing(lost.descriptor)
        return _failed([], lost)
    except BrokenPipeError:
        _reader_gone()
    return code


def _carried_out(argv: list[str], started_s: float | None) -> int:
    try:
        need_home()
        result = typer.main.get_command(app)(
            args=argv, prog_name="radiograph", standalone_mode=False, obj=started_s
        )
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(argv)
    except typer.Exit as stop:
        return stop.exit_code
    except _CommandLineError as wrong:
        return _failed(argv, UsageError(wrong.format_message()))  # type: ignore[attr-defined]
    except LostOutputError:
        raise
    except RadiographError as error:
        return _failed(argv, _working_folder_gone() or error)
    except BrokenPipeError:
        return _reader_gone()
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer met it first
            return _reader_gone()
        raise
    except Exception as bug:
        gone = _working_folder_gone()
        if gone is not None:
            return _failed(argv, gone)
        if "--json" in argv:
            print_json({"error": {"code": "bug", "message": repr(bug), "key": None, "file": None}})
        import traceback

        traceback.print_exc()
        sys.stderr.write("This is a bug in radiograph; please report the lines above.\n")
        return EXIT_BUG
    # typer gives back what an interrupt or an early exit made the exit code.
    if result == EXIT_INTERRUPTED:
        return _interrupted(argv)
    return result if isinstance(result, int) else 0


def _reader_gone() -> int:
    """The reader of the output is gone (``| head``); nothing can be said to it."""
    turn_to_nothing(1)
    return 0


def _working_folder_gone() -> UsageError | None:
    """The reason of whatever failed in a folder that has been removed."""
    try:
        Path.cwd()
    except OSError as reason:
        msg = f"the working folder is gone ({reason.strerror}); change to another with cd"
        return UsageError(msg, code="no_working_folder")
    return None


def _interrupted(argv: list[str]) -> int:
    message = "interrupted; what was complete stays, nothing else was written"
    if "--json" in argv:
        error = {"code": "interrupted", "message": message, "key": None, "file": None}
        print_json({"error": error})
    sys.stderr.write(f"{message}\n")
    return EXIT_INTERRUPTED


def _failed(argv: list[str], error: RadiographError) -> int:
    if "--json" in argv:
        details: dict[str, Any] = {
            "code": error.code,
            "message": error.message,
            "key": error.key,
            "file": error.file,
        }
        if isinstance(error, ConfigError):
            details["problems"] = [
                {"key": p.setting, "file": p.file, "message": p.text} for p in error.problems
            ]
        print_json({"error": details})
    sys.stderr.write(f"error: {error.message}\n")
    return error.exit_code
