"""Mutations of the configurations that come with Encore: each loads, or ends in one line that names the place."""

import random
import re
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from conf.errors import UsageError
from conf.load import FOLDER, fingerprint, load_service
from conf.schema import Service
from features.dictionary import dictionary_markdown

SERVICES = {"music": 40, "audiobooks": 40, "cdnow": 110, "audiobooks_table": 110}  # mutations of each
MOST_SECONDS = 1.0

Path_ = tuple[str | int, ...]
VALUES: list[Any] = [
    None, True, -1, 0, 3.5, 10**18, 2**63, 10**400, float("inf"), float("nan"), "", " ", "a: b", [], {}, [[]], ["x"],
    {"x": {"y": {}}}, date(2017, 3, 30), "\ud800", "a\0b", "\x1b[31m", "\u202e", "x" * 5_000, "Ω\u0301", b"\xff",
    "rand()", "now() > 0", "current_date", "frobnicate(1)", "sum(rand())", "(" * 400, "1 +", "select 1", "a; b", "-- c",
    "java_method('java.lang.System', 'exit', 0)", "count(", "map(", "'", "`", "cast(1 as array<array<int>>)",
    "timestamp 'now'", "([", "(a)(b)", "(" * 200 + ")" * 200, "a{99999999999}", "{days}", "{", "events.play", "*", "%",
]  # fmt: skip
KEYS = ["", " ", "a b", "{days}", "{days}{days}", "x.y", "A", "é", "\ud800", "label", "customer_id", "date", "x" * 300]
DEEP = "[" * 3_000
BOMB = "{a0: &a0 [x, x], " + ", ".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)) + "}"
SNIPPETS = [
    b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"\t", b"\n\t\tx: 1\n", b"[", b"}", b'"', b"'", b"&a ", b"*a ", b"<<: *a\n",
    b"!!python/object:os.system ", b"!!binary ", b"!!int ", b"!!timestamp x", b"!!set ", b"---\n", b"...\n",
    b"%YAML 9\n",
    b"? ", b"\r", b"\xe2\x80\xa8", b"- ", b": ", b"|\n", b">9\n", b"&a [*a]", b"2017-13-45", b"0x" + b"f" * 6_000,
    b"9" * 5_000, b"1:1:1:1", b"~: 1\n", b"1: 2\n", b"yes: no\n", b"[1]: 2\n", b"{a: 1, a: 2}", DEEP.encode(),
    BOMB.encode(), b"@", b"`", b"#", b"\xef\xbb\xbf", b"\\", b'"\\ud800"', b'"\\x00"', b"\x1b[2J",
]  # fmt: skip


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The paths of all keys of a configuration."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places(one, (*path, key))


def in_tree(change: Callable[[random.Random, Any, str | int], None]) -> Callable[[random.Random, str], bytes]:
    """A mutation of the value at a random key."""

    def mutate(draw: random.Random, text: str) -> bytes:
        declared = yaml.load(text, Loader=yaml.CSafeLoader)
        *parents, last = draw.choice(list(places(declared)))
        holder = declared
        for key in parents:
            holder = holder[key]
        change(draw, holder, last)
        return yaml.safe_dump(declared, sort_keys=False).encode()

    return mutate


def other_value(draw: random.Random, holder: Any, key: str | int) -> None:
    holder[key] = draw.choice(VALUES)


def no_key(draw: random.Random, holder: Any, key: str | int) -> None:
    del holder[key]


def other_key(draw: random.Random, holder: Any, key: str | int) -> None:
    if isinstance(holder, dict):
        holder[draw.choice(KEYS)] = holder.pop(key)
    else:
        holder.insert(0, draw.choice(VALUES))


def letters(draw: random.Random, holder: Any, key: str | int) -> None:
    """Change a text in one place, as a slip of the keyboard does."""
    text = str(holder[key])
    at = draw.randrange(len(text) + 1)
    holder[key] = text[:at] + draw.choice("()[]{}'\"`,;:*%&|<>=!?~^$#@\\ \t\nx0-.") + text[at + draw.randrange(3) :]


def in_text(draw: random.Random, text: str) -> bytes:
    """Put bytes at a random place of the file, or cut the file there."""
    raw = text.encode()
    at = draw.randrange(len(raw))
    return raw[:at] if draw.random() < 0.1 else raw[:at] + draw.choice(SNIPPETS) + raw[at:]


def line_twice(draw: random.Random, text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    at = draw.randrange(len(lines))
    return "".join([*lines[: at + 1], *lines[at:]]).encode()


MUTATIONS = [in_tree(other_value), in_tree(letters), in_tree(no_key), in_tree(other_key), in_text, in_text, line_twice]


def is_located(said: str) -> bool:
    """Whether an error goes on, behind the file's name, with a line or the path of a key from the top of the file."""
    first = re.match(r"(line \d+|the file|\w+)[.,:]", said)
    return bool(first and first[1] in Service.model_fields or re.match(r"line \d|the file: |.*: unknown key; ", said))


def problem_of(path: Path) -> str | None:
    """The error of loading a file, without its name; None where it loads and all that derives from it is made."""
    try:
        service = load_service(str(path))
    except UsageError as error:
        said = str(error)
        assert error.exit_code == 2 and said.startswith(f"{path}: ")
        return said.removeprefix(f"{path}: ")
    fingerprint(service)
    dictionary_markdown(service)
    assert all(event.layout(name) for name, event in service.events.items())
    return None


@pytest.mark.parametrize("name", SERVICES)
def test_every_mutation_loads_or_names_its_place_in_one_line(name: str, tmp_path: Path) -> None:
    draw = random.Random(name)
    text = (FOLDER / f"{name}.yaml").read_text()
    path = tmp_path / "mutated.yaml"
    refused = 0
    for number in range(SERVICES[name]):
        mutate = draw.choice(MUTATIONS)
        path.write_bytes(mutate(draw, text))
        began = time.process_time()
        said = problem_of(path)
        assert time.process_time() - began < MOST_SECONDS, f"{number}: too slow"
        if said is not None:
            refused += 1
            assert is_located(said), f"{number}: {said}"
            assert said.isprintable() and len(said) <= 1_500, f"{number}: {said!r}"
    assert refused > 0.5 * SERVICES[name], "most mutations are harmless: they show nothing"


MISTAKES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file: must be a mapping of keys to values (given: None)"),
    "comments alone": (b"# nothing\n", "the file: must be a mapping of keys"),
    "a list at the top": (b"- title: x\n", "the file: must be a mapping of keys to values"),
    "two documents": (b"title: x\n---\ntitle: y\n", "line 2, column 1: this is not YAML"),
    "tab": (b"title: x\nwindows:\n\tgap_days: 1\n", "line 3, column 1: this is not YAML in UTF-8 that Encore reads"),
    "not UTF-8": (b"title: x\nabout: caf\xe9\n", "line 2: this is not YAML in UTF-8; save the file as UTF-8"),
    "UTF-16": ("title: x".encode("utf-16"), "line 1: this is not YAML in UTF-8; save the file as UTF-8"),
    "encoded surrogate": (b"title: \xed\xa0\x80\n", "line 1: this is not YAML in UTF-8"),
    "NUL": (b"title: x\nabout: \0\n", "line 2: the character U+0000 is not valid in YAML; remove it"),
    "escaped NUL": (b'title: x\nwindows: {a: ["\\0"]}\n', "windows.a.0: the text has the character U+0000; remove it"),
    "escaped surrogate": (b'title: "\\ud800"\n', "line 1, column 11: this is not YAML in UTF-8"),
    "surrogate in a key": (b'features: {"\\udfff": 1}\n', "line 1, column 15: this is not YAML in UTF-8"),
    "escape code": (b'title: "\\e[31m"\n', "title: the text has the character U+001B; remove it"),
    "deep": (b"title: " + DEEP.encode(), "line 1, column 27: this is not YAML in UTF-8 that Encore reads (nested more"),
    "aliases that explode": (b"title: x\nabout: " + BOMB.encode(), "(more than 20,000 values, with aliases)"),
    "alias within its anchor": (b"title: &a [*a]\n", "(an alias stands within its own anchor); fix the line"),
    "merge key": (b"a: &a {x: 1}\nb: {<<: *a}\n", "line 2, column 5: this is not YAML in UTF-8 that Encore reads (m"),
    "key twice": (b"title: x\ntitle: y\n", "(key 'title' occurs twice); fix the line"),
    "number as key": (b"windows: {1: 2}\n", "(the key '1' is no text; put it in quotes); fix the line"),
    "truth as key": (b"windows: {on: 2}\n", "(the key 'on' is no text; put it in quotes); fix the line"),
    "list as key": (b"windows: {[1]: 2}\n", "is no text; put it in quotes); fix the line"),
    "5,000 digits": (b"title: " + b"9" * 5_000, "line 1, column 8: this is not YAML in UTF-8 that Encore reads (Exc"),
    "6,000 hex digits": (b"windows: {a: 0x" + b"f" * 6_000 + b"}", "windows.a: the number has more than 64 bits"),
    "day that is none": (b"title: 2017-13-45\n", "line 1, column 8: this is not YAML in UTF-8 that Encore reads (mon"),
    "tag of Python": (b"title: !!python/object:os.system x\n", "line 1, column 8: this is not YAML in UTF-8"),
    "empty number": (b"title: !!int ''\n", "line 1, column 8: this is not YAML in UTF-8"),
    "too large": (b"#" * (300 << 10), "the file has more than 256 KiB; a configuration is far smaller"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_yaml_can_say_and_a_configuration_must_not(mistake: str, tmp_path: Path) -> None:
    content, expected = MISTAKES[mistake]
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    began = time.process_time()
    said = problem_of(path)
    assert said is not None and expected in said and said.isprintable(), said
    assert time.process_time() - began < MOST_SECONDS


def test_an_alias_that_does_not_explode_is_read(tmp_path: Path) -> None:
    text = (FOLDER / "cdnow.yaml").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(
        text.replace("title: CDNOW, a CD shop", "title: &shop CDNOW, a CD shop").replace(
            "about: One purchase.", "about: *shop"
        )
    )
    assert load_service(str(path)).events["purchase"].about == "CDNOW, a CD shop"
