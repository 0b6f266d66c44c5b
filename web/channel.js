// Stands in for BroadcastChannel where a browser has none: tabs tell each other by the event
// of their common storage, a page and the worker it started by messages, and a service worker
// its pages. Nobody tells a service worker: it reads what there is when it starts.
"use strict";

(() => {
  const key = "rollcall-channel";
  const open = new Set(); // the channels of this page or worker
  const workers = new Set(); // that this page has started

  // deliver passes a message on, once who sends it has gone on.
  function deliver({ name, data }, from) {
    queueMicrotask(() => {
      for (const channel of open) {
        if (channel !== from && channel.name === name) channel.dispatchEvent(new MessageEvent("message", { data }));
      }
    });
  }

  const tell = (targets, channel) => targets.forEach((target) => target.postMessage({ channel }));

  function tellTabs(message) {
    try {
      localStorage.setItem(key, JSON.stringify({ ...message, moment: Math.random() })); // the same text would be no event
      localStorage.removeItem(key);
    } catch {} // there is no room for it
  }

  globalThis.BroadcastChannel = class extends EventTarget {
    static standsIn = true;

    constructor(name) {
      super();
      this.name = name;
      open.add(this);
    }

    postMessage(data) {
      const message = { name: this.name, data };
      deliver(message, this);
      if (globalThis.document) {
        tell(workers, message);
        tellTabs(message);
      } else if (globalThis.clients) {
        clients.matchAll({ includeUncontrolled: true }).then((pages) => tell(pages, message));
      } else {
        globalThis.postMessage({ channel: message });
      }
    }

    close() {
      open.delete(this);
    }
  };

  if (!globalThis.document) {
    addEventListener("message", ({ data }) => data?.channel && deliver(data.channel));
    return;
  }

  function fromOutside(message) {
    deliver(message);
    tell(workers, message);
  }

  addEventListener("storage", (event) => {
    if (event.key === key && event.newValue) fromOutside(JSON.parse(event.newValue));
  });
  navigator.serviceWorker?.addEventListener("message", ({ data }) => data?.channel && fromOutside(data.channel));

  globalThis.Worker = class extends Worker {
    constructor(...how) {
      super(...how);
      workers.add(this);
      this.addEventListener("message", ({ data }) => {
        if (!data?.channel) return;
        deliver(data.channel);
        tell([...workers].filter((other) => other !== this), data.channel);
        tellTabs(data.channel);
      });
    }

    terminate() {
      workers.delete(this);
      super.terminate();
    }
  };
})();
