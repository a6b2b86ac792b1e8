"""Builds the content of a layer or function; `sam build` calls it through each folder's Makefile.

`HEMLINE_TARGET=native` builds for this machine and this Python, so that functions on the laptop see the
same files as on AWS; without it the target is Lambda's python3.13. Dependencies come from the folder's
requirements.txt, locked by hash; `slim.toml` says which of their files are left out and why. No file is
changed: packages run as their authors released them.
usage: python -m workbench.cloud.package FOLDER INTO [NAME …]; NAMEs are copied from FOLDER.
"""

import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from workbench import children
from workbench.laptop import ENVIRONMENTS, ROOT

LAMBDA_PYTHON = "3.13"
ARCHITECTURES = ("x86_64", "arm64")
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}


class Target(NamedTuple):
    """The platform that a folder is built for."""

    install: tuple[str, ...]
    """Arguments that make the installer choose this target's wheels."""
    python: str | None
    """The interpreter that compiles byte code; None when this machine has none of that version."""
    elsewhere: bool
    """Whether the code runs on another machine, at the paths of Lambda."""


def native() -> Target:
    """This machine, this Python."""
    return Target(("--python", sys.executable), sys.executable, elsewhere=False)


def aws(architecture: str) -> Target:
    """Lambda's own Python on `architecture`. Raises SystemExit for one that Lambda has not."""
    if architecture not in ARCHITECTURES:
        sys.exit(f"HEMLINE_ARCH is {architecture!r}: use one of {', '.join(ARCHITECTURES)}")
    platform = ("--python-platform", _PLATFORMS[architecture], "--python-version", LAMBDA_PYTHON)
    return Target((*platform, "--only-binary", ":all:"), _lambda_python(), elsewhere=True)


def target(environ: Mapping[str, str]) -> Target:
    """The target that HEMLINE_TARGET and HEMLINE_ARCH name."""
    if environ.get("HEMLINE_TARGET") == "native":
        return native()
    return aws(environ.get("HEMLINE_ARCH") or ARCHITECTURES[0])


def build(folder: Path, into: Path, names: list[str], chosen: Target) -> None:
    """Fill `into` with the folder's dependencies and `names`, slimmed and compiled."""
    into.mkdir(parents=True, exist_ok=True)
    locked = folder / "requirements.txt"
    if locked.exists():
        install(locked, into, chosen)
        leave_out(into, folder / "slim.toml")
    for name in names:
        copy(folder / name, into / name)
    compile_all(into, chosen)


def install(locked: Path, into: Path, chosen: Target) -> None:
    """Install the wheels of a lock file, checked by hash."""
    uv = ENVIRONMENTS / "uv/bin/uv"
    if not uv.exists():
        sys.exit("the installer is missing: run `make setup` first")
    lock = ("--require-hashes", "--no-deps", "--requirement", str(locked))
    # Copies instead of links: removing and compiling files here must not touch the installer's cache.
    how = ("--quiet", "--link-mode", "copy", "--no-compile-bytecode")
    children.run(
        [str(uv), "pip", "install", *how, *chosen.install, *lock, "--target", str(into)],
        check=True,
    )


def leave_out(into: Path, slim: Path) -> None:
    """Remove the files that `slim.toml` names. A glob without a match is not an error."""
    for pattern in globs(slim):
        for path in sorted(into.glob(pattern), reverse=True):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def globs(slim: Path) -> Iterator[str]:
    """Every glob of a `slim.toml`; none when the file does not exist.

    Raises ValueError for a group without its reason.
    """
    if not slim.exists():
        return
    for group in tomllib.loads(slim.read_text(encoding="utf-8"))["leave_out"]:
        if not group.get("why"):
            raise ValueError(f"{slim}: a group of leave_out has no `why`; say why its files may go")
        yield from group["files"]


def copy(source: Path, to: Path) -> None:
    """Copy a file, or a package without its byte-code caches."""
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copyfile(source, to)


def compile_all(into: Path, chosen: Target) -> None:
    """Compile byte code that Python uses without checking the source: it halves a cold start."""
    if chosen.python is None:
        print(
            f"hemline: no python{LAMBDA_PYTHON} here, so this build ships no byte code and starts"
            " about twice as slowly; put one on PATH or name it in HEMLINE_TARGET_PYTHON",
            file=sys.stderr,
        )
        return
    # Paths in tracebacks: Lambda unpacks layers and functions into different folders.
    place = "/opt/python" if into.name == "python" else "/var/task"
    shown = ("-s", str(into), "-p", place) if chosen.elsewhere else ()
    how = ("-q", "-q", "--invalidation-mode", "unchecked-hash")
    # Not checked: a dependency ships a file that is not valid Python (never imported), so status is 1.
    children.run([chosen.python, "-m", "compileall", *how, *shown, str(into)], check=False)


def _lambda_python() -> str | None:
    for name in (os.environ.get("HEMLINE_TARGET_PYTHON"), f"python{LAMBDA_PYTHON}", sys.executable):
        if name and _version(name) == LAMBDA_PYTHON:
            return name
    return None


def _version(python: str) -> str:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = children.run([python, "-c", ask], capture=True, text=True, check=False)
    except OSError:
        return ""
    return str(done.stdout).strip()


if __name__ == "__main__":
    build(ROOT / sys.argv[1], Path(sys.argv[2]), sys.argv[3:], target(os.environ))
