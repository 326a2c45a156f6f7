"""The report in a real headless Chromium: phone, print, dark, keyboard, and no request."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import browser
import reported_lake
from browser import Browser
from flows.steps.report import report

pytestmark = pytest.mark.slow
PHONE, DESK = 360, 1200

WIDER = """
return [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.scroll, svg, .skip, .hidden') && e.checkVisibility())
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40))
"""
COLOURS = """
const of = (e, kind) => getComputedStyle(e)[kind];
const behind = e => e ? [of(e, 'backgroundColor'), ...behind(e.parentElement)] : [];
return [...document.querySelectorAll('body *')]
    .filter(e => e.checkVisibility() && !e.closest('svg, audio, .skip'))
    .filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim()))
    .map(e => [e.tagName + '.' + e.className, of(e, 'color'), ...behind(e)])
"""
FOCUSED = """
const e = document.activeElement, box = e.getBoundingClientRect();
const seen = box.bottom > 0 && box.top < innerHeight && box.left >= 0;
return [e.tagName, e.className, getComputedStyle(e).outlineStyle, seen]
"""
OPEN = "return [...document.querySelectorAll(':popover-open')].map(e => e.id)"
GROUND = "return getComputedStyle(document.body).backgroundColor"
UNFOLD = "document.querySelectorAll('details').forEach(e => { e.open = true })"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    return report(reported_lake.reported_lake(folder / "lake"), "HEAD", folder / "report")


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    with browser.chromium() as opened:
        yield opened


def test_nothing_is_asked_for_and_the_console_is_empty(page: Browser, path: Path) -> None:
    page.log("performance")
    page.open(path)
    page.run("document.querySelectorAll('audio').forEach(e => { e.preload = 'auto'; e.load() })")
    asked = re.findall(r'"requestWillBeSent.*?"url\\*":\\*"(\w+:)', str(page.log("performance")))
    network = [line for line in page.log("performance") if '"http' in line["message"]]
    assert set(asked) <= {"file:", "data:"} and network == []
    assert page.log("browser") == []


def test_sounds_play(page: Browser, path: Path) -> None:
    page.open(path)
    script = """
        const done = arguments[arguments.length - 1], e = document.querySelector('audio');
        e.oncanplaythrough = () => done(e.duration); e.onerror = () => done(null);
        e.preload = 'auto'; e.load()
    """
    assert page.wait(script) == pytest.approx(1.0, abs=0.1)


def test_nothing_overflows_a_phone(page: Browser, path: Path) -> None:
    page.open(path, PHONE, 780)
    page.run(UNFOLD)
    assert page.run("return document.documentElement.scrollWidth") == PHONE
    assert page.run(WIDER) == []
    page.run("document.querySelector('.number').click()")
    assert page.run(WIDER) == []


def test_dark_is_dark_and_text_stands_out_in_both(page: Browser, path: Path) -> None:
    grounds = []
    for dark in (False, True):
        page.open(path, DESK, dark=dark)
        page.run(UNFOLD)
        ground = page.run(GROUND)
        grounds.append(_luminance(_painted([ground])))
        found = {tuple(line) for line in page.run(COLOURS)}
        assert len(found) > 10
        assert [line for line in found if _contrast(line[1], line[2:]) < 4.5] == []
    assert grounds[0] > 0.8 and grounds[1] < 0.05


def _painted(layers: Sequence[str]) -> list[float]:
    """The colour, 0 to 1 a channel, of "rgb(…)" and "rgba(…)" layers, the nearest first."""
    colour = [1.0, 1.0, 1.0]
    for layer in reversed(layers):
        *channels, alpha = [*map(float, re.findall(r"[\d.]+", layer)), 1.0][:4]
        pairs = zip(channels, colour, strict=True)
        colour = [alpha * over / 255 + (1 - alpha) * under for over, under in pairs]
    return colour


def _luminance(channels: Sequence[float]) -> float:
    """Relative luminance of a colour (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(text: str, layers: Sequence[str]) -> float:
    both = _luminance(_painted([text])), _luminance(_painted(layers))
    light, dark = max(both), min(both)
    return (light + 0.05) / (dark + 0.05)


def test_the_keyboard_reaches_every_number_and_comes_back(page: Browser, path: Path) -> None:
    page.open(path)
    page.press(browser.TAB)
    tag, name, outline, _ = page.run(FOCUSED)
    assert (tag, name, outline) == ("A", "skip", "solid")
    reached = 0
    for _ in range(60):
        page.press(browser.TAB)
        tag, name, outline, seen = page.run(FOCUSED)
        assert outline == "solid" and seen, (tag, name)
        reached += name == "number"
        if reached == 2:
            break
    target = page.run("return document.activeElement.getAttribute('popovertarget')")
    page.press(browser.ENTER)
    assert page.run(OPEN) == [target]
    assert "answers sha256" in page.run(f"return document.getElementById('{target}').innerText")
    page.press(browser.ESCAPE)
    assert page.run(OPEN) == []
    assert page.run("return document.activeElement.getAttribute('popovertarget')") == target


def test_it_prints(page: Browser, path: Path) -> None:
    page.open(path, dark=True)
    printed = page.pdf()
    assert printed.startswith(b"%PDF-") and len(re.findall(rb"/Type\s*/Page\b", printed)) > 2
    page.devtools("Emulation.setEmulatedMedia", media="print")
    shown = "return [...document.querySelectorAll('nav, audio, .source')]"
    assert page.run(f"{shown}.filter(e => e.checkVisibility()).length") == 0
    assert page.run(GROUND) == "rgb(255, 255, 255)"
    page.devtools("Emulation.setEmulatedMedia", media="")
