# ruff: noqa: INP001 - no module of a package: it is copied to where one was
"""In place of onnxruntime's look at the operating system and at training packages, before every start."""


def check_distro_info() -> None:
    """On a Lambda nobody reads a warning about the distribution."""


def get_package_name_and_version_info() -> tuple[str, str, str]:
    """Name, version (as the package itself says it), CUDA's version (none)."""
    return "onnxruntime", "", ""
