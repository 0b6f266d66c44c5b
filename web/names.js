// Asks for the program (rollcallProgram, a promise of the response) before boot.js has come. On a
// visit that finds no data of its own, the shell shows the first people of the list
// while the program is on its way. Nothing can be done with them yet; the program goes on
// showing them (rollcallNames) until it has rows itself, and says what is wrong if these
// don't come.
"use strict";

(() => {
  // The program is asked for at once, and by a script: what a link has preloaded comes without the
  // compiled code that a browser keeps.
  const { program } = document.currentScript.dataset;
  globalThis.rollcallProgram = fetch(program);
  rollcallProgram.catch(() => {}); // boot.js asks again, and says what is wrong

  const rows = 20;
  globalThis.rollcallNames = [];
  // The server sets the cookie once a browser has received a page of the feed. A query asks for other people.
  if (location.pathname + location.search !== "/" || /(^|; )rollcall_seen=/.test(document.cookie)) return;

  // As package app makes them: avatar.go.
  function initials(name) {
    const upper = (letter) => [...letter.toUpperCase()].length === 1 ? letter.toUpperCase() : letter; // ß
    const letters = name.split(/\s+/).flatMap((word) => /[\p{L}\p{Nd}]/u.exec(word) ?? []).map(upper);
    if (letters.length === 0) return "?";
    return letters.length === 1 ? letters[0] : letters[0] + letters.at(-1);
  }

  function hue(id) {
    let h = 2166136261;
    for (const byte of new TextEncoder().encode(id)) h = Math.imul(h ^ byte, 16777619) >>> 0;
    return h % 8;
  }

  function element(tag, className, ...content) {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...content);
    return made;
  }

  function personText(text) {
    const bdi = element("bdi", "notranslate", text);
    bdi.translate = false;
    return bdi;
  }

  function row({ id, name, email }) {
    const avatar = element("span", `avatar hue-${hue(id)} notranslate`, initials(name));
    avatar.translate = false;
    avatar.ariaHidden = "true";
    return element("li", "row", avatar, element("div", "row-main",
      element("span", "row-name", personText(name)), element("span", "row-email", personText(email))));
  }

  async function show() {
    // The server has a first visit ask already (server/static). This takes that answer, in Firefox only as
    // long as it may be redirected, too; WebKit asks anew.
    const response = await fetch(`/api/v1/users?limit=${rows}`, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected || !response.headers.get("Content-Type")?.startsWith("application/json")) return;
    const { users } = await response.json();
    if (users.length === 0) return;
    const made = users.map(row);
    globalThis.rollcallNames = users;
    // The shell's list is gone once the program runs.
    const list = document.querySelector(".boot ~ .page > .skeleton");
    if (!list) return;
    list.className = "rows";
    list.removeAttribute("aria-hidden");
    list.setAttribute("role", "list");
    list.setAttribute("aria-labelledby", "boot-users");
    list.replaceChildren(...made);
    const title = element("h1", "", globalThis.rollcallLanguage?.text("Users") ?? "Users");
    title.id = "boot-users";
    title.dataset.tr = ""; // language.js translates it, if it comes later
    list.before(element("div", "page-head", element("div", "page-heading", title)));
  }

  show().catch(() => {}); // the program comes, asks again, and says what is wrong
})();
