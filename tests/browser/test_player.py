"""Hearing a zone in a real browser: what leaves the speaker is what is on air, soon, and without a click."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from controller.web.page import version
from hil_sim.browser import Person
from tests.browser.commune import Commune

if TYPE_CHECKING:
    from playwright.sync_api import Page

Come = Callable[..., Person]
PROBE = """
async ({ module, url, format }) => {
  // What goes to the speaker goes through an analyser, too; a click is a bend that no tone of ours has.
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) {
      window.probe = new AnalyserNode(this.context, { fftSize: 32768 });
      connect.call(this, window.probe);
    }
    return connect.call(this, to, ...more);
  };
  window.heard = { states: [], worst: 0, peak: 0, hertz: 0, stats: {}, delays: [] };
  const { listen } = await import(module);
  window.player = listen(url, {
    format,
    onState: (name, reason) => window.heard.states.push(reason ? `${name} ${reason}` : name),
    onStats: (stats) => { window.heard.stats = stats; if (stats.playing) window.heard.delays.push(stats.delay_ms); },
    onLevel: (level) => { window.heard.level = level; },
  });
  window.look = setInterval(() => {
    if (!window.probe) return;
    const sound = new Float32Array(32768);
    window.probe.getFloatTimeDomainData(sound);
    let crossings = 0;
    for (let at = 2; at < sound.length; at++) {
      window.heard.worst = Math.max(window.heard.worst, Math.abs(sound[at] - 2 * sound[at - 1] + sound[at - 2]));
      window.heard.peak = Math.max(window.heard.peak, Math.abs(sound[at]));
      crossings += sound[at] >= 0 && sound[at - 1] < 0;
    }
    window.heard.hertz = (crossings * 48000) / sound.length;
  }, 300);
}
"""
FAKE = """
(plan) => {
  // A controller of which this test says when each frame comes: [milliseconds, number], of one tone of 500 Hz.
  window.WebSocket = class {
    constructor(address) {
      this.asked = String(address);
      setTimeout(() => {
        this.onopen?.();
        this.onmessage({ data: JSON.stringify({ format: "s16", rate_hz: 48000, frame_us: 20000 }) });
        const began = performance.now();
        const next = () => {
          const due = () => plan.length && performance.now() - began >= plan[0][0];
          while (due()) this.onmessage({ data: frame(plan.shift()[1]) });
          if (plan.length && !this.closed) setTimeout(next, 4);
        };
        next();
      }, 10);
    }
    close() { this.closed = true; }
  };
  function frame(number) {
    const data = new ArrayBuffer(4 + 1920);
    new DataView(data).setUint32(0, number);
    const samples = new Int16Array(data, 4);
    for (let at = 0; at < 960; at++) samples[at] = 16000 * Math.sin(2 * Math.PI * 500 * (number * 960 + at) / 48000);
    return data;
  }
}
"""
CLICK = 0.05
"""A tone of 500 Hz at this level bends by 0.002 a sample, squared; half a step of a click by 0.2."""


@pytest.fixture
def page(person: Come) -> Iterator["Page"]:
    """A page that does not listen by itself."""
    found: Page = person("board", path="/health").page
    yield found
    found.evaluate("() => { clearInterval(window.look); window.player?.stop(); }")


def play(page: "Page", url: str, sound_format: str | None = None) -> None:
    page.evaluate(PROBE, {"module": f"/static/{version()}/audio/player.js", "url": url, "format": sound_format})


def heard(page: "Page") -> Any:
    return page.evaluate("() => window.heard")


def until(page: "Page", condition: str) -> Any:
    page.wait_for_function(
        f"() => {{ const {{ states, hertz, level, stats, delays }} = window.heard; return {condition}; }}"
    )
    return heard(page)


@pytest.mark.parametrize("sound_format", [None, "s16"])
def test_what_is_on_air_is_what_leaves_the_speaker(page: "Page", commune: Commune, sound_format: str | None) -> None:
    zone = commune.office.get("/api/zones")["zones"][0]["id"]
    play(page, f"/api/zones/{zone}/listen", sound_format)
    until(page, "states.at(-1) === 'silent'")
    source = {"kind": "tone", "frequency_hz": 1000, "duration_ms": 20_000}
    begun = commune.office.post("/api/sessions", {"source": source, "zones": [zone], "allow_empty": True})
    found = until(page, "Math.abs(hertz - 1000) < 5 && level > 0.5")
    assert found["states"] == ["connecting", "silent", "playing"]
    assert max(found["delays"]) < 400
    commune.office.http.delete(f"/api/sessions/{begun['id']}").raise_for_status()
    found = until(page, "states.at(-1) === 'silent' && level === 0")
    assert found["worst"] < CLICK, "no click where it begins, goes on and ends"


def test_it_connects_again_and_ends_where_it_may_not_hear(page: "Page", commune: Commune) -> None:
    commune.office.post("/api/zones", {"id": "xom-tam"})
    page.evaluate(
        """() => {
          const Real = WebSocket;
          window.WebSocket = class extends Real { constructor(...all) { super(...all); window.last = this; } };
        }"""
    )
    play(page, "/api/zones/xom-tam/listen")
    until(page, "states.at(-1) === 'silent'")
    page.evaluate("() => window.last.close()")
    until(page, "states.join() === 'connecting,silent,lost,silent'")
    commune.office.http.delete("/api/zones/xom-tam").raise_for_status()
    until(page, "states.at(-1) === 'ended unknown_zone'")


def scheduled(page: "Page", plan: list[tuple[float, int]]) -> Any:
    """Return what is heard of frames that come at these milliseconds, a while after the last one."""
    page.evaluate(FAKE, plan)
    play(page, "/api/zones/x/listen")
    page.wait_for_timeout(plan[-1][0] + 700)
    return heard(page)


def test_frames_that_are_lost_are_silent_and_do_not_click(page: "Page") -> None:
    plan = [(20.0 * number, number) for number in range(75) if number not in (20, 21, 40) and not 50 <= number < 60]
    found = scheduled(page, plan)
    assert found["stats"]["gaps"] == 2
    assert found["peak"] > 0.4 and found["worst"] < CLICK


def test_after_a_standstill_the_delay_is_short_again(page: "Page") -> None:
    late = [(20.0 * number if number < 25 else max(20.0 * number, 1400.0), number) for number in range(125)]
    found = scheduled(page, late)
    assert found["stats"]["skipped"] >= 1, "a second of sound came at once"
    assert found["delays"][-1] < 250 and found["worst"] < CLICK


def test_delay_that_builds_up_by_and_by_is_taken_back(page: "Page") -> None:
    """As with a sound card whose clock is slow, a hundred times as much."""
    found = scheduled(page, [(20.0 * number * 0.93, number) for number in range(200)])
    assert found["stats"]["skipped"] >= 1
    assert max(found["delays"]) < 400 and found["worst"] < CLICK
