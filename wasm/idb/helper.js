// The part of package idb that runs beside IndexedDB: a whole transaction in one
// call. Crossing between Go and JavaScript for each record costs more than the
// record, and a transaction ends as soon as nobody asks it anything; so Go hands over what it
// wants as one JSON text, decides synchronously when asked to, and hears how the
// transaction ended: complete, abort or error.
"use strict";

(() => {
  // --- Opening and migrating ---

  // Migration n brings a database from version n to n+1. Databases of every
  // version exist on people's devices: never change one, append.
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
    (db, tx) => {
      const behind = new Set();
      revise(tx.objectStore("operations"), (o) => {
        const entity = keyOf(o);
        if (o.state === "rejected") o.standing = "rejected";
        else if (!behind.has(entity)) o.standing = o.nextAttemptAt;
        behind.add(entity);
      });
      revise(tx.objectStore("conflicts"), (c) => (c.standing = [c.reviewed ? 0 : 1, c.at]));
      tx.objectStore("operations").createIndex("standing", "standing");
      tx.objectStore("conflicts").createIndex("standing", "standing");
    },
    // The next round lists all rows by another rule. No older program may write from here
    // on: it would list its rows by the old one.
    (db, tx) => tx.objectStore("meta").delete("index"),
  ];

  // revise changes every record of a store, in the order of their keys.
  function revise(store, change) {
    store.openCursor().onsuccess = ({ target: { result: cursor } }) => {
      if (!cursor) return;
      change(cursor.value);
      cursor.update(cursor.value);
      cursor.continue();
    };
  }

  const keyOf = ({ type, id }) => JSON.stringify([type, id]);

  // factory is an IDBFactory whose open migrates, and tells on what go-indexeddb
  // does not: told("blocked" | "open" | "closed" | "outdated", database).
  function factory(told) {
    return {
      open(name, version) {
        const request = indexedDB.open(name, version);
        request.addEventListener("upgradeneeded", (event) => {
          for (let v = event.oldVersion; v < version; v++) migrations[v](request.result, request.transaction);
        });
        request.addEventListener("blocked", () => told("blocked"));
        request.addEventListener("success", () => {
          const db = request.result;
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

  const all = ["users", "confirmed", "operations", "conflicts", "meta"];

  // A page that is frozen keeps its transactions, and what they read nobody else can
  // write meanwhile. So none outlives the freezing (one that commits already ends by
  // itself), and none begins until the page goes on: some events come to a frozen page,
  // too. Both are told then, and Go begins them anew.
  const gaveWay = { name: "Frozen", message: "the page was frozen" };
  const running = new Set();
  const asleep = [];
  let frozen = false;
  globalThis.document?.addEventListener("freeze", () => {
    frozen = true;
    for (const run of running) run.frozen = run.abort();
  });
  globalThis.document?.addEventListener("resume", () => {
    frozen = false;
    for (const reject of asleep.splice(0)) reject(gaveWay);
  });

  // transact runs body in one transaction. It returns a promise of what body set
  // as the result, once the transaction is complete; abort(), which reports whether
  // there was anything left to abort; and whether it gave way to a freezing of the page.
  function transact(db, mode, durability, stores, body) {
    const run = { result: null, writes: mode === "readwrite", frozen };
    let tx;
    run.promise = new Promise((resolve, reject) => {
      if (frozen) {
        asleep.push(reject);
        return;
      }
      try {
        tx = db.transaction(stores, mode, { durability });
      } catch (err) {
        reject({ name: "NotBegun", message: String(err?.message ?? err) });
        return;
      }
      let why = null;
      running.add(run);
      tx.oncomplete = () => {
        running.delete(run);
        resolve(run.result);
      };
      tx.onabort = () => {
        running.delete(run);
        reject(run.frozen ? gaveWay : why ?? tx.error ?? { name: "AbortError", message: "the transaction was aborted" });
      };
      run.fail = (err) => {
        try {
          tx.abort();
          why ??= err;
        } catch {
          // It has ended already: the browser aborted it, and its event says why.
        }
      };
      attempt(run, () => body(tx, run));
    });
    run.abort = () => {
      try {
        tx.abort();
        return true;
      } catch {
        return false;
      }
    };
    return run;
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

  // --- Whether rows are as they were saved ---

  // keep puts a record of users or confirmed, with a check sum over all it says: rows
  // are put here alone, but for their generation, which the sum leaves out. One made
  // of a row that was not sound must not pass for sound.
  function keep(store, { unsound, ...record }) {
    store.put({ ...record, sum: unsound ? "unsound" : sumOf(record) });
  }

  function sumOf(record) {
    const names = Object.keys(record).filter((name) => name !== "generation" && name !== "sum").sort();
    return hash(JSON.stringify(names.map((name) => [name, record[name]])));
  }

  // hash is a hash of 64 bits (cyrb53's mixing, with both halves whole): against accidents,
  // not against a forger. It is api.ContentHash in hexadecimal digits.
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

  // sound reports whether a row is as it was saved. One from before there were sums
  // counts as such, and gets its sum from the next check.
  function sound(record) {
    try {
      return record.sum === undefined || record.sum === sumOf(record);
    } catch {
      return false; // it holds what we never save, and can't even be written as text
    }
  }

  // told is a row for Go: one that is not sound says so, and is given the types that
  // Go expects.
  function told(record) {
    if (!record) return null;
    if (sound(record)) return record;
    const text = (value) => (typeof value === "string" ? value : "");
    const count = (value) => (Number.isSafeInteger(value) ? value : 0);
    return {
      type: record.type, id: record.id, sortName: text(record.sortName), search: text(record.search), document: text(record.document),
      version: count(record.version), stamp: text(record.stamp), generation: count(record.generation),
      isDirty: record.isDirty === true, state: text(record.state), unsound: true,
      syncedAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(record.syncedAt) ? record.syncedAt : "0001-01-01T00:00:00Z",
    };
  }

  const fenceKey = "#fence";
  const generationKey = "#generation";

  // fenced calls f unless a later round has begun, or a value in given is another now.
  function fenced(tx, run, { fence, given }, f) {
    const meta = tx.objectStore("meta");
    const expected = Object.entries(given ?? {});
    const requests = [meta.get(fenceKey), meta.get(generationKey), ...expected.map(([name]) => meta.get(name))];
    when(run, requests, ([now, generation, ...values]) => {
      if (fence && fence !== now) return run.fail({ name: "Fenced", message: "another round has taken over" });
      if (expected.some(([, value], i) => value !== (values[i] ?? ""))) {
        return run.fail({ name: "Stale", message: "what this was based on has changed meanwhile" });
      }
      f(generation ?? 0);
    });
  }

  // load reads all that is stored of each ref.
  function load(tx, run, refs, f) {
    const requests = [];
    for (const { type, id } of refs) {
      const key = [type, id];
      requests.push(
        tx.objectStore("users").get(key),
        tx.objectStore("confirmed").get(key),
        tx.objectStore("operations").index("entity").getAll(key),
        tx.objectStore("conflicts").index("entity").getAll(key),
      );
    }
    when(run, requests, (results) => {
      f(refs.map((ref, i) => ({
        ref,
        user: told(results[4 * i]),
        confirmed: told(results[4 * i + 1]),
        operations: results[4 * i + 2],
        conflicts: results[4 * i + 3].filter((c) => !c.reviewed),
      })));
    });
  }

  const fatesKey = "fates";

  // save writes what Go decided: {put: {store: [record]}, del: {store: [key]},
  // reviewed}, and adds fates, a line each, to the record of them all.
  function save(tx, run, writes) {
    if (writes.fates?.length > 0) {
      const meta = tx.objectStore("meta");
      when(run, [meta.get(fatesKey)], ([had]) => {
        const lines = had ? had.split("\n") : [];
        meta.put(lines.concat(writes.fates).slice(-writes.kept).join("\n"), fatesKey);
      });
    }
    for (const [store, keys] of Object.entries(writes.del ?? {})) {
      for (const key of keys ?? []) tx.objectStore(store).delete(key);
    }
    for (const [store, records] of Object.entries(writes.put ?? {})) {
      const rows = store === "users" || store === "confirmed";
      for (const record of records ?? []) rows ? keep(tx.objectStore(store), record) : tx.objectStore(store).put(record);
    }
    if (writes.reviewed > 0) forget(tx, run, writes.reviewed);
  }

  // forget drops the oldest reviewed conflicts above so many.
  function forget(tx, run, kept) {
    const conflicts = tx.objectStore("conflicts");
    const reviewed = IDBKeyRange.bound([0], [0, []]);
    when(run, [conflicts.index("standing").count(reviewed)], ([n]) => {
      if (n <= kept) return;
      when(run, [conflicts.index("standing").getAllKeys(reviewed, n - kept)], ([oldest]) => {
        for (const key of oldest) conflicts.delete(key);
      });
    });
  }

  // decided has Go decide about entities; null means that it refuses.
  function decided(tx, run, decide, entities, generation, { next, newest } = {}) {
    const writes = decide(JSON.stringify({ entities, generation, next, newest }));
    if (writes === null) return run.fail({ name: "Refused", message: "refused" });
    save(tx, run, JSON.parse(writes));
  }

  function update(db, text, decide) {
    const want = JSON.parse(text);
    return transact(db, "readwrite", want.durability, all, (tx, run) => {
      fenced(tx, run, want, (generation) => {
        let newest; // operation of all, known before load's requests, which come later
        when(run, [tx.objectStore("operations").openKeyCursor(null, "prev")], ([cursor]) => (newest = cursor?.key));
        load(tx, run, want.refs, (entities) => decided(tx, run, decide, entities, generation, { newest }));
      });
    });
  }

  function entity(db, text) {
    return transact(db, "readonly", "default", all.slice(0, 4), (tx, run) => {
      load(tx, run, [JSON.parse(text)], ([found]) => (run.result = JSON.stringify(found)));
    });
  }

  // page saves a page of the feed. Entities with operations or open conflicts are
  // left to Go; the others' rows are replaced here, unless they are newer.
  function page(db, text, decide) {
    const want = JSON.parse(text);
    return transact(db, "readwrite", "relaxed", all, (tx, run) => {
      fenced(tx, run, want, (latest) => {
        const meta = tx.objectStore("meta");
        for (const [name, value] of Object.entries(want.meta ?? {})) meta.put(value, name);
        if (want.generation > latest) meta.put(want.generation, generationKey);
        sorted(tx, run, want.rows, (fast, slow) => {
          const users = tx.objectStore("users");
          const changed = fast.filter(({ row, had }) => put(users, row, had, want)).map(({ row: { type, id } }) => ({ type, id }));
          load(tx, run, slow, (entities) => {
            decided(tx, run, decide, entities, want.generation);
            run.result = JSON.stringify(changed);
          });
        });
      });
    });
  }

  // sorted parts rows into those that can be put over what was there, and those
  // of entities that have operations or open conflicts, or are not as they were saved. A visible row tells that
  // of itself; only where there is none, and something might be hidden, is the queue asked.
  function sorted(tx, run, rows, f) {
    const users = tx.objectStore("users");
    const operations = tx.objectStore("operations");
    const conflicts = tx.objectStore("conflicts");
    const first = (store) => store.getAllKeys(null, 1); // a count would read all keys
    when(run, [first(users), first(operations), first(conflicts)], ([visible, queued, recorded]) => {
      when(run, visible.length === 0 ? [] : rows.map((r) => users.get([r.type, r.id])), (found) => {
        const absent = queued.length + recorded.length === 0 ? [] : rows.filter((_, i) => !found[i]);
        const asked = absent.flatMap((r) => [
          operations.index("entity").count([r.type, r.id]), conflicts.index("entity").count([r.type, r.id]),
        ]);
        when(run, asked, (counted) => {
          const hidden = new Set(absent.filter((_, i) => counted[2 * i] + counted[2 * i + 1] > 0));
          const fast = [], slow = [];
          rows.forEach((row, i) => {
            const had = found[i];
            if (had ? had.isDirty || had.state || !sound(had) : hidden.has(row)) slow.push(row);
            else fast.push({ row, had });
          });
          f(fast, slow);
        });
      });
    });
  }

  // skips is sync.Page.Skips.
  function skips(row, had, want) {
    if (!had || want.resync) return false;
    if (row.version !== had.version) return row.version < had.version;
    return row.deleted || had.document === row.record.document;
  }

  // put saves one row over what was there and reports whether a person sees a difference.
  function put(users, row, had, want) {
    if (skips(row, had, want)) {
      if (had.generation !== want.generation) users.put({ ...had, generation: want.generation });
      return false;
    }
    if (row.deleted) {
      if (had) users.delete([row.type, row.id]);
      return Boolean(had);
    }
    keep(users, row.record);
    return !had || had.document !== row.record.document || had.version !== row.version || had.syncedAt !== row.record.syncedAt;
  }

  // sweep takes away confirmed rows below a generation, some of each kind: those
  // of entities without operations here, the others by Go. Its result is their refs.
  function sweep(db, text, decide) {
    const want = JSON.parse(text);
    const range = IDBKeyRange.bound([want.type], [want.type, want.generation], false, true);
    return transact(db, "readwrite", "relaxed", all, (tx, run) => {
      fenced(tx, run, want, (generation) => {
        const users = tx.objectStore("users");
        const keys = (store) => store.index("generation").getAllKeys(range, want.limit);
        when(run, [keys(users), keys(tx.objectStore("confirmed"))], ([clean, dirty]) => {
          for (const key of clean) users.delete(key);
          const refs = (keys) => keys.map(([type, id]) => ({ type, id }));
          load(tx, run, refs(dirty), (entities) => {
            decided(tx, run, decide, entities, generation);
            run.result = JSON.stringify(refs([...clean, ...dirty]));
          });
        });
      });
    });
  }

  // --- Comparing with the server ---

  // span reads all that is stored of the entities of a range of ids, [from, to) with
  // "" for no end, up to so many records of a kind. next is where to go on, undefined
  // at the end.
  function span(tx, run, { type, from, to, limit }, f) {
    const range = IDBKeyRange.bound([type, from], [type, to === "" ? [] : to], false, true);
    const index = (store) => tx.objectStore(store).index("entity");
    when(run, [
      tx.objectStore("users").getAll(range, limit), tx.objectStore("confirmed").getAll(range, limit),
      index("operations").getAll(range, limit), index("conflicts").getAll(range),
    ], ([users, confirmed, operations, conflicts]) => {
      const ends = [];
      for (const rows of [users, confirmed]) if (rows.length === limit) ends.push(rows.at(-1).id + "\0");
      if (operations.length === limit) ends.push(operations.at(-1).id); // it may have more of them
      const next = ends.sort(indexedDB.cmp.bind(indexedDB))[0];
      const entities = new Map();
      const of = ({ id }) => {
        if (!entities.has(id)) entities.set(id, { ref: { type, id }, user: null, confirmed: null, operations: [], conflicts: [] });
        return entities.get(id);
      };
      const here = (records) => (next === undefined ? records : records.filter(({ id }) => id < next));
      for (const row of here(users)) of(row).user = row;
      for (const row of here(confirmed)) of(row).confirmed = row;
      for (const o of here(operations)) of(o).operations.push(o);
      for (const c of here(conflicts)) if (!c.reviewed) of(c).conflicts.push(c);
      f([...entities.values()], next);
    });
  }

  const clean = ({ user, confirmed, operations }) => user && !user.isDirty && !confirmed && operations.length === 0;
  const whole = (entity) => ({ ...entity, user: told(entity.user), confirmed: told(entity.confirmed) });

  // digest reads a part of a type's entities: of those without operations only id, version
  // and the hash of the document, both 0 when the row is not sound.
  function digest(db, text) {
    return transact(db, "readonly", "default", all.slice(0, 4), (tx, run) => {
      span(tx, run, JSON.parse(text), (found, next) => {
        const rows = found.filter(clean).map(({ user }) => user);
        const ids = rows.map(({ id }) => id);
        const intact = rows.map((row) => sound(row) && typeof row.document === "string");
        const versions = rows.map((row, i) => (intact[i] ? row.version : 0));
        const contents = rows.map((row, i) => (intact[i] ? hash(row.document) : "0"));
        const entities = found.filter((entity) => !clean(entity)).map(whole);
        const bare = found.some(({ user, confirmed }) => [user, confirmed].some((row) => row && row.sum === undefined));
        run.result = JSON.stringify({ ids, versions, contents, entities, bare, next: next ?? "" });
      });
    });
  }

  // seal gives rows from before there were check sums theirs.
  function seal(db, text) {
    return transact(db, "readwrite", "relaxed", all.slice(0, 4), (tx, run) => {
      span(tx, run, JSON.parse(text), (found) => {
        for (const entity of found) {
          for (const [store, row] of [["users", entity.user], ["confirmed", entity.confirmed]]) {
            if (row && row.sum === undefined) keep(tx.objectStore(store), row);
          }
        }
      });
    });
  }

  // repair has Go decide about all entities of a range of ids.
  function repair(db, text, decide) {
    const want = JSON.parse(text);
    return transact(db, "readwrite", "relaxed", all, (tx, run) => {
      fenced(tx, run, want, (latest) => {
        if (want.generation > latest) tx.objectStore("meta").put(want.generation, generationKey);
        span(tx, run, want, (found, next) => decided(tx, run, decide, found.map(whole), want.generation, { next: next ?? "" }));
      });
    });
  }

  // --- Reading lists ---

  // windowOf reads a part of a type's list: by key where it can, by cursor over a
  // jump, by reading all where a text is searched.
  function windowOf(db, text) {
    const want = JSON.parse(text);
    return transact(db, "readonly", "default", ["users"], (tx, run) => {
      const index = tx.objectStore("users").index("list");
      const whole = IDBKeyRange.bound([want.type], [want.type, []]);
      if (want.search) return search(run, index, whole, want);
      const first = [want.type, want.from.sort, want.from.id];
      const range = IDBKeyRange.bound(first, [want.type, []]);
      // The store's own keys are counted three times as fast as the index's.
      const give = (from) => {
        const rows = from && want.limit > 0 ? [index.getAll(from, want.limit)] : [];
        when(run, [tx.objectStore("users").count(whole), ...rows], ([n, found]) => (run.result = JSON.stringify({ total: n, rows: found ?? [] })));
      };
      if (want.skip <= 0) return give(range);
      const cursor = index.openKeyCursor(range);
      let jumped = false;
      cursor.onsuccess = () => attempt(run, () => {
        const c = cursor.result;
        if (c && !jumped) {
          jumped = true;
          c.advance(want.skip);
          return;
        }
        give(c ? IDBKeyRange.bound(c.key, [want.type, []]) : null);
      });
    });
  }

  const chunk = 1000;

  function search(run, index, range, want) {
    const first = [want.from.sort, want.from.id];
    const rows = [];
    let total = 0;
    let passed = 0;
    const next = (from) => {
      const request = index.getAll(from, chunk);
      request.onsuccess = () => attempt(run, () => {
        for (const row of request.result) {
          if (!row.search.includes(want.search)) continue;
          total++;
          if (indexedDB.cmp([row.sortName, row.id], first) < 0 || passed++ < want.skip) continue;
          if (rows.length < want.limit) rows.push(row);
        }
        if (request.result.length < chunk) {
          run.result = JSON.stringify({ total, rows });
          return;
        }
        const last = request.result.at(-1);
        next(IDBKeyRange.bound([want.type, last.sortName, last.id], range.upper, true, false));
      });
    };
    next(range);
  }

  // due picks what can be sent at now (times are texts of one width) by number: the
  // first operation of each entity, unless it is rejected or its time has not come.
  // Those that never failed come by number from the index. Of the others, which it
  // has by time, there are few as a rule; where there are many, the queue is walked.
  function due(db, text) {
    const want = JSON.parse(text);
    const now = want.now || "0"; // "" stands for at once
    const few = Math.max(4 * want.limit, 200);
    return transact(db, "readonly", "default", ["operations"], (tx, run) => {
      const standing = tx.objectStore("operations").index("standing");
      const later = IDBKeyRange.bound(now, "rejected", true, true);
      const picks = want.limit > 0 ? [
        standing.getAll("", want.limit), standing.getAll(IDBKeyRange.bound("", now, true), few),
      ] : [];
      when(run, [standing.getAll(later, 1), ...picks], ([[next], never = [], again = []]) => {
        const give = (operations) => (run.result = JSON.stringify({ operations, next: next?.standing ?? "" }));
        if (want.limit <= 0) return give([]);
        if (again.length === few) return walk(run, tx.objectStore("operations"), want, give);
        give([...never, ...again].sort((a, b) => a.seq - b.seq).slice(0, want.limit));
      });
    });
  }

  // walk picks what is due along the queue, until it has enough.
  function walk(run, operations, want, give) {
    const picked = [];
    const next = (after) => {
      when(run, [operations.getAll(IDBKeyRange.lowerBound(after, true), chunk)], ([found]) => {
        for (const o of found) {
          if (o.standing !== undefined && o.standing <= want.now && picked.length < want.limit) picked.push(o);
        }
        if (found.length < chunk || picked.length === want.limit) give(picked);
        else next(found.at(-1).seq);
      });
    };
    next(0);
  }

  function operations(db, text) {
    const want = JSON.parse(text);
    return transact(db, "readonly", "default", ["operations"], (tx, run) => {
      if (want.limit <= 0) return (run.result = "[]");
      const range = IDBKeyRange.lowerBound(want.after, true);
      when(run, [tx.objectStore("operations").getAll(range, want.limit)], ([found]) => (run.result = JSON.stringify(found)));
    });
  }

  function rejected(db, text) {
    const want = JSON.parse(text);
    return transact(db, "readonly", "default", ["operations"], (tx, run) => {
      const request = tx.objectStore("operations").index("standing").openCursor("rejected");
      collect(run, request, want.limit, (o) => o.type === want.type);
    });
  }

  // collect makes a list of up to so many of a cursor's records.
  function collect(run, request, limit, wanted) {
    const found = [];
    request.onsuccess = () => attempt(run, () => {
      const cursor = request.result;
      if (cursor && found.length < limit) {
        if (wanted(cursor.value)) found.push(cursor.value);
        cursor.continue();
      } else {
        run.result = JSON.stringify(found);
      }
    });
  }

  // conflicts lists unreviewed ones first, then the newest: the index backwards.
  function conflicts(db, text) {
    const want = JSON.parse(text);
    return transact(db, "readonly", "default", ["conflicts"], (tx, run) => {
      collect(run, tx.objectStore("conflicts").index("standing").openCursor(null, "prev"), want.limit, () => true);
    });
  }

  function counts(db) {
    return transact(db, "readonly", "default", ["users", "operations", "conflicts"], (tx, run) => {
      const operations = tx.objectStore("operations");
      const open = tx.objectStore("conflicts").index("standing").count(IDBKeyRange.lowerBound([1]));
      const requests = [tx.objectStore("users").count(), operations.count(), operations.index("standing").count("rejected"), open];
      when(run, requests, ([rows, all, rejected, conflicts]) => {
        run.result = JSON.stringify({ rows, rejected, waiting: all - rejected, conflicts });
      });
    });
  }

  // --- Named values ---

  function getMeta(db, text) {
    const names = JSON.parse(text);
    return transact(db, "readonly", "default", ["meta"], (tx, run) => {
      when(run, names.map((n) => tx.objectStore("meta").get(n)), (values) => {
        run.result = JSON.stringify(values.map((v) => v ?? ""));
      });
    });
  }

  function setMeta(db, text) {
    const values = JSON.parse(text);
    return transact(db, "readwrite", "strict", ["meta"], (tx) => {
      for (const [name, value] of Object.entries(values ?? {})) tx.objectStore("meta").put(value, name);
    });
  }

  function beginRound(db) {
    return transact(db, "readwrite", "relaxed", ["meta"], (tx, run) => {
      const meta = tx.objectStore("meta");
      when(run, [meta.get(fenceKey)], ([fence]) => {
        meta.put((fence ?? 0) + 1, fenceKey);
        run.result = JSON.stringify((fence ?? 0) + 1);
      });
    });
  }

  globalThis.rollcallIDB = {
    version: migrations.length,
    factory, unavailable, update, entity, page, sweep, digest, seal, repair, window: windowOf, due, operations, rejected, conflicts, counts, getMeta, setMeta, beginRound,
  };
})();
