"""Recognises programs (crawlers, monitors, tools) that identify themselves in their user agent.

A pattern of our own instead of a list of known crawlers: `crawlerdetect` 0.4 costs 43 ms of CPU at
start-up, nearly as much as the rest of the function, and most of its entries contain one of these words.
A program that pretends to be a browser is not found here; its behaviour may be
(`learn.statistics.abuse`). Libraries of apps (okhttp, CFNetwork, Dart, Dalvik) do not count as programs,
nor does a missing user agent.
"""

import re

_MOST = 512
# `cubot` is a brand of phones, not a bot.
_PROGRAM = re.compile(
    r"(?<!cu)bot|crawl|spider|slurp|scrap|headless|phantomjs|lighthouse|page ?speed|selenium|puppeteer"
    r"|facebookexternalhit|mediapartners|feedfetcher|bingpreview|whatsapp/|-user/|externalagent"
    r"|pingdom|statuscake|site24x7|synthetic|curl/|wget/|python-|aiohttp|httpx|urllib|libwww"
    r"|go-http-client|^java/|apache-httpclient|node-fetch|axios/|undici|postman|insomnia"
)


def is_program(user_agent: str) -> bool:
    """Whether a crawler, a monitor, a preview, a headless browser or a command-line tool is asking."""
    return bool(_PROGRAM.search(user_agent[:_MOST].lower()))
