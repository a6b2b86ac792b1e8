"""The build recipe's own steps; the whole of it is built in tests/stack."""

import sys
from pathlib import Path

import pytest

from workbench.cloud import built, package
from workbench.laptop import ROOT


def test_trim_removes_what_is_listed_and_nothing_else(tmp_path: Path) -> None:
    into = tmp_path / "into"
    for name in ("a/tests/x.py", "a/b.pyi", "a/b.py", "bin/tool", "keep/bin/tool"):
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    listed = tmp_path / "trim.txt"
    listed.write_text("# a reason\n\n**/tests\n**/*.pyi\nbin\nnot-there\n")
    package.trim(into, listed)
    left = sorted(str(p.relative_to(into)) for p in into.rglob("*") if p.is_file())
    assert left == ["a/b.py", "keep/bin/tool"]


def test_a_package_is_copied_without_its_caches(tmp_path: Path) -> None:
    (tmp_path / "pkg/__pycache__").mkdir(parents=True)
    (tmp_path / "pkg/__pycache__/m.cpython-311.pyc").touch()
    (tmp_path / "pkg/m.py").touch()
    package.copy(tmp_path / "pkg", tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").rglob("*")] == ["m.py"]


def test_byte_code_is_trusted_as_it_lies(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("x = 1\n")
    package.compile_all(tmp_path, package.native())
    (code,) = tmp_path.rglob("*.pyc")
    # PEP 552: bit 0 says hash-based, bit 1 says that the source is to be checked.
    assert int.from_bytes(code.read_bytes()[4:8], "little") == 0b01


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HEMLINE_TARGET": "native"}, sys.executable),
        ({}, "x86_64-manylinux_2_28"),
        ({"HEMLINE_ARCH": "arm64"}, "aarch64-manylinux_2_28"),
    ],
)
def test_the_environment_names_the_target(environ: dict[str, str], expected: str) -> None:
    assert expected in package.target(environ).install


def test_an_architecture_that_lambda_has_not_is_refused() -> None:
    with pytest.raises(SystemExit, match="HEMLINE_ARCH"):
        package.target({"HEMLINE_ARCH": "riscv"})


def test_a_digest_follows_contents_and_not_the_order_of_files() -> None:
    lock, readme = ROOT / "requirements/uv.txt", ROOT / "requirements/README.md"
    assert built.digest([lock, readme]) == built.digest([readme, lock])
    assert built.digest([lock]) != built.digest([readme])


SHIPPED = (
    "layers/hemline",
    "layers/inference",
    "functions/account",
    "functions/ingest",
    "functions/publish",
)


@pytest.mark.parametrize("folder", SHIPPED)
def test_every_layers_lock_agrees_with_the_tests_own(folder: str) -> None:
    """What is tested is what ships: the same version of everything."""
    tested = versions(ROOT / "requirements/dev.txt")
    shipped = versions(ROOT / folder / "requirements.txt")
    assert shipped
    assert {name: tested.get(name) for name in shipped} == shipped


def versions(lock: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lock.read_text().splitlines():
        name, equals, rest = line.partition("==")
        if equals and not line.startswith((" ", "#")):
            found.setdefault(name, []).append(rest.rstrip(" \\"))
    return found


def test_a_module_is_replaced_by_a_file_beside_the_list_and_one_that_is_gone_is_told(
    tmp_path: Path,
) -> None:
    into, folder = tmp_path / "into", tmp_path / "folder"
    (into / "numpy").mkdir(parents=True)
    folder.mkdir()
    (into / "numpy/typing.py").write_text("LONG = 1\n" * 100)
    (folder / "ours.py").write_text("SHORT = 1\n")
    listed = folder / "instead.txt"
    listed.write_text("# why\nnumpy/typing.py ours.py\n")
    package.replace(into, listed)
    assert (into / "numpy/typing.py").read_text() == "SHORT = 1\n"
    listed.write_text("numpy/gone.py ours.py\n")
    with pytest.raises(FileNotFoundError):
        package.replace(into, listed)


def test_a_hollow_module_stays_importable_and_a_list_that_is_out_of_date_is_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "docs.py").write_text("raise RuntimeError\n")
    listed = tmp_path / "hollow.txt"
    listed.write_text("# why\ndocs.py\n")
    package.hollow(tmp_path, listed)
    assert (tmp_path / "docs.py").read_text() == ""
    listed.write_text("gone.py\n")
    with pytest.raises(FileNotFoundError):
        package.hollow(tmp_path, listed)


def test_what_is_not_imported_is_none_and_a_list_that_is_out_of_date_is_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "one.py").write_text(
        "import re\ntry:\n    import ctypes\nexcept ImportError:\n    1\n"
    )
    listed = tmp_path / "unimport.txt"
    listed.write_text("# why\none.py ctypes\n")
    package.unimport(tmp_path, listed)
    assert "    ctypes = None\n" in (tmp_path / "one.py").read_text()
    assert "import re\n" in (tmp_path / "one.py").read_text()
    with pytest.raises(
        ValueError, match=r"one\.py imports ctypes 0 times, not once: see unimport\.txt"
    ):
        package.unimport(tmp_path, listed)
