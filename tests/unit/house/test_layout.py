"""The layout that a newcomer reads: small folders, no import circles, one meaning for each class name."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "layers/hemline/hemline"
SOURCES = {"hemline": PACKAGE, "workbench": ROOT / "workbench", "models": ROOT / "models"}
MOST_FILES = 20
MOST_LINES = 300
TESTED = ("adapters", "decide", "learn", "model", "runtime", "sitefile", "usecases")


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    return {
        ".".join((top, *path.relative_to(folder).with_suffix("").parts)): path
        for top, folder in SOURCES.items()
        for path in folder.rglob("*.py")
        if path.name != "__init__.py"
    }


def imported(source: str, known: Mapping[str, Path]) -> Iterator[str]:
    """The project's modules that `source` imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in known else node.module for name in names)


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle of imports, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = modules()
    graph = {name: set(imported(path.read_text(), known)) for name, path in known.items()}
    assert circle(graph) == []


def test_a_circle_is_found() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def folders() -> Counter[str]:
    """Folder → its modules, `__init__.py` aside."""
    tops = (*SOURCES.values(), ROOT / "tests", ROOT / "functions")
    paths = (path for top in tops for path in top.rglob("*.py") if path.name != "__init__.py")
    return Counter(str(path.parent.relative_to(ROOT)) for path in paths)


def test_no_folder_holds_more_files_than_can_be_taken_in_at_a_glance() -> None:
    assert {name: count for name, count in folders().items() if count > MOST_FILES} == {}


@pytest.mark.parametrize("top", [*SOURCES, "tests", "functions"])
def test_no_file_is_longer_than_can_be_read_in_one_go(top: str) -> None:
    folder = SOURCES.get(top, ROOT / top)
    long = {
        str(path.relative_to(ROOT)): lines
        for path in folder.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert long == {}


def test_a_class_name_stands_for_one_thing() -> None:
    places = defaultdict(list)
    for name, path in modules().items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_the_unit_tests_mirror_the_package() -> None:
    """Each folder of unit tests for the package is named as the folder that it tests."""
    here = ROOT / "tests/unit"
    tested = {path.parent.relative_to(here) for path in here.rglob("test_*.py")}
    ours = {folder for folder in tested if folder.parts and folder.parts[0] in TESTED}
    assert ours
    assert {str(folder) for folder in ours if not (PACKAGE / folder).is_dir()} == set()
