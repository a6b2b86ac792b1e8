"""The brake of a warm function: follows the table's item and keeps the last valid one."""

from hemline.model.brake import NO_BRAKE, Brake, brake_of
from hemline.model.errors import HemlineError


class LiveBrake:
    """State of a warm function: the newest brake that it has seen."""

    def __init__(self, site: str, keys: tuple[bytes, ...]) -> None:
        self._site, self._keys = site, keys
        self._text = ""
        self.brake: Brake = NO_BRAKE

    def follow(self, text: str | None) -> str:
        """Take over the stored brake if it is newer. Returns why it was refused, else empty.

        Only a newer signed version releases a stop: a stale read, a restored copy or a deleted item
        does not.
        """
        if text is None or text == self._text:
            return ""
        try:
            found = brake_of(text, self._site, self._keys)
        except HemlineError as why:
            return f"brake: {why}"
        if found.version > self.brake.version:
            self.brake, self._text = found, text
        return ""
