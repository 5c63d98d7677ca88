// Puts what is known into the page. Nothing here asks the network.

const texts = JSON.parse(document.getElementById("texts").textContent);
const element = (id) => document.getElementById(id);

export const text = (key) => texts[key] ?? key;

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function showTrouble(key) {
  element("trouble").hidden = !key;
  element("trouble").textContent = key ? text(key) : "";
}

export function answer(message, bad = false) {
  element("answer").textContent = message;
  element("answer").classList.toggle("bad", bad);
}

function describe(source) {
  const kind = text(`kind_${source.kind}`);
  if (source.kind === "text") return `${kind}: ${source.text}`;
  if (source.kind === "chime") return `${kind}: ${text(`chime_${source.name}`)}`;
  if (source.kind === "stream") return `${kind}: ${source.url}`;
  return kind;
}

export function showSessions(sessions, zoneTitle, onStop) {
  element("no-sessions").hidden = sessions.length > 0;
  element("stop-all").disabled = sessions.length === 0;
  element("sessions").replaceChildren(...sessions.map((session) => {
    const stop = make("button", { type: "button" }, text("stop"));
    stop.setAttribute("aria-label", `${text("stop")}: ${describe(session.source)}`);
    stop.addEventListener("click", () => onStop(session.id, stop));
    const where = session.zones.map(zoneTitle).join(", ");
    return make("li", {},
      make("span", { class: `dot ${session.state}`, "aria-hidden": "true" }),
      make("div", { class: "what" },
        make("strong", {}, describe(session.source)),
        make("span", { class: "quiet" }, [text(`state_${session.state}`), where, text(`priority_${session.priority}`)].join(" · "))),
      stop);
  }));
}

export function showZones(zones) {
  const box = element("zones");
  const chosen = new Set([...box.querySelectorAll("input:checked")].map((input) => input.value));
  const focused = document.activeElement?.value;
  const labels = zones.map((zone) => {
    const input = make("input", { type: "checkbox", name: "zone", value: zone.id });
    input.checked = chosen.has(zone.id) || zones.length === 1;
    const note = zone.nodes.length || zone.multicast ? `${zone.nodes.length}` : text("zone_empty");
    return make("label", {}, input, make("span", {}, zone.title || zone.id, " ", make("small", { class: "quiet" }, note)));
  });
  if (zones.length > 1) {
    const all = make("input", { type: "checkbox", value: "*" });
    all.checked = chosen.has("*");
    all.addEventListener("change", () => box.querySelectorAll("input[name=zone]").forEach((one) => { one.checked = all.checked; }));
    labels.unshift(make("label", {}, all, make("span", {}, text("all_zones"))));
  }
  box.replaceChildren(...labels);
  if (focused) box.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  element("no-zones").hidden = zones.length > 0;
}

function nodeItem(node, zoneTitle) {
  const gauges = node.health?.gauges ?? {};
  const state = node.rtp_address ? "plain" : node.state;
  const facts = [
    node.zone && zoneTitle(node.zone),
    text(`state_${state}`),
    state === "online" && node.health?.on_air != null && text("playing"),
    node.muted && text("muted"),
    gauges.signal_dbm != null && `${text("signal")} ${gauges.signal_dbm} dBm`,
    gauges.temperature_mc != null && `${text("temperature")} ${Math.round(gauges.temperature_mc / 1000)} °C`,
  ];
  return make("li", { "data-node": node.id },
    make("span", { class: `dot ${state}`, "aria-hidden": "true" }),
    make("div", { class: "what" },
      make("strong", {}, node.title || node.id),
      make("span", { class: "quiet" }, facts.filter(Boolean).join(" · "))));
}

export function showNodes(nodes, unknown, zoneTitle) {
  element("no-nodes").hidden = nodes.length + unknown.length > 0;
  element("nodes").replaceChildren(...[...nodes, ...unknown].map((node) => nodeItem(node, zoneTitle)));
  showCount(nodes);
}

export function showNode(node, nodes, zoneTitle) {
  element("nodes").querySelector(`[data-node="${CSS.escape(node.id)}"]`)?.replaceWith(nodeItem(node, zoneTitle));
  showCount(nodes);
}

function showCount(nodes) {
  const online = nodes.filter((node) => node.state === "online").length;
  element("count").textContent = nodes.length ? `${online}/${nodes.length}` : "";
}
