// Gives an open dialog an entry in the tab's history, so that the browser's Back closes
// the dialog first and leaves the page only then.
"use strict";

(() => {
  const isDialog = () => history.state?.rollcallDialog === true;
  const modal = () => document.querySelector("dialog[open]");
  let returning = false; // history.back() is under way

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
    history.back();
  }

  addEventListener("popstate", () => {
    if (returning) {
      returning = false;
      if (modal()) opened();
    } else if (!isDialog()) {
      modal()?.close();
    }
  });

  new MutationObserver((records) => {
    for (const { target } of records) {
      if (target.tagName === "DIALOG") (target.open ? opened : closed)();
    }
  }).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["open"] });

  if (isDialog()) back(); // the page was reloaded with a dialog open
})();
