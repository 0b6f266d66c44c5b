// What the scripts that fill parts of a page make them of: elements as package app renders them, and
// buttons that say what became of a press. It is loaded before the first of them.
"use strict";

globalThis.rollcallParts = (() => {
  function h(tag, attributes, ...content) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...content);
    return element;
  }

  function icon(name) {
    const span = h("span", { class: "icon", "aria-hidden": "true" });
    span.innerHTML = `<svg viewBox="0 0 24 24" focusable="false"><use href="#icon-${name}"/></svg>`;
    return span;
  }

  const quiet = (text) => h("p", { class: "quiet" }, text);

  // balanced closes all isolates of a text within it, as package app does.
  function balanced(text) {
    let open = 0;
    const kept = text.replace(/[\u2066-\u2069]/g, (c) => {
      if (c !== "\u2069") open++;
      else if (open > 0) open--;
      else return "";
      return c;
    });
    return kept + "\u2069".repeat(open);
  }

  const own = (text) => h("bdi", { class: "notranslate", translate: "no" }, balanced(text));
  // In an attribute, a name must not turn the words around it.
  const turning = /[\u0590-\u08FF\u200E\u200F\u202A-\u202E\u2066-\u2069\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;
  const isolated = (text) => (turning.test(text) ? `\u2068${balanced(text)}\u2069` : text);
  const button = (text, click, more = {}) => h("button", { type: "button", class: "button", click, ...more }, text);
  const actions = (...buttons) => h("div", { class: "thing-actions" }, ...buttons);

  // attempt does something that a person has asked for, and says what became of it.
  async function attempt(host, failure, work) {
    try {
      const done = await work();
      if (done) host.say(done, false);
    } catch (err) {
      host.say(`${failure} ${err.message}`, true);
    }
  }

  // copy puts a text into the clipboard; where the page may not, as without HTTPS, by way of a selection.
  async function copy(text) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch { /* there is none, or it refuses */ }
    const had = document.activeElement;
    const box = h("textarea", { class: "unseen", "aria-hidden": "true" });
    box.value = text;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    had?.focus({ preventScroll: true });
    if (!done) throw new Error("");
  }

  return { h, icon, quiet, balanced, own, isolated, button, actions, attempt, copy };
})();
