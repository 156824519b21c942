"""Prints the parts of a virtual environment that a cluster does not need, as patterns for venv-pack, one a line.

    python left_out.py

The Python of that environment must run it. A cluster needs what Encore and its extras need, without the tools of
developers, and Horovod. It does not need Spark, of which it has its own, nor the embedded engine, nor the tests of
packages, nor the files for compiling against TensorFlow.
"""

import re
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOTS = ("encore[keras,implicit,mlflow]", "horovod")
AT_HOME = {"encore", "pyspark", "pysail"}  # Encore is sent as a zip, so that new code needs no new environment
# Clang is required by TensorFlow's declaration, and imported by nothing. `*` matches any depth.
UNUSED = ("tensorflow/include", "clang", "*/tests")


def needed(roots: Iterable[str]) -> set[str]:
    """The names of all distributions that requirements need, directly or not."""
    found: set[tuple[str, str]] = set()  # a distribution with one of its extras, or without
    waiting = list(roots)
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        for new in {(name, extra) for extra in ("", *requirement.extras)} - found:
            found.add(new)
            waiting += _requirements(*new)
    return {name for name, _ in found} - AT_HOME


def _requirements(name: str, extra: str) -> Iterator[str]:
    if name in AT_HOME and name != "encore":
        return
    try:
        said = distribution(name).requires or []
    except PackageNotFoundError:  # of another system, or Horovod, which may be missing
        return
    for text in said:
        marker = Requirement(text).marker
        is_of_extra = "extra ==" in text
        if marker is None or (marker.evaluate({"extra": extra}) and bool(extra) == is_of_extra):
            yield text.partition(";")[0]


def left_out() -> list[str]:
    """Patterns of all files and folders that belong to no needed distribution."""
    kept: set[str] = set()
    dropped: set[str] = set()
    names = needed(ROOTS)
    for one in distributions():
        own = {file.parts[0] for file in one.files or [] if file.parts[0] not in ("..", "__pycache__")}
        (kept if canonicalize_name(one.name) in names else dropped).update(own)
    packages = Path(sysconfig.get_path("purelib")).relative_to(sysconfig.get_path("data"))
    tops = [re.sub(r"([\[\]*?])", r"[\1]", top) for top in sorted(dropped - kept)] + list(UNUSED)
    return [pattern for top in tops for pattern in (f"{packages}/{top}", f"{packages}/{top}/*")]


if __name__ == "__main__":
    print("\n".join(left_out()))
