"""The docstring of each declaration explains every key once, in lines `key: meaning` for a generated page."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

import conf
from conf.declaration import Declaration
from conf.profile import Profile
from conf.schema import Service

KEYS = r"[a-z]\w*(?:, [a-z]\w*)*"

for module in pkgutil.iter_modules(conf.__path__):
    importlib.import_module(f"conf.{module.name}")
DECLARATIONS = sorted(Declaration.__subclasses__(), key=lambda schema: schema.__name__)


def explained_keys(schema: type[Declaration]) -> list[str]:
    """The keys at the start of the lines `key: meaning` or `key, key: meaning`, and those with a description."""
    lines = re.findall(rf"^({KEYS}): \S", inspect.cleandoc(schema.__doc__ or ""), re.MULTILINE)
    described = [name for name, field in schema.model_fields.items() if field.description]
    return [name for line in lines for name in line.split(", ")] + described


@pytest.mark.parametrize("schema", DECLARATIONS, ids=lambda schema: schema.__name__)
def test_every_key_is_explained_once_in_the_order_of_declaration(schema: type[Declaration]) -> None:
    assert explained_keys(schema) == list(schema.model_fields)


@pytest.mark.parametrize("schema", DECLARATIONS, ids=lambda schema: schema.__name__)
def test_the_docstring_begins_with_a_summary_of_one_line(schema: type[Declaration]) -> None:
    first, *more = inspect.cleandoc(schema.__doc__ or "").splitlines()
    assert first.endswith((".", ":")) and (not more or not more[0])


def declarations_in(annotation: Any) -> Iterator[type[Declaration]]:
    """The declarations that a type holds, such as the values of a dict."""
    if isinstance(annotation, type) and issubclass(annotation, Declaration):
        yield annotation
    for part in get_args(annotation):
        yield from declarations_in(part)


def test_every_declaration_is_a_part_of_a_service_or_a_profile() -> None:
    found: set[type[Declaration]] = set()
    waiting: list[type[Declaration]] = [Service, Profile]
    while waiting:
        schema = waiting.pop()
        found.add(schema)
        parts = {part for field in schema.model_fields.values() for part in declarations_in(field.annotation)}
        waiting += parts - found
    assert found == set(DECLARATIONS)
