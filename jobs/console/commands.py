"""The commands: every module of `jobs` whose docstring begins with `encore NAME` in backticks and a colon.

Such a module has a function `command`, whose signature is its options and whose docstring is its help, and a string
`EXAMPLE`. A command is imported when it is used: listing all of them reads the docstrings alone.
"""

import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

import jobs

# In the order in which `encore run` does them; others follow by name.
ORDER = (
    "demo", "simulate", "init", "check", "run", "unpack", "ingest", "analyze", "rollup", "features", "table", "train",
    "train-keras", "score", "drift", "interactions", "recommend", "report", "prepare",
)  # fmt: skip
_DOCSTRING = re.compile(r'"""`encore ([a-z-]+)`: (.+?)(?:"""|$)', re.MULTILINE)


@dataclass(frozen=True)
class CommandModule:
    """A module that is a command; `about` is its help line."""

    name: str
    about: str

    @property
    def module(self) -> str:
        """Dotted name of the module."""
        return f"jobs.{self.name.replace('-', '_')}"

    @cached_property
    def loaded(self) -> Any:
        """The command as Typer runs it."""
        found = import_module(self.module)
        app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        app.command(self.name, epilog=f"Example: {found.EXAMPLE}")(found.command)
        return typer.main.get_command(app)


def command_modules() -> dict[str, CommandModule]:
    """All commands by name, in the order in which help lists them."""
    found = {one.name: one for one in _command_modules()}
    rank = {name: number for number, name in enumerate(ORDER)}
    return {name: found[name] for name in sorted(found, key=lambda name: (rank.get(name, len(rank)), name))}


def _command_modules() -> Iterator[CommandModule]:
    for finder, name, is_package in pkgutil.iter_modules(jobs.__path__):
        spec = None if is_package else finder.find_spec(f"jobs.{name}", None)
        source = spec.loader.get_source(f"jobs.{name}") if spec and spec.loader else None  # type: ignore[attr-defined]
        found = _DOCSTRING.match(source or "")
        if found:
            yield CommandModule(found[1], found[2])


class LazyCommand(TyperCommand):
    """A command by its name and help line; its module is imported when it runs."""

    def __init__(self, command: CommandModule) -> None:
        super().__init__(command.name, help=command.about[:1].upper() + command.about[1:])
        self._command = command

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        """The context of the real command, which then runs."""
        return self._command.loaded.make_context(*arguments, **extra)


class CommandGroup(TyperGroup):
    """`encore`: all commands, each imported when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        return list(command_modules())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, None where there is none."""
        found = command_modules().get(cmd_name)
        return LazyCommand(found) if found else None
