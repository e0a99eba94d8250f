"""The administrator's page in a headless Chromium."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from characters.service.access import AccessSettings, KeyRing
from characters.service.admin import AdminSettings
from characters.service.logs import ProblemLog
from characters.service.metrics import ServiceMetrics
from tests.characters.service.client import Bare, serve

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
DEADLINE = 30.0
# It asks nobody but us for anything.
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1180,1100", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="there is no Chromium with its driver (Debian: chromium, chromium-driver)",
)

KEY = "administrators-key"
ACCESS = AccessSettings(admin_keys=KeyRing("ADMIN", None, {"ADMIN": KEY}))
LOOKS = AdminSettings("node-a")
ACTS = replace(LOOKS, may_act=True)


@contextmanager
def browser() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options, Driver(DRIVER))
    try:
        yield chrome
    finally:
        chrome.quit()


class Page:
    """The page of a service, open in a browser of the test's own."""

    def __init__(self, chrome: Chrome, url: str) -> None:
        self.chrome = chrome
        self.open(url)

    def open(self, url: str) -> None:
        self.chrome.get(f"{url.replace('://', f'://me:{KEY}@')}/admin/")
        self.until(lambda: self.chrome.find_elements(By.CSS_SELECTOR, "body[data-shown]"))

    def until(self, holds: Callable[[], object]) -> None:
        WebDriverWait(self.chrome, DEADLINE, 0.05).until(lambda _: holds())

    def text(self, element: str) -> str:
        return str(self.chrome.find_element(By.ID, element).text)

    def press(self, element: str) -> None:
        self.chrome.find_element(By.ID, element).click()
        self.until(lambda: self._agrees())

    def _agrees(self) -> bool:
        self.chrome.switch_to.alert.accept()
        return True

    def hidden_at(self, pixels: int, element: str) -> int:
        """Return how much wider than an element is what it holds, in a window of that width."""
        window = {"width": pixels, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
        it = self.chrome.find_element(By.CSS_SELECTOR, element)
        return int(it.get_property("scrollWidth")) - int(it.get_property("clientWidth"))  # type: ignore[arg-type]  # numbers

    def complaints(self) -> list[str]:
        """Return what the browser complained of: a policy, a script, a file that is not there."""
        found = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]
        return [it["message"] for it in found if "favicon" not in it["message"]]


def in_browser(
    look: Callable[[Page, asyncio.AbstractEventLoop, Bare], None],
    admin: AdminSettings,
    talks: int = 1,
) -> None:
    """Open the page of a service in which some players talk, and look at it."""

    async def play(bare: Bare) -> None:
        loop = asyncio.get_running_loop()

        def run() -> None:
            with browser() as chrome:
                look(Page(chrome, bare.url), loop, bare)

        async with AsyncExitStack() as stack:
            for _ in range(talks):
                await stack.enter_async_context(bare.room(end_user_id="ada"))
            await asyncio.to_thread(run)

    serve(play, access=ACCESS, admin=admin)


def test_the_page_shows_the_node_as_it_is_and_obeys_its_own_policy() -> None:
    problems = ProblemLog(ServiceMetrics())
    words = "<b>HTTP 500</b>"
    record = logging.LogRecord("characters.agents.llm", logging.ERROR, "", 1, words, (), None)
    problems.handle(record)

    def look(page: Page, loop: asyncio.AbstractEventLoop, bare: Bare) -> None:
        assert page.text("health") == "ready"
        assert "node-a" in page.chrome.title
        assert len(page.chrome.find_elements(By.CSS_SELECTOR, "#rooms tr")) == 3
        assert "counter" in page.text("rooms")
        assert words in page.text("problems")  # as text, not as HTML
        assert "--admin-acts" in page.text("acts-note")
        assert not page.chrome.find_element(By.ID, "drain").is_enabled()
        assert page.complaints() == []
        # A telephone shows all of it without scrolling aside.
        assert page.hidden_at(400, "html") == page.hidden_at(400, ".scrolls") == 0

    in_browser(look, replace(LOOKS, problems=problems), talks=3)


def test_its_buttons_drain_the_node_and_forget_a_player() -> None:
    def look(page: Page, loop: asyncio.AbstractEventLoop, bare: Bare) -> None:
        page.chrome.find_element(By.ID, "player").send_keys("ada")
        page.press("forget")
        page.until(lambda: page.text("forget-note") == "2 conversations forgotten.")
        page.press("drain")
        page.until(lambda: page.text("health") == "draining")
        assert bare.stage.service.is_draining
        page.chrome.find_element(By.ID, "drain").click()
        page.until(lambda: page.text("health") == "ready")
        assert page.complaints() == []

    in_browser(look, ACTS, talks=2)
