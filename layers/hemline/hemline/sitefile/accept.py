"""Reads a site file, then reviews it. The command line and the publish function both use this."""

from collections.abc import Sequence
from typing import NamedTuple

from hemline.model.item import Item
from hemline.model.site.site import Site
from hemline.sitefile.reader import Finding, read
from hemline.sitefile.review.site import Against, review


class Reviewed(NamedTuple):
    """The findings, sorted by file and line; the site, or None when a finding is an error."""

    site: Site | None
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """The findings that stop a publish."""
        return [finding for finding in self.findings if finding.severity == "error"]


def reviewed(
    files: Sequence[tuple[str, str]], now: int, items: Sequence[Item] | None = None
) -> Reviewed:
    """Read and review the (name, text) of the files of one site, as of `now` (epoch ms).

    Without `items` the review leaves the catalogue out.
    """
    readable, findings = read(files)
    if readable:
        for path, severity, code, problem, way_out in review(readable.site, Against(now, items)):
            findings.append(readable.finding(path, problem, way_out, severity, code))
    findings.sort(key=lambda finding: (finding.file, finding))
    found = Reviewed(readable.site if readable else None, findings)
    return found._replace(site=None) if found.errors else found
