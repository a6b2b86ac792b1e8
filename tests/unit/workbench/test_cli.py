"""The command line: one app, light to start, exit status 0 done, 1 fell short, 2 a bad call."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from workbench import children, cli

ROOT = Path(__file__).resolve().parents[3]
GOOD = ROOT / "workbench/demo/site.yaml"


def hemline(*arguments: str) -> Result:
    return CliRunner().invoke(cli.build(), arguments)


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMLINE_STATE", str(tmp_path))


def main(*arguments: str, state: Path) -> children.Done:
    command = [sys.executable, "-m", "workbench.cli", *arguments]
    environment = {"HEMLINE_STATE": str(state), "PATH": ""}
    return children.run(
        command, cwd=ROOT, env=environment, capture=True, text=True, timeout=60, check=False
    )


def test_every_area_hangs_its_commands_on_the_app() -> None:
    said = hemline("--help").output
    for command in (
        "run",
        "import",
        "site",
        "publish",
        "brake",
        "evaluate",
        "bench",
        "simulate",
        "schemas",
    ):
        assert f"\n  {command} " in said


def test_the_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from workbench import cli; cli.build();"
        "heavy = {'boto3', 'numpy', 'onnxruntime', 'lightgbm', 'pydantic', 'aiohttp'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    found = children.run(command, cwd=ROOT, capture=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"


def test_a_good_site_file_passes() -> None:
    result = hemline("site", "check", str(GOOD))
    assert result.exit_code == 0
    assert "7 slots, 4 rules, no errors, 1 warning, 3 notes; checked against" in result.stdout
    line = GOOD.read_text().splitlines().index("  - name: opening-piece") + 1
    assert f"{GOOD}:{line}: rule opening-piece: warning: it has no end date." in result.stderr
    assert hemline("site", "check", str(GOOD), "--strict").exit_code == 1


def test_a_site_file_with_mistakes_fails_with_every_finding(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(GOOD.read_text().replace("currency: GBP", "currency: pounds\ncolour: blue"))
    result = hemline("site", "check", str(file))
    assert result.exit_code == 1
    assert f"{file}:3: currency: " in result.stderr
    assert f"{file}:4: colour: there is no such field here." in result.stderr
    rows = json.loads(hemline("site", "check", str(file), "--json").stdout)["findings"]
    assert [row["line"] for row in rows if row["severity"] == "error"] == [3, 4]


@pytest.mark.parametrize(
    "arguments",
    [
        ("site", "check", "no-such-file.yaml"),
        ("import", "ranklens", "no-such-file"),
        ("import", "items", str(GOOD), "--map", "a=b"),
        ("import", "events", str(GOOD), "--url", "http://127.0.0.1:1"),
        ("import", "ranklens", str(GOOD), "--as", "robot"),
        ("frobnicate",),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_bad_call_is_status_two(arguments: tuple[str, ...]) -> None:
    assert hemline(*arguments).exit_code == 2


def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path) -> None:
    found = main("publish", state=tmp_path)
    assert found.returncode == 2
    assert found.stderr == "hemline: no stack is running here; start one with `make run`\n"


def test_who_asks_for_json_gets_json_when_it_fails_too(tmp_path: Path) -> None:
    for command in (("publish", "--json"), ("report", "cold", "--json")):
        done = main(*command, state=tmp_path)
        assert done.returncode == 2
        said = json.loads(done.stdout)
        assert said["status"] == 2
        assert said["error"]
        assert said["error"] in done.stderr
    assert main("publish", state=tmp_path).stdout == ""
