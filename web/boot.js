// Boots the page: loads the Go program and shows its progress, explains what went
// wrong if it can't, registers the service worker and watches for a new version.
// The Go program uses the functions that go-app calls (goapp…), and the object
// rollcall:
//
//   rollcall.version          the version of this page's files
//   rollcall.workerURL        URL of the dedicated worker's script
//   rollcall.registration     promise of the ServiceWorkerRegistration, or of null
//   rollcall.updateWaiting()  whether a new version is ready
//   rollcall.applyUpdate()    switches to it and reloads, once the person asks
//   rollcall.seen             whether this browser synced before this page was loaded
"use strict";

(() => {
  const appURL = '{{asset "app.wasm"}}';
  const appSize = {{size "app.wasm"}};

  const element = (id) => document.getElementById(id);

  // --- Failures, shown when there is no Go program to show them ---

  let failed = false;

  function fail(title, text, detail) {
    if (failed) return;
    failed = true;
    console.error(title, detail ?? "");
    element("watchdog-title").textContent = title;
    element("watchdog-text").textContent = text;
    // go-app writes the reason for a panic to the same element.
    const label = element("app-wasm-loader-label");
    if (detail && !label.textContent) label.textContent = String(detail);
    element("watchdog").hidden = false;
    element("watchdog-reload").focus();
  }

  element("watchdog-reload").addEventListener("click", () => location.reload());

  function progress(share) {
    // Once go-app has replaced the shell, these elements are gone.
    const bar = element("boot-progress");
    if (!bar) return;
    bar.value = share;
    element("boot-label").textContent = `Loading, ${Math.round(share * 100)} %`;
  }

  // --- Functions that go-app expects ---

  let installPrompt = null;

  const standalone = () =>
    matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;

  Object.assign(globalThis, {
    goappNav() {},
    goappOnUpdate() {},
    goappOnAppInstallChange() {},
    goappGetenv: () => "",
    goappKeepBodyClean: () => () => {},
    goappIsAppInstalled: standalone,
    goappIsAppInstallable: () => installPrompt !== null && !standalone(),
    async goappShowInstallPrompt() {
      const prompt = installPrompt;
      if (!prompt) return;
      installPrompt = null; // a prompt can be shown only once
      await prompt.prompt();
      await prompt.userChoice;
      goappOnAppInstallChange();
    },
  });

  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    installPrompt = event;
    goappOnAppInstallChange();
  });
  addEventListener("appinstalled", () => {
    installPrompt = null;
    goappOnAppInstallChange();
  });

  // --- New versions wait until the person asks for a reload ---

  const workers = navigator.serviceWorker;
  let waiting = null; // the worker of the new version
  let switched = false; // another tab has already switched to it
  let switching = false; // this tab is switching to it

  function found(worker) {
    waiting = worker;
    goappOnUpdate();
  }

  function watch(registration) {
    if (registration.waiting && workers.controller) found(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const worker = registration.installing;
      worker?.addEventListener("statechange", () => {
        // Without a controller it is the first version, not an update.
        if (worker.state === "installed" && workers.controller) found(worker);
      });
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") registration.update().catch(() => {});
    });
    return registration;
  }

  async function register() {
    if (!workers) return null;
    let controlled = workers.controller !== null;
    workers.addEventListener("controllerchange", () => {
      if (switching) {
        location.reload();
      } else if (controlled) {
        switched = true;
        goappOnUpdate();
      }
      controlled = true;
    });
    try {
      return watch(await workers.register("/sw.js", { updateViaCache: "none" }));
    } catch (err) {
      console.warn("No service worker, so the app can't start offline:", err);
      return null;
    }
  }

  function applyUpdate() {
    if (switching) return;
    switching = true;
    const worker = waiting;
    if (!worker || worker.state === "activated" || worker.state === "redundant") {
      location.reload();
      return;
    }
    // A page without a controller gets no controllerchange event.
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated" || worker.state === "redundant") location.reload();
    });
    worker.postMessage({ type: "SKIP_WAITING" });
  }

  globalThis.rollcall = {
    version: "{{.Version}}",
    workerURL: '{{asset "worker.js"}}',
    registration: register(),
    updateWaiting: () => switched || (waiting !== null && waiting.state !== "redundant"),
    applyUpdate,
    seen: /(^|; )rollcall_seen=/.test(document.cookie),
  };

  // --- The Go program ---

  // count reads a copy of the body, so that the browser can still compile the
  // response as it streams in, and cache the compiled code. It counts decoded
  // bytes, as appSize does.
  async function count(response) {
    const reader = response.body.getReader();
    for (let got = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) return progress(1);
      got += value.byteLength;
      progress(Math.min(got / appSize, 1));
    }
  }

  async function load(imports) {
    const response = await fetch(appURL);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    if (response.body) count(response.clone()).catch(() => {});
    if (WebAssembly.instantiateStreaming) {
      return (await WebAssembly.instantiateStreaming(response, imports)).instance;
    }
    return (await WebAssembly.instantiate(await response.arrayBuffer(), imports)).instance;
  }

  async function run() {
    if (typeof WebAssembly !== "object") {
      fail("This browser can't run Rollcall", "It has no WebAssembly. Any current version of Chrome, Edge, Firefox or Safari does.");
      return;
    }
    if (typeof Go !== "function") {
      fail("Rollcall could not be loaded", "Part of it did not arrive. Check the network, then reload.");
      return;
    }
    const go = new Go();
    let code = 0;
    go.exit = (c) => (code = c);
    let instance;
    try {
      instance = await load(go.importObject);
    } catch (err) {
      fail("Rollcall could not be loaded", "Check the network, then reload. Nothing you saved on this device is lost.", err);
      return;
    }
    const stopped = "Rollcall has stopped";
    const safe = "Something went wrong inside it. What you saved is safe on this device; reload to go on.";
    try {
      await go.run(instance);
      fail(stopped, safe, `exit code ${code}`);
    } catch (err) {
      fail(stopped, safe, err);
    }
  }

  run();
})();
