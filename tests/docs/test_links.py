"""Each link between the pages of the documentation leads to a file, and to a heading in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import anchor
from tests.support.paths import ROOT

NAMED = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")
PAGES = [*(ROOT / name for name in NAMED), *sorted(ROOT.glob("docs/**/*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:conf|features|models|jobs|shell|tests|docs|benchmarks)/[\w./-]+\.(?:py|sh|awk|tsv|yaml|sql))`")
OF_PLANS = "0007-where-the-layout-deviates.md"  # names files that were planned
EXAMPLES = re.compile(r"/(?:test_)?(?:customers|svc|gaps|my_shop)\.")  # files that a reader is to write


def headings(page: Path) -> set[str]:
    lines = page.read_text(encoding="utf-8").splitlines()
    return {anchor(line.lstrip("#").strip()) for line in lines if line.startswith("#")}


def dead_links(page: Path, text: str) -> Iterator[str]:
    for link in LINK.findall(text):
        path, _, heading = link.partition("#")
        target = (page.parent / path) if path else page
        if link.startswith("https://"):
            continue
        if not target.exists() or (heading and heading not in headings(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    assert list(dead_links(page, page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != OF_PLANS], ids=lambda page: page.name)
def test_each_named_file_exists(page: Path) -> None:
    named = [name for name in FILE.findall(page.read_text(encoding="utf-8")) if not EXAMPLES.search(name)]
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_a_dead_link_is_found() -> None:
    text = "[a](nowhere.md) [b](README.md#nothing) [c](#the-commands) [d](README.md) [e](https://example.com)"
    assert list(dead_links(ROOT / "README.md", text)) == ["nowhere.md", "README.md#nothing"]
