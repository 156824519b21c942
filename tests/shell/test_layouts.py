"""The shell's own default layouts are those of conf/music.yaml, which people read and `encore unpack` passes on."""

import re

from conf.load import load_service
from tests.support.paths import ROOT

SCRIPT = ROOT / "shell" / "unpack.sh"
DEFAULTS = {"separator": "tab", "header": "0"}


def words(layout: str) -> tuple[str, dict[str, str]]:
    name, *pairs = layout.split()
    return name, DEFAULTS | dict(pair.split("=", 1) for pair in pairs)


def test_the_shell_knows_the_music_service_as_its_configuration_says() -> None:
    declared = re.search(r"music_events='([^']*)'", SCRIPT.read_text())
    assert declared
    shell = [words(line) for line in declared[1].splitlines()]
    events = load_service("music").events.items()
    assert shell == [words(event.layout(name)) for name, event in events]
