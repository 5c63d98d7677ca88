// Everything that is put on air without speaking: a text, a file, a chime, a radio stream.

import * as api from "../../core/api.js";
import { confirm, doing, tell } from "../../core/dialog.js";
import { h } from "../../core/dom.js";
import { t } from "../../core/texts.js";

let voices = null;

const builders = {
  text() {
    const area = h("textarea", { id: "text", rows: "5", maxlength: "20000", placeholder: t("live.text_hint") });
    const voice = h("select", { id: "voice" }, h("option", { value: "vi" }, t("live.voice_vi")));
    voices ??= api.get("/sources").then((found) => found.voices, () => []);
    voices.then((names) => voice.replaceChildren(...names.map((name) => h("option", { value: name }, voiceName(name)))));
    return {
      element: [field("text", t("live.text"), area), field("voice", t("live.voice"), voice)],
      async source() {
        if (!area.value.trim()) throw new Error(t("live.need_text"));
        return { kind: "text", text: area.value, voice: voice.value || "vi" };
      },
    };
  },
  sound() {
    const file = h("input", { id: "file", type: "file", accept: "audio/*,video/mp4,.mp3,.wav,.ogg,.opus,.m4a,.aac,.flac" });
    return {
      element: [field("file", t("live.file"), file)],
      async source() {
        if (!file.files.length) throw new Error(t("live.need_file"));
        tell(t("live.uploading"));
        return { kind: "sound", sound: (await api.upload(file.files[0])).id };
      },
    };
  },
  chime() {
    const name = h("select", { id: "chime-name" }, ["open", "close", "alert"].map((each) => h("option", { value: each }, t(`chime.${each}`))));
    return { element: [field("chime-name", t("source.chime"), name)], source: async () => ({ kind: "chime", name: name.value }) };
  },
  stream() {
    const url = h("input", { id: "url", type: "url", inputmode: "url", placeholder: "https://", maxlength: "2000" });
    return {
      element: [field("url", t("live.address"), url)],
      async source() {
        if (!url.value.trim()) throw new Error(t("live.need_address"));
        return { kind: "stream", url: url.value.trim() };
      },
    };
  },
};

function voiceName(name) {
  const known = { vi: "vi", "vi-vn-x-central": "central", "vi-vn-x-south": "south" }[name];
  return known ? t(`live.voice_${known}`) : name.replace("piper:", "");
}

function field(id, label, input) {
  return h("div", { class: "field" }, h("label", { for: id }, label), input);
}

/** Return the form for one way: "text", "sound", "chime" or "stream". `choice` tells zones and priority. */
export function sounder(way, choice) {
  const { element, source } = builders[way]();
  const button = h("button", { type: "submit", class: "main wide" }, t("live.put_on_air"));
  const form = h("form", { novalidate: true }, element, h("div", { "data-priority": true }), button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const zones = choice.zones();
    if (!zones.length) {
      tell(t("live.need_zone"), { bad: true });
      return;
    }
    const priority = choice.priority();
    if (priority === "emergency" && !(await confirm(t("live.sure_emergency"), { danger: true, yes: t("live.put_on_air") }))) return;
    await doing(button, async () => {
      await api.post("/sessions", { source: await source(), zones, priority });
      tell(t("live.begun"));
    });
  });
  return form;
}
