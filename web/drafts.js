// Keeps the texts of open forms in localStorage: they survive a reload, a crash and a
// closed tab. A browser that is killed has not written the last seconds of that to the disk, so
// a copy is in IndexedDB, beside the account's data. A draft belongs to the tab that holds
// the Web Lock of its name, so that no other tab offers it.
//
//   rollcallDrafts.keep(key, text)  stores a draft; false if the browser does not, or another
//                                   account is here by now
//   rollcallDrafts.release(key)     leaves it to whoever opens it next
//   rollcallDrafts.drop(key)        deletes it
//   rollcallDrafts.get(key)         returns it; "" for none. "field" is that of several users
//   rollcallDrafts.list()           promise of {key: text} of those that nobody holds
//   rollcallDrafts.resume(key)      names the one that this tab opens after a reload
//   rollcallDrafts.takeResumed()    returns it, once; "" for none
//   rollcallDrafts.clear()          deletes all of this account's
//   rollcallDrafts.takeOver(keep)   makes nobody's this account's, or deletes them
"use strict";

(() => {
  const nobodys = "rollcall-draft-";
  const prefix = () => (rollcallAccount.id ? `rollcall-draft@${rollcallAccount.id}-` : nobodys);
  const resumed = "rollcall-resumed-draft";
  const held = new Map(); // key -> function that gives up its lock
  let kept = []; // keys whose locks were given up with the page

  function hold(key) {
    if (held.has(key)) return;
    held.set(key, () => {});
    navigator.locks?.request(prefix() + key, () => new Promise((done) => {
      if (held.has(key)) held.set(key, done);
      else done();
    })).catch(() => {});
  }

  function release(key) {
    held.get(key)?.();
    held.delete(key);
  }

  // A lock keeps a page out of the back/forward cache.
  addEventListener("pagehide", () => {
    kept = [...held.keys()];
    for (const key of kept) release(key);
  });
  addEventListener("pageshow", () => {
    for (const key of kept.splice(0)) hold(key);
  });

  // If the browser blocks the site's data, even reading the name localStorage throws.
  function attempt(work, otherwise) {
    try {
      return work();
    } catch {
      return otherwise;
    }
  }

  function stored(start = prefix()) {
    return attempt(() => Object.keys(localStorage).filter((name) => name.startsWith(start)), []);
  }

  // --- Copies ---

  const copies = "draft/";
  const copyAfter = 200; // ms without another text of the draft
  const recoverWithin = 5000; // ms from when the program asks: where IndexedDB does not answer, nothing is recovered
  const due = new Map(); // key -> timer of its copy

  // copy writes the copy of a draft; null deletes it.
  function copy(key, text) {
    const name = copies + key;
    globalThis.rollcallIDB?.beside([], ...(text === null ? [[name]] : [[], [name], [text]])).catch(() => {});
  }

  function copySoon(key, text) {
    clearTimeout(due.get(key));
    if (document.hidden) copy(key, text); // it may never run again
    else due.set(key, setTimeout(copy, copyAfter, key, text));
  }

  const writtenAt = (text) => attempt(() => Date.parse(JSON.parse(text).at), 0);

  // recover puts what only a copy has, or has newer, where drafts are.
  async function recover() {
    const [behind] = await rollcallIDB.beside([`*${copies}`]); // more than a thousand drafts nobody has
    const names = behind.split("\n").filter((name) => name.startsWith(copies));
    if (names.length === 0) return;
    const [texts, taken] = await Promise.all([rollcallIDB.beside(names), locked()]);
    names.forEach((copied, i) => {
      const name = prefix() + copied.slice(copies.length), text = localStorage.getItem(name);
      if (!taken.has(name) && (text === null || writtenAt(texts[i]) > writtenAt(text))) localStorage.setItem(name, texts[i]);
    });
  }

  const recovered = recover().catch(() => {});

  async function locked() {
    const locks = await navigator.locks?.query().catch(() => null);
    return new Set((locks?.held ?? []).map((lock) => lock.name));
  }

  async function list() {
    await Promise.race([recovered, new Promise((resolve) => setTimeout(resolve, recoverWithin))]);
    const taken = await locked();
    const free = stored().filter((name) => !taken.has(name) && name !== `${prefix()}field`);
    return JSON.stringify(Object.fromEntries(
      free.map((name) => [name.slice(prefix().length), attempt(() => localStorage.getItem(name), null) ?? ""])));
  }

  globalThis.rollcallDrafts = {
    keep(key, text) {
      if (!rollcallAccount.current()) return false; // a tab that is left, too, keeps what is typed: it would stay
      hold(key);
      return attempt(() => {
        localStorage.setItem(prefix() + key, text);
        copySoon(key, text);
        return true;
      }, false);
    },
    release,
    get: (key) => attempt(() => localStorage.getItem(prefix() + key), null) ?? "",
    drop(key) {
      release(key);
      attempt(() => localStorage.removeItem(prefix() + key));
      clearTimeout(due.get(key));
      copy(key, null);
    },
    list,
    resume(key) { attempt(() => sessionStorage.setItem(resumed, key)); },
    clear() { for (const name of stored()) attempt(() => localStorage.removeItem(name)); },
    takeOver(keep) {
      for (const name of stored(nobodys)) {
        attempt(() => {
          const own = prefix() + name.slice(nobodys.length);
          if (keep && localStorage.getItem(own) === null) localStorage.setItem(own, localStorage.getItem(name));
          localStorage.removeItem(name);
        });
      }
    },
    takeResumed: () => attempt(() => {
      const key = sessionStorage.getItem(resumed) ?? "";
      sessionStorage.removeItem(resumed);
      return key;
    }, ""),
  };
})();
