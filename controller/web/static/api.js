// The REST interface: every function resolves to the answer or throws an Error whose message is for people.

async function call(method, path, body, headers = {}) {
  let response;
  try {
    response = await fetch(`/api${path}`, { method, body, headers });
  } catch {
    throw new Error("");
  }
  const answer = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) {
    const error = answer?.error ?? {};
    if (response.status === 401) document.dispatchEvent(new Event("signed-out"));
    const thrown = new Error([error.message, error.hint].filter(Boolean).join(" "));
    throw Object.assign(thrown, { code: error.code, status: response.status });
  }
  return answer;
}

const JSON_TYPE = { "Content-Type": "application/json" };

export const me = () => call("GET", "/me");
export const signIn = (body) => call("POST", "/sign-in", JSON.stringify(body), JSON_TYPE);
export const signOut = () => call("POST", "/sign-out");
export const zones = async () => (await call("GET", "/zones")).zones;
export const nodes = () => call("GET", "/nodes");
export const activeSessions = async () => (await call("GET", "/sessions?active=true")).sessions;
export const session = (id) => call("GET", `/sessions/${id}`);
export const health = () => call("GET", "/health");
export const begin = (body) => call("POST", "/sessions", JSON.stringify(body), JSON_TYPE);
export const stop = (id) => call("DELETE", `/sessions/${id}`);
export const stopAll = () => call("POST", "/sessions/stop-all");
export const upload = (file) => call("POST", `/sounds?title=${encodeURIComponent(file.name)}`, file, {
  "Content-Type": "application/octet-stream",
});
