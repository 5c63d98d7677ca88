// The REST interface: every call resolves to the answer or throws a Refusal, whose message is for people.

import { has, t } from "./texts.js";

export class Refusal extends Error {
  /** code: the word of the interface, empty when it was not reached. details: what it said itself, in English. */
  constructor(status, code, details) {
    super(code ? (has(`errors.${code}`) ? t(`errors.${code}`) : details || t("errors.unknown")) : t("shell.disconnected"));
    Object.assign(this, { status, code, details });
  }
}

async function call(method, path, body, { type, keepalive = false, signal } = {}) {
  const headers = {};
  let payload = body;
  if (type) headers["Content-Type"] = type;
  else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    payload = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(`/api${path}`, { method, body: payload, headers, keepalive, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "", "");
  }
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const answer = response.status === 204 ? null : isJson ? await response.json().catch(() => null) : await response.text();
  if (response.ok) return answer;
  const said = answer?.error ?? {};
  if (response.status === 401 && path !== "/sign-in") document.dispatchEvent(new Event("signed-out"));
  throw new Refusal(response.status, said.code || "unknown", [said.message, said.hint].filter(Boolean).join(" "));
}

export const get = (path, options) => call("GET", path, undefined, options);
export const post = (path, body, options) => call("POST", path, body, options);
export const put = (path, body, options) => call("PUT", path, body, options);
export const patch = (path, body, options) => call("PATCH", path, body, options);
export const del = (path, options) => call("DELETE", path, undefined, options);

/** Store a sound file; returns the sound. */
export const upload = (file) =>
  call("POST", `/sounds?title=${encodeURIComponent(file.name)}`, file, { type: "application/octet-stream" });
