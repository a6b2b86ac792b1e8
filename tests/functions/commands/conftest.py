"""Files that several tests of commands hand in."""

from pathlib import Path

import pytest

from tests.harness.commands import SITE_FILE


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE_FILE)
    return path


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    path.write_text("sku,name,price\na,A thing,3.50\nb,B thing,free\n,C thing,1\n")
    return path
