"""What the soaks' tests share: a small run, and which of a report's checks do not hold."""

from workbench.soak.run import SoakReport, SoakSettings

SMALL = SoakSettings(events=4000, kills=60, faults=300, seed=7, shards=3, lanes=2, batch=80)


def broken(report: SoakReport) -> set[str]:
    """Names of the checks that do not hold."""
    return {check.name for check in report.checks if not check.holds}
