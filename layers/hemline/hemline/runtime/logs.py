"""One JSON line to standard output: what happened, never who. Used where a logger would cost start-up.

Ingest and publish, for which nobody waits, use Powertools' Logger; its import costs the fragments
function more than its whole decision.
"""

import sys
import time
from collections.abc import Mapping

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=str)


def log(level: str, message: str, **fields: object) -> None:
    """Write one line; `fields` are figures and names, never ids of visitors, tokens or bodies."""
    line = {"level": level, "message": message, **fields}
    sys.stdout.write(_encoder.encode(line).decode() + "\n")


def metric(namespace: str, dimensions: Mapping[str, str], **values: float) -> None:
    """One CloudWatch embedded metric line; `values` are counts, or milliseconds if named `…Ms`."""
    units = [{"Name": n, "Unit": "Milliseconds" if n.endswith("Ms") else "Count"} for n in values]
    directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": units}
    about = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]}
    line = {"_aws": about, **dimensions, **values}
    sys.stdout.write(_encoder.encode(line).decode() + "\n")
