// IndexedDB without a library.
let db, durability, channel;
let number = 0;
const watchers = new Set();

const ended = (tx) => new Promise((resolve, reject) => {
  tx.oncomplete = () => resolve();
  tx.onabort = tx.onerror = () => reject(tx.error);
});
const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const writing = (...stores) => db.transaction(stores, "readwrite", { durability });
const reading = (store) => db.transaction(store).objectStore(store);

const operation = (person) => ({
  opId: `${Date.now()}-${number++}`, type: "create", entityId: person.id, payload: person, createdAt: Date.now(),
});

globalThis.contender = {
  async open({ database, strict }) {
    durability = strict ? "strict" : "relaxed";
    const request = indexedDB.open(database, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("users", { keyPath: "id" }).createIndex("name", "name");
      request.result.createObjectStore("operations", { keyPath: "seq", autoIncrement: true });
    };
    db = await result(request);
    channel = new BroadcastChannel(`raw-${database}`);
    channel.onmessage = () => watchers.forEach((notify) => notify());
  },
  async close() {
    channel.close();
    db.close();
  },
  async create(person) {
    const tx = writing("users", "operations");
    tx.objectStore("users").put(person);
    tx.objectStore("operations").add(operation(person));
    tx.commit();
    await ended(tx);
    watchers.forEach((notify) => notify());
    channel.postMessage(null);
  },
  async load(people) {
    const tx = writing("users");
    const users = tx.objectStore("users");
    for (const person of people) users.put(person);
    tx.commit();
    await ended(tx);
  },
  readAll: () => result(reading("users").getAll()),
  get: (id) => result(reading("users").get(id)),
  page(offset, limit) {
    const index = reading("users").index("name");
    if (offset === 0) return result(index.getAll(null, limit));
    return new Promise((resolve, reject) => {
      const cursor = index.openKeyCursor();
      let there = false;
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        if (!cursor.result) return resolve([]);
        if (there) return resolve(result(index.getAll(IDBKeyRange.lowerBound(cursor.result.key), limit)));
        there = true;
        cursor.result.advance(offset);
      };
    });
  },
  async watch(limit, callback) {
    watchers.add(async () => {
      const people = await this.page(0, limit);
      callback((id) => people.some((person) => person.id === id));
    });
  },
  waiting: () => result(reading("operations").getAll()),
  async settle(operations) {
    const tx = writing("operations");
    tx.objectStore("operations").delete(IDBKeyRange.bound(operations[0].seq, operations.at(-1).seq));
    tx.commit();
    await ended(tx);
  },
};
