"""What a page asks for at once: all that it imports, none of it twice, nothing that is not there."""

import re

import pytest

from controller.web.page import PAGES, STATIC, first_part, needed, shell_modules


@pytest.mark.parametrize("name", PAGES)
def test_all_that_a_page_imports_is_named(name: str) -> None:
    parts = needed(name)
    known = {*parts["modules"], *shell_modules()}
    assert len(parts["modules"]) == len(set(parts["modules"]))
    assert f"pages/{name}.js" in known
    for module in parts["modules"]:
        text = (STATIC / module).read_text(encoding="utf-8")
        for imported in re.findall(r'from\s+"(\.[^"]+)"', text):
            target = (STATIC / module).parent.joinpath(imported).resolve().relative_to(STATIC.resolve())
            assert str(target) in known, f"{module} imports {imported}"
    for each in parts["looks"]:
        assert (STATIC / each).is_file()


def test_what_is_loaded_later_is_not_named() -> None:
    modules = needed("nodes")["modules"]
    assert "pages/nodes/list.js" in modules
    assert "pages/nodes/one.js" not in modules


@pytest.mark.parametrize(
    ("path", "name"), [("/nodes/cum-1", "nodes"), ("/nodes", "nodes"), ("/", ""), ("/../etc", ""), ("/nodesx", "")]
)
def test_an_address_leads_to_a_page_of_ours_alone(path: str, name: str) -> None:
    assert first_part(path) == name
