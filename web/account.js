// Whose data this browser works with: those of an account at the server, or nobody's, where
// there are no accounts, or nobody has signed in yet. The name stays when a session ends, so
// that the app also starts offline. What is stored for an account has its id in its name.
//
//   rollcallAccount.text            the account in JSON, as package api writes it; "" for nobody
//   rollcallAccount.id              its id; "" for nobody
//   rollcallAccount.current()       reports whether the browser still works with it
//   rollcallAccount.device          what the server's list of sessions calls this browser
//   rollcallAccount.remember(text)  keeps what is new about it
//   rollcallAccount.become(text)    loads the page anew for another account; false if it can't
//   rollcallAccount.leave(how)      loads the page anew for nobody; its data are "kept", "removed", or
//                                   removed because the account is "disabled"
//   rollcallAccount.drop(keep)      deletes nobody's data; keep takes over what forms held
"use strict";

(() => {
  const key = "rollcall-account";
  const leftKey = "rollcall-left"; // names of databases to delete

  // If the browser blocks the site's data, even reading the name localStorage throws.
  function attempt(work, otherwise) {
    try {
      return work();
    } catch {
      return otherwise;
    }
  }

  const read = () => attempt(() => localStorage.getItem(key), null) ?? "";
  const idOf = (text) => attempt(() => String(JSON.parse(text).id ?? ""), "");
  const text = read();
  const id = idOf(text);
  const suffix = id && `-${id}`;

  // A database that is left is deleted before a program opens it again: requests for one name
  // are served in their order. Until its account is back, each page deletes it anew: another tab's
  // program, which was still at work, may have made it once more.
  const left = () => attempt(() => JSON.parse(localStorage.getItem(leftKey)), null) ?? [];
  const setLeft = (names) => attempt(() => (names.length ? localStorage.setItem(leftKey, JSON.stringify(names)) : localStorage.removeItem(leftKey)));

  function drop(name) {
    attempt(() => {
      indexedDB.deleteDatabase(name).onsuccess = () => name === `rollcall${suffix}` && setLeft(left().filter((other) => other !== name));
    });
  }

  left().forEach(drop);

  // go reports whether the browser takes note: else the page would be loaded anew for ever.
  function go(next, path) {
    attempt(() => (next ? localStorage.setItem(key, next) : localStorage.removeItem(key)));
    if (idOf(read()) !== idOf(next)) return false;
    // It says that there are data here, of whoever had them.
    if (idOf(next) !== id) document.cookie = "rollcall_seen=; path=/; max-age=0";
    if (location.pathname === path) location.reload();
    else location.replace(path);
    return true;
  }

  // The other tabs show what belongs to who was here before.
  const current = () => idOf(read()) === id;
  const follow = () => current() || location.reload();
  addEventListener("storage", (event) => (event.key === key || event.key === null) && follow());
  addEventListener("pageshow", (event) => event.persisted && follow());

  globalThis.rollcallAccount = {
    text, id, current,
    device: (navigator.userAgentData?.brands.at(-1)?.brand ?? /Firefox|Safari/.exec(navigator.userAgent)?.[0] ?? "Browser") +
      ` on ${navigator.userAgentData?.platform ?? navigator.platform}`,
    remember: (next) => attempt(() => localStorage.setItem(key, next)),
    become: (next) => go(next, "/"),
    leave(how) {
      globalThis.caches?.delete("shared"); // a file that another app has shared with whoever was here
      if (how !== "kept") {
        setLeft([...new Set([...left(), `rollcall${suffix}`])]);
        rollcallDrafts.clear();
      }
      if (how === "disabled") history.replaceState(null, "", "/account#disabled");
      go("", "/account");
    },
    drop(keep) {
      rollcallDrafts.takeOver(keep);
      drop("rollcall");
    },
  };
})();
