"""The microphone of a real Chromium, from the press of the button to the DACs of simulated nodes in `lan`.

A person signs in, opens the page and presses; the microphone is a file of speech without pauses that Chromium plays
from its beginning when a page opens the device. When the first sample of it is in the page is taken by an analyser on
the same stream, within 4 ms; a real device adds its own buffer, 10 ms or so, before that. DACs are captured on the
same clock.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import table
from hil_sim import browser as browsers
from hil_sim.alignment import align
from hil_sim.browser import Person
from hil_sim.capture import Track, lay, read_runs
from hil_sim.intelligibility import judge_stoi
from hil_sim.live import CLOCK, LINK
from hil_sim.resampling import interpolate
from hil_sim.scenario import Scenario, poles
from hil_sim.signals import RATE, Floats, db_to_ratio, moving_rms, write_wav
from hil_sim.village import Village
from hil_sim.voice import speech

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PRESSES, NODES = 7, 3
SPEECH_S, LEAD_IN_S = 20.0, 0.3
SPOKEN_S = 10.0
_NS = 1_000_000_000
_LOUD = db_to_ratio(-40.0)
_PASSWORD = "mot-mat-khau-dai-2026"
_SETTINGS = "localStorage.setItem('loaxa.voice', JSON.stringify({{chime: '{chime}', graceS: 5, deviceId: ''}}));"
_WHEN_HEARD = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await open(wanted);
  const context = new AudioContext({sampleRate: 48000});
  const analyser = new AnalyserNode(context, {fftSize: 256});
  context.createMediaStreamSource(stream.clone()).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const channel = new MessageChannel();
  const look = () => {
    analyser.getFloatTimeDomainData(samples);
    if (samples.some((sample) => Math.abs(sample) > 0.02)) window.heardAt = performance.timeOrigin + performance.now();
    else channel.port2.postMessage(0);
  };
  channel.port1.onmessage = look;
  look();
  return stream;
};
"""


def run() -> dict[str, Any]:
    """Return milliseconds: `first_sound_ms` (p50 of presses), `_max`, `first_chime_ms` (p50), `mouth_to_ear_ms` (p50 of
    100 ms windows of all nodes), `_p99`; `stoi` of the worst node. All None without a Chromium."""
    if browsers.find() is None:
        return dict.fromkeys(("first_sound_ms", "first_sound_ms_max", "first_chime_ms", "mouth_to_ear_ms", "stoi"))
    with tempfile.TemporaryDirectory(prefix="loaxa-microphone-") as name:
        scenario = Scenario(name="microphone", nodes=NODES, network=LINK, clock=CLOCK, positions=poles(NODES))
        spoken = _without_pauses(speech(SPEECH_S))
        wav = Path(name) / "spoken.wav"
        write_wav(wav, np.concatenate((np.zeros(round(LEAD_IN_S * RATE)), spoken)))
        with Village(scenario, Path(name) / "village") as village:
            village.wait_online()
            village.office.post("/api/users", {"name": "lan", "roles": ["operator"], "password": _PASSWORD})
            with browsers.chromium(village.office.url, wav) as browser:
                with _officer(browser, village, "") as officer:
                    first = [_press(officer, village) for _ in range(PRESSES)]
                with _officer(browser, village, "open") as officer:
                    chimes = [_press(officer, village) for _ in range(3)]
                delays_ms, stoi = _speak(browser, village, spoken)
    return {
        "presses": PRESSES,
        "nodes": NODES,
        "first_sound_ms": round(statistics.median(first)),
        "first_sound_ms_max": round(max(first)),
        "first_chime_ms": round(statistics.median(chimes)),
        "mouth_to_ear_ms": round(float(np.median(delays_ms))),
        "mouth_to_ear_ms_p99": round(float(np.percentile(delays_ms, 99))),
        "stoi": round(stoi, 3),
    }


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        ("press to the first sound at a DAC, p50", result["first_sound_ms"], "ms"),
        ("  max", result["first_sound_ms_max"], "ms"),
        ("  with a chime, p50", result["first_chime_ms"], "ms"),
        ("mouth to ear, p50", result["mouth_to_ear_ms"], "ms"),
        ("  p99", result.get("mouth_to_ear_ms_p99"), "ms"),
        ("STOI, worst node", result["stoi"], ""),
    )


def _without_pauses(samples: Floats) -> Floats:
    """Return speech whose pauses are cut out: a press is never answered by one."""
    loud = moving_rms(samples, RATE // 20) > db_to_ratio(-40.0)
    return samples[loud]


@contextmanager
def _officer(browser: "Browser", village: Village, chime: str) -> Iterator[Person]:
    person = Person(browser, village.office.url, permissions=["microphone"])
    person.context.add_init_script(_SETTINGS.format(chime=chime))
    person.context.add_init_script(_WHEN_HEARD)
    try:
        person.open("/live")
        person.sign_in("lan", _PASSWORD)
        yield person
    finally:
        person.close()


def _press(officer: Person, village: Village) -> float:
    """Press in a page that has just been opened, whose microphone is not; return milliseconds to the first sound."""
    page = officer.open("/live")
    button = page.get_by_role("button", name=officer.t("live.speak"))
    button.wait_for()
    officer.quiet()
    time.sleep(2.0)  # the last one has faded out everywhere
    pressed_ns = time.monotonic_ns()
    button.click()
    time.sleep(2.5)
    page.get_by_role("button", name=officer.t("live.end")).click()
    time.sleep(0.6)
    track = _ear(village, 0, pressed_ns)
    sounding = np.flatnonzero(np.abs(track.samples) > _LOUD)
    return float(sounding[0]) * 1000 / RATE if len(sounding) else float("inf")


def _speak(browser: "Browser", village: Village, spoken: Floats) -> tuple[Floats, float]:
    """Return the delays of all 100 ms windows at all nodes, milliseconds, and the worst node's STOI."""
    with _officer(browser, village, "") as officer:
        page = officer.open("/live")
        page.get_by_role("button", name=officer.t("live.speak")).click()
        time.sleep(SPOKEN_S)
        heard_ms = float(page.evaluate("window.heardAt"))
        page.get_by_role("button", name=officer.t("live.end")).click()
        time.sleep(1.5)
    heard_ns = round(heard_ms * 1e6) - time.time_ns() + time.monotonic_ns()
    first_loud = int(np.flatnonzero(np.abs(spoken) > 0.02)[0])
    origin_ns = heard_ns - first_loud * _NS // RATE
    source = spoken[: round((SPOKEN_S - 1.0) * RATE)]
    delays, scores = [], []
    for number in range(NODES):
        ear = _ear(village, number, origin_ns).samples
        found = align(source, ear)
        delays.append(found.delay_s[found.measured] * 1000)
        begin = round(2.0 * RATE)  # what was said before the connection stood is not heard
        span = np.arange(begin, len(source), dtype=np.float64)
        shift = float(np.nanmedian(found.delay_s)) * RATE
        shifted = interpolate(ear, np.asarray(span + shift, np.float64))
        scores.append(judge_stoi(source[begin:], shifted) or 0.0)
    return np.concatenate(delays), min(scores)


def _ear(village: Village, number: int, origin_ns: int) -> Track:
    length = round((time.monotonic_ns() - origin_ns) / _NS * RATE)
    return lay(read_runs(village.nodes[number].capture), origin_ns, length)
