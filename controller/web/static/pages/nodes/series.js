// From the answer of the history route to lines that people read. Nothing here touches the page.

const SOUGHT = [
  ["temperature", ["temperature_mc"], 1000],
  ["signal", ["mobile_dbm", "wifi_dbm", "signal_dbm"], 1],
  ["loss", null, 1],
  ["current", ["speaker_ma"], 1],
];

const nothing = (count) => new Array(count).fill(null);
const by = (values, scale) => values.map((value) => (value === null ? null : value / scale));

/** Return of each step the value of the first of some lines that has one. */
function either(lines, count) {
  const found = nothing(count);
  for (const line of lines) line?.forEach((value, at) => { found[at] ??= value; });
  return found;
}

/** Return the share of frames, percent, that did not sound as they were sent, in each step. */
function loss(series, count) {
  const of = (name, kind) => series[name]?.[kind] ?? nothing(count);
  const share = (kind) => of("played", kind).map((played, at) => {
    const bad = Math.max(of("lost", kind)[at] ?? 0, of("late", kind)[at] ?? 0, of("concealed", kind)[at] ?? 0);
    return played === null || played + bad === 0 ? null : (100 * bad) / (played + bad);
  });
  const mean = share("mean");
  return { min: mean, mean, max: mean };
}

/** Return the lines `{name, min, mean, max, told}` of a history; told: whether something is known. */
export function seriesOf({ times, series }) {
  const count = times.length;
  return SOUGHT.map(([name, sources, scale]) => {
    const line = sources
      ? Object.fromEntries(["min", "mean", "max"].map((kind) => [kind, by(either(sources.map((each) => series[each]?.[kind]), count), scale)]))
      : loss(series, count);
    return { name, ...line, told: line.mean.some((value) => value !== null) };
  });
}

/** Return the stretches `{from, to, state}` of a history, unix seconds; state null: not known. */
export function bands({ times, states, step_s: step }) {
  const end = times.length ? times[times.length - 1] + step : 0;
  return states.map(([from, state], at) => ({ from, to: states[at + 1]?.[0] ?? end, state }));
}

const WORST = ["online", "silent", "offline"];

/** Return what holds between two instants: the worst state, and of each line the least, mean and greatest value. */
export function summary({ times }, lines, states, from, to) {
  const inside = states.filter((band) => band.from < to && band.to > from && band.state).map(({ state }) => state);
  const state = inside.reduce((worst, each) => (WORST.indexOf(each) > WORST.indexOf(worst) ? each : worst), inside[0] ?? null);
  const steps = times.map((time, at) => [time, at]).filter(([time]) => time >= from && time < to).map(([, at]) => at);
  const values = lines.map((line) => {
    const known = steps.filter((at) => line.mean[at] !== null);
    if (!known.length) return null;
    return {
      min: Math.min(...known.map((at) => line.min[at])),
      mean: known.reduce((sum, at) => sum + line.mean[at], 0) / known.length,
      max: Math.max(...known.map((at) => line.max[at])),
    };
  });
  return { state, values };
}
