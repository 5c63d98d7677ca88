// Frames by their numbers into sound without clicks: a short buffer that evens out how they come, and stays short.

const TARGET = 0.1 * sampleRate; // what is waited for before it sounds
const SLACK = 0.06 * sampleRate; // more than this over the target, for a second, is delay for nothing
const MOST = 0.5 * sampleRate; // more than this at once is a burst after a standstill
const ROOM = 4 * sampleRate;
const FADE = Math.round(0.005 * sampleRate);
const LOST = 5; // frames in a row that are left out in silence; after more, and after a step back, it begins anew
const WATCHED = sampleRate;
const TOLD = 0.05 * sampleRate;

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.ring = new Float32Array(ROOM);
    this.stopped = false;
    this.counts = { skipped: 0, gaps: 0 };
    this.begin();
    this.gain = 0; // of the fade in and out
    this.last = 0;
    this.old = -1; // where the sound that is faded out by a skip is read
    this.oldLeft = 0;
    this.energy = 0;
    this.summed = 0;
    this.port.onmessage = ({ data }) => this.hear(data);
  }

  begin() {
    this.read = this.written = 0;
    this.next = null;
    this.playing = false;
    this.least = Infinity;
    this.watched = 0;
  }

  get filled() {
    return this.written - this.read;
  }

  hear(data) {
    if (data === "stop") this.stopped = true;
    else if (data === "begin") this.begin();
    else this.frame(data.number, data.samples);
  }

  frame(number, samples) {
    const missing = this.next === null ? 0 : number - this.next;
    if (missing < 0 && missing > -LOST) return; // it came twice
    if (missing < 0 || missing > LOST) this.begin();
    else if (missing) {
      // With what was before faded out and what comes faded in, a hole does not click.
      const begin = this.written - Math.min(FADE, this.filled);
      for (let at = begin; at < this.written; at++) this.ring[at % ROOM] *= (this.written - at) / FADE;
      this.put(new Float32Array(missing * samples.length));
      for (let at = 0; at < FADE; at++) samples[at] *= at / FADE;
      this.counts.gaps++;
    }
    this.next = number + 1;
    this.put(samples);
    if (this.filled > MOST) this.skip(this.filled - TARGET);
  }

  put(samples) {
    if (this.filled + samples.length > ROOM) this.read = this.written + samples.length - ROOM;
    for (let at = 0; at < samples.length; at++) this.ring[this.written++ % ROOM] = samples[at];
  }

  skip(samples) {
    this.old = this.read;
    this.oldLeft = this.playing ? FADE : 0;
    this.read += Math.floor(samples);
    this.least = Infinity;
    this.watched = 0;
    this.counts.skipped++;
  }

  sample() {
    if (this.playing && this.filled < 1) this.playing = false;
    else if (!this.playing && this.filled >= TARGET) {
      this.playing = true;
      this.least = Infinity;
      this.watched = 0;
    }
    if (!this.playing) {
      this.gain = 0;
      return (this.last *= 1 - 4 / FADE);
    }
    let value = this.ring[this.read++ % ROOM];
    if (this.oldLeft > 0) {
      const share = this.oldLeft-- / FADE;
      value = share * this.ring[this.old++ % ROOM] + (1 - share) * value;
    }
    this.gain = Math.min(1, this.gain + 1 / FADE);
    this.last = value * this.gain + this.last * (1 - this.gain) * 0.9;
    return this.last;
  }

  process(_, [[out]]) {
    for (let at = 0; at < out.length; at++) {
      out[at] = this.sample();
      this.energy += out[at] * out[at];
    }
    this.least = Math.min(this.least, this.filled);
    this.watched += out.length;
    if (this.playing && this.watched >= WATCHED) {
      if (this.least > TARGET + SLACK) this.skip(this.least - TARGET);
      this.least = Infinity;
      this.watched = 0;
    }
    this.summed += out.length;
    if (this.summed >= TOLD) {
      const rms = Math.sqrt(this.energy / this.summed);
      this.port.postMessage({ rms, playing: this.playing, delay_ms: (1000 * this.filled) / sampleRate, ...this.counts });
      this.energy = this.summed = 0;
    }
    return !this.stopped;
  }
}

registerProcessor("loaxa-player", Player);
