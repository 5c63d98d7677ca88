// Signing in and out: shows the form to who is not signed in, the room to who is.

import * as api from "./api.js";
import { text } from "./view.js";

const element = (id) => document.getElementById(id);
const form = element("sign-in");

function show(signedIn) {
  element("sign-in-page").hidden = signedIn;
  element("room").hidden = !signedIn;
  element("sign-out").hidden = !signedIn;
  if (!signedIn) form.elements.name.focus();
}

function explain(error) {
  if (error.code === "code_needed") {
    element("code-part").hidden = false;
    form.elements.code.focus();
    return text("code_needed");
  }
  if (error.code === "sign_in_refused") return text("sign_in_refused");
  if (error.code === "too_often") return text("sign_in_too_often");
  return error.message || text("disconnected");
}

// `enter` is called once somebody is signed in, `leave` once he is not any more.
export async function begin(enter, leave) {
  document.addEventListener("signed-out", () => { leave(); show(false); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    element("sign-in-answer").textContent = "";
    try {
      const { name, password, code } = Object.fromEntries(new FormData(form));
      await api.signIn({ name: name.trim().toLowerCase(), password, code: code.trim() });
      form.reset();
      element("code-part").hidden = true;
      show(true);
      enter();
    } catch (error) {
      element("sign-in-answer").textContent = explain(error);
    } finally {
      button.disabled = false;
    }
  });
  element("sign-out").addEventListener("click", async () => {
    await api.signOut().catch(() => {});
    window.location.reload(); // nothing of what was seen stays
  });
  try {
    await api.me();
  } catch (error) {
    if (error.status !== 401) setTimeout(() => window.location.reload(), 3000); // the controller is away
    return;
  }
  show(true);
  enter();
}
