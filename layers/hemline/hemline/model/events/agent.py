"""Which programs say of themselves, in their user agent, that no person is looking.

An own pattern and no list of the thousand known crawlers: importing and compiling `crawlerdetect` 0.4
costs 43 ms of CPU at start-up, nearly as much as the rest of the function, and what calls itself by one
of these words is what such lists are made of. A program that pretends to be a browser is not found
here; what it does may still be (`learn.statistics.abuse`). Libraries that apps are built with (okhttp,
CFNetwork, Dart, Dalvik) are no programs in this sense, and no user agent at all says nothing.
"""

import re

_MOST = 512
# Cubot is a maker of phones.
_PROGRAM = re.compile(
    r"(?<!cu)bot|crawl|spider|slurp|scrap|headless|phantomjs|lighthouse|page ?speed|selenium|puppeteer"
    r"|facebookexternalhit|mediapartners|feedfetcher|bingpreview|whatsapp/|-user/|externalagent"
    r"|pingdom|statuscake|site24x7|synthetic|curl/|wget/|python-|aiohttp|httpx|urllib|libwww"
    r"|go-http-client|^java/|apache-httpclient|node-fetch|axios/|undici|postman|insomnia"
)


def is_program(user_agent: str) -> bool:
    """Whether a crawler, a monitor, a preview, a headless browser or a command-line tool is asking."""
    return bool(_PROGRAM.search(user_agent[:_MOST].lower()))
