"""What an import did: counts, rejections by reason with their first examples, for people and as JSON."""

from collections import Counter

import msgspec

_EXAMPLES = 3


class Report(msgspec.Struct):
    """Accepted + rejected = read."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    reasons: dict[str, int] = {}
    examples: dict[str, list[str]] = {}
    """Reason → the first places in the file, with the event's id where it has one."""
    left_out: int = 0
    """Lines that the data set's own protocol does not count."""
    seconds: float = 0.0

    def reject(self, reason: str, where: str) -> None:
        """Count one rejected event."""
        self.rejected += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        places = self.examples.setdefault(reason, [])
        if len(places) < _EXAMPLES:
            places.append(where)

    def lines(self) -> list[str]:
        """For people, most frequent reason first."""
        rate = f", {self.accepted / self.seconds:,.0f} events/s" if self.seconds else ""
        text = [f"{self.accepted:,} of {self.read:,} events accepted in {self.seconds:.1f} s{rate}"]
        if self.left_out:
            text.append(f"{self.left_out:,} lines left out by the data set's protocol")
        for reason, count in Counter(self.reasons).most_common():
            places = ", ".join(self.examples[reason])
            text.append(
                f"{count:,} rejected: {reason} ({places}{', …' if count > _EXAMPLES else ''})"
            )
        return text
