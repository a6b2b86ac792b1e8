"""Clients of a server whose answers a test writes, with pauses that nobody waits for."""

import base64

from hemline.adapters.aws.client import AwsClient, connect
from hemline.adapters.aws.credentials import Credentials
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.model.keys import profile_partition
from hemline.usecases.ports import ServingRead, Stored
from tests.faults.fault_server import FaultServer, answer

ANN, BOB = (profile_partition("demo", subject) for subject in ("v:a", "v:b"))
PROFILE = {
    "pk": {"S": ANN},
    "sk": {"S": "profile"},
    "b": {"B": base64.b64encode(b"blob").decode()},
    "v": {"N": "7"},
}
GOT = answer({"Item": PROFILE})
FOUND = ServingRead(Stored(b"blob", 7), None)


def client(server: FaultServer, service: str = "dynamodb") -> AwsClient:
    """With pauses that are drawn and never waited for."""
    made = connect(
        service,
        region="eu-west-1",
        endpoint=server.endpoint,
        credentials=lambda _: Credentials("AKID", "secret"),
    )
    made.draw = lambda: 0.5
    made.sleep = lambda _: None
    return made


def table(server: FaultServer) -> DynamoTable:
    return DynamoTable(client(server), "t")


def read(table: DynamoTable, timeout: float = 2.0) -> ServingRead:
    return table.read_for_serving("demo", "v:a", pointer=False, timeout=timeout)


def targets(server: FaultServer) -> list[str]:
    return [seen.target for seen in server.seen]
