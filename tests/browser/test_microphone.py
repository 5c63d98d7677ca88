"""A microphone in a real browser, at a controller of which each test says what it answers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from controller.web.page import catalogue, version
from hil_sim.browser import Person
from tests.browser.commune import Commune

if TYPE_CHECKING:
    from playwright.sync_api import Page

Come = Callable[..., Person]
FAKE = """
(whip) => {
  // POST /api/whip answers by `whip`: a status and an error's code, or "peer": a true peer of this page answers.
  window.asked = [];
  window.sockets = [];
  window.whip = whip;
  const real = window.fetch;
  window.fetch = async (path, options = {}) => {
    if (String(path).startsWith("/api/sessions/")) return Response.json({ state: "on_air" });
    if (!String(path).startsWith("/api/whip")) return real(path, options);
    window.asked.push(`${options.method} ${path}`);
    if (options.method === "DELETE") return new Response(null, { status: 204 });
    const { code, status } = window.whip;
    if (code) return Response.json({ error: { code, message: "No.", hint: "" } }, { status });
    const peer = window.peer = new RTCPeerConnection();
    peer.ontrack = ({ streams: [stream] }) => {
      const element = Object.assign(new Audio(), { srcObject: stream, muted: true }); // else Chromium decodes nothing
      const context = new AudioContext();
      window.far = new AnalyserNode(context, { fftSize: 32768 });
      new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(window.far);
      element.play();
    };
    const bare = (sdp) => (window.whip.deaf ? sdp.replaceAll(/a=candidate.*\\r\\n/g, "") : sdp);
    await peer.setRemoteDescription({ type: "offer", sdp: bare(options.body) });
    await peer.setLocalDescription();
    await new Promise((done) => setTimeout(done, 300));
    const headers = { Location: "/api/whip/s-1", "Content-Type": "application/sdp" };
    return new Response(bare(peer.localDescription.sdp), { status: 201, headers });
  };
  window.WebSocket = class {
    static OPEN = 1;
    constructor(address) {
      this.address = String(address);
      this.readyState = 1;
      this.bufferedAmount = 0;
      this.sent = [];
      window.sockets.push(this);
      setTimeout(() => {
        if (window.whip.gone) this.onclose?.({ code: 1006, reason: "" });
        else {
          const session = new URL(this.address).searchParams.get("session") ?? "s-2";
          this.onmessage({ data: JSON.stringify({ session, speak_after_ms: 1200 }) });
        }
      }, 20);
    }
    send(data) { this.sent.push(data); }
    close() { this.readyState = 3; }
  };
}
"""
SPEAK = """
async ({ module, options }) => {
  const { open, speak } = await import(module);
  window.said = { states: [], levels: [] };
  window.microphone = await open({ onLevel: (db) => window.said.levels.push(db) });
  const onState = (name, reason) => window.said.states.push(reason ? `${name} ${reason}` : name);
  try {
    const all = { zones: ["thon-1", "thon-2"], graceS: 2, ...options, onState };
    window.speech = await speak(window.microphone.stream, all);
    return window.speech.session;
  } catch (error) {
    return `${error.status} ${error.code}`;
  }
}
"""


@pytest.fixture
def page(person: Come) -> "Page":
    """A page of somebody who may speak."""
    found: Page = person("operator", path="/health").page
    return found


def speak(page: "Page", whip: dict[str, Any], **options: Any) -> str:
    page.evaluate(FAKE, whip)
    module = f"/static/{version()}/audio/microphone.js"
    return str(page.evaluate(SPEAK, {"module": module, "options": options}))


def until(page: "Page", condition: str) -> None:
    page.wait_for_function(f"() => {{ const {{ states, levels }} = window.said; return {condition}; }}")


def test_by_webrtc_its_sound_arrives(page: "Page") -> None:
    assert speak(page, {}) == "s-1"
    assert page.evaluate("() => window.asked") == ["POST /api/whip?zone=thon-1&zone=thon-2&priority=live&grace_s=2"]
    until(page, "states.join() === 'connecting,speaking' && Math.max(...levels) > -40")
    page.wait_for_function(  # Chromium's own microphone beeps
        """() => {
          const sound = new Float32Array(32768);
          window.far?.getFloatTimeDomainData(sound);
          return Math.max(...sound) > 0.01;
        }"""
    )
    page.evaluate("() => window.speech.stop()")
    assert page.evaluate("() => window.asked.at(-1)") == "DELETE /api/whip/s-1"
    until(page, "states.at(-1) === 'ended'")
    page.evaluate("() => window.microphone.close()")


def test_where_webrtc_does_not_connect_the_same_session_goes_by_websocket(page: "Page") -> None:
    assert speak(page, {"deaf": True}) == "s-1"
    assert page.evaluate("() => window.sockets[0].address").endswith("/api/microphone?session=s-1")
    check_samples(page)


def test_where_there_is_no_webrtc_samples_go_by_websocket(page: "Page") -> None:
    assert speak(page, {"status": 503, "code": "no_answer"}, chime="open", priority="emergency") == "s-2"
    address = page.evaluate("() => window.sockets[0].address")
    query = "zone=thon-1&zone=thon-2&priority=emergency&chime=open&grace_s=2"
    assert address.startswith("wss://") and address.endswith(f"/api/microphone?{query}")
    assert page.evaluate("() => window.said.states.join()") == "connecting,chime"
    check_samples(page)
    until(page, "states.join() === 'connecting,chime,speaking'")


def check_samples(page: "Page") -> None:
    page.wait_for_function("() => window.sockets[0].sent.length > 60")
    sizes, peak = page.evaluate(
        """() => {
          const { sent } = window.sockets[0];
          const peaks = sent.map((data) => new Int16Array(data).reduce((most, value) => Math.max(most, value), 0));
          return [sent.map((data) => data.byteLength), Math.max(...peaks)];
        }"""
    )
    assert set(sizes) == {1920} and peak > 500
    page.evaluate("() => { window.sockets[0].bufferedAmount = 1e6; window.sockets[0].sent = []; }")
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.sockets[0].sent.length") == 0, "what would wait is dropped"


def test_a_refusal_is_thrown_with_its_word(page: "Page") -> None:
    assert speak(page, {"status": 409, "code": "zone_without_nodes"}) == "409 zone_without_nodes"
    assert not page.evaluate("() => window.sockets.length")


def test_a_lost_connection_is_made_again_within_the_grace_and_given_up_after_it(page: "Page") -> None:
    speak(page, {"status": 404, "code": "not_found"}, graceS=4)
    page.evaluate("() => window.sockets[0].onclose({ code: 1006, reason: '' })")
    until(page, "states.at(-1) === 'speaking' && states.includes('interrupted')")
    assert page.evaluate("() => window.sockets[1].address").endswith("?session=s-2")
    page.evaluate("() => { window.whip.gone = true; window.sockets[1].onclose({ code: 1006, reason: '' }); }")
    until(page, f"states.at(-1) === 'ended {catalogue('vi')['microphone.network']}'")
    assert page.evaluate("() => window.sockets.length") > 3, "it was tried again and again"


@pytest.mark.parametrize(
    ("code", "reason", "said"), [(4000, "over", "over"), (4000, "taken_over", "taken_over"), (4403, "", "not_allowed")]
)
def test_what_the_controller_ends_is_ended(page: "Page", code: int, reason: str, said: str) -> None:
    speak(page, {"status": 404, "code": "not_found"})
    page.evaluate("([code, reason]) => window.sockets[0].onclose({ code, reason })", [code, reason])
    until(page, f"states.at(-1) === 'ended {catalogue('vi')['microphone.' + said]}'")


def test_leaving_the_page_ends_the_session(page: "Page") -> None:
    speak(page, {"status": 404, "code": "not_found"})
    page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    assert page.evaluate("() => window.asked.at(-1)") == "DELETE /api/whip/s-2"
    until(page, "states.at(-1) === 'ended'")


@pytest.mark.parametrize("way", ["webrtc", "socket"])
def test_at_a_true_controller_it_is_on_air(person: Come, commune: Commune, way: str) -> None:
    page: Page = person("operator", path="/health").page
    zone = next(each["id"] for each in commune.office.get("/api/zones")["zones"] if each["nodes"])
    if way == "socket":
        page.evaluate("() => { delete window.RTCPeerConnection; }")
    module = f"/static/{version()}/audio/microphone.js"
    session = page.evaluate(SPEAK, {"module": module, "options": {"zones": [zone], "chime": "open"}})
    until(page, "states.join() === 'connecting,chime'")
    commune.office.until_state(session, "on_air")
    until(page, "states.at(-1) === 'speaking'")
    commune.office.http.delete(f"/api/sessions/{session}").raise_for_status()
    until(page, f"states.at(-1) === 'ended {catalogue('vi')['microphone.over']}'")
    page.evaluate("() => window.microphone.close()")
