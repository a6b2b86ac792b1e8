"""The report of an import: counts, and rejections by reason with examples, as text and JSON."""

from collections import Counter

import msgspec

from hemline.model.errors import BadInput, HemlineError

_EXAMPLES = 3
CATALOGUE = "the catalogue"
"""What a row replaces when the live edition has its item."""


class ImportReport(msgspec.Struct):
    """Accepted + rejected = read, unless it stopped early: the last call is then in neither."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    reasons: dict[str, int] = {}
    examples: dict[str, list[str]] = {}
    """Reason → the first places in the file, with the event's id where it has one."""
    left_out: int = 0
    """Lines that the data set's own protocol does not count."""
    seconds: float = 0.0
    replaced: int = 0
    """Rows that replace an earlier row of the file, or an item of the live edition."""
    replacements: dict[str, int] = {}
    """What was replaced → how often: a row of the file, or the catalogue."""
    replaced_at: list[str] = []
    """Examples: `line 4 replaces line 2`."""
    stopped: str = ""
    """The error that stopped the import early; empty: none."""
    stopped_by_input: bool = False
    """The file stopped it, not the road."""

    def reject(self, reason: str, where: str) -> None:
        """Count one rejected event."""
        self.rejected += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        places = self.examples.setdefault(reason, [])
        if len(places) < _EXAMPLES:
            places.append(where)

    def replace(self, where: str, before: str) -> None:
        """Count one row that replaces an earlier one or a live item."""
        self.replaced += 1
        what = CATALOGUE if before == CATALOGUE else "row"
        self.replacements[what] = self.replacements.get(what, 0) + 1
        if what == "row" and len(self.replaced_at) < _EXAMPLES:
            self.replaced_at.append(f"{where} replaces {before}")

    def stop(self, error: HemlineError) -> None:
        """Record the error that stopped the import."""
        self.stopped, self.stopped_by_input = str(error), isinstance(error, BadInput)

    @property
    def status(self) -> int:
        """Exit status: 2 when nothing could be read at all, 1 when something was left out."""
        if self.stopped_by_input and not self.read:
            return 2
        return 1 if self.rejected or self.stopped else 0

    def lines(self) -> list[str]:
        """The report as text, most frequent reason first."""
        rate = f", {self.accepted / self.seconds:,.0f} events/s" if self.seconds else ""
        text = [f"{self.accepted:,} of {self.read:,} events accepted in {self.seconds:.1f} s{rate}"]
        if self.left_out:
            text.append(f"{self.left_out:,} lines left out by the data set's protocol")
        text += self._replaced()
        for reason, count in Counter(self.reasons).most_common():
            places = ", ".join(self.examples[reason])
            text.append(
                f"{count:,} rejected: {reason} ({places}{', …' if count > _EXAMPLES else ''})"
            )
        if self.stopped:
            text.append(f"stopped before the end: {self.stopped}")
        return text

    def _replaced(self) -> list[str]:
        text = []
        rows, known = self.replacements.get("row", 0), self.replacements.get(CATALOGUE, 0)
        if rows:
            places = ", ".join(self.replaced_at) + (", …" if rows > _EXAMPLES else "")
            text.append(f"{rows:,} rows replace rows above them of the same id: {places}")
        if known:
            text.append(f"{known:,} rows replace items of the live edition, whole")
        return text
