// Hear a WebSocket of frames (docs/protocol.md, "Listening"): Opus by WebCodecs, samples where a browser has none of it.

const WORKLET = new URL("player-worklet.js", import.meta.url);
const FLOOR_DB = -50;
const AGAIN_MS = [300, 1000, 2000, 5000];
const OVER = { 4403: "not_allowed", 4000: "" }; // closed for good, and why; an empty word: as its reason says
const RATE_HZ = 48000;
const GOODBYE_MS = 60;

async function takesOpus() {
  if (typeof AudioDecoder === "undefined") return false;
  return (await AudioDecoder.isConfigSupported({ codec: "opus", sampleRate: RATE_HZ, numberOfChannels: 1 })).supported;
}

/**
 * Hear what comes from an address, until `stop` is called.
 *
 * onState(name, reason): "connecting", "playing", "silent" (nothing is on air), "lost" (it connects again by itself),
 * "ended" (for good: not allowed any more, or gone). onLevel(level): from 0, which is -50 dB, to 1, twenty times a
 * second. onStats: what the worklet tells of its buffer. format: "s16" for what needs no decoder.
 */
export function listen(url, { onState = () => {}, onLevel = () => {}, onStats = () => {}, format = null } = {}) {
  const context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
  const volume = new GainNode(context);
  volume.connect(context.destination);
  let node = null;
  let socket = null;
  let decoder = null;
  let frameUs = 20000;
  let stopped = false;
  let wanted = format;
  let tries = 0;
  let timer = 0;
  let state = "";

  const become = (name, reason = "") => {
    if (stopped || name === state) return;
    state = name;
    onState(name, reason);
  };

  const forget = () => {
    if (decoder?.state === "configured") decoder.close();
    decoder = null;
  };

  function begin(said) {
    forget();
    frameUs = said.frame_us;
    node.port.postMessage("begin");
    if (said.format !== "opus") return;
    decoder = new AudioDecoder({
      output: (sound) => {
        const samples = new Float32Array(sound.numberOfFrames);
        sound.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        node.port.postMessage({ number: Math.round(sound.timestamp / frameUs), samples }, [samples.buffer]);
        sound.close();
      },
      error: () => {
        if (stopped) return;
        wanted = "s16"; // it said that it could
        socket?.close();
      },
    });
    decoder.configure({ codec: "opus", sampleRate: RATE_HZ, numberOfChannels: 1 });
  }

  function hear(data) {
    if (typeof data === "string") {
      const said = JSON.parse(data);
      if (said.format) begin(said);
      become(said.silent ? "silent" : "playing");
      return;
    }
    const number = new DataView(data).getUint32(0);
    if (decoder) {
      if (decoder.state !== "configured") return;
      decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: number * frameUs, data: new Uint8Array(data, 4) }));
    } else {
      const samples = Float32Array.from(new Int16Array(data, 4), (sample) => sample / 32768);
      node.port.postMessage({ number, samples }, [samples.buffer]);
    }
  }

  function connect() {
    clearTimeout(timer);
    if (stopped) return;
    const address = new URL(url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("format", wanted);
    const mine = socket = new WebSocket(address);
    mine.binaryType = "arraybuffer";
    mine.onopen = () => { tries = 0; };
    mine.onmessage = ({ data }) => { if (socket === mine && !stopped) hear(data); };
    mine.onclose = ({ code, reason }) => {
      if (socket !== mine || stopped) return;
      forget();
      if (code in OVER && reason !== "stopped") return become("ended", OVER[code] || reason);
      become("lost");
      timer = setTimeout(connect, AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
    };
  }

  const online = () => { if (state === "lost") connect(); };
  addEventListener("online", online);

  async function open() {
    become("connecting");
    context.resume();
    await context.audioWorklet.addModule(WORKLET);
    wanted ??= (await takesOpus()) ? "opus" : "s16";
    if (stopped) return;
    node = new AudioWorkletNode(context, "loaxa-player", { numberOfInputs: 0, outputChannelCount: [1] });
    node.port.onmessage = ({ data }) => {
      if (stopped) return;
      onLevel(Math.min(1, Math.max(0, 1 - (20 * Math.log10(data.rms + 1e-9)) / FLOOR_DB)));
      onStats(data);
    };
    node.connect(volume);
    connect();
  }

  open().catch((error) => become("ended", error.name));

  return {
    /** Hear no more. */
    stop() {
      if (stopped) return;
      stopped = true;
      clearTimeout(timer);
      removeEventListener("online", online);
      socket?.close();
      forget();
      volume.gain.setTargetAtTime(0, context.currentTime, 0.01);
      setTimeout(() => {
        node?.port.postMessage("stop");
        context.close();
      }, GOODBYE_MS);
    },
    /** Set the volume, from 0 to 1. */
    setVolume(value) {
      volume.gain.setTargetAtTime(value, context.currentTime, 0.02);
    },
  };
}
