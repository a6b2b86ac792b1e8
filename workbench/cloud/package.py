"""The one recipe for what a Lambda carries: called by `sam build` through each folder's Makefile.

`HEMLINE_TARGET=native` builds for this machine and this Python, so that functions on the laptop
see exactly what they would see on AWS; without it the target is Lambda's python3.13. Dependencies
come from the folder's requirements.txt, locked by hash; `trim.txt` says what is left out and why,
`hollow.txt` which modules are emptied, `instead.txt` which are replaced, `unimport.txt` what some of
the rest do not import.
usage: python -m workbench.cloud.package FOLDER INTO [NAME …]; NAMEs are copied from FOLDER.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from workbench import children
from workbench.laptop import ENVIRONMENTS, ROOT

LAMBDA_PYTHON = "3.13"
ARCHITECTURES = ("x86_64", "arm64")
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}


class Target(NamedTuple):
    """For whom a folder is built. `python` compiles it; None where there is no such Python."""

    install: tuple[str, ...]
    """Arguments that make the installer choose this target's wheels."""
    python: str | None
    elsewhere: bool
    """It runs on another machine, at the paths of Lambda."""


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
    """As the environment asks."""
    if environ.get("HEMLINE_TARGET") == "native":
        return native()
    return aws(environ.get("HEMLINE_ARCH") or ARCHITECTURES[0])


def build(folder: Path, into: Path, names: list[str], chosen: Target) -> None:
    """Fill `into` with the folder's dependencies and `names`, trimmed and compiled."""
    into.mkdir(parents=True, exist_ok=True)
    locked = folder / "requirements.txt"
    if locked.exists():
        install(locked, into, chosen)
        trim(into, folder / "trim.txt")
        hollow(into, folder / "hollow.txt")
        replace(into, folder / "instead.txt")
        unimport(into, folder / "unimport.txt")
    for name in names:
        copy(folder / name, into / name)
    compile_all(into, chosen)


def install(locked: Path, into: Path, chosen: Target) -> None:
    """The wheels of a lock file, by hash."""
    uv = ENVIRONMENTS / "uv/bin/uv"
    if not uv.exists():
        sys.exit("the installer is missing: run `make setup` first")
    lock = ("--require-hashes", "--no-deps", "--requirement", str(locked))
    # Copies, because what is trimmed and compiled here must not touch the installer's cache.
    how = ("--quiet", "--link-mode", "copy", "--no-compile-bytecode")
    children.run(
        [str(uv), "pip", "install", *how, *chosen.install, *lock, "--target", str(into)],
        check=True,
    )


def trim(into: Path, listed: Path) -> None:
    """Remove what the globs of `listed` name. A glob that names nothing is no error."""
    for pattern in globs(listed):
        for path in sorted(into.glob(pattern), reverse=True):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def hollow(into: Path, listed: Path) -> None:
    """Empty the modules that `listed` names: imported by others, and nothing but documentation.

    Raises FileNotFoundError for one that is not there, since then the list is out of date.
    """
    for name in globs(listed):
        with (into / name).open("r+") as module:
            module.truncate()


def replace(into: Path, listed: Path) -> None:
    """Put a file that lies beside `listed` in the place of each module that it names.

    Raises FileNotFoundError for a module that is not there, since then the list is out of date.
    """
    for line in globs(listed):
        name, ours = line.split()
        with (into / name).open("r+") as module:
            module.truncate()
            module.write((listed.parent / ours).read_text())


def unimport(into: Path, listed: Path) -> None:
    """Set a name to None where each module that `listed` names would import it.

    Raises ValueError for one that does not import it on a line of its own: the list is out of date then.
    """
    for line in globs(listed):
        name, unneeded = line.split()
        path = into / name
        left, count = re.subn(
            rf"^( *)import {re.escape(unneeded)}$",
            rf"\1{unneeded} = None",
            path.read_text(),
            flags=re.MULTILINE,
        )
        if count != 1:
            raise ValueError(
                f"{name} imports {unneeded} {count} times, not once: see {listed.name}"
            )
        path.write_text(left)


def globs(listed: Path) -> Iterator[str]:
    """The lines that are neither empty nor comments."""
    if listed.exists():
        lines = (line.strip() for line in listed.read_text().splitlines())
        yield from (line for line in lines if line and not line.startswith("#"))


def copy(source: Path, to: Path) -> None:
    """A file, or a package without its caches."""
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copyfile(source, to)


def compile_all(into: Path, chosen: Target) -> None:
    """Byte code that is trusted as it lies: no .pyc shipped doubles a cold start."""
    if chosen.python is None:
        print(
            f"hemline: no python{LAMBDA_PYTHON} here, so this build ships no byte code and starts"
            " about twice as slowly; put one on PATH or name it in HEMLINE_TARGET_PYTHON",
            file=sys.stderr,
        )
        return
    # Tracebacks show where a Lambda finds the file: layers and functions lie apart.
    place = "/opt/python" if into.name == "python" else "/var/task"
    shown = ("-s", str(into), "-p", place) if chosen.elsewhere else ()
    how = ("-q", "-q", "--invalidation-mode", "unchecked-hash")
    # Status 1: a dependency carries a file that is no valid Python; it is never imported.
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
