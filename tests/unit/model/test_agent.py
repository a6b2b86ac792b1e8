"""User agents: programs that say so are told from browsers and apps, which are never taken for them."""

import pytest

from hemline.model.events.agent import is_program

PROGRAMS = """
Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0 Safari/537.36
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/125.0 Safari/537.36
Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)
Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)
facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)
meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)
Mozilla/5.0 (Linux; Android 11; moto g power) Chrome/119.0 Mobile Safari/537.36 Chrome-Lighthouse
Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)
Scrapy/2.11 (+https://scrapy.org)
curl/8.5.0
Wget/1.21.4
python-requests/2.32.3
Python-urllib/3.11
python-httpx/0.27.0
Go-http-client/2.0
Java/17.0.2
axios/1.7.2
""".strip().splitlines()

PEOPLE = """
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Safari/537.36
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:126.0) Gecko/20100101 Firefox/126.0
Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 40) AppleWebKit/537.36 Chrome/124.0 Mobile Safari/537.36
Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/537.36
okhttp/4.12.0
Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UD1A)
Shop/3.2 CFNetwork/1494.0.7 Darwin/23.4.0
Dart/3.4 (dart:io)
Mozilla/5.0
""".strip().splitlines()


@pytest.mark.parametrize("agent", PROGRAMS)
def test_a_program_that_says_so_is_one(agent: str) -> None:
    assert is_program(agent)


@pytest.mark.parametrize("agent", [*PEOPLE, ""])
def test_browsers_and_apps_are_not_and_silence_says_nothing(agent: str) -> None:
    assert not is_program(agent)


def test_an_endless_user_agent_costs_no_more_than_a_long_one() -> None:
    assert not is_program("x" * 512 + "Googlebot")
