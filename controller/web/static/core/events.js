// What the controller tells as it happens, by server-sent events; one connection for all pages.

const heard = new Map();
let stream = null;
let again = null;
let whenRefused = () => {};

/** Call `work(body)` for each event of a kind ("hello", "nodes", "session", "zone", "area", "alert", "health", "lost") until `signal` aborts. */
export function on(kind, work, signal) {
  if (!heard.has(kind)) heard.set(kind, new Set());
  heard.get(kind).add(work);
  signal?.addEventListener("abort", () => heard.get(kind).delete(work));
}

function announce(kind, body) {
  for (const work of heard.get(kind) ?? []) work(body);
}

const KINDS = ["hello", "nodes", "session", "zone", "area", "alert", "health"];

/** Begin to listen; the connection is made anew whenever it is lost. `refused` is called when it may not be. */
export function follow(refused) {
  leave();
  whenRefused = refused;
  stream = new EventSource("/api/events");
  for (const kind of KINDS) stream.addEventListener(kind, (event) => announce(kind, JSON.parse(event.data)));
  const current = stream;
  stream.addEventListener("error", () => {
    announce("lost", {});
    if (current.readyState !== EventSource.CLOSED || current !== stream) return;
    refused();
    again = setTimeout(() => follow(refused), 3000);
  });
}

// A telephone without a network does not hear that its connection has ended, and waits long where it does.
window.addEventListener("offline", () => { if (stream) announce("lost", {}); });
window.addEventListener("online", () => { if (stream) follow(whenRefused); });

// A browser has six connections to a controller for all of its tabs: those that nobody looks at give theirs back, but for
// one that speaks. What they missed is read when they are looked at again.
const HIDDEN_MS = 20_000;
let hiding = null;
let speaking = false;
let paused = false;
document.addEventListener("voice", ({ detail }) => { speaking = detail.busy; });
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (!document.hidden) {
    if (paused) follow(whenRefused);
    paused = false;
    return;
  }
  hiding = setTimeout(() => {
    if (!stream || speaking) return;
    leave();
    paused = true;
  }, HIDDEN_MS);
});

/** Stop listening. */
export function leave() {
  clearTimeout(again);
  stream?.close();
  stream = null;
}
