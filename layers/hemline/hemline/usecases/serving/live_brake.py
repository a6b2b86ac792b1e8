"""The brake of a warm function: it follows the table's item, and a good one is never lost to a bad one."""

from hemline.model.brake import NO_BRAKE, Brake, brake_of
from hemline.model.errors import HemlineError


class LiveBrake:
    """State of a warm function: the newest brake that it has seen."""

    def __init__(self, site: str, keys: tuple[bytes, ...]) -> None:
        self._site, self._keys = site, keys
        self._text = ""
        self.brake: Brake = NO_BRAKE

    def follow(self, text: str | None) -> str:
        """Take over what the table holds; why not, when it is not. An older version changes nothing.

        A read that is behind, a copy put back and an item that was deleted by hand must none of them
        release what is stopped: only a newer signed version does.
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
