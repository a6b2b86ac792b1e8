"""The Makefile's targets: those that are promised, and quick the second time."""

import os

import pytest

from workbench import children
from workbench.laptop import ROOT

PROMISED = ("setup", "run", "test", "lint", "soak", "build", "sam-local", "bench", "clean")


def make(*arguments: str) -> children.Done:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return children.run(
        ["make", *arguments],
        cwd=ROOT,
        capture=True,
        text=True,
        timeout=120,
        check=False,
        env=plain,
    )


@pytest.mark.parametrize("target", PROMISED)
def test_help_says_what_each_target_is_for(target: str) -> None:
    assert f"  make {target} " in make("help").stdout


def test_what_is_made_is_not_made_again() -> None:
    """In a checkout whose tests run, everything that setup makes is there."""
    done = make("--question", ".venv/.laptop", ".hemline/env/cloud/.done", ".hemline/env/rie/.done")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_python_it_says_which_one_it_needs() -> None:
    done = make("--always-make", "--dry-run", "PYTHON=", ".hemline/env/uv/bin/uv")
    assert "Hemline needs Python 3.11 or newer" in done.stdout
