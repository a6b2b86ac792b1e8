"""Writes JSON log lines to standard output, without personal data, for functions that must start fast.

Ingest and publish run in the background and use Powertools' Logger. In the fragments function its import
would take longer than the whole decision.
"""

import sys
import time
from collections.abc import Mapping

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic", enc_hook=str)


def log(level: str, message: str, **fields: object) -> None:
    """Writes one line; `fields` are numbers and names, never visitor ids, tokens or bodies."""
    line = {"level": level, "message": message, **fields}
    sys.stdout.write(_encoder.encode(line).decode() + "\n")


def metric(namespace: str, dimensions: Mapping[str, str], **values: float) -> None:
    """Writes one CloudWatch embedded metric line; `values` are counts, or milliseconds if named `…Ms`."""
    units = [{"Name": n, "Unit": "Milliseconds" if n.endswith("Ms") else "Count"} for n in values]
    directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": units}
    about = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]}
    line = {"_aws": about, **dimensions, **values}
    sys.stdout.write(_encoder.encode(line).decode() + "\n")
