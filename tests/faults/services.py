"""Each service of AWS behind a gate of its own, which has the trouble that a test gives it."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hemline.adapters.aws import connections
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import environment
from workbench.soak.proxy import Dose, Proxy, listening

HANG, REFUSE, ERROR, THROTTLE = "hang", "refuse", "error 500", "throttle"
CUT, LOST = "truncate", "cut after the commit"
TROUBLES = (HANG, REFUSE, ERROR, THROTTLE, CUT, LOST)
SERVICES = ("dynamodb", "s3", "kinesis")


class Gate(Proxy):
    """Every request meets `trouble`, as the soak's proxy knows it; empty: none."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream, random.Random(0), Dose(hang=60.0))
        self.trouble = ""

    def _draw(self, _operation: str) -> str:
        return self.trouble


class World:
    """Stores of an emulator, seen through gates: `gates` by service, `variables` for a function."""

    def __init__(self, cloud: Cloud, gates: dict[str, Gate]) -> None:
        self.cloud, self.gates = cloud, gates
        self.table, self.bucket = cloud.make_table(), cloud.make_bucket()
        self.stream = cloud.make_stream(1)
        self._left: list[connections.ConnectionPool] = []

    @property
    def variables(self) -> dict[str, str]:
        names = environment(self.cloud, table=self.table, bucket=self.bucket, stream=self.stream)
        del names["AWS_ENDPOINT_URL"], names["HEMLINE_READ_TIMEOUT_MS"]  # as the template has it
        # By name, so that each connection needs the resolver.
        for service, gate in self.gates.items():
            named = gate.endpoint.replace("127.0.0.1", "localhost")
            names[f"AWS_ENDPOINT_URL_{service.upper()}"] = named
        return {**names, "AWS_REGION": REGION}

    def forget_connections(self) -> None:
        """As a new process: it has no pool. Clients that hold an old one go on with it until `close`."""
        self._left += connections._pools.values()
        connections._pools.clear()

    def close(self) -> None:
        for pool in self._left:
            pool.drop()
        connections.drop_connections()

    def heal(self) -> None:
        for gate in self.gates.values():
            gate.trouble = ""


@contextmanager
def world(cloud: Cloud) -> Iterator[World]:
    """For the length of a block."""
    with ExitStack() as held:
        gates = {name: held.enter_context(listening(Gate(cloud.endpoint))) for name in SERVICES}
        found = World(cloud, gates)
        held.callback(found.close)
        yield found
