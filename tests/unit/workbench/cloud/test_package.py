"""The build recipe's own steps; the whole of it is built in tests/stack."""

import sys
from pathlib import Path

import pytest

from workbench.cloud import built, package
from workbench.laptop import ROOT

SLIM = """
[[leave_out]]
why = "a reason"
files = ["**/tests", "**/*.pyi", "bin", "not-there"]
"""


def test_what_is_left_out_is_what_is_listed_and_nothing_else(tmp_path: Path) -> None:
    into = tmp_path / "into"
    for name in ("a/tests/x.py", "a/b.pyi", "a/b.py", "bin/tool", "keep/bin/tool"):
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    listed = tmp_path / "slim.toml"
    listed.write_text(SLIM)
    package.leave_out(into, listed)
    left = sorted(str(p.relative_to(into)) for p in into.rglob("*") if p.is_file())
    assert left == ["a/b.py", "keep/bin/tool"]


def test_a_group_without_its_reason_is_refused(tmp_path: Path) -> None:
    listed = tmp_path / "slim.toml"
    listed.write_text(SLIM.replace("a reason", ""))
    with pytest.raises(ValueError, match="has no `why`"):
        list(package.globs(listed))


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
