"""Fixtures that every kind of test may use; what each one starts, it stops.

Parallel workers (xdist) each get emulators of their own, so no test sees another's tables.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from hemline.adapters.aws.connections import drop_connections
from tests.harness.clouds import REGION, Cloud
from workbench import children
from workbench.cloud import emulator as ministack

ROOT = Path(__file__).resolve().parents[1]
EMULATOR = ROOT / ".hemline/env/cloud/bin/python"

# Derandomized in CI: a red test must be red again on the next machine. `dev` looks deeper. `soak` looks
# elsewhere every time, from the seed that `make soak` prints, and the same seed looks at the same.
hypothesis.settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, print_blob=True
)
hypothesis.settings.register_profile("dev", hypothesis.settings.get_profile("ci"), max_examples=500)
hypothesis.settings.register_profile(
    "soak",
    hypothesis.settings.get_profile("ci"),
    derandomize=False,
    database=None,
    max_examples=100_000,
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# No test may reach a real account, whatever the developer's shell says.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


# A run that is killed leaves no worker behind that would go on testing; what workers start ends with them.
if "PYTEST_XDIST_WORKER" in os.environ:
    children.end_with_parent()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """ministack, empty, for as long as this worker's session lasts."""
    if not EMULATOR.exists():
        pytest.fail("the AWS emulator is not installed: `make setup` does it", pytrace=False)
    folder = tmp_path_factory.mktemp("ministack")
    with ministack.running(EMULATOR, folder) as running:
        cloud = Cloud("ministack", running.endpoint)
        yield cloud
        cloud.close()
        drop_connections()


@pytest.fixture(scope="session")
def moto() -> Iterator[Cloud]:
    """moto's server, in a thread of this process."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - a second to import, few need it

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    cloud = Cloud("moto", f"http://{host}:{port}")
    yield cloud
    cloud.close()
    drop_connections()
    server.stop()


@pytest.fixture(
    params=["moto", pytest.param("ministack", marks=pytest.mark.cloud)],
)
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """Each emulated AWS in turn."""
    name = "emulator" if request.param == "ministack" else request.param
    found: Cloud = request.getfixturevalue(name)
    return found
