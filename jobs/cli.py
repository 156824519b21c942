"""The program `encore`: it collects the commands. Each is one module of this folder (`jobs.console.commands`)."""

from typing import Annotated

import typer

from jobs.console.commands import CommandGroup
from jobs.console.entry import run_program

app = typer.Typer(
    cls=CommandGroup,
    help="Who comes back? From raw logs to features, labels, models and contact lists.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from conf.version import code_version, package_version

        print(f"encore {package_version()} ({code_version()})")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options of the program itself."""


def main() -> None:
    """Run the program."""
    run_program(app)
