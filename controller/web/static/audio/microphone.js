// A microphone of this device, and speaking through it: by WebRTC (WHIP, RFC 9725), else by a WebSocket of samples.

import { get, Refusal } from "../core/api.js";
import { has, t } from "../core/texts.js";
import { overSocket, overWebRtc } from "./uplinks.js";

const LEVEL_MS = 50;
const AGAIN_MS = 700;
const OVER = new Set([401, 403, 404, 409, 410]); // answers after which there is nothing to connect to again

/**
 * Open a microphone, with what makes speech clear and without what would take the horns' own sound out of it.
 *
 * deviceId: which; "" for the device's choice. onLevel(db): how loud it is, twenty times a second, 0 is the loudest.
 * Returns {stream, close()}. Throws what `getUserMedia` throws.
 */
export async function open({ deviceId = "", onLevel = () => {} } = {}) {
  if (!navigator.mediaDevices) throw new DOMException("", "NotSupportedError");
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {
      ...(deviceId && { deviceId: { exact: deviceId } }),
      channelCount: 1,
      echoCancellation: false,
      noiseSuppression: true,
      autoGainControl: true,
    },
  });
  const context = new AudioContext();
  context.resume();
  const analyser = new AnalyserNode(context, { fftSize: 2048 });
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
  const sound = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(sound);
    const mean = sound.reduce((sum, value) => sum + value * value, 0) / sound.length;
    onLevel(10 * Math.log10(mean + 1e-12));
  }, LEVEL_MS);
  return {
    stream,
    close() {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      context.close();
    },
  };
}

const SAID = {
  network: () => t("microphone.network"),
  microphone: () => t("microphone.unplugged"),
  not_allowed: () => t("microphone.not_allowed"),
  taken_over: () => t("microphone.taken_over"),
};
const sentence = (word) => (word ? (SAID[word] ?? (() => t("microphone.over")))() : "");

/**
 * Speak what `stream` hears in zones. Resolves when the controller has the session; throws its Refusal.
 *
 * onState(name, reason): "connecting", "chime" (it sounds first), "speaking", "interrupted" (the network is away; for
 * graceS it is waited for and the session kept), "ended": reason is a sentence for people, or empty when it was stopped
 * here. Returns {session, stop()}. When the page is left, the session ends.
 */
export async function speak(stream, { zones, priority = "live", chime = null, graceS = 5, onState = () => {} }) {
  const query = new URLSearchParams(zones.map((zone) => ["zone", zone]));
  query.set("priority", priority);
  if (chime) query.set("chime", chime);
  query.set("grace_s", String(graceS));
  let state = "";
  let session = null;
  let line = null;
  let chimeEnds = 0;
  let timer = 0;

  const become = (name, reason = "") => {
    if (name === state || state === "ended") return;
    state = name;
    onState(name, reason);
  };

  function forget() {
    clearTimeout(timer);
    line?.close();
    line = null;
    removeEventListener("pagehide", leave);
    stream.getAudioTracks()[0]?.removeEventListener("ended", unplugged);
  }

  function end(reason) {
    if (state === "ended") return;
    forget();
    become("ended", sentence(reason));
  }

  // What is sent with keepalive arrives though the page is gone.
  const tell = () => fetch(`/api/whip/${encodeURIComponent(session)}`, { method: "DELETE", keepalive: true }).catch(() => {});

  function leave() {
    if (session) tell();
    end("");
  }

  function unplugged() {
    if (session) tell();
    end("microphone");
  }

  function sounding() {
    const left = chimeEnds - performance.now();
    clearTimeout(timer);
    if (left <= 0) return become("speaking");
    become("chime");
    timer = setTimeout(() => { if (state === "chime") become("speaking"); }, left);
  }

  /** Connect by the first way that works; the session, once begun, is taken up. Throws a Refusal. */
  async function connect() {
    const asked = () => (session ? new URLSearchParams({ session }) : query);
    const began = (id, chimeMs) => {
      session = id;
      chimeEnds = performance.now() + chimeMs;
    };
    let mine = await overWebRtc(stream, asked(), began);
    mine ??= await overSocket(stream, asked(), began);
    if (state === "ended") { // meanwhile
      mine.close();
      return tell();
    }
    line = mine;
    line.onlost = (reason) => {
      if (line !== mine) return;
      line = null;
      mine.close();
      if (reason) return end(reason);
      become("interrupted");
      again(performance.now() + 1000 * graceS);
    };
    sounding();
  }

  async function again(deadline) {
    while (state === "interrupted") {
      try {
        const { state: now } = await get(`/sessions/${encodeURIComponent(session)}`);
        if (now === "ended" || now === "failed") return end("over");
        return await connect();
      } catch (error) {
        if (OVER.has(error.status)) return end(error.code);
      }
      const left = deadline - performance.now();
      if (left <= 0) {
        tell();
        return end("network");
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(AGAIN_MS, left)));
    }
  }

  become("connecting");
  addEventListener("pagehide", leave);
  stream.getAudioTracks()[0]?.addEventListener("ended", unplugged);
  try {
    await connect();
  } catch (error) {
    if (session) tell();
    end("network");
    throw error instanceof Refusal ? error : new Refusal(0, "", "");
  }
  return {
    get session() { return session; },
    async stop() {
      if (state === "ended") return;
      const told = tell();
      end("");
      await told;
    },
  };
}
