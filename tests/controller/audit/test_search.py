"""The audit is searched: by how names begin, by what is in it, by time; page after page."""

import pytest

from controller.audit.change import Change
from controller.audit.log import Audit
from controller.audit.search import Search

DONE = [
    ("admin", "node.order", "cum-1", {"op": "reboot"}),
    ("hoa", "node.order", "cum-2", {"op": "gain", "note": "100% to hơn"}),
    ("hoa.token", "broadcast.begin", "s-1", {"text": "Xin chào bà con_x"}),
    ("lan", "node.remove", "cum-12", {}),
    ("hoa", "zone.change", "thon-1", {"title": "Chợ CUM-9"}),
]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), [5, 4, 3, 2, 1]),
        (Search(who="hoa"), [5, 3, 2]),
        (Search(who="HOA", object="S-"), [3]),
        (Search(who="h_a"), []),
        (Search(who="hoa.", action="node."), []),
        (Search(action="node."), [4, 2, 1]),
        (Search(action="node.order", object="cum-1"), [1]),
        (Search(object="cum-1"), [4, 1]),
        (Search(text="CHÀO".lower()), [3]),
        (Search(text="cum-9"), [5]),
        (Search(text="cum"), [5, 4, 2, 1]),
        (Search(text="0%"), [2]),
        (Search(text="n_x"), [3]),
        (Search(text="%"), [2]),
        (Search(text="nothing"), []),
        (Search(who="' or 1=1 --"), []),
    ],
)
async def test_what_is_searched_for_is_found(audit: Audit, search: Search, found: list[int]) -> None:
    for who, action, thing, details in DONE:
        await audit.note(Change(who, "", action, thing, details))
    assert [record.n for record in await audit.page(None, 10, search)] == found
    pages = []
    before = None
    while page := await audit.page(before, 2, search):
        before = page[-1].n
        pages += [record.n for record in page]
    assert pages == found


async def test_a_time_and_how_far_it_is_whole(audit: Audit) -> None:
    for who, action, thing, details in DONE:
        await audit.note(Change(who, "", action, thing, details))
    times = [record.wall_us for record in await audit.page(None, 10)][::-1]
    within = Search(from_us=times[1], to_us=times[3])
    assert {record.n for record in await audit.page(None, 10, within)} >= {2, 3}
    assert {record.n for record in await audit.page(None, 10, Search(to_us=times[0]))} == set()
    verdict = await audit.verify()
    assert (verdict.whole, verdict.whole_to, verdict.first_us, verdict.last_us) == (True, 5, times[0], times[4])
