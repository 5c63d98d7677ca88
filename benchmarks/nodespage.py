"""The page of all nodes in a real browser, while nodes go and come: how soon it is there, how soon a change is seen.

The controller is the real one with its HTTPS interface and a database of 2,000 nodes, the broker a mosquitto of its
own; one MQTT client says what all nodes would say: 100 a second go or come back, a tenth of them before the reader's
eyes, and each reports its health every ten seconds. Chromium draws in software. All instants are of one clock.

First view: from the navigation's start, signed in and with nothing kept, until the frame with the first rows is drawn.
Update: from the publish of a node's word until the frame after the one that shows it begins; the browser's part of it:
from when the event is read.
"""

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import table
from benchmarks.crowd import Crowd, settle_in
from hil_sim import browser as browsers
from hil_sim import children
from hil_sim.browser import Person
from hil_sim.office import Office
from hil_sim.ports import free_tcp_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NODES, CHANGES_PER_S, LASTS_S, VIEWS = 2000, 100, 20.0, 7
_SETTLE_S = 300.0
_LATE_S = 5.0
_FIRST = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("tr.node .name")) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.firstViewMs = performance.now(); }));
}).observe(document, { subtree: true, childList: true });
"""
_SEEN = """async () => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  window.seen = [];
  window.heard = [];
  const { on } = await import(document.querySelector("link[href$='/core/events.js']").href);
  on("nodes", ({ rows }) => { for (const [id, state] of rows) window.heard.push([now(), id, state]); });
  new MutationObserver((records) => {
    const found = records.filter(({ target }) => target.classList.contains("dot"))
      .map(({ target }) => [target.closest("tr").dataset.key, target.classList[1]]);
    requestAnimationFrame(() => {
      const at = now();
      for (const [id, state] of found) window.seen.push([at, id, state]);
    });
  }).observe(document.querySelector("table.nodes tbody"), { subtree: true, attributeFilter: ["class"] });
}"""
_ON_SCREEN = """() => [...document.querySelectorAll("tr.node")].filter((row) => {
  const { top, bottom } = row.getBoundingClientRect();
  return top >= 0 && bottom <= window.innerHeight;
}).map((row) => row.dataset.key)"""


def run(nodes: int = NODES) -> dict[str, Any]:
    """Return what the page of `nodes` takes to be seen, to show a change, and of the processor."""
    with tempfile.TemporaryDirectory(prefix="loaxa-nodespage-") as name:
        folder = Path(name)
        port = free_tcp_port()
        (folder / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        broker = children.start([program, "-c", str(folder / "broker.conf")], log=folder / "broker.log")
        asyncio.run(settle_in(folder / "office" / "data", nodes))
        office = Office(folder / "office", record=False, outside_broker=port)
        crowd = Crowd(port, nodes)
        try:
            office.wait_ready()
            crowd.begin()
            _settle(office, nodes)
            with browsers.chromium(office.url) as chromium:
                return {"nodes": nodes, "chromium": chromium.version, **_look(chromium, office, crowd)}
        finally:
            if crowd.is_alive():
                crowd.end()
            office.close()
            children.end(broker, patience_s=2.0)


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    seconds = f"cores over {LASTS_S:g} s, all of Chromium"
    return table.lines(
        ("nodes", result["nodes"], f"{result['changes_per_s']} changes a second, Chromium {result['chromium']}"),
        ("first view, median", result["first_view_ms"], f"ms, {VIEWS} times"),
        ("  slowest", result["first_view_most_ms"], "ms"),
        ("update to pixel, p50", result["update_p50_ms"], f"ms, {result['updates']} changes on the screen"),
        ("  p95", result["update_p95_ms"], "ms"),
        ("  of that the browser, p95", result["drawn_p95_ms"], "ms, from when the event is read"),
        ("  never shown", result["updates_missed"], ""),
        ("browser, sorted by name", result["browser_cores"], seconds),
        ("browser, faults first", result["browser_faults_cores"], seconds),
        ("browser, nothing changes", result["browser_idle_cores"], seconds),
        ("controller", result["controller_cores"], "cores"),
    )


def _settle(office: Office, nodes: int) -> None:
    """Return when all are on line and were greeted: when the controller has nothing to do any more."""
    deadline_s = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline_s:
        states = office.get("/api/health")["nodes"]
        if states.get("online", 0) == nodes and _cores(office.pids[:1], 1.0) < 0.15:
            return
    raise RuntimeError(f"the controller does not come to rest: {states}")


def _look(chromium: "Browser", office: Office, crowd: Crowd) -> dict[str, Any]:
    password = office.put("/api/users/admin/password", {})["made_password"]
    who = Person(chromium, office.url)
    who.open("/me")
    who.sign_in("admin", password)
    cookies = who.context.cookies()
    who.close()

    crowd.per_s = CHANGES_PER_S
    first_ms = sorted(_first_view(chromium, office, cookies) for _ in range(VIEWS))
    by_name = _watched(chromium, office, cookies, crowd, "/nodes?order=name")
    faults = _watched(chromium, office, cookies, crowd, "/nodes")
    crowd.per_s = 0.0
    idle = _watched(chromium, office, cookies, crowd, "/nodes")
    took_ms, drawn_ms = sorted(by_name["took_ms"]), sorted(by_name["drawn_ms"])
    return {
        "changes_per_s": round(by_name["changes_per_s"]),
        "first_view_ms": round(statistics.median(first_ms)),
        "first_view_most_ms": round(first_ms[-1]),
        "updates": len(took_ms),
        "updates_missed": by_name["missed"],
        "update_p50_ms": round(statistics.median(took_ms)) if took_ms else None,
        "update_p95_ms": round(took_ms[int(len(took_ms) * 0.95)]) if took_ms else None,
        "drawn_p95_ms": round(drawn_ms[int(len(drawn_ms) * 0.95)]) if drawn_ms else None,
        "browser_cores": by_name["cores"],
        "browser_faults_cores": faults["cores"],
        "browser_idle_cores": idle["cores"],
        "controller_cores": by_name["controller_cores"],
    }


def _person(chromium: "Browser", office: Office, cookies: list[Any]) -> Person:
    who = Person(chromium, office.url)
    who.context.add_cookies(cookies)
    return who


def _first_view(chromium: "Browser", office: Office, cookies: list[Any]) -> float:
    """Return the milliseconds until the first rows are drawn, of somebody whose browser has kept nothing."""
    who = _person(chromium, office, cookies)
    who.context.add_init_script(_FIRST)
    who.page.goto("/nodes")
    took_ms: float | None = None
    while took_ms is None:  # what waits for a function is no friend of the policy of our pages
        who.page.wait_for_timeout(100)
        took_ms = who.page.evaluate("window.firstViewMs")
    who.close()
    return took_ms


def _watched(chromium: "Browser", office: Office, cookies: list[Any], crowd: Crowd, path: str) -> dict[str, Any]:
    """Return what LASTS_S of the page cost, and how long each change on the screen took to be seen."""
    who = _person(chromium, office, cookies)
    page: Page = who.page
    page.goto(path)
    page.locator("tr.node").first.wait_for()
    page.wait_for_timeout(2000)
    crowd.watched = on_screen = page.evaluate(_ON_SCREEN)
    page.evaluate(_SEEN)
    said = len(crowd.said)
    browser_s, controller_s = _browser_seconds(), children.cpu_seconds(office.pids[0])
    began_s = time.time()
    time.sleep(LASTS_S)
    ended_s = time.time()
    spent_s = children.cpu_seconds(office.pids[0]) - controller_s
    now_s = _browser_seconds()
    drawn_s = sum(seconds - browser_s.get(pid, 0.0) for pid, seconds in now_s.items())
    words = crowd.said[said:]
    changes_per_s = len(words) / (ended_s - began_s)
    page.wait_for_timeout(1000 * _LATE_S)
    seen, ids = page.evaluate("window.seen"), set(on_screen)
    words = [word for word in words if word[1] in ids and began_s <= word[0] < ended_s]
    heard = [tuple(each) for each in page.evaluate("window.heard") if each[1] in ids and began_s <= each[0] < ended_s]
    took_ms, missed = _matched(words, seen)
    drawn_ms, _ = _matched(heard, seen)
    crowd.watched = []
    who.close()
    lasted_s = ended_s - began_s
    return {
        "took_ms": took_ms,
        "drawn_ms": drawn_ms,
        "missed": missed,
        "changes_per_s": changes_per_s,
        "controller_cores": round(spent_s / lasted_s, 3),
        "cores": round(drawn_s / lasted_s, 3),
    }


def _matched(said: list[Any], seen: list[list[Any]]) -> tuple[list[float], int]:
    """Return how long each word, ``(when, node, state)``, took to be seen, milliseconds, and how many never were."""
    shown: dict[tuple[str, str], list[float]] = {}
    for at_s, node, state in seen:
        shown.setdefault((node, state), []).append(at_s)
    took_ms, missed = [], 0
    until: dict[str, float] = {}
    for at_s, node, state in reversed(said):
        # Once the node says something else it is another change that is seen.
        last_s = min(until.get(node, at_s + _LATE_S), at_s + _LATE_S)
        until[node] = at_s
        when_s = next((each for each in shown.get((node, state), []) if each >= at_s), None)
        if when_s is None or when_s > last_s:
            missed += 1
        else:
            took_ms.append(1000 * (when_s - at_s))
    return took_ms, missed


def _browser_seconds() -> dict[int, float]:
    """Return what each process of the browser has used."""
    programs = {pid: children.command_line(pid).split(" ")[0] for pid in children.descendants(os.getpid())}
    return {pid: children.cpu_seconds(pid) for pid, program in programs.items() if "chromium" in program}


def _cores(pids: list[int], lasts_s: float) -> float:
    before_s = sum(children.cpu_seconds(pid) for pid in pids)
    time.sleep(lasts_s)
    return (sum(children.cpu_seconds(pid) for pid in pids) - before_s) / lasts_s
