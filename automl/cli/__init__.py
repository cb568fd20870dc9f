"""The command line: results on stdout, progress and messages on stderr, one line for whatever goes wrong.

Exit codes: 0 done, 1 failed, 2 usage, 3 data, 4 no model within the budget, 130 interrupted (the best so far is kept).
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from errno import ENOSPC
from typing import Annotated, Final

import typer

from automl.cli import board, deploy, doctor, evaluate, explain, fit, inspect, predict, schema, slim
from automl.errors import AutoMLError, DataWarning, flags

_FORMAT: Final = warnings.formatwarning

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"auto_envvar_prefix": "AUTOML", "help_option_names": ["-h", "--help"]},
)
app.command()(inspect.inspect)
app.command()(fit.fit)
app.command()(fit.resume)
app.command()(predict.predict)
app.command()(evaluate.evaluate)
app.command()(schema.schema)
app.command()(board.leaderboard)
app.command()(board.out_of_fold)
app.command()(explain.explain)
app.command()(slim.slim)
app.command()(deploy.export)
app.command()(deploy.serve)
app.command()(doctor.doctor)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", allow_from_autoenv=False)] = False,
) -> None:
    """Turn a table and the name of its target into the best model that the time allows.

    An option can also be set in the environment: AUTOML_FIT_METRIC stands for --metric of fit. A flag wins over it.
    """
    if version:
        from importlib.metadata import version as installed

        print(f"automl {installed('automl')}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


def main(args: Sequence[str] | None = None) -> int:
    """Run the command that ``args`` (default: those of the process) name and return the exit code."""
    warnings.formatwarning = _in_one_line
    try:
        with flags():
            code: int | None = app(args, prog_name="automl", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has left: say nothing
        _close_output()
        return 1
    except AutoMLError as error:
        return _failed(f"error: {error}", error.exit_code)
    except typer.TyperException as error:
        plain = error.format_message().replace("Value error, ", "")  # a prefix of the library beneath typer
        return _failed(f"error: {plain}", error.exit_code)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == ENOSPC and error.filename is None:
            _close_output()
            return _failed(f"error: the output cannot be written: {error.strerror}", 1)
        if isinstance(error, OSError) and error.filename is not None:
            return _failed(f"error: {error.filename}: {error.strerror}", 1)
        return _failed(f"internal error: {type(error).__name__}: {error}; AUTOML_TRACEBACK=1 shows where", 1)
    return code or 0


def _in_one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Return a warning as people read it: of ours, the place in the code says nothing."""
    if issubclass(category, DataWarning):
        return f"warning: {message}\n"
    return _FORMAT(message, category, filename, lineno, line)


def _close_output() -> None:
    """Let nothing that is still to be printed fail once more when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str, code: int) -> int:
    if os.environ.get("AUTOML_TRACEBACK"):
        traceback.print_exc()
    print(" ".join(message.split()), file=sys.stderr)
    return code
