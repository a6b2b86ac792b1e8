"""Builds layers and functions for this machine, each into a folder named by a digest of its inputs.

Uses the same Makefile targets as `sam build`, and only when an input changed. A finished folder never
changes, so a running stack keeps the code that it started with.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from workbench import children
from workbench.cloud.package import install as install_locked
from workbench.cloud.package import native
from workbench.cloud.template import Stack
from workbench.laptop import BUILD, ROOT

RUNTIME = "runtime"
"""Name of the folder with awslambdaric, which belongs to no layer."""

_KEPT = 3
_BUILDERS = 2
_RECIPES = (
    Path(__file__).with_name("package.py"),
    Path(__file__),
)


class BuildError(RuntimeError):
    """A build recipe failed; its own output says why."""


def build(stack: Stack, say: Callable[[str], None]) -> dict[str, Path]:
    """Logical id (and `runtime`) → folder, of everything the stack's functions need."""
    sources = {**stack.layers, **{f.name: f.code for f in stack.functions.values()}}

    def one(name: str) -> Path:
        return _built(name, _inputs(ROOT / sources[name]), say, _make(name, sources[name]))

    with _one_at_a_time(), ThreadPoolExecutor(_BUILDERS) as builders:
        done = dict(zip(sources, builders.map(one, sources), strict=True))
    return {**done, RUNTIME: build_runtime(say)}


def build_runtime(say: Callable[[str], None]) -> Path:
    """The folder with awslambdaric."""
    lock = ROOT / "requirements/runtime.txt"
    with _one_at_a_time():
        return _built(RUNTIME, [lock], say, lambda into: install_locked(lock, into, native()))


def digest(paths: Iterable[Path]) -> str:
    """A digest of file names and contents, of the build recipe and of this Python; order is ignored."""
    found = hashlib.sha256(sys.version.encode())
    for path in sorted({*paths, *_RECIPES}):
        found.update(f"{path.relative_to(ROOT)}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def _inputs(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    ]


def _built(
    name: str, inputs: list[Path], say: Callable[[str], None], recipe: Callable[[Path], None]
) -> Path:
    folder = BUILD / name / digest(inputs)
    if folder.exists():
        return folder
    say(f"building {name}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        recipe(made)
        made.rename(folder)
    _prune(folder)
    return folder


def _make(name: str, source: str) -> Callable[[Path], None]:
    def run(into: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
        done = children.run(
            ["make", "--silent", "--makefile", f"{source}/Makefile", f"build-{name}"],
            cwd=ROOT,
            env={**kept, "HEMLINE_TARGET": "native", "ARTIFACTS_DIR": str(into)},
            check=False,
        )
        if done.returncode:
            raise BuildError(f"{name} could not be built")

    return run


def _prune(newest: Path) -> None:
    others = sorted(
        (p for p in newest.parent.iterdir() if p != newest and not p.name.startswith(".")),
        key=lambda p: p.stat().st_mtime,
    )
    for old in others[: -(_KEPT - 1)]:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
