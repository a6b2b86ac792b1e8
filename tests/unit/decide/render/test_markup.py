"""The one escape of all markup does what the standard library's does, and a little more."""

import html

from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.render.markup import escape


@given(st.text())
def test_it_escapes_what_html_has_for_special(text: str) -> None:
    more: dict[str, str | int | None] = {"`": "&#x60;", "\0": "\ufffd", "\r": "&#13;"}
    assert escape(text) == html.escape(text).translate(str.maketrans(more))


@given(st.text().filter(lambda text: "\0" not in text))
def test_what_is_escaped_reads_as_it_was(text: str) -> None:
    assert html.unescape(escape(text)) == text
