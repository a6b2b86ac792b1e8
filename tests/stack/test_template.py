"""template.yaml: valid, linted as the CloudFormation it becomes, short, and least-privileged."""

import os
import re
from pathlib import Path

import pytest

from workbench import children
from workbench.cloud.intrinsics import parse
from workbench.cloud.package import ARCHITECTURES
from workbench.laptop import ENVIRONMENTS, ROOT

TEMPLATE = ROOT / "template.yaml"
SAM = ENVIRONMENTS / "sam/bin"
REGION = "eu-west-1"
ELF_MACHINES = {"x86_64": 62, "arm64": 183}

needs_sam = pytest.mark.skipif(
    not (SAM / "sam").exists(), reason="SAM is not installed here: `make sam` does it"
)


def quiet() -> dict[str, str]:
    """SAM without telemetry, updates or a call to anybody's account."""
    return {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}


def lint(template: Path) -> children.Done:
    script = ROOT / "workbench/contracts/sam_lint.py"
    return children.run(
        [SAM / "python", script, template, REGION],
        capture=True,
        text=True,
        timeout=120,
        check=False,
        env=quiet(),
    )


@needs_sam
def test_sam_calls_the_template_valid() -> None:
    done = children.run(
        [SAM / "sam", "validate", "--lint", "--template", TEMPLATE],
        cwd=ROOT,
        capture=True,
        text=True,
        timeout=120,
        check=False,
        env=quiet(),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_sam
def test_the_expanded_template_has_no_finding() -> None:
    done = lint(TEMPLATE)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_sam
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("[ReportBatchItemFailures]", "[ReportItemFailures]"),
        ("StartingPosition: TRIM_HORIZON", "StartingPosition: OLDEST"),
        ("Runtime: python3.13", "Runtime: python2.6"),
    ],
)
def test_the_expanding_lint_finds_what_is_wrong(tmp_path: Path, right: str, wrong: str) -> None:
    text = TEMPLATE.read_text()
    assert right in text
    broken = tmp_path / "template.yaml"
    broken.write_text(text.replace(right, wrong))
    assert lint(broken).returncode == 1


FLOW = re.compile(r"\{[^{}]*\}")


def crowded(text: str) -> list[str]:
    """Flow mappings of more than two properties: they stand one a line, so that a diff shows which."""
    code = (line.partition("#")[0] for line in text.splitlines())
    found = (mapping for line in code for mapping in FLOW.findall(line) if "${" not in line)
    return [mapping for mapping in found if mapping.count(": ") > 2]


def test_a_line_holds_at_most_two_properties() -> None:
    assert crowded(TEMPLATE.read_text()) == []


def test_a_crowded_line_is_found() -> None:
    assert crowded("A: {Type: String, Default: x, MinLength: 1}") != []


def test_cloudformation_takes_the_yaml() -> None:
    """It refuses aliases, which YAML itself and every linter allow."""
    assert not any(
        line.strip().startswith(("<<:", "*")) for line in TEMPLATE.read_text().splitlines()
    )
    assert ": &" not in TEMPLATE.read_text()
    assert ": *" not in TEMPLATE.read_text()


def test_nothing_is_allowed_on_everything() -> None:
    for name, resource in parse(TEMPLATE.read_text())["Resources"].items():
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in policy["Statement"]:
                actions = statement["Action"]
                spelled = [actions] if isinstance(actions, str) else actions
                assert statement["Resource"] != "*", name
                assert not any("*" in action for action in spelled), name


def test_every_statement_says_why() -> None:
    lines = [line.strip() for line in TEMPLATE.read_text().splitlines()]
    bare = [
        number
        for number, line in enumerate(lines)
        if line.startswith("- Effect:") and not lines[number - 1].startswith("#")
    ]
    assert not bare, f"no comment above line {[n + 1 for n in bare]}"


def test_template_and_recipe_agree_on_the_default_architecture() -> None:
    parameter = parse(TEMPLATE.read_text())["Parameters"]["Architecture"]
    assert parameter["Default"] == ARCHITECTURES[0]
    assert sorted(parameter["AllowedValues"]) == sorted(ARCHITECTURES)


@needs_sam
@pytest.mark.timeout(300)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_sam_builds_every_layer_and_function(tmp_path: Path, architecture: str) -> None:
    chosen = ("--parameter-overrides", f"Architecture={architecture}")
    done = children.run(
        [SAM / "sam", "build", "--build-dir", tmp_path, *chosen],
        cwd=ROOT,
        capture=True,
        text=True,
        timeout=280,
        check=False,
        env={**quiet(), "HEMLINE_ARCH": architecture},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    layer = tmp_path / "HemlineLayer/python"
    assert (layer / "hemline/decide/facts/snapshot.py").exists()
    assert not (layer / "botocore/data").exists()
    (library,) = (tmp_path / "InferenceLayer/python/onnxruntime/capi").glob("*_state*.so")
    assert ELF_MACHINES[architecture] == library.read_bytes()[18]
    assert (tmp_path / "PublishFunction/pydantic").exists()
    assert not list(tmp_path.glob("*Function/hemline")), "functions take the package from the layer"
