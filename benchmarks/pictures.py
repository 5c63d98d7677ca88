"""Pictures of every page for the guides: ``docs/pictures/guide``, by ``scripts/screenshots``.

A commune of real firmware, with a week of made-up history, something on air and some things wrong, seen through a real
browser: on a telephone and at a desk, in both languages, light, and some dark. Five minutes.
"""

import io
import itertools
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks import reports, scenes
from controller.trends.compact import DAY, HOUR
from controller.trends.frame import take
from controller.trends.pack import pack
from controller.web.page import LANGUAGES, PAGES
from hil_sim import browser as browsers
from hil_sim.browser import BrowserMissingError, Person
from hil_sim.commune import PLACES, LivingCommune
from hil_sim.network import NetworkError
from hil_sim.office import Office, OfficeError
from hil_sim.scenario import BULLETIN

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "guide"
DEVICES = ("phone", "desktop")
ADDRESSES = {**{name: f"/{name}" for name in PAGES}, "node": "/nodes/dinh-dong"}
"""Address of each picture's page, by its name."""
DARK = ("live", "health", "nodes")
"""Pages that are shown dark, too, in the first language."""
BY_HAND = ("enrol-code", "enrol-checks")
"""Pictures of what a person and a board do together; so is `live`, on which somebody speaks."""
SHARP: dict[str, dict[str, Any]] = {"phone": {"device_scale_factor": 2}, "desktop": {}}
"""Telephones have more pixels than their pages have points; at a desk there is room enough."""
MOST_BYTES = 4_000_000
"""Of all pictures together: they are in the repository."""
COLOURS = 128
_HISTORY_DAYS = 7
_SLOW_MS = 60_000
PEOPLE = (
    ("lan.nguyen", "Nguyễn Thị Lan", "administrator"),
    ("minh.tran", "Trần Văn Minh", "operator"),
    ("hoa.pham", "Phạm Thị Hoa", "approver"),
    ("duc.le", "Lê Anh Đức", "technician"),
    ("cong-an", "Công an xã", "auditor"),
)
"""Name, title and role; the first one looks at the pages."""


def names() -> list[str]:
    """Return the file name of every picture."""
    found = [
        f"{page}-{device}-{language}"
        for page in (*ADDRESSES, *BY_HAND, "signin")
        for device in DEVICES
        for language in LANGUAGES
    ]
    found += [f"{page}-{device}-{LANGUAGES[0]}-dark" for page in DARK for device in DEVICES]
    return [f"{name}.png" for name in sorted(found)]


def run() -> int:
    """Make all pictures; return their bytes together. Raises OfficeError, NetworkError, BrowserMissingError."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="loaxa-pictures-") as folder, LivingCommune(Path(folder)) as commune:
        office = commune.office
        _remember(office.folder / "data" / "loaxa.sqlite3")
        passwords = [office.post("/api/users", _user(*person))["made_password"] for person in PEOPLE]
        with browsers.chromium(office.url, scenes.voice(Path(folder))) as browser:
            _speak(browser, office, passwords[1])
            commune.go_wrong()
            for device in DEVICES:
                for language in LANGUAGES:
                    _walk(browser, commune, passwords[0], device, language, "light", tuple(ADDRESSES))
                _walk(browser, commune, passwords[0], device, LANGUAGES[0], "dark", DARK)
            for number, (device, language) in enumerate(itertools.product(DEVICES, LANGUAGES), len(PLACES)):
                _enrol(browser, commune, passwords[3], device, language, number)
    for stale in set(FOLDER.glob("*.png")) - {FOLDER / name for name in names()}:
        stale.unlink()
    return sum(path.stat().st_size for path in FOLDER.glob("*.png"))


def _walk(
    browser: "Browser",
    commune: LivingCommune,
    password: str,
    device: str,
    language: str,
    theme: str,
    pages: tuple[str, ...],
) -> None:
    """Go through pages as one person and take a picture of each."""
    person = Person(browser, commune.office.url, language, device, theme, **SHARP[device])
    person.context.set_default_timeout(_SLOW_MS)
    ending = f"{device}-{language}{'-dark' if theme == 'dark' else ''}.png"
    person.open()
    person.page.get_by_label(person.t("signin.password"), exact=True).wait_for()
    if theme == "light":
        _keep(person.page, f"signin-{ending}")
    person.sign_in(PEOPLE[0][0], password)
    for name in pages:
        person.open(ADDRESSES[name])
        person.page.get_by_role("heading", level=1).first.wait_for()
        person.quiet()
        if name == "live":
            scenes.speak(person)
        _keep(person.page, f"{name}-{ending}")
        if name == "live":
            scenes.fall_silent(person)
        commune.tend()
    if faults := person.watch.settle():
        print("\n".join(faults), file=sys.stderr)
    person.close()


def _enrol(browser: "Browser", commune: LivingCommune, password: str, device: str, language: str, number: int) -> None:
    """Take pictures of a code, and of what has been reached when the board that took it is seen."""
    person = Person(browser, commune.office.url, language, device, **SHARP[device])
    person.context.set_default_timeout(_SLOW_MS)
    person.open()
    person.sign_in(PEOPLE[3][0], password)
    line = scenes.ask_for_code(person)
    _keep(person.page, f"enrol-code-{device}-{language}.png")
    board = scenes.take_code(person, commune.office, line, number, commune.folder / "boards")
    try:
        person.page.get_by_role("button", name=person.t("enrol.tone")).scroll_into_view_if_needed()
        _keep(person.page, f"enrol-checks-{device}-{language}.png")
    finally:
        board.power_off()
        person.close()


def _keep(page: "Page", name: str) -> None:
    """Write what is seen, in as few colours as nobody misses."""
    page.wait_for_timeout(400)  # maps and plots come to rest
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # Maximum coverage: the median cut gives no colour to a lamp of a few pixels, and made amber red.
    seen.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(FOLDER / name, optimize=True)


def _user(name: str, title: str, role: str) -> dict[str, Any]:
    return {"name": name, "title": title, "roles": [role]}


def _speak(browser: "Browser", office: Office, password: str) -> None:
    """Put a long bulletin on air in two zones, and something short before it, which is over by then."""
    person = Person(browser, office.url)
    person.open()
    person.sign_in(PEOPLE[1][0], password)
    chime = {"source": {"kind": "chime"}, "zones": ["cho-huyen"], "priority": "normal"}
    bulletin = {"source": {"kind": "text", "text": BULLETIN * 24}, "zones": ["thon-dong", "thon-doai"]}
    for session in (chime, {**bulletin, "priority": "priority"}):
        scenes.put_on_air(person, session)
    person.close()


def _remember(database: Path) -> None:
    """Give every node a week of history: days that are over whole, of today the hours that are."""
    now = int(time.time() // 60)
    today = now - now % DAY
    rows: list[tuple[str, int, int, bytes]] = []
    for number, (node, *_) in enumerate(PLACES):
        for past in range(_HISTORY_DAYS, 0, -1):
            start = today - past * DAY
            rows.append((node, start, DAY, pack(reports.day(number, past, start))))
        whole = reports.day(number, 0, today)
        for first in range(0, now - today - HOUR + 1, HOUR):
            rows.append((node, today + first, HOUR, pack(take(whole, np.arange(first, first + HOUR)))))
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.executemany("insert into trend_chunks (node, start, minutes, body) values (?, ?, ?, ?)", rows)


def main() -> int:
    """Make the pictures; return the exit code."""
    try:
        total = run()
    except (OfficeError, NetworkError, BrowserMissingError) as error:
        print(f"loaxa: no pictures: {error}", file=sys.stderr)
        return 1
    print(f"{len(names())} pictures in {FOLDER}, {total / 1e6:.1f} MB")
    if total > MOST_BYTES:
        print(f"loaxa: that is more than {MOST_BYTES / 1e6:g} MB", file=sys.stderr)
    return int(total > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
