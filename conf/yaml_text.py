"""YAML to plain values, or one error that names the line or the key.

YAML can say more than a configuration needs, and a small file can mean a huge value. So nesting, the number of values
and the characters of a text have limits here, and each mapping has text keys that stand once.
"""

import unicodedata
from typing import Any, cast

import yaml
from yaml.composer import Composer, ComposerError
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.reader import Reader
from yaml.resolver import Resolver

MOST_BYTES = 256 << 10
MOST_DEPTH = 20
MOST_VALUES = 20_000  # with those that aliases repeat
MOST_BITS = 64  # of a whole number
MERGE = "tag:yaml.org,2002:merge"
TEXT = "tag:yaml.org,2002:str"


def read_yaml(content: bytes) -> Any:
    """The value of a YAML file.

    Raises:
        ValueError: the content is too large, is not YAML in UTF-8, or holds what a configuration must not.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"the file has more than {MOST_BYTES >> 10} KiB; a configuration is far smaller")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line}: this is not YAML in UTF-8; save the file as UTF-8") from None
    if odd := Reader.NON_PRINTABLE.search(text):
        line = text[: odd.start()].count("\n") + 1
        raise ValueError(f"line {line}: the character U+{ord(odd[0]):04X} is not valid in YAML; remove it")
    try:
        value = _Loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        raise ValueError(_in_words(error)) from None
    _check_values(value, "")
    return value


def _in_words(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(part for part in (error.context, error.problem) if part)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "line 1"
    return f"{where}: this is not YAML in UTF-8 that Encore reads ({problem}); fix the line"


class _Loader(Composer, CParser, SafeConstructor, Resolver):
    """Loader of plain values, with the limits of this module."""

    def __init__(self, stream: Any) -> None:
        CParser.__init__(self, stream)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self._depth = 0
        self._sizes: dict[int, int] = {}  # by node, the values that it means; none while it is composed

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        event: Any = self.peek_event()
        if self._depth >= MOST_DEPTH:
            raise ComposerError(None, None, f"nested more than {MOST_DEPTH} levels deep", event.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        is_alias = isinstance(event, yaml.AliasEvent)
        if is_alias and id(node) not in self._sizes:
            raise ComposerError(None, None, "an alias stands within its own anchor", event.start_mark)
        size = self._sizes.setdefault(id(node), 1 + sum(self._sizes[id(child)] for child in _children(node)))
        if size > MOST_VALUES:
            raise ComposerError(None, None, f"more than {MOST_VALUES:,} values, with aliases", event.start_mark)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        # What the library raises at a value that is not of its tag, such as 2017-13-45 or a number of 5,000 digits.
        except (ValueError, OverflowError, LookupError, AttributeError, TypeError) as error:
            problem = str(error) or "not a value of its kind"
            raise ConstructorError(None, None, problem, cast(Any, node.start_mark)) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.tag == MERGE:
                raise ConstructorError(None, None, "merge keys (<<) are not read; write the keys out", key.start_mark)
            if key.tag != TEXT:
                problem = f"the key {str(key.value)[:60]!r} is no text; put it in quotes"
                raise ConstructorError(None, None, problem, key.start_mark)
            if key.value in seen:
                raise ConstructorError(None, None, f"key {key.value[:60]!r} occurs twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _children(node: yaml.Node | None) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _check_values(value: Any, key: str) -> None:
    """Raise ValueError where a text has a character that no console shows, or a whole number needs over 64 bits."""
    if isinstance(value, dict):
        for name, one in value.items():
            _check_text(name, key or "the file")
            _check_values(one, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            _check_values(one, f"{key}.{number}" if key else str(number))
    elif isinstance(value, str):
        _check_text(value, key or "the file")
    elif isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise ValueError(f"{key}: the number has more than {MOST_BITS} bits; give a smaller one")


def _check_text(text: str, key: str) -> None:
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t":
            raise ValueError(f"{key}: the text has the character U+{ord(letter):04X}; remove it")
