"""The plan of the code: folders of a size to look over, no circle of imports, records with types."""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from jobs.console.commands import command_modules
from tests.support.paths import ROOT

PACKAGES = ("conf", "features", "models", "jobs")
MOST_MODULES, MOST_UNTYPED = 25, 15
Graph = Mapping[str, set[str]]


def modules(*folders: str) -> dict[str, Path]:
    """The files of packages by the dotted name of their module."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


# ---- sizes ----


@pytest.mark.parametrize("folder", ["jobs", "models", "tests"])
def test_no_folder_holds_too_many_modules(folder: str) -> None:
    sizes: dict[Path, int] = {}
    for file in modules(folder).values():
        if file.name != "__init__.py":
            sizes[file.parent] = sizes.get(file.parent, 0) + 1
    assert sizes
    assert not {str(path.relative_to(ROOT)): size for path, size in sizes.items() if size > MOST_MODULES}


def test_records_of_jobs_have_types() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in modules("jobs").values()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if "dict[str, Any]" in line
    ]
    assert len(found) <= MOST_UNTYPED, found


def test_listings_do_not_take_a_closed_folder_to_be_empty() -> None:
    """As the glob of pathlib does: `jobs.storage.backend.matching` says that a folder may not be read."""
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for name, file in modules("jobs", "models").items()
        if not name.startswith("jobs.storage")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("glob", "rglob")
    ]
    assert not found


# ---- imports ----


def is_left_out(node: ast.stmt) -> bool:
    """Whether it is a block for a script or for type checkers alone."""
    return isinstance(node, ast.If) and ast.unparse(node.test) in (
        "__name__ == '__main__'",
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    )


def imported_names(node: ast.AST, package: str) -> Iterator[str]:
    """The dotted names that a module imports, in its functions too; of `from a import b` both `a` and `a.b`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt) and is_left_out(child):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
            source = ".".join([*above, *([child.module] if child.module else [])])
            yield source
            yield from (f"{source}.{alias.name}" for alias in child.names)
        else:
            yield from imported_names(child, package)


def import_graph(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Which of the modules each module imports, but for the packages that it lies in: they are loaded before it."""
    graph = {}
    for name, file in files.items():
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        found = set(imported_names(ast.parse(file.read_text(encoding="utf-8")), package)) & files.keys()
        graph[name] = {one for one in found if not name.startswith(f"{one}.")} - {name}
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """The strongly connected components of more than one module (Tarjan 1972)."""
    found: list[list[str]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            at = stack.index(name)
            component = stack[at:]
            del stack[at:]
            if len(component) > 1:
                found.append(sorted(component))

    for name in sorted(graph):
        if name not in number:
            visit(name)
    return found


def test_no_circle_of_imports() -> None:
    graph = import_graph(modules(*PACKAGES))
    assert len(graph) > 150 and "models.network.fit" in graph["jobs.training.rank"], "the graph says nothing"
    assert circles(graph) == []


def test_what_is_no_command_is_below_the_commands() -> None:
    """Commands need no line in the layers of pyproject.toml; all else of `jobs` has one, and imports no command."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract.get("containers") == ["jobs"])
    lower = {f"jobs.{name}" for layer in layers for name in layer.split(" | ")}
    tops = {f"jobs.{name.split('.')[1]}" for name in modules("jobs") if "." in name}
    above = {command.module for command in command_modules().values()} | {"jobs.cli"}
    assert "jobs.train" in above and not above & lower
    assert tops == above | lower
    graph = import_graph(modules("jobs"))
    below = {name: imported & above for name, imported in graph.items() if ".".join(name.split(".")[:2]) not in above}
    assert not {name: imported for name, imported in below.items() if imported}


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}}, [["a", "b"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}, [["d", "e"], ["a", "b", "c"]]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, []),
    ],
)
def test_what_a_circle_is(graph: Graph, expected: list[list[str]]) -> None:
    assert circles(graph) == expected


def test_imports_in_functions_count_and_those_of_scripts_do_not(tmp_path: Path) -> None:
    text = (
        "import a.b\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import c\n"
        'if __name__ == "__main__":\n    import d\ndef f():\n    from e import g\n    from . import h\n'
        "    from .i import j\n"
    )
    assert set(imported_names(ast.parse(text), "p.q")) == {
        "a.b", "typing", "typing.TYPE_CHECKING", "e", "e.g", "p.q", "p.q.h", "p.q.i", "p.q.i.j",
    }  # fmt: skip


def test_tests_do_not_import_tests() -> None:
    """What several of them need lies in tests/support."""
    files = modules("tests")
    graph = import_graph(files)
    between = {
        name: sorted(other for other in imported if other.rpartition(".")[2].startswith("test_"))
        for name, imported in graph.items()
    }
    assert "tests.support.paths" in graph["tests.test_structure"], "the graph says nothing"
    assert not {name: imported for name, imported in between.items() if imported}
