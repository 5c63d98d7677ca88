// The two ways of a voice to the controller. Each resolves to {close(), onlost(reason)}; a reason is an end for good.
// began(session, milliseconds) is called once there is a session: for so long its chime still sounds.

import { Refusal } from "../core/api.js";

const CAPTURE = new URL("capture-worklet.js", import.meta.url);
const CONNECT_MS = 3000;
const GATHER_MS = 1000;
const SHAKY_MS = 1000; // so long may a connection be away before another one is made
const WAITING_BYTES = 19200; // a fifth of a second: what piles up more is dropped, a live voice is not delayed
const RATE_HZ = 48000;
const OVER = 4000; // the controller has ended it, and says why
const REFUSED = 4403;
const LEFT = 4001; // 1000 would end the session, which another line may have by now

const within = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds, false));

function until(target, event, true_) {
  return new Promise((resolve) => {
    const look = () => {
      if (!true_()) return;
      target.removeEventListener(event, look);
      resolve(true);
    };
    target.addEventListener(event, look);
    look();
  });
}

async function refusal(answer) {
  const said = (await answer.json().catch(() => null))?.error ?? {};
  return new Refusal(answer.status, said.code || "unknown", [said.message, said.hint].filter(Boolean).join(" "));
}

/** By WebRTC; null where it does not connect in 3 s, or is not there. Throws a Refusal. */
export async function overWebRtc(stream, query, began) {
  if (typeof RTCPeerConnection === "undefined") return null;
  const peer = new RTCPeerConnection({ iceServers: [] });
  try {
    peer.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly", streams: [stream] });
    await peer.setLocalDescription();
    await Promise.race([until(peer, "icegatheringstatechange", () => peer.iceGatheringState === "complete"), within(GATHER_MS)]);
    const answer = await fetch(`/api/whip?${query}`, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: peer.localDescription.sdp,
    });
    if (answer.status !== 201) {
      const refused = await refusal(answer);
      // A controller that does not speak WebRTC, not with this browser, or not now, may take samples.
      if (["not_found", "offer", "no_answer", "no_source"].includes(refused.code)) {
        peer.close();
        return null;
      }
      throw refused;
    }
    const session = answer.headers.get("Location").split("/").at(-1);
    began(decodeURIComponent(session), Number(answer.headers.get("Speak-After-Ms")));
    await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    const connected = until(peer, "connectionstatechange", () => peer.connectionState !== "new" && peer.connectionState !== "connecting");
    await Promise.race([connected, within(CONNECT_MS)]);
    if (peer.connectionState !== "connected") {
      peer.close();
      return null;
    }
  } catch (error) {
    peer.close();
    throw error;
  }
  const line = {
    onlost: () => {},
    close() {
      peer.onconnectionstatechange = null;
      peer.close();
    },
  };
  peer.onconnectionstatechange = async () => {
    if (peer.connectionState === "disconnected") await within(SHAKY_MS);
    if (peer.connectionState !== "connected" && peer.connectionState !== "connecting") line.onlost("");
  };
  return line;
}

/** By a WebSocket of samples. Throws a Refusal, without a reason where the handshake is refused: browsers tell none. */
export async function overSocket(stream, query, began) {
  const address = new URL(`/api/microphone?${query}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  const line = {
    onlost: () => {},
    close() {
      socket.onclose = null;
      socket.close(LEFT);
      context.close();
    },
  };
  try {
    const opened = new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(JSON.parse(data));
      socket.onclose = ({ code, reason }) => reject(new Refusal(code === OVER ? 409 : 0, code === OVER ? reason : "", ""));
    });
    context.resume();
    const [said] = await Promise.all([opened, context.audioWorklet.addModule(CAPTURE)]);
    began(said.session, said.speak_after_ms ?? 0);
  } catch (error) {
    line.close();
    throw error;
  }
  socket.onclose = ({ code, reason }) => line.onlost(code === OVER ? reason : code === REFUSED ? "not_allowed" : "");
  const capture = new AudioWorkletNode(context, "loaxa-capture", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  capture.port.onmessage = ({ data }) => {
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < WAITING_BYTES) socket.send(data);
  };
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(capture);
  return line;
}
