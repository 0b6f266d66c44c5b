// Notes when the app's page shows what, in globalThis.seen: times by performance.now().
"use strict";

(() => {
  const seen = { long: [] };
  globalThis.seen = seen;
  new PerformanceObserver((list) => seen.long.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration }))))
    .observe({ type: "longtask", buffered: true });

  function note(what, isThere) {
    if (isThere && !seen[what]) seen[what] = performance.now();
  }

  new MutationObserver(() => {
    note("button", document.getElementById("add-user"));
    note("rows", document.querySelector(".rows:not(.skeleton) > .row"));
    note("empty", document.querySelector(".empty-state h2")?.textContent.startsWith("No users"));
    note("list", seen.rows || seen.empty);
    note("usable", seen.button && seen.list);
    seen.count = Number((document.querySelector(".count")?.textContent ?? "").replace(/\D/g, ""));
    note("all", seen.count > 0 && seen.count === globalThis.wantedCount);
  }).observe(document, { childList: true, subtree: true, characterData: true });
})();
