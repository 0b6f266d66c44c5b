// Boots the page: loads the Go program and shows its progress, has rescue.js explain
// what went wrong if it can't, registers the service worker and watches for a new
// version. The Go program uses the functions that go-app calls (goapp…), and the
// object rollcall:
//
//   rollcall.version          the version of this page's files
//   rollcall.workerURL        URL of the dedicated worker's script
//   rollcall.module           the compiled program, which that worker runs, too
//   rollcall.registration     promise of the ServiceWorkerRegistration, or of null
//   rollcall.updateWaiting()  whether a new version is ready
//   rollcall.applyUpdate()    switches to it and reloads, once the person asks
//   rollcall.otherVersion()   whether a reload brings another version than this page's
//   rollcall.saveChanges(database)  saves the waiting changes to a file; a promise of how many
//   rollcall.readChanges(database)  reads them: a promise of how many there are, and the file
//   rollcall.manage(place, shows, id, host)  has manage.js, share.js or files.js fill an element
//   rollcall.dropped          the files that were dropped on a page last, until somebody takes them
//   rollcall.codes()          loads qrcodegen.js, which draws QR codes
//   rollcall.installWay()     how this browser installs the app: "prompt", "share", or "" if it can't
//   rollcall.saved()          the person has saved something here: the app may offer to be installed
//   rollcall.declineInstall() they don't want to; rollcall.installWanted() is whether it may still offer it
//   rollcall.tool(name, of)   does what a key or a button is for that tools.js knows
//   rollcall.find(text, give) gives the first few people who match, as JSON, once the program runs
//   rollcall.seen             whether this browser synced before this page was loaded
//   rollcall.blocked          whether the browser denies this site all storage
"use strict";

(() => {
  const appURL = '{{asset "app.wasm"}}';
  const appSize = {{size "app.wasm"}};
  const appIntegrity = '{{integrity "app.wasm"}}';

  const element = (id) => document.getElementById(id);

  globalThis.rollcallIDB?.openEarly(`rollcall${rollcallAccount.id && `-${rollcallAccount.id}`}`);

  // part loads a script.
  function part(src, integrity) {
    return new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src, integrity });
      script.addEventListener("load", resolve);
      script.addEventListener("error", reject);
      document.head.append(script);
    });
  }

  const parts = new Map(); // by address: a promise of a script that is loaded when it is first needed

  // once loads such a script. One that did not come is asked for again.
  function once(src, integrity) {
    if (!parts.has(src)) parts.set(src, part(src, integrity));
    parts.get(src).catch(() => parts.delete(src));
    return parts.get(src);
  }

  const scripts = { // by the function that they define
    rollcallManage: ['{{asset "manage.js"}}', '{{integrity "manage.js"}}'],
    rollcallShare: ['{{asset "share.js"}}', '{{integrity "share.js"}}'],
    rollcallTransfer: ['{{asset "files.js"}}', '{{integrity "files.js"}}'],
  };
  const fillers = { share: "rollcallShare", report: "rollcallShare", import: "rollcallTransfer", export: "rollcallTransfer", cutoff: "rollcallTransfer" };

  // seemsCutOff reports whether an import has neither ended nor been cancelled: then how many it has made is not
  // written.
  async function seemsCutOff() {
    const [last] = await rollcallIDB.beside(["import/last"]).catch(() => []);
    return /"created":0,"changed":0,.*"ended":false/.test(last);
  }

  async function manage(place, shows, id, host) {
    if (shows === "cutoff" && !(await seemsCutOff())) return;
    const name = fillers[shows] ?? "rollcallManage";
    place.ariaBusy = true;
    const loaded = once('{{asset "parts.js"}}', '{{integrity "parts.js"}}').then(() => once(...scripts[name]));
    await loaded.then(() => globalThis[name](place, shows, id, host),
      () => host.say(rollcallLanguage.tr("A part of Rollcall could not be loaded. Check the network, then reload the page."), true))
      .finally(() => { place.ariaBusy = null; });
  }

  // A file that is dropped anywhere is for the page "Import". In a dialog it would take what is typed away.
  function dropping(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const allowed = !document.querySelector("dialog[open]");
    const inside = event.type === "dragover" || (event.type === "dragleave" && event.relatedTarget !== null);
    document.documentElement.classList.toggle("dropping", allowed && inside);
    event.dataTransfer.dropEffect = allowed ? "copy" : "none";
    if (event.type !== "drop" || !allowed) return;
    rollcall.dropped = [...event.dataTransfer.files];
    const link = Object.assign(document.createElement("a"), { href: "/import" });
    element("main")?.append(link);
    link.click(); // go-app shows the page
    link.remove();
    dispatchEvent(new Event("rollcall-dropped"));
  }
  for (const name of ["dragover", "dragleave", "drop"]) addEventListener(name, dropping);

  async function tool(name, of) {
    await once('{{asset "tools.js"}}', '{{integrity "tools.js"}}').catch(() => {});
    globalThis.rollcallTools?.[name](of);
  }

  // rescuer is rescue.js. Where that is what did not come, it is fetched anew: it can
  // mend all parts but itself.
  async function rescuer() {
    if (globalThis.rollcallRescue) return rollcallRescue;
    await fetch('{{asset "rescue.js"}}', { cache: "reload", integrity: '{{integrity "rescue.js"}}' });
    await part('{{asset "rescue.js"}}', '{{integrity "rescue.js"}}');
    return rollcallRescue;
  }

  const saysProgressAfter = 1000; // ms. The formats of numbers take longer to load than the rows of a first visit

  function progress(share) {
    // Once go-app has replaced the shell, these elements are gone.
    const bar = element("boot-progress");
    if (!bar) return;
    bar.value = share;
    if (performance.now() < saysProgressAfter) return;
    element("boot-label").textContent = globalThis.rollcallLanguage?.tr("Loading, {0}", rollcallLanguage.percent(share)) ?? "Loading";
  }

  // Where the browser blocks the site's data, even reading these names throws, and go-app
  // reads them. In their place stands a storage that is empty, and has no room.
  let blocked = false;
  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      void globalThis[name];
    } catch {
      blocked = true;
      const setItem = () => { throw new DOMException("The browser stores nothing for this site.", "QuotaExceededError"); };
      const value = { length: 0, key: () => null, getItem: () => null, setItem, removeItem() {}, clear() {} };
      Object.defineProperty(globalThis, name, { value, configurable: true });
    }
  }

  // --- Functions that go-app expects ---

  let installPrompt = null;

  const standalone = () =>
    matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;

  // Only Safari on iOS and iPadOS has navigator.standalone: there, the person installs from a menu.
  function installWay() {
    if (standalone()) return "";
    return installPrompt ? "prompt" : navigator.standalone === false ? "share" : "";
  }

  const wish = "rollcall-install"; // in localStorage: "wanted" or "declined"
  const wished = () => attempted(() => localStorage.getItem(wish));
  const declineInstall = () => attempted(() => localStorage.setItem(wish, "declined"));

  function saved() {
    if (!wished()) attempted(() => localStorage.setItem(wish, "wanted"));
  }

  // attempted is what a use of the storage returns, null if it has no room.
  function attempted(work) {
    try {
      return work();
    } catch {
      return null;
    }
  }

  Object.assign(globalThis, {
    goappNav() {},
    goappOnUpdate() {},
    goappOnAppInstallChange() {},
    goappGetenv: () => "",
    goappKeepBodyClean: () => () => {},
    goappIsAppInstalled: standalone,
    goappIsAppInstallable: () => installWay() !== "",
    async goappShowInstallPrompt() {
      const prompt = installPrompt;
      if (!prompt) return;
      installPrompt = null; // a prompt can be shown only once
      await prompt.prompt();
      if ((await prompt.userChoice).outcome === "dismissed") declineInstall();
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

  const version = "{{.Version}}";
  const workers = navigator.serviceWorker;
  let waiting = null; // the worker of the new version
  let served = version; // the version that a reload brings
  let switching = false; // this tab is switching to it

  // versionOf asks a worker for its version; "" is of one that does not answer, as old
  // ones don't. Whether there is a new version is seen by that alone: which states a
  // worker goes through while the page gets its first controller differs between
  // browsers.
  function versionOf(worker) {
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(String(data));
      setTimeout(resolve, 30_000, "");
    });
    try {
      worker.postMessage({ type: "VERSION" }, [port2]);
    } catch {
      return ""; // it is gone
    }
    return answer;
  }

  async function found(worker) {
    if ((await versionOf(worker)) === version || worker.state !== "installed") return;
    waiting = worker;
    goappOnUpdate();
  }

  // serves takes note of the version that the active worker serves.
  async function serves(worker) {
    served = (await versionOf(worker)) || served;
    if (served !== version) goappOnUpdate();
  }

  // A screen that is never hidden, and a tab without a controller, look too.
  const lookEvery = 60 * 60 * 1000;
  // When a page has started, the worker sees to it that the next one can, too.
  const mendAfter = 3000;

  function watch(registration) {
    const follow = (worker) => {
      worker?.addEventListener("statechange", () => {
        if (worker.state === "installed") found(worker);
      });
    };
    if (registration.waiting) found(registration.waiting);
    if (registration.active) serves(registration.active);
    follow(registration.installing);
    registration.addEventListener("updatefound", () => follow(registration.installing));
    const look = () => registration.update().catch(() => {}); // no network: the next look will do
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") look();
    });
    addEventListener("online", look);
    const mend = { type: "MEND", language: globalThis.rollcallLanguage?.code, spare: navigator.connection?.saveData };
    workers.ready.then(({ active }) => setTimeout(() => active.postMessage(mend), mendAfter));
    setInterval(look, lookEvery);
    return registration;
  }

  // The worker copies the program, which takes a processor. On a first visit it leaves that to
  // the program until the list is there, or this has passed since the program came.
  const registerWithin = 5000;
  const list = "main .rows[data-order], main .empty-state";
  let loaded; // is called when the program has come, or can't
  const loading = new Promise((resolve) => (loaded = resolve));

  async function listed() {
    await loading;
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => document.querySelector(list) && settle());
      const settle = () => resolve(observer.disconnect());
      observer.observe(document.body, { childList: true, subtree: true });
      setTimeout(settle, registerWithin);
    });
  }

  async function register() {
    if (!workers) return null;
    workers.addEventListener("controllerchange", () => {
      if (switching) location.reload();
      else if (workers.controller) serves(workers.controller);
    });
    if (!workers.controller) await listed();
    try {
      return watch(await workers.register("/sw.js", { updateViaCache: "none" }));
    } catch (err) {
      console.warn("No service worker, so the app can't start offline:", err);
      return null;
    }
  }

  // updateWaiting is about pages that a worker serves. A page loaded past it, by
  // Shift and reload, has come from the server: what the worker has may be older.
  function updateWaiting() {
    return (waiting !== null && waiting.state !== "redundant") || (Boolean(workers?.controller) && served !== version);
  }

  const otherVersion = () => updateWaiting() || served !== version;

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
    setTimeout(() => startOver(worker), switchWithin);
  }

  // Chromium may leave a worker waiting for minutes though the one before has nothing to do. Without
  // either, the page comes from the server, and registers the newest.
  const switchWithin = 5000;

  async function startOver(worker) {
    if (worker.state !== "installed" || !navigator.onLine) return;
    await (await globalThis.rollcall.registration)?.unregister();
    location.reload();
  }

  globalThis.rollcall = {
    version,
    workerURL: '{{asset "worker.js"}}',
    registration: register(),
    updateWaiting,
    applyUpdate,
    otherVersion,
    saveChanges: async (name) => (await rescuer()).save(name),
    readChanges: async (name) => (await rescuer()).read(name),
    manage,
    codes: () => once('{{asset "qrcodegen.js"}}', '{{integrity "qrcodegen.js"}}'),
    installWay,
    installWanted: () => wished() === "wanted",
    saved,
    declineInstall,
    tool,
    seen: /(^|; )rollcall_seen=/.test(document.cookie),
    blocked,
  };

  // --- The Go program ---

  // check reads a copy of the body, so that the browser may still compile the
  // response itself while it arrives, and keep the compiled code: the browser's own
  // check would keep it back until the last byte. The bytes are decoded ones, as
  // appSize is. Without a secure context there is nothing to check with.
  async function check(response) {
    const chunks = [];
    const reader = response.body.getReader();
    for (let got = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      got += value.byteLength;
      progress(Math.min(got / appSize, 1));
    }
    progress(1);
    if (!globalThis.crypto?.subtle) return;
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(chunks).arrayBuffer()));
    if ("sha256-" + btoa(String.fromCharCode(...sum)) !== appIntegrity) throw new Error(`${appURL} is not as it was built`);
  }

  // load tries anew past every cache, and at last without a content coding, which a
  // proxy may spoil.
  async function load(imports, again) {
    const get = (url) => fetch(url, again ? { cache: "reload", integrity: appIntegrity } : {});
    const response = await (again ? get(appURL).catch(() => get(`${appURL}?coding=identity`)) : globalThis.rollcallProgram ?? get(appURL));
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const checked = check(response.clone());
    const started = WebAssembly.instantiateStreaming
      ? WebAssembly.instantiateStreaming(response, imports)
      : response.arrayBuffer().then((bytes) => WebAssembly.instantiate(bytes, imports));
    const [{ instance, module }] = await Promise.all([started, checked]);
    rollcall.module = module;
    return instance;
  }

  async function run() {
    const rescue = await rescuer();
    const { fail, tr } = rescue;
    if (typeof WebAssembly !== "object") {
      fail(tr("This browser can't run Rollcall"), tr("It lacks WebAssembly, which any current version of Chrome, Edge, Firefox or Safari has."));
      return;
    }
    await rescue.mended();
    if (!globalThis.BroadcastChannel) await part('{{asset "channel.js"}}', '{{integrity "channel.js"}}');
    await globalThis.rollcallLanguage?.ready;
    if (typeof Go !== "function" || !globalThis.rollcallLanguage) return; // what could not be mended is said already
    const go = new Go();
    let code = 0;
    go.exit = (c) => (code = c);
    let instance;
    try {
      instance = await load(go.importObject, false).catch((err) => {
        console.warn("The program is fetched anew:", err);
        return load(go.importObject, true);
      }).finally(loaded);
    } catch (err) {
      rescue.seekNewer();
      fail(tr("Rollcall could not be loaded"), tr("Check the network, then reload. Nothing you saved on this device is lost."), err);
      return;
    }
    const stopped = tr("Rollcall has stopped");
    const safe = tr("Something went wrong inside it. What you saved is safe on this device; reload to go on.");
    try {
      await go.run(instance);
      fail(stopped, safe, `exit code ${code}`);
    } catch (err) {
      fail(stopped, safe, err);
    }
  }

  run().catch((err) => console.error("Rollcall could not be loaded. Reload the page.", err)).finally(loaded);
})();
