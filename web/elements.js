// Keeps the elements of the page true to what they show, where go-app alone does not:
//
//   1. go-app writes to the text nodes that it made. A page translator replaces them,
//      and what it puts there would never change again; a highlighter cuts them up, and
//      its pieces would stay beside the new text.
//   2. go-app has no keyed lists. The program keeps one element for each record, of which
//      data-key has the key, and writes to the list's data-order how they follow each
//      other; here they are put in that order. A list that is part of a longer one,
//      data-total, begins at its data-first, and says so of each element.
//      What it makes anew, under the same id, keeps the focus.
//   3. A browser presses what is under the finger when it is lifted. Here a press
//      belongs to what was there when the finger went down, and a double click is one
//      press. A key that is held down presses once.
//
//   4. When rows come or go above, the one under the finger, the focus or the mouse stays where it is
//      on the screen, also at the list's ends; of a list that is scrolled, the first one does.
//      A message comes above what was just pressed, not on it.
//   5. A finger that rests on a row selects it; one that moves it to the side does what its
//      buttons do. One that moves over the letters opens the list there.
//   6. Keys. What they do is in tools.js, which is loaded when the first is pressed.
//   7. WebKit resets fields without autocompletion, and tells nobody, when their page is back from the
//      back/forward cache: what they are reset to is what was typed.
//
// rollcallElements.pressed() says whether a finger is down. The program waits with
// what would move the page. scrollTo(id, top) and reveal(id) scroll for it, keep(name, text) and kept(name)
// keep a text while the tab is open, keepIDs(lines) the ids of whom to export.
"use strict";

(() => {
  // --- 1. Text that a translator has replaced ---

  const standIns = new WeakMap(); // text node of the program -> nodes in its place

  // The program wrote to a text node that is not in the page. It comes back, and the
  // translator takes it from there.
  const rewritten = new MutationObserver((records) => {
    for (const { target } of records) if (!target.isConnected) restore(target);
  });

  function restore(text) {
    const [first, ...rest] = (standIns.get(text) ?? []).filter((node) => node.isConnected);
    first?.replaceWith(text);
    for (const node of rest) node.remove();
  }

  function remember({ removedNodes, addedNodes, previousSibling, nextSibling }, added) {
    for (const node of removedNodes) {
      if (node.nodeType !== Node.TEXT_NODE || node.isConnected) continue;
      const beside = [previousSibling, nextSibling].filter((sibling) => added.has(sibling));
      standIns.set(node, addedNodes.length ? [...addedNodes] : beside.slice(0, 1));
      rewritten.observe(node, { characterData: true });
    }
  }

  const pieces = new WeakMap(); // text node -> what was cut off it

  // A highlighter leaves the text as it reads. Whoever else writes to a node that was cut
  // has the whole text in it.
  function mendCuts(records) {
    const after = new Map();
    for (const { previousSibling, addedNodes } of records) {
      if (addedNodes.length) after.set(previousSibling, [...(after.get(previousSibling) ?? []), ...addedNodes]);
    }
    for (const { type, target, oldValue } of records) {
      if (type !== "characterData") continue;
      const cut = after.get(target);
      if (!cut) {
        for (const piece of piecesOf(target)) piece.remove();
        pieces.delete(target);
      } else if (oldValue.startsWith(target.data) && (!target.parentNode || target.parentNode.textContent.includes(oldValue))) {
        pieces.set(target, cut);
      }
    }
  }

  function piecesOf(text) {
    return (pieces.get(text) ?? []).flatMap((piece) =>
      [...(piece.isConnected ? [piece] : standIns.get(piece) ?? []), ...piecesOf(piece)]);
  }

  // now returns what stands in parent where the program's child was.
  function now(parent, child) {
    if (child.parentNode === parent || child.nodeType !== Node.TEXT_NODE) return child;
    let at = [child, ...(standIns.get(child) ?? [])].find((node) => parent.contains(node));
    while (at && at.parentNode !== parent) at = at.parentNode;
    return at ?? null;
  }

  const { removeChild, replaceChild } = Node.prototype;
  Node.prototype.removeChild = function (child) {
    const standing = now(this, child);
    return standing === null ? child : removeChild.call(this, standing);
  };
  Node.prototype.replaceChild = function (node, child) {
    const standing = now(this, child);
    return standing === null ? this.appendChild(node) && child : replaceChild.call(this, node, standing);
  };

  // --- 2. Elements in the order of their places ---

  let movedAt = 0; // when the person could first see what the last change moved

  function moved() {
    movedAt = performance.now() + 100; // without a frame, as in a hidden tab
    requestAnimationFrame(() => setTimeout(() => (movedAt = performance.now())));
  }

  // The child that is pressed or has the focus stays where it is, and the others move
  // around it: an element loses both when it is moved.
  function arrange(list) {
    const { order, first, total } = list.dataset;
    if (order === undefined) return;
    const place = new Map(order.split("\n").map((key, i) => [key, i]));
    const placeOf = (child) => place.get(child.dataset.key);
    const placed = [...list.children].filter((child) => placeOf(child) !== undefined);
    const wanted = [...placed].sort((a, b) => placeOf(a) - placeOf(b));
    if (total !== undefined) wanted.forEach((child, i) => number(child, Number(first) + i + 1, total));
    if (wanted.every((child, i) => child === placed[i])) return;
    const has = (element) => (child) => element && child.contains(element);
    const held = wanted.find(has(press?.control)) ?? wanted.find(has(document.activeElement));
    const at = held ? wanted.indexOf(held) : wanted.length;
    for (const child of wanted.slice(0, at)) list.insertBefore(child, held ?? null);
    for (const child of wanted.slice(at + 1)) list.append(child);
  }

  // An element that is made anew, under its id, has the focus that it had.
  let focused = null;
  addEventListener("focusin", ({ target }) => { focused = target; }, true);
  addEventListener("focusout", ({ target }) => {
    // Chromium tells of it while the element is being removed.
    queueMicrotask(() => { if (focused === target && target.isConnected) focused = null; });
  }, true);

  function refocus() {
    if (!focused || focused.isConnected) return;
    const { id } = focused;
    focused = null;
    if (id) document.getElementById(id)?.focus({ preventScroll: true });
  }

  function number(child, position, total) {
    if (child.ariaPosInSet !== String(position)) child.ariaPosInSet = position;
    if (child.ariaSetSize !== total) child.ariaSetSize = total;
  }

  // listsIn are the lists of an element that comes into the page. A record has none.
  function listsIn(node) {
    if (node.nodeType !== Node.ELEMENT_NODE || isKeyed(node)) return [];
    return [node, ...node.querySelectorAll("[data-order]")];
  }

  const isKeyed = (node) => node.dataset?.key !== undefined;

  const changed = new MutationObserver((records) => {
    const added = new Set(records.flatMap((record) => [...record.addedNodes]));
    const lists = new Set();
    const come = new Set(); // lists that came into the page, or to another place in it
    let inOrder = true, resized = false;
    for (const record of records) {
      if (record.type === "characterData") continue;
      if (record.attributeName === "style") {
        resized ||= record.target.classList.contains("spacer");
        continue;
      }
      if (record.type === "attributes") {
        lists.add(record.target);
        inOrder &&= record.attributeName !== "data-order";
        continue;
      }
      remember(record, added);
      for (const list of [...record.addedNodes].flatMap(listsIn)) {
        lists.add(list);
        come.add(list);
      }
      if (![...record.addedNodes, ...record.removedNodes].some(isKeyed)) continue;
      lists.add(record.target);
      inOrder = false;
    }
    for (const list of lists) {
      arrange(list);
      if (list.className === "toasts" && (come.has(list) || [...list.children].every((message) => added.has(message)))) clear(list);
    }
    refocus();
    if (!inOrder || resized) stay();
    if (!inOrder) moved();
    mendCuts(records);
    remembered(changed.takeRecords());
  });

  // Arranging makes records of its own, which say nothing new.
  function remembered(records) {
    for (const record of records) if (record.type === "childList") remember(record, new Set());
  }

  changed.observe(document.documentElement, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["data-order", "data-first", "data-total", "style"],
    characterData: true, characterDataOldValue: true,
  });

  // --- 3. Presses ---

  const holdTime = 3_000; // how long a press may hold up what moves the page, in ms
  const clickTime = 150; // how long after it a click is likely to come
  const longestClick = 1_000; // and may come

  const doubleTap = 350; // between two taps that a person means as one, in ms

  let press = null; // {control, rect, late, since, up}
  let before = { control: null, at: -Infinity }; // the press before this one

  const controlOf = (target) =>
    target.closest?.("button, a[href], label, input, select, textarea, summary") ?? null;

  addEventListener("pointerdown", (event) => {
    const control = controlOf(event.target);
    press = {
      control, target: event.target, rect: control?.getBoundingClientRect(),
      late: Boolean(control?.closest("[data-key]")) && event.timeStamp < movedAt, // aimed at what was there before
      since: performance.now(), up: 0,
    };
  }, true);
  addEventListener("pointerup", () => { if (press) press.up = performance.now(); }, true);
  addEventListener("pointercancel", () => { press = null; }, true);
  addEventListener("keydown", () => { if (press?.up) press = null; }, true);

  // What was pressed may have gone, and something else come in its place, between the two
  // clicks of those who double-click everything. Nor is a button meant twice: it may be
  // about the next thing by then. Not all browsers count taps.
  function strays(event, control) {
    const again = event.detail > 1 || (event.pointerType === "touch" && event.timeStamp - before.at < doubleTap);
    const stray = again && (control !== before.control || control?.tagName === "BUTTON");
    if (!stray) before = { control, at: event.timeStamp };
    return stray;
  }

  const meant = 3_000; // how long somebody may press again what they have pressed, in ms
  let last = { rect: null, at: 0 }; // what was pressed last, with a finger or a key

  // clear keeps the first messages off what was just pressed: who presses again means that.
  function clear(area) {
    area.style.removeProperty("--above");
    const { rect, at } = last;
    if (!rect || performance.now() - at > meant || area.getBoundingClientRect().top >= rect.bottom) return;
    const covers = (message) => {
      const { left, right } = message.getBoundingClientRect();
      return left < rect.right && right > rect.left;
    };
    if ([...area.children].some(covers)) area.style.setProperty("--above", `${innerHeight - rect.top}px`);
  }

  function within(rect, { clientX: x, clientY: y }) {
    return rect && x >= rect.left && x <= rect.right && y >= rect.top && y <= rect.bottom;
  }

  addEventListener("click", (event) => {
    const pressed = press;
    if (event.isTrusted && performance.now() < swallowUntil) {
      swallowUntil = 0;
      press = null;
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (event.isTrusted && !event.target.closest?.(".toasts")) last = { rect: controlOf(event.target)?.getBoundingClientRect(), at: performance.now() };
    // Keys, scripts and assistive technology click without a press.
    if (!pressed || !event.isTrusted || event.detail === 0 || event.pointerId === -1) return;
    if (pressed.up === 0 || performance.now() - pressed.up > longestClick) return;
    press = null;
    const { control, rect } = pressed;
    const late = strays(event, control) || pressed.late;
    if (!late && control && (control.contains(event.target) || control.control === event.target)) return;
    if (!late && !control && !controlOf(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    // The finger has not left the control, but the control has left the finger.
    if (!late && control?.isConnected && within(rect, event)) control.click();
  }, true);

  // Enter on a button may open a form, and close it again, as long as it is held. It goes
  // on only where it types lines.
  let enterOn = null;
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    if (!event.repeat) enterOn = event.target;
    else if (event.target !== enterOn || event.target.tagName !== "TEXTAREA") event.preventDefault();
  }, true);

  // --- 4. Rows that stay ---

  const scroller = () => document.getElementById("main");
  const rowOf = (node) => node?.closest?.("[data-total] > [data-key]") ?? null;
  let hovered = null; // what the mouse is over
  let mouse = ""; // where it is
  let held = null; // {row, top, scroll, firm}: what stays, and where; firm unless it is only the first that is seen

  function firstRow() {
    const main = scroller();
    if (!main || main.scrollTop <= 0) return null;
    const top = main.getBoundingClientRect().top;
    return [...main.querySelectorAll("[data-total] > [data-key]")].find((row) => row.getBoundingClientRect().bottom > top) ?? null;
  }

  function hold() {
    const main = scroller();
    const row = rowOf(press?.target) ?? rowOf(document.activeElement) ?? rowOf(hovered);
    settle(main, row);
    const stays = row ?? firstRow();
    held = stays && { row: stays, top: topOf(stays), scroll: main.scrollTop, firm: Boolean(row) };
    if (main !== watched) watchSize(main);
  }

  const topOf = (row) => row.getBoundingClientRect().top;

  // What is above the list, such as a banner, may come and go as rows do.
  let watched = null;
  const sized = new ResizeObserver(() => stay());
  function watchSize(main) {
    sized.disconnect();
    watched = main;
    if (main) sized.observe(main);
  }

  // movedBy is how far the row was moved by anything but the person's scrolling, which is not told at once. A list
  // that has become too short is scrolled by the browser.
  function movedBy(main) {
    const scrolled = main.scrollTop - held.scroll;
    const cut = scrolled < 0 && main.scrollTop >= main.scrollHeight - main.clientHeight - 1;
    return topOf(held.row) - held.top + (cut ? 0 : scrolled);
  }

  // stay scrolls as far as the row that stays was moved. One that has itself gone far is only
  // followed by a finger and the focus. A list that ends too soon for that gets room.
  function stay() {
    const main = scroller();
    if (main && held?.row.isConnected) {
      const moved = movedBy(main), top = topOf(held.row) - moved;
      const near = Math.abs(moved) < main.clientHeight || held.row.contains(document.activeElement) || held.row.contains(press?.target ?? null);
      if (Math.abs(moved) >= 1 && near) {
        main.scrollTop += moved;
        if (held.firm) widen(main, topOf(held.row) - top);
      }
    }
    hold();
  }

  const room = { above: 0, below: 0 }; // in CSS pixels, see .list in app.css

  function makeRoom(main, above, below) {
    Object.assign(room, { above, below });
    for (const side in room) main.style.setProperty(`--${side}`, `${room[side]}px`);
  }

  // widen makes up for what could not be scrolled: the row is still by so much too low.
  function widen(main, by) {
    if (Math.abs(by) < 1) return;
    if (by < 0) return makeRoom(main, room.above - by, room.below);
    const free = main.getBoundingClientRect().bottom - main.lastElementChild.getBoundingClientRect().bottom;
    makeRoom(main, room.above, room.below + by + Math.max(free, 0));
    main.scrollTop += by;
  }

  // settle takes the room back once nothing is held, or nobody sees it.
  function settle(main, holds) {
    const { above, below } = room;
    if (!main || !(above || below)) return;
    const overAbove = !holds || main.scrollTop >= above, overBelow = !holds || main.scrollHeight - main.clientHeight - main.scrollTop >= below;
    if (!(above && overAbove) && !(below && overBelow)) return;
    const top = main.scrollTop;
    makeRoom(main, overAbove ? 0 : above, overBelow ? 0 : below);
    if (overAbove) main.scrollTop = top - above;
  }

  let holding = false;
  function holdSoon() {
    if (holding) return;
    holding = true;
    requestAnimationFrame(() => {
      holding = false;
      hold();
    });
  }

  addEventListener("scroll", holdSoon, { capture: true, passive: true });
  addEventListener("resize", holdSoon);
  addEventListener("focusin", hold, true);
  addEventListener("pointerdown", hold, true);
  addEventListener("pointerover", ({ target, pointerType, clientX, clientY }) => {
    if (pointerType === "touch") return;
    const was = mouse;
    mouse = `${clientX} ${clientY}`;
    if (was === mouse) stay(); // not the mouse has moved, but what is under it
    const over = was === mouse ? document.elementFromPoint(clientX, clientY) : target;
    if (hovered && rowOf(hovered) === rowOf(over)) return;
    hovered = over;
    hold();
  }, true);
  addEventListener("pointermove", ({ clientX, clientY }) => { mouse = `${clientX} ${clientY}`; }, { capture: true, passive: true });
  document.documentElement.addEventListener("pointerleave", () => { hovered = null; });

  // --- 5. Fingers on rows and letters ---

  const restTime = 500; // until a finger rests on a row, in ms
  const slip = 10; // how far it may slip meanwhile, in CSS pixels
  const farEnough = 96; // to the side

  let finger = null; // {row, x, y, rests, by}: by is how far to the side, once it goes there
  let swallowUntil = 0; // a click that a gesture ends with

  function lift() {
    if (!finger) return;
    clearTimeout(finger.rests);
    const { style, dataset } = finger.row;
    style.removeProperty("--by");
    for (const name of ["swipe", "ready", "hint"]) delete dataset[name];
    finger = null;
  }

  // Towards where lines begin it deletes.
  const backward = (by) => (document.documentElement.dir === "rtl" ? by > 0 : by < 0);
  const swiped = (row, by) => row.querySelector(backward(by) ? "[id^=delete-]" : "[id^=edit-]");

  addEventListener("pointerdown", ({ pointerType, isPrimary, target, clientX: x, clientY: y }) => {
    lift();
    const row = rowOf(target);
    if (pointerType !== "touch" || !isPrimary || !row || target.closest("button")) return;
    finger = { row, x, y, by: 0, rests: setTimeout(() => {
      swallowUntil = Infinity;
      row.dispatchEvent(new CustomEvent("rowhold", { bubbles: true }));
      lift();
    }, restTime) };
  }, true);

  addEventListener("pointermove", ({ clientX, clientY }) => {
    if (!finger) return;
    const by = clientX - finger.x, down = Math.abs(clientY - finger.y), { row } = finger;
    if (!finger.by) {
      if (down > slip) return lift();
      if (Math.abs(by) <= slip || Math.abs(by) < 2 * down) return;
      clearTimeout(finger.rests);
    }
    finger.by = by;
    const button = swiped(row, by);
    if (!button) return lift();
    row.style.setProperty("--by", `${by}px`);
    Object.assign(row.dataset, { swipe: backward(by) ? "delete" : "edit", hint: button.getAttribute("aria-label") });
    row.toggleAttribute("data-ready", Math.abs(by) >= farEnough);
  }, { capture: true, passive: true });

  addEventListener("pointerup", () => {
    if (swallowUntil === Infinity) swallowUntil = performance.now() + clickTime;
    if (!finger?.by) return lift();
    const { row, by } = finger;
    swallowUntil = performance.now() + clickTime;
    lift();
    press = null;
    if (Math.abs(by) >= farEnough) swiped(row, by)?.click();
  }, true);
  addEventListener("pointercancel", lift, true);
  addEventListener("contextmenu", (event) => {
    if (finger || swallowUntil === Infinity) event.preventDefault();
  }, true);

  function letter({ clientX, clientY }) {
    const { letter: key } = document.elementFromPoint(clientX, clientY)?.dataset ?? {};
    const select = document.getElementById("list-jump");
    if (!key || !select) return;
    select.value = key;
    select.dispatchEvent(new Event("change"));
  }

  let onLetters = false;
  addEventListener("pointerdown", (event) => {
    onLetters = Boolean(event.target.closest?.(".letters"));
    if (onLetters) letter(event);
  }, true);
  addEventListener("pointermove", (event) => { if (onLetters) letter(event); }, { capture: true, passive: true });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { onLetters = false; }, true);

  // --- 6. Keys ---

  function stored(work) {
    try {
      return work() ?? "";
    } catch {
      return ""; // the browser keeps nothing for this site
    }
  }

  // keyOf is what a key is for: on a keyboard of another script, by its place.
  function keyOf({ key, code, shiftKey }) {
    if (key.length > 1 || key < "\x7f") return key;
    return code === "Slash" ? (shiftKey ? "?" : "/") : code.replace("Key", "").toLowerCase();
  }

  addEventListener("keydown", (event) => {
    const { target } = event, key = keyOf(event);
    // While something is composed, the key is the input method's; Safari says so by the number alone.
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.altKey || document.querySelector("dialog[open]")) return;
    const command = (event.ctrlKey || event.metaKey) && !event.shiftKey && key.toLowerCase() === "k";
    const typing = target.closest?.("input, textarea, select, [contenteditable]");
    if (key === "Escape" && !typing) return document.querySelector(".chosen > .icon-button")?.click();
    const plain = !event.ctrlKey && !event.metaKey && key.length === 1 && "/njke?".includes(key) && !typing && stored(() => localStorage.getItem("rollcall-keys")) !== "off";
    if (!command && !plain) return;
    event.preventDefault();
    rollcall.tool(command ? "palette" : "key", key);
  });

  addEventListener("click", ({ target }) => {
    const tool = target.closest?.("[data-tool]");
    if (tool && !tool.disabled) rollcall.tool(tool.dataset.tool, tool);
  });

  // --- 7. Fields of a page that comes back ---

  addEventListener("pagehide", ({ persisted }) => {
    if (persisted) for (const field of document.querySelectorAll("input[autocomplete=off]")) field.defaultValue = field.value;
  });

  globalThis.rollcallElements = {
    scrollTo(id, top) {
      const element = document.getElementById(id);
      if (!element) return;
      held = null;
      makeRoom(element, 0, 0);
      element.scrollTop = top;
    },
    reveal(id) {
      held = null;
      document.getElementById(id)?.scrollIntoView({ block: "start" });
    },
    keep: (name, text) => stored(() => sessionStorage.setItem(name + rollcallAccount.id, text)),
    kept: (name) => stored(() => sessionStorage.getItem(name + rollcallAccount.id)),
    keepIDs: (lines) => stored(() => sessionStorage.setItem("rollcall-selected", JSON.stringify(lines.split("\n")))),
    pressed() {
      if (!press?.control) return false;
      const t = performance.now();
      return t - press.since < holdTime && (press.up === 0 || t - press.up < clickTime);
    },
  };
})();
