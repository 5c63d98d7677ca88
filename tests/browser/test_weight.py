"""What a first visit costs: a telephone far out, its browser's cache empty."""

from collections.abc import Callable
from typing import Any

from hil_sim.browser import Person
from tests.browser.commune import Commune

MOST_BYTES = 300_000


def test_a_first_visit_is_light(person: Callable[..., Person], commune: Commune, record_property: Any) -> None:
    """From the address typed in to the first page of who has signed in, headers of answers included."""
    who = person("", device="phone", path=None, service_workers="block")  # a worker's loads are not the page's
    session = who.context.new_cdp_session(who.page)
    paths: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on("Network.responseReceived", lambda event: paths.update({event["requestId"]: event["response"]["url"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": False})
    who.open("/")
    who.sign_in(*commune.account("administrator"))
    who.page.get_by_role("heading", level=1).first.wait_for()
    who.quiet()
    listed = sorted(((size, paths.get(request, "")) for request, size in sizes.items()), reverse=True)
    total = sum(sizes.values())
    record_property("first_visit_bytes", total)
    print(f"{total:.0f} bytes in {len(sizes)} answers")
    assert any(path.endswith("/core/main.js") for _, path in listed), "nothing was measured"
    assert total <= MOST_BYTES, "\n".join(f"{size:9.0f} {path}" for size, path in listed[:25])
