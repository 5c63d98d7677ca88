// What the microphone hears, as 20 ms of 16-bit samples each.

const FRAME = Math.round(0.02 * sampleRate);

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.stopped = false;
    this.port.onmessage = () => { this.stopped = true; };
  }

  process([[sound]]) {
    for (const value of sound ?? []) {
      this.frame[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(value * 32767)));
      if (this.filled < FRAME) continue;
      this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
      this.frame = new Int16Array(FRAME);
      this.filled = 0;
    }
    return !this.stopped;
  }
}

registerProcessor("loaxa-capture", Capture);
