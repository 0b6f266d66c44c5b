// What keys and a few buttons open: the command palette, the sheet of shortcuts, and the dialog that
// sets one field of several users. It is loaded when it is first needed.
//
//   rollcallTools.key(key)        does what a single key is for
//   rollcallTools.palette()       opens the palette
//   rollcallTools.sheet()         opens the sheet of shortcuts
//   rollcallTools.field(button)   asks for a field and its value; the bar of the button gets an event
//                                 "editfield" with both
"use strict";

(() => {
  const { tr, trn, number } = rollcallLanguage;
  const fields = [["bio", tr("Bio")], ["name", tr("Name")]]; // no two users may have one email

  const longest = { bio: 2000, name: 200 }; // as in package api

  const $ = (selector) => document.querySelector(selector);
  const onList = () => location.pathname === "/";

  function h(tag, attributes, ...content) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...content);
    return element;
  }

  const button = (text, click, more = {}) => h("button", { type: "button", class: "button", click, ...more }, text);

  // open shows a dialog that is gone when it closes, and gives the focus back.
  function open(dialog, first) {
    const opener = document.activeElement;
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (opener?.isConnected && document.activeElement === document.body) opener.focus();
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    dialog.showModal();
    first.focus();
  }

  // found is an element as soon as it is there.
  function found(selector, then) {
    const waits = performance.now() + 3000;
    (function look() {
      const element = $(selector);
      if (element) then(element);
      else if (performance.now() < waits) requestAnimationFrame(look);
    })();
  }

  // --- What can be done ---

  // on does something with an element of a page, which is opened first.
  function on(path, selector, act) {
    if (location.pathname !== path) goappNav(path);
    found(selector, act);
  }

  const focusSearch = () => on("/", "#search", (box) => {
    box.focus();
    box.select();
  });

  function choose(select, value) {
    select.value = value;
    select.dispatchEvent(new Event("change"));
  }

  function commands() {
    const all = [
      [tr("Add user"), () => on("/", "#add-user", (b) => b.click()), "n"],
      [tr("Sync now"), () => ($(".button-sync") ? $(".button-sync").click() : on("/sync", ".button-sync", (b) => b.click()))],
      [tr("Search users"), focusSearch, "/"],
      [tr("Import from a file"), () => goappNav("/import")],
      [tr("Export what the list shows"), () => goappNav(`/export${onList() ? location.search : ""}`)],
      [tr("Select users"), () => on("/", "#select-users", (b) => b.click())],
      ...[...document.querySelectorAll(".nav-link")].map((a) => [a.querySelector("span").textContent, () => a.click()]),
    ];
    for (const select of document.querySelectorAll(".list-tools select:not(#list-jump)")) {
      for (const option of select.options) {
        if (!option.selected) all.push([tr("{0}: {1}", select.getAttribute("aria-label"), option.textContent), () => choose(select, option.value)]);
      }
    }
    all.push([tr("Keyboard shortcuts"), sheet, "?"]);
    return all.map(([text, run, key]) => ({ text, run, key }));
  }

  const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  // --- The palette ---

  function palette() {
    const list = h("ul", { id: "palette-list", class: "palette-list", role: "listbox", "aria-label": tr("Commands") });
    const box = h("input", { id: "palette-search", class: "input", type: "text", role: "combobox", placeholder: tr("Type a command or a name"), "aria-label": tr("Type a command or a name"),
      autocomplete: "off", spellcheck: "false", "aria-expanded": "true", "aria-controls": list.id, "aria-autocomplete": "list", input: show, keydown });
    const dialog = h("dialog", { id: "palette", class: "dialog palette", "aria-label": tr("Commands") }, box, list);
    const all = commands();
    let items = [], at = 0, asked = 0;

    function show() {
      const text = box.value.trim(), words = folded(text).split(/\s+/);
      const matching = all.filter((c) => words.every((word) => folded(c.text).includes(word)));
      fill(matching, []);
      const number = ++asked;
      if (!text || !rollcall.find) return;
      rollcall.find(text, (json) => {
        if (number === asked) fill(matching, JSON.parse(json));
      });
    }

    function fill(matching, people) {
      items = [
        ...people.map(({ id, name, email }) => ({ text: name, more: email, own: true, run: () => goappNav(`/users/${encodeURIComponent(id)}`) })),
        ...matching.slice(0, 30),
      ];
      at = 0;
      list.replaceChildren(...items.map((item, i) => h("li", { id: `palette-${i}`, class: "palette-item", role: "option", click: () => run(item),
        pointermove: () => mark(i) },
      item.own ? h("bdi", { class: "notranslate", translate: "no" }, item.text) : h("span", {}, item.text),
      ...(item.more ? [h("bdi", { class: "palette-more notranslate", translate: "no" }, item.more)] : []),
      ...(item.key ? [h("kbd", {}, item.key)] : []))));
      if (!items.length) list.append(h("li", { class: "palette-none", role: "option", "aria-disabled": "true" }, tr("Nothing has that name")));
      mark(0);
    }

    function mark(i) {
      at = i;
      [...list.children].forEach((li, n) => li.setAttribute("aria-selected", String(n === i && items.length > 0)));
      if (items.length) box.setAttribute("aria-activedescendant", `palette-${i}`);
      else box.removeAttribute("aria-activedescendant");
    }

    function run(item) {
      dialog.close();
      setTimeout(item.run, 50); // the dialog's step back in the history comes first
    }

    function keydown(event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && items.length) {
        mark((at + step + items.length) % items.length);
        list.children[at].scrollIntoView({ block: "nearest" });
      } else if (event.key === "Enter" && items[at] && !event.isComposing) {
        run(items[at]);
      } else {
        return;
      }
      event.preventDefault();
    }

    show();
    open(dialog, box);
  }

  // --- Shortcuts ---

  const keys = [["/", tr("Search users")], ["n", tr("Add user")], ["j", tr("Next user")], ["k", tr("Previous user")], ["e", tr("Edit the user")], ["?", tr("This list")], ["Ctrl-K", tr("Commands and people")]];

  const off = () => {
    try {
      return localStorage.getItem("rollcall-keys") === "off";
    } catch {
      return false;
    }
  };

  function sheet() {
    const toggle = h("button", { type: "button", class: "switch", role: "switch", "aria-checked": String(!off()), "aria-labelledby": "keys-on",
      click() {
        try {
          localStorage.setItem("rollcall-keys", off() ? "on" : "off");
        } catch { /* the browser keeps nothing: they stay on */ }
        toggle.setAttribute("aria-checked", String(!off()));
      } }, h("span", { class: "switch-knob" }));
    const close = button(tr("Close"), () => dialog.close(), { class: "button button-primary" });
    const dialog = h("dialog", { id: "shortcuts", class: "dialog dialog-small", "aria-labelledby": "shortcuts-title" },
      h("div", { class: "form" }, h("h2", { id: "shortcuts-title" }, tr("Keyboard shortcuts")),
        h("dl", { class: "keys" }, ...keys.map(([key, text]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)))),
        h("div", { class: "setting" }, h("div", { class: "choice-words" }, h("span", { id: "keys-on", class: "choice-title" }, tr("Single keys are on")), h("span", { class: "hint" }, tr("Ctrl-K always works."))), toggle),
        h("div", { class: "form-actions" }, close)));
    open(dialog, close);
  }

  // step moves the focus to the row before or after the one that has it.
  function step(by) {
    const rows = [...document.querySelectorAll("[data-total] > [data-key]")].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet);
    const main = $("#main").getBoundingClientRect();
    const has = rows.findIndex((row) => row.contains(document.activeElement));
    const seen = rows.findIndex((row) => row.getBoundingClientRect().top >= main.top);
    const row = rows[has < 0 ? Math.max(seen, 0) : Math.min(Math.max(has + by, 0), rows.length - 1)];
    row?.querySelector(".row-name").focus();
  }

  const does = {
    "/": focusSearch,
    n: () => on("/", "#add-user", (b) => b.click()),
    j: () => step(1),
    k: () => step(-1),
    e: () => (document.activeElement?.closest("[data-key]")?.querySelector("[id^=edit-]") ?? $("#edit-user"))?.click(),
    "?": sheet,
  };

  // --- One field of several users ---

  // As UserPatch.Clean of package api has it: what is refused there would be lost, since the dialog has closed.
  const seen = /[^\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]/u;
  const control = /[^\P{Cc}\n\t]/u; // a name has neither of those any more

  function field(opener) {
    const bar = opener.closest(".chosen");
    const which = h("select", { id: "field-name", class: "input", change: shape }, ...fields.map(([value, text]) => h("option", { value }, text)));
    const value = h("textarea", { id: "field-value", class: "input", dir: "auto", "aria-describedby": "field-wrong", input: keep });
    const wrong = h("p", { id: "field-wrong", class: "field-error", role: "alert" });

    // What was typed is there again the next time, until it was saved.
    function keep() {
      if (value.value) rollcallDrafts.keep("field", JSON.stringify([which.value, value.value]));
      else rollcallDrafts.drop("field");
    }

    function shape() {
      value.rows = which.value === "bio" ? 3 : 1;
      value.maxLength = 2 * longest[which.value]; // what is too long is said, not cut
      wrong.textContent = "";
      keep();
    }

    function save(event) {
      event.preventDefault();
      const text = which.value === "bio" ? value.value : value.value.replace(/\s+/g, " ").trim();
      const n = [...text.normalize("NFC")].length, most = longest[which.value];
      const called = which.selectedOptions[0].textContent;
      if (which.value === "name" && !text) wrong.textContent = tr("Type a name.");
      else if (which.value === "name" && !seen.test(text)) wrong.textContent = tr("{0} shows nothing; type a name that can be read", called);
      else if (control.test(text)) wrong.textContent = tr("{0} has a control character; remove it", called);
      else if (n > most) wrong.textContent = tr("{0} is {1} characters long; at most {2} are allowed", called, number(n), number(most));
      else wrong.textContent = "";
      value.setAttribute("aria-invalid", String(wrong.textContent !== ""));
      if (wrong.textContent) {
        value.focus();
        return;
      }
      dialog.close();
      rollcallDrafts.drop("field");
      setTimeout(() => bar.dispatchEvent(new CustomEvent("editfield", { detail: { field: which.value, value: text } })), 50);
    }

    const label = (input, text) => h("div", { class: "field" }, h("label", { for: input.id }, text), input);
    const dialog = h("dialog", { id: "edit-field", class: "dialog", "aria-labelledby": "edit-field-title" },
      h("form", { class: "form", method: "post", novalidate: true, submit: save }, h("h2", { id: "edit-field-title" }, tr("Edit a field")),
        h("p", { class: "quiet" }, trn(Number(opener.dataset.count), "This changes {n} selected user. You can undo it.", "This changes {n} selected users. You can undo it.")), label(which, tr("Field")), label(value, tr("New value")), wrong,
        h("div", { class: "form-actions" }, button(tr("Cancel"), () => dialog.close()), h("button", { type: "submit", class: "button button-primary" }, tr("Save")))));
    const kept = rollcallDrafts.get("field");
    if (kept) [which.value, value.value] = JSON.parse(kept);
    shape();
    dialog.addEventListener("close", () => rollcallDrafts.release("field"));
    open(dialog, which);
  }

  globalThis.rollcallTools = { key: (key) => does[key]?.(), palette, sheet, field };
})();
