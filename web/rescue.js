// What helps when the program can't: fetches anew what is missing or damaged of
// the page, says in words what went wrong, and saves the changes that wait on this
// device to a file. It needs no other script and no wasm, and the service worker
// holds a copy of its own. Others use one thing of it, the object rollcallRescue:
//
//   mended()               settles once the parts that were fetched anew are in place
//   fail(title, text, why) shows the failure page, once
//   seekNewer()            switches to a newer version of the program when there is one
//   save(database)         saves the waiting changes to a file; a promise of how many
//   read(database)         reads them: a promise of how many there are, and the file
//   tr(english, ...args)   a text in the person's language; English where even that has not come
"use strict";

(() => {
  const element = (id) => document.getElementById(id);

  const plain = (english, args) => english.replace(/\{(\d|n)\}/g, (_, i) => args[i]);
  const tr = (english, ...args) => globalThis.rollcallLanguage?.tr(english, ...args) ?? plain(english, args);
  const trn = (n, one, other, ...args) =>
    globalThis.rollcallLanguage?.trn(n, one, other, ...args) ?? plain(n === 1 ? one : other, { ...args, n });

  // --- Parts that are missing or damaged ---

  const mending = [];

  // A script or a style sheet that is not what its integrity says fails to load.
  addEventListener("error", ({ target }) => {
    if (target instanceof Element && target.integrity && !target.hasAttribute("data-again")) mending.push(mend(target));
  }, true);

  // mend fetches a part past every cache, which puts it right there, and loads it again;
  // or the one without a content coding, which a proxy may spoil.
  async function mend(part) {
    try {
      const attribute = part.src ? "src" : "href";
      const plain = `${part[attribute]}?coding=identity`;
      const get = (url) => fetch(url, { cache: "reload", integrity: part.integrity });
      const url = await get(part[attribute]).then(() => part[attribute], () => get(plain).then(() => plain));
      const again = document.createElement(part.localName); // a copy of a script would not run
      for (const { name, value } of part.attributes) again.setAttribute(name, value);
      again.setAttribute("data-again", "");
      again.setAttribute(attribute, url);
      await new Promise((resolve, reject) => {
        again.addEventListener("load", resolve);
        again.addEventListener("error", reject);
        part.replaceWith(again);
      });
    } catch (err) {
      if (part.localName === "script") damaged(part.src, err);
      else console.warn(`Without ${part.href}:`, err);
    }
  }

  async function mended() {
    for (let n = -1; n !== mending.length; ) {
      n = mending.length;
      await Promise.all(mending);
    }
  }

  function damaged(address, err) {
    seekNewer();
    fail(tr("Rollcall could not be loaded"),
      tr("Part of it did not arrive as it was built, and could not be fetched again: there is no network, or something " +
      "between this device and the server, such as a sign-in page, answers in the server's place. Check the network, " +
      "then reload. Nothing you saved on this device is lost."), `${address}: ${err?.message ?? "it can't be loaded"}`);
  }

  // --- The failure page ---

  let failed = false;

  function fail(title, text, why) {
    if (failed) return;
    failed = true;
    console.error(title, why ?? "");
    element("watchdog-title").textContent = title;
    element("watchdog-text").textContent = text;
    // go-app writes the reason of a panic to the same element.
    const label = element("app-wasm-loader-label");
    if (why && !label.textContent) label.textContent = String(why);
    element("watchdog").hidden = false;
    element("watchdog-reload").focus();
    tellOfQueue();
  }

  element("watchdog-reload")?.addEventListener("click", () => location.reload());

  async function tellOfQueue() {
    const say = (text) => (element("watchdog-queue").textContent = text);
    try {
      const { count } = await read();
      if (count === 0) return;
      say(trn(count, "{n} change made here waits to be sent. It stays on this device. You can also save it to a file, " +
        "and load it again on the page “Sync”, here or on another device.",
      "{n} changes made here wait to be sent. They stay on this device. You can also save them to a file, " +
        "and load it again on the page “Sync”, here or on another device."));
      element("watchdog-save").hidden = false;
    } catch (err) {
      say(tr("Rollcall can't tell now whether changes wait to be sent: {0}", err?.message ?? err));
    }
  }

  addEventListener("pageshow", ({ persisted }) => persisted && failed && tellOfQueue()); // see reading

  element("watchdog-save")?.addEventListener("click", async () => {
    try {
      const count = await save();
      element("watchdog-queue").textContent = trn(count,
        "{n} change was saved to a file. It also stays on this device. Keep the file until it is on the server.",
        "{n} changes were saved to a file. They also stay on this device. Keep the file until they are on the server.");
    } catch (err) {
      element("watchdog-queue").textContent = tr("They could not be saved to a file: {0}", err?.message ?? err);
    }
  });

  async function startOver(workers) {
    if (!navigator.onLine) return;
    await (await workers.getRegistration())?.unregister();
    location.reload();
  }

  // A version that can't start has no work of a person's in it: it gives way to a
  // newer one by itself.
  async function seekNewer() {
    const workers = navigator.serviceWorker;
    if (!workers) return;
    workers.addEventListener("controllerchange", () => location.reload());
    const switchTo = (worker) => {
      worker?.postMessage({ type: "SKIP_WAITING" });
      setTimeout(() => worker?.state === "installed" && startOver(workers), 5000); // see applyUpdate in boot.js
    };
    try {
      const registration = await workers.getRegistration();
      registration?.addEventListener("updatefound", () => {
        const worker = registration.installing;
        worker?.addEventListener("statechange", () => worker.state === "installed" && switchTo(worker));
      });
      switchTo(registration?.waiting);
      await registration?.update();
    } catch (err) {
      console.warn("There is no newer version to be had:", err);
    }
  }

  // --- The changes that wait, as a file ---

  // A browser whose storage is stuck answers neither yes nor no.
  const patience = 10_000;

  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

  // database is the name of the data of who uses this browser, as account.js has it.
  function database() {
    try {
      const { id } = JSON.parse(localStorage.getItem("rollcall-account"));
      return id ? `rollcall-${id}` : "rollcall";
    } catch {
      return "rollcall";
    }
  }

  // open opens a database whatever its version is, and makes none: null then.
  function open(name) {
    const request = indexedDB.open(name);
    let absent = false;
    request.onupgradeneeded = () => {
      absent = true;
      request.transaction.abort();
    };
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("the browser's storage does not answer")), patience));
    return Promise.race([settled(request), late]).catch((err) => {
      if (absent) return null;
      request.onsuccess = () => request.result.close();
      throw err;
    });
  }

  // reading begins a transaction, which ends when the back/forward cache takes the page: whoever writes would wait for it,
  // in WebKit all others.
  function reading(db, names) {
    const tx = db.transaction(names);
    const leave = ({ persisted }) => persisted && tx.abort();
    addEventListener("pagehide", leave);
    tx.oncomplete = tx.onabort = () => removeEventListener("pagehide", leave);
    return tx;
  }

  // read makes the file of all operations in the queue, in their order. Each is the
  // text that every version of the database has of it, byte by byte; what holds none
  // that can be read goes along as it is. package queue reads the file: SavedChanges.
  async function read(name = database()) {
    const db = await open(name);
    if (!db) return { count: 0, file: "" };
    try {
      const held = (name) => db.objectStoreNames.contains(name);
      const all = (name) => settled(reading(db, [name]).objectStore(name).getAll());
      const { operations, unreadable, client } = held("log") ? await queuedInLog(db) : queuedInRecords(held("operations") ? await all("operations") : []);
      const head = { format: "rollcall-changes", version: 1, savedAt: new Date().toISOString(), program: "{{.Version}}", database: db.version, client };
      const file = `${JSON.stringify(head).slice(0, -1)},\n"operations":[${operations.join(",\n")}],\n"unreadable":[${unreadable.join(",\n")}]}\n`;
      return { count: operations.length + unreadable.length, file };
    } finally {
      db.close();
    }
  }

  // queuedInRecords is of a database with a record for each operation.
  function queuedInRecords(records) {
    const operations = [], unreadable = [];
    for (const record of records) (isObject(record.text) ? operations.push(record.text) : unreadable.push(JSON.stringify(record)));
    return { operations, unreadable };
  }

  // queuedInLog is of a database with a log: see package replica. What the log said up to
  // a number lies in two copies, of which the better one counts.
  async function queuedInLog(db) {
    const tx = reading(db, ["log", "base"]);
    const log = settled(tx.objectStore("log").getAll());
    const copies = await Promise.all(["state/a", "state/b"].map((key) => settled(tx.objectStore("base").get(key))));
    const records = await log;
    const [one, other] = copies.map((copy) => queuedBehind(copy ?? "", records));
    return one.damaged <= other.damaged && copies[0] ? one : other;
  }

  function queuedBehind(state, records) {
    const until = Number(/^h\t\d+\t(\d+)/.exec(state)?.[1] ?? 0);
    const entities = new Map(), unreadable = [];
    let damaged = 0, client; // under which the server may know the operations
    const keep = (line) => mayBeOperation(line) && unreadable.push(JSON.stringify(line));
    const read = ([kind, ...fields], line) => {
      // An entity is told anew, with its operations in the lines behind, or has none left.
      if (kind === "e" || kind === "x") entities.delete(JSON.stringify([fields[0], fields[1]]));
      else if (kind === "u") keep(fields[0]);
      else if (kind === "m" && fields[0] === "damaged") unreadable.length = 0; // the person has removed them
      else if (kind === "m" && fields[0] === "client") client = fields[1];
      else if (kind === "q" && !isObject(fields[1])) keep(line);
      else if (kind === "q") {
        const { type, id } = JSON.parse(fields[1]).ref ?? {}, entity = JSON.stringify([type, id]);
        if (!entities.has(entity)) entities.set(entity, new Map());
        entities.get(entity).set(Number(fields[0]), fields[1]);
      }
    };
    for (const text of [state, ...records.filter(({ seq }) => seq > until).map(({ text }) => text)]) {
      for (const line of String(text).split("\n")) {
        if (!mayBeOperation(line) && !/^[exm]\t/.test(line)) continue;
        if (asSaved(line)) read(line.split("\t").map((f) => f.replace(/\x1b(.)/g, (_, c) => String.fromCharCode(c.charCodeAt(0) - 64))), line);
        else {
          damaged++;
          keep(line);
        }
      }
    }
    const operations = [...entities.values()].flatMap((queue) => [...queue]).sort(([a], [b]) => a - b).map(([, text]) => text);
    return { operations, unreadable, damaged, client };
  }

  // mayBeOperation is true also of a line whose letter is not what it was.
  const mayBeOperation = (line) => line !== "" && (!"hmofgnwrdseacxkvbj".includes(line[0]) || line.includes('"ref":'));

  // asSaved reports whether a line is as its sum says.
  function asSaved(line) {
    const end = line.lastIndexOf("\t");
    let sum = ~0;
    for (const byte of new TextEncoder().encode(line.slice(0, end))) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return end > 0 && line.slice(end + 1) === (~sum >>> 0).toString(16).padStart(8, "0");
  }

  function isObject(text) {
    try {
      const value = JSON.parse(text);
      return typeof value === "object" && value !== null;
    } catch {
      return false;
    }
  }

  async function save(name) {
    const { count, file } = await read(name);
    if (count === 0) return 0;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file], { type: "application/json" }));
    link.download = `rollcall-changes-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it in its own time
    return count;
  }

  globalThis.rollcallRescue = { mended, fail, seekNewer, save, read, tr };
})();
