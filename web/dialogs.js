// Gives an open dialog an entry in the tab's history, so that the browser's Back closes
// the dialog first and leaves the page only then.
"use strict";

(() => {
  const isDialog = () => history.state?.rollcallDialog === true;
  const modal = () => document.querySelector("dialog[open]");
  let returning = false; // history.back() is under way
  let late = 0; // the timer that ends it in any case
  let link = null; // pressed meanwhile: its page must not be the one that is left

  function opened() {
    if (!returning && !isDialog()) history.pushState({ rollcallDialog: true }, "");
  }

  function closed() {
    setTimeout(() => { // another one may open at once
      if (!modal() && isDialog() && !returning) back();
    });
  }

  function back() {
    returning = true;
    late = setTimeout(returned, 500); // where nothing happens
    history.back();
  }

  function returned() {
    if (!returning) return;
    returning = false;
    clearTimeout(late);
    if (modal()) opened();
    link?.click();
    link = null;
  }

  addEventListener("popstate", () => {
    if (returning) setTimeout(returned);
    else if (!isDialog()) modal()?.close();
  });

  addEventListener("click", (event) => {
    const a = event.target.closest?.("a[href]");
    if (!returning || !a || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    link = a;
  }, true);

  new MutationObserver((records) => {
    for (const { target } of records) {
      if (target.tagName === "DIALOG") (target.open ? opened : closed)();
    }
  }).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["open"] });

  if (isDialog()) back(); // the page was reloaded with a dialog open
})();
