// Style sheets of single pages, loaded when a page needs them.

const loaded = new Map();

/** Load `css/NAME.css` once; resolves when it is there, or is missing. */
export function need(name) {
  if (!loaded.has(name)) {
    loaded.set(name, new Promise((resolve) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = new URL(`../css/${name}.css`, import.meta.url).href;
      link.addEventListener("load", resolve);
      link.addEventListener("error", resolve);
      document.head.append(link);
    }));
  }
  return loaded.get(name);
}
