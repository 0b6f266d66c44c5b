// Gives an open dialog an entry in the tab's history, so that the browser's Back closes
// the dialog first and leaves the page only then. When a dialog closes by itself, a step
// back leaves its entry.
// An open dialog makes inert what is outside of it. So the messages are in it meanwhile, and what the status says is
// said in it, too.
"use strict";

(() => {
  const isDialog = () => history.state?.rollcallDialog === true;
  const modal = () => document.querySelector("dialog[open]");
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  let returning = false; // from a dialog's closing until its entry is left
  let taken = false; // by a page that was opened meanwhile: it has the dialog's entry now
  let late = 0; // the timer that ends it in any case
  let leaving = false; // the browser is loading something else

  history.pushState = (...entry) => {
    taken = returning;
    (returning ? replace : push)(...entry);
  };

  function opened() {
    if (returning) return;
    if (!isDialog()) push({ rollcallDialog: true }, "");
    leaving = false;
    // Only meanwhile: a page with such a listener is not kept in the back/forward cache.
    addEventListener("beforeunload", leave);
  }

  function leave() {
    leaving = true;
  }

  function closed() {
    if (!returning && isDialog()) back();
  }

  function back() {
    returning = true;
    taken = false;
    setTimeout(() => {
      // Another dialog may have opened at once. And a step back would end the loading of
      // what the person has asked for, such as a bookmark.
      if (modal() || leaving || taken) return returned();
      late = setTimeout(returned, 3000); // where nothing happens
      history.back();
    });
  }

  function returned() {
    if (!returning) return;
    returning = false;
    clearTimeout(late);
    removeEventListener("beforeunload", leave);
    if (modal()) opened();
  }

  addEventListener("popstate", () => {
    if (!returning) {
      if (!isDialog()) modal()?.close();
      return;
    }
    returned();
    if (taken) history.forward(); // the step back was under way already
  });

  const place = document.createComment(""); // of the messages, while they are in a dialog
  const said = Object.assign(document.createElement("p"), { className: "unseen", role: "status" });
  const told = new MutationObserver(tell);

  function tell() {
    const text = [...document.querySelectorAll(".status > :is(.status-text, .unseen)")].map((e) => e.textContent).join(" ");
    if (said.textContent !== text) said.textContent = text;
  }

  function carry() {
    const dialog = modal(), messages = document.querySelector(".toasts"), status = document.querySelector(".status");
    told.disconnect();
    if (dialog && messages && status) {
      if (!place.isConnected) messages.before(place);
      tell();
      said.ariaLabel = status.ariaLabel;
      dialog.append(said, messages);
      told.observe(status, { subtree: true, childList: true, characterData: true });
    } else if (place.isConnected) {
      place.replaceWith(messages);
      said.remove();
    }
  }

  new MutationObserver((records) => {
    for (const { target } of records) {
      if (target.tagName === "DIALOG") (target.open ? opened : closed)();
    }
    carry();
  }).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["open"] });

  if (isDialog()) back(); // the page was reloaded with a dialog open
})();
