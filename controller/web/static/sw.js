// Keeps what the pages are made of, so that the application opens at once, also where the controller is away for a moment.
// What the controller says (/api) is never kept: nobody is shown what was an hour ago.

const KEPT = "loaxa-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function fresh(request) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put("/", answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match("/");
    if (kept) return kept;
    throw error;
  }
}

async function versioned(request) {
  const cache = await caches.open(KEPT);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const version = new URL(request.url).pathname.split("/")[2];
    for (const old of await cache.keys()) {
      const [, folder, other] = new URL(old.url).pathname.split("/");
      if (folder === "static" && other !== version) await cache.delete(old);
    }
    await cache.put(request, answer.clone());
  }
  return answer;
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin || event.request.method !== "GET") return;
  if (event.request.mode === "navigate") event.respondWith(fresh(event.request));
  else if (url.pathname.startsWith("/static/")) event.respondWith(versioned(event.request));
});
