// The part of package idb that runs beside IndexedDB: opening, migrating, and
// transactions, in which Go decides synchronously. A transaction ends as soon as nobody
// asks it anything.
"use strict";

(() => {
  // --- Opening and migrating ---

  // Migration n brings a database from version n to n+1. Databases of every
  // version exist on people's devices: never change one, append. One that waits for
  // requests calls done at its end.
  const migrations = [
    (db) => {
      const users = db.createObjectStore("users", { keyPath: ["type", "id"] });
      users.createIndex("list", ["type", "sortName", "id"]);
      db.createObjectStore("confirmed", { keyPath: ["type", "id"] });
      const operations = db.createObjectStore("operations", { keyPath: "seq", autoIncrement: true });
      operations.createIndex("entity", ["type", "id"]);
      const conflicts = db.createObjectStore("conflicts", { keyPath: "conflict" });
      conflicts.createIndex("entity", ["type", "id"]);
      db.createObjectStore("meta");
    },
    // A resync sweeps rows of older generations; without an index it would read all.
    (db, tx) => {
      tx.objectStore("users").createIndex("generation", ["type", "generation"]);
      tx.objectStore("confirmed").createIndex("generation", ["type", "generation"]);
    },
    // What can be sent, what was rejected and what is to be looked at, without
    // reading the whole queue. See operationRecord and conflictRecord for the keys.
    (db, tx, done) => {
      const behind = new Set();
      revise(tx.objectStore("operations"), (o) => {
        const entity = keyOf(o);
        if (o.state === "rejected") o.standing = "rejected";
        else if (!behind.has(entity)) o.standing = o.nextAttemptAt;
        behind.add(entity);
      }, () => revise(tx.objectStore("conflicts"), (c) => (c.standing = [c.reviewed ? 0 : 1, c.at]), done));
      tx.objectStore("operations").createIndex("standing", "standing");
      tx.objectStore("conflicts").createIndex("standing", "standing");
    },
    // The next round lists all rows by another rule. No older program may write from here
    // on: it would list its rows by the old one.
    (db, tx) => tx.objectStore("meta").delete("index"),
    // From here on there is a log, with a base that it is moved into: see package replica.
    (db, tx, done, bare) => {
      db.createObjectStore("log", { keyPath: "seq" });
      db.createObjectStore("base").put(`${Date.now()}-${Math.random()}`, "head");
      intoLog(db, tx, done, bare);
    },
  ];

  // revise changes every record of a store, in the order of their keys.
  function revise(store, change, done) {
    store.openCursor().onsuccess = ({ target: { result: cursor } }) => {
      if (!cursor) return done();
      change(cursor.value);
      cursor.update(cursor.value);
      cursor.continue();
    };
  }

  const keyOf = ({ type, id }) => JSON.stringify([type, id]);

  // intoLog makes log records of what was in a store for each kind: the queue and all
  // values are one, then come the rows, a part in each. A bare one leaves out the rows, which
  // the server has, and the cursor, so that they are read again.
  function intoLog(db, tx, done, bare) {
    const stores = ["operations", "conflicts", "confirmed", "meta"].map((name) => tx.objectStore(name));
    const users = tx.objectStore("users"), log = tx.objectStore("log");
    settled([...stores.map((store) => store.getAll()), stores[3].getAllKeys()], ([operations, conflicts, confirmed, values, names]) => {
      const pending = new Map(); // all that is kept of an entity with operations or open conflicts
      for (const one of [...operations, ...conflicts.filter((c) => !c.reviewed)]) {
        pending.set(keyOf(one), { type: one.type, id: one.id, operations: [], conflicts: [] });
      }
      for (const o of operations) pending.get(keyOf(o)).operations.push(o);
      for (const c of conflicts) if (!c.reviewed) pending.get(keyOf(c)).conflicts.push(c);
      for (const row of confirmed) if (pending.has(keyOf(row)) && sound(row)) pending.get(keyOf(row)).row = row;
      const entities = [...pending.values()];
      settled(entities.map(({ type, id }) => users.get([type, id])), (rows) => {
        rows.forEach((row, i) => row && !row.isDirty && sound(row) && (entities[i].row ??= row));
        const kept = values.flatMap((value, i) => (bare && names[i] === "cursor" ? [] : [valueLine(names[i], value)]));
        const lines = [line("h", 1), ...kept, ...entities.flatMap(entityLines)];
        for (const c of conflicts) if (c.reviewed) lines.push(line("v", c.text));
        log.put({ seq: 1, text: lines.join("") });
        const end = () => {
          for (const name of ["users", "confirmed", "operations", "conflicts", "meta"]) db.deleteObjectStore(name);
          done();
        };
        bare ? end() : moveRows(users, log, pending, end);
      });
    });
  }

  function valueLine(name, value) {
    if (name === "#fence") return line("f", value);
    if (name === "#generation") return line("g", value);
    return line("m", name, value);
  }

  function entityLines({ type, id, row, operations, conflicts }) {
    return [
      line("e", type, id, row?.generation ?? 0),
      ...(row ? [line("c", type, id, row.version, row.stamp, instant(row.syncedAt), row.document)] : []),
      ...operations.map((o) => line("q", o.seq, o.text)), ...conflicts.map((c) => line("k", c.text)),
    ];
  }

  // moveRows moves the rows without operations and open conflicts, part by part.
  function moveRows(users, log, pending, done) {
    const part = 500;
    let seq = 1;
    const next = (range) => settled([users.getAll(range, part)], ([rows]) => {
      const lines = rows.filter((row) => !row.isDirty && !pending.has(keyOf(row)) && sound(row)).map((row) => line(
        "r", row.type, row.id, "-", row.sortName, row.version, row.stamp, instant(row.syncedAt), row.generation ?? 0, row.document));
      if (lines.length > 0) log.put({ seq: ++seq, text: line("h", 1) + lines.join("") });
      if (rows.length < part) return done();
      next(IDBKeyRange.lowerBound([rows.at(-1).type, rows.at(-1).id], true));
    });
    next(null);
  }

  // settled calls f with the results of all requests of an upgrade.
  function settled(requests, f) {
    let left = requests.length;
    if (left === 0) return f([]);
    for (const r of requests) r.onsuccess = () => --left === 0 && f(requests.map(({ result }) => result));
  }

  // line is a line of package replica, with its sum.
  function line(kind, ...fields) {
    const body = [kind, ...fields.map((f) => String(f).replace(/[\t\n\x1b]/g, (c) => `\x1b${String.fromCharCode(c.charCodeAt(0) + 64)}`))].join("\t");
    let sum = ~0;
    for (const byte of new TextEncoder().encode(body)) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return `${body}\t${(~sum >>> 0).toString(16).padStart(8, "0")}\n`;
  }

  // instant is a time of RFC 3339 as package replica writes it; nothing for Go's zero time.
  function instant(text) {
    const [, seconds, nanos = ""] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z$/.exec(text) ?? [];
    if (!seconds || text.startsWith("0001-")) return "";
    return `${Date.parse(`${seconds}Z`) / 1000}.${Number(nanos.padEnd(9, "0"))}`;
  }

  // sound reports whether a row is as it was saved, by the sum over all it says but its
  // generation. One from before there were sums counts as such.
  function sound(record) {
    if (record.sum === undefined) return true;
    const names = Object.keys(record).filter((name) => name !== "generation" && name !== "sum").sort();
    try {
      return record.sum === hash(JSON.stringify(names.map((name) => [name, record[name]])));
    } catch {
      return false; // it holds what was never saved, and can't even be written as text
    }
  }

  // hash is api.ContentHash in hexadecimal digits.
  function hash(text) {
    let a = 0xdeadbeef, b = 0x41c6ce57;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      a = Math.imul(a ^ c, 2654435761);
      b = Math.imul(b ^ c, 1597334677);
    }
    const mixed = (x, y) => Math.imul(x ^ (x >>> 16), 2246822507) ^ Math.imul(y ^ (y >>> 13), 3266489909);
    [a, b] = [mixed(a, b), mixed(b, a)];
    return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  // upgrading opens a database, and migrates it. A bare upgrade takes no room for rows. What has to
  // exist is not made.
  function upgrading(name, version, bare, existing) {
    const request = indexedDB.open(name, version);
    request.addEventListener("upgradeneeded", (event) => {
      const tx = request.transaction;
      giveWay(tx, {});
      if (frozen) return tx.abort();
      // The request itself tells only that the upgrade was aborted.
      tx.addEventListener("abort", () => (request.full = tx.error?.name === "QuotaExceededError"));
      if (existing && event.oldVersion === 0) {
        request.missing = true;
        tx.abort();
        return;
      }
      const migrate = (from) => {
        for (let v = from; v < version; v++) {
          migrations[v](request.result, tx, () => migrate(v + 1), bare);
          if (migrations[v].length >= 3) return; // it says when it is done
        }
      };
      migrate(event.oldVersion);
    });
    return request;
  }

  // early is the name of a database, and the request to open it that nobody has asked for yet;
  // undefined once the program has begun to open any.
  let early = null;

  // own is the name of the page's own database, and a promise of its newest connection.
  const own = {};
  own.open = new Promise((resolve) => (own.opened = resolve));

  // openEarly opens a database while the program is on its way, which takes as long. What is
  // to be upgraded waits for a program that runs.
  async function openEarly(name) {
    own.name = name;
    try {
      const found = (await indexedDB.databases()).find((db) => db.name === name);
      if (early === undefined || (found && found.version !== migrations.length)) return;
      const mine = (early = { name, request: upgrading(name, migrations.length, false) });
      mine.request.addEventListener("success", () => {
        mine.opened = true; // the request is "done" for an upgrade already
        mine.request.result.addEventListener("versionchange", () => early === mine && drop());
      });
    } catch {
      // The program finds out why there is no storage, and says so.
    }
  }

  // drop closes what was opened early and is of no use.
  function drop() {
    const { request, opened } = early;
    early = undefined;
    const close = () => request.result.close();
    if (opened) close();
    else request.addEventListener("success", close);
  }

  // taken returns the early request if it is the wanted one and has not failed. It tells of a
  // success once more, for whoever listens only now.
  function taken(name, version) {
    if (!early) {
      early = undefined;
      return null;
    }
    const { request, opened } = early;
    if (early.name !== name || version !== migrations.length || (request.readyState === "done" && request.error)) {
      drop();
      return null;
    }
    early = undefined;
    if (opened) queueMicrotask(() => request.dispatchEvent(new Event("success")));
    return request;
  }

  // factory is an IDBFactory whose open migrates, and tells on what go-indexeddb
  // does not: told("blocked" | "full" | "missing" | "open" | "closed" | "outdated", database). A bare
  // one makes an upgrade that takes no room for rows; existing makes no database.
  function factory(told, bare, existing) {
    return {
      open(name, version) {
        const request = taken(name, version) ?? upgrading(name, version, bare, existing);
        request.addEventListener("error", () => ["full", "missing"].forEach((why) => request[why] && told(why)));
        request.addEventListener("blocked", () => told("blocked"));
        request.addEventListener("success", () => {
          const db = request.result;
          if (name === own.name) own.opened(own.open = db);
          db.addEventListener("close", () => told("closed", db));
          db.addEventListener("versionchange", () => {
            db.close(); // another tab upgrades: holding on would block it
            told("outdated", db);
          });
          told("open", db);
        });
        return request;
      },
      deleteDatabase(name) {
        const request = indexedDB.deleteDatabase(name);
        request.addEventListener("blocked", () => told("blocked"));
        return request;
      },
      cmp: (a, b) => indexedDB.cmp(a, b),
    };
  }

  // Why there is no IndexedDB here, "" when there is: where a site's data are
  // blocked, merely asking for it throws.
  function unavailable() {
    try {
      return globalThis.indexedDB ? "" : "this browser has no IndexedDB";
    } catch (err) {
      return String(err?.message ?? err);
    }
  }

  // --- Transactions ---

  // A page that is frozen, or kept in the back/forward cache, keeps its transactions, and what they
  // read nobody else can write meanwhile; WebKit makes even readers wait, and nothing ends that. So
  // none outlives the page's falling asleep (one that commits already ends by itself), and none
  // begins until it wakes: some events come to a sleeping page, too. Both are told then, and begin
  // anew.
  const gaveWay = { name: "Frozen", message: "the page was frozen" };
  const running = new Set();
  const asleep = [];
  let frozen = false;
  const sleep = () => {
    frozen = true;
    for (const run of running) run.frozen = run.abort();
  };
  const wake = () => {
    frozen = false;
    for (const end of asleep.splice(0)) end(gaveWay);
  };
  globalThis.document?.addEventListener("freeze", sleep);
  globalThis.document?.addEventListener("resume", wake);
  addEventListener("pagehide", ({ persisted }) => persisted && sleep());
  addEventListener("pageshow", ({ persisted }) => persisted && wake());

  // giveWay has run.abort end a transaction, until it has ended. It reports whether there was
  // anything left to end.
  function giveWay(tx, run) {
    const over = () => running.delete(run);
    tx.addEventListener("complete", over);
    tx.addEventListener("abort", over);
    run.abort = () => {
      try {
        tx.abort();
        return true;
      } catch {
        return false;
      }
    };
    running.add(run);
  }

  // packed are texts as UTF-8, one behind the other, and where each ends: what goes to Go one by one
  // costs more than all that is in it.
  function packed(texts) {
    const bytes = new Uint8Array(3 * texts.reduce((n, text) => n + text.length, 0));
    let at = 0;
    const ends = texts.map((text) => (at += encoder.encodeInto(text, bytes.subarray(at)).written));
    return [bytes.subarray(0, at), ends];
  }

  const encoder = new TextEncoder();

  // runGo is run for Go: decide(id, seqs, bytes, ends) gets the records and then the texts packed, and keys are
  // lines.
  function runGo(db, id, decide, ended, writes, relaxed, after, keys, seq, text) {
    const lines = (keys) => (keys ? keys.split("\n") : []);
    const decided = (id, records, texts) => {
      const all = [...records.map((r) => r.text), ...texts].map((text) => (typeof text === "string" ? text : ""));
      const step = decide(id, records.map((r) => r.seq), ...packed(all));
      return step?.[0] === "read" ? ["read", step[1], lines(step[2])] : step;
    };
    return run(db, id, decided, ended, writes, relaxed, after, lines(keys), seq, text);
  }

  // run has somebody decide in one transaction. It calls decide(id, records, texts) with what was
  // read: the log behind a number, and the texts of keys. At the end it calls ended(id, name,
  // message), the name of an error or null. A record is added at once, and decide not called,
  // if the log has nothing behind the number: text is not null then. It returns abort(), which
  // reports whether there was anything left to abort; and whether the transaction gave way to a
  // freezing of the page.
  function run(db, id, decide, ended, writes, relaxed, after, keys, seq, text) {
    const run = { frozen, decide: (records, texts) => decide(id, records, texts) };
    const end = (err) => ended(id, err && err.name, err && String(err.message));
    if (frozen) {
      asleep.push(end);
      return run;
    }
    let tx;
    try {
      tx = db.transaction(["log", "base"], writes ? "readwrite" : "readonly", { durability: writes ? (relaxed ? "relaxed" : "strict") : "default" });
    } catch (err) {
      queueMicrotask(() => end({ name: "NotBegun", message: err?.message ?? err }));
      return run;
    }
    let why = null;
    giveWay(tx, run);
    tx.oncomplete = () => end(null);
    tx.onabort = () => end(run.frozen ? gaveWay : why ?? tx.error ?? { name: "AbortError", message: "the transaction was aborted" });
    run.fail = (err) => {
      if (run.abort()) why ??= err; // else the browser aborted it, and its event says why
    };
    attempt(run, () => (text === null ? read(tx, run, after, keys) : add(tx, run, after, { seq, text })));
    return run;
  }

  // add adds a record if there is nothing behind a number. Else it has Go decide anew. The
  // record's own number may be free all the same, where compaction has deleted a part of the log.
  function add(tx, run, after, record) {
    const log = tx.objectStore("log");
    const found = log.getAll(IDBKeyRange.lowerBound(after, true));
    const added = log.add(record);
    added.onsuccess = () => attempt(run, () => {
      if (found.result.length === 0) return;
      log.delete(record.seq);
      read(tx, run, after, []);
    });
    added.onerror = (event) => {
      if (added.error?.name !== "ConstraintError") return;
      event.preventDefault();
      attempt(run, () => read(tx, run, after, []));
    };
  }

  // attempt aborts the transaction when f throws: a put that throws on a bad key
  // would otherwise let the puts before it commit.
  function attempt(run, f) {
    try {
      f();
    } catch (err) {
      run.fail({ name: err?.name ?? "Error", message: String(err?.message ?? err) });
    }
  }

  // when calls f with the results of all requests, while the transaction is active.
  function when(run, requests, f) {
    let left = requests.length;
    if (left === 0) return attempt(run, () => f([]));
    const one = () => {
      if (--left === 0) attempt(run, () => f(requests.map((r) => r.result)));
    };
    for (const r of requests) r.onsuccess = one;
  }

  // read reads what is wanted, and does what it then decides: null refuses, and it reads more, or
  // writes.
  function read(tx, run, after, keys) {
    const log = tx.objectStore("log"), base = tx.objectStore("base");
    const asked = keys.map((key) => (key[0] === "*" ? base.getAllKeys(IDBKeyRange.lowerBound(key.slice(1), true), namesPart) : base.get(key)));
    when(run, [log.getAll(IDBKeyRange.lowerBound(after, true)), ...asked], ([records, ...texts]) => {
      const step = run.decide(records, texts.map((found) => (Array.isArray(found) ? found.join("\n") : found)));
      if (step === null) return run.fail({ name: "Refused", message: "refused" });
      const [what, ...args] = step;
      if (what === "read") return read(tx, run, ...args);
      const [seq, text, gone = [], put = [], values = [], trim = 0] = args;
      if (seq > 0) log.add({ seq, text });
      for (const key of gone) base.delete(key);
      put.forEach((key, i) => base.put(values[i], key));
      if (trim > 0) log.delete(IDBKeyRange.upperBound(trim));
      tx.commit?.(); // it would wait for every answer first
    });
  }

  const namesPart = 1000; // replica.NamesPart
  const beyond = 2 ** 53; // all numbers of the log

  // beside reads texts that are kept beside the data, and then writes and deletes some; of "*" and a name
  // it reads the next thousand names behind that one, each on a line. It promises what it has read. Their names are nobody else's. They go when the data do.
  async function beside(keys, gone = [], put = [], values = []) {
    const db = await own.open;
    return new Promise((resolve, reject) => {
      let found;
      const decide = (id, records, texts) => {
        found = texts;
        return ["write", 0, "", gone, put, values];
      };
      const ended = (id, name, message) => {
        if (name === gaveWay.name) begin();
        else if (name) reject(new DOMException(message, name));
        else resolve(found);
      };
      const begin = () => run(db, 0, decide, ended, put.length + gone.length > 0, false, beyond, keys, 0, null);
      begin();
    });
  }

  globalThis.rollcallIDB = { beside, version: migrations.length, factory, unavailable, openEarly, run: runGo };
})();
