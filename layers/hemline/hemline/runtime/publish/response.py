"""The result of a publish as log lines, metrics and the function's answer."""

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from hemline.usecases.publishing.publish import Published


def published(result: Published, logger: Logger, metrics: Metrics) -> dict[str, object]:
    """Logs the result, flushes its metrics and returns it as plain values."""
    for line in result.notes:
        logger.warning(line)
    logger.info("published", extra={"edition": result.edition[:16], "swapped": result.swapped})
    flagged = {f"Flagged{flag.capitalize()}": count for flag, count in result.flagged.items()}
    for name, count in {"Items": result.items, "Counted": result.counted, **flagged}.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()
    return msgspec.structs.asdict(result) | {"notes": list(result.notes)}
