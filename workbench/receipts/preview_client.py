"""The preview client: requests one page from a running stack with a preview header."""

import msgspec
import urllib3

from hemline.model.decision import PageContext
from hemline.model.errors import HemlineError, Unavailable

_SECONDS = 30.0


def fetch_preview(
    gateway: str, header: str, slots: list[str], page: PageContext
) -> dict[str, object]:
    """The stack's answer with its explanation. Raises Unavailable, or HemlineError with its detail."""
    body = msgspec.json.encode({"slots": [{"name": name} for name in slots], "page": page})
    headers = {"Hemline-Preview": header, "Content-Type": "application/json"}
    url = f"{gateway}/v1/fragments?explain=1"
    try:
        answer = urllib3.request(
            "POST", url, body=body, headers=headers, timeout=_SECONDS, retries=False
        )
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(
            "gateway", f"{gateway} does not answer ({type(error).__name__})"
        ) from None
    found: dict[str, object] = msgspec.json.decode(answer.data)
    if answer.status != 200:
        raise HemlineError(str(found.get("detail", answer.status)))
    return found
