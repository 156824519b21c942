"""The examples in the documents, as a reader would run them."""

from collections.abc import Iterator

from tests.support.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


def code_lines(text: str) -> Iterator[str]:
    """The lines of code blocks, fenced or indented; a line that ends with a backslash goes on in the next."""
    is_fenced = False
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or line.startswith("    "):
            yield line.strip()


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a language in a page of docs/."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [block.split("\n```")[0] for block in text.split(f"\n```{language}\n")[1:]]
