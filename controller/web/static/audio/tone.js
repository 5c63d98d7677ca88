// Hears the test tone of a node: 1 kHz, where all around it is much quieter.

const TONE_HZ = 1000;
const BIN_SPAN = 2;
const BAND_HZ = [400, 2500];
const ABOVE_DB = 18;
const TIMES = 6;
/* So often in a row, a look every 50 ms: whistles and words are shorter or move. */
const LOOK_MS = 50;

function stands(spectrum, hzPerBin) {
  const tone = Math.round(TONE_HZ / hzPerBin);
  const peak = Math.max(...spectrum.slice(tone - BIN_SPAN, tone + BIN_SPAN + 1));
  const around = [...spectrum.slice(Math.round(BAND_HZ[0] / hzPerBin), Math.round(BAND_HZ[1] / hzPerBin))].sort((a, b) => a - b);
  return peak - around[Math.floor(around.length * 0.9)] > ABOVE_DB;
}

/** Listen for `lasts` milliseconds; resolves to whether the tone was heard, false without a microphone. */
export async function hearTone(lasts, signal) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  } catch {
    return false;
  }
  const context = new AudioContext();
  try {
    const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(stream).connect(analyser);
    const spectrum = new Float32Array(analyser.frequencyBinCount);
    const until = performance.now() + lasts;
    let row = 0;
    while (performance.now() < until && !signal.aborted) {
      await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
      analyser.getFloatFrequencyData(spectrum);
      row = stands(spectrum, context.sampleRate / analyser.fftSize) ? row + 1 : 0;
      if (row >= TIMES) return true;
    }
    return false;
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  }
}
