"""Every page, light and dark, on a telephone and at a desk, against WCAG 2.2 AA; and that the judge sees faults."""

from collections.abc import Callable

import pytest

from controller.web.page import PAGES
from hil_sim.browser import DEVICES, Person
from tests.browser import axe

Come = Callable[..., Person]


def judge(who: Person) -> list[str]:
    """Return what is wrong with a page in any of its looks."""
    page, found = who.quiet(), []
    for device in ("desktop", "phone"):
        page.set_viewport_size(DEVICES[device]["viewport"])
        # So high that nothing scrolls: what lies under a bar that stays in sight can be scrolled from there.
        width, height = page.evaluate("[innerWidth, document.documentElement.scrollHeight + 200]")
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
            found += [f"{device}, {theme}: {each}" for each in axe.violations(page)]
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_page(person: Come, name: str) -> None:
    who = person("administrator", path=f"/{name}")
    who.page.get_by_role("heading", level=1).first.wait_for()
    found = judge(who)
    assert not found, "\n".join(found)


def test_the_form(person: Come) -> None:
    found = judge(person(""))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("button-name", "<button></button>"),
        ("color-contrast", "<p class='wrong'>Xin chào bà con</p>"),
        ("label", "<input type='text'>"),
        ("image-alt", "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"),
    ],
)
def test_the_judge_sees(person: Come, rule: str, wrong: str) -> None:
    who = person("")
    who.page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", wrong)
    who.page.evaluate("for (const p of document.querySelectorAll('.wrong')) p.style.color = '#ddd'")
    assert any(each.startswith(f"{rule}: ") for each in axe.violations(who.page))
