import { createRxDatabase } from "rxdb/plugins/core";
import { replicateRxCollection } from "rxdb/plugins/replication";
import { getRxStorageDexie } from "rxdb/plugins/storage-dexie";

const text = (maxLength) => ({ type: "string", maxLength });
const schema = {
  version: 0, primaryKey: "id", type: "object", indexes: ["name"],
  properties: { id: text(36), name: text(120), email: text(200), bio: text(400), createdAt: text(30), updatedAt: text(30) },
  required: ["id", "name", "email", "bio", "createdAt", "updatedAt"],
};
const batchSize = 1000; // several times faster than the default, 100

let db, users;

// replicate syncs once.
async function replicate(options) {
  const state = replicateRxCollection({ collection: users, live: false, ...options });
  state.error$.subscribe((err) => console.error(err));
  await state.awaitInSync();
  await state.cancel();
}

globalThis.contender = {
  async open({ database, strict }) {
    const storage = getRxStorageDexie({ chromeTransactionDurability: strict ? "strict" : "relaxed" });
    db = await createRxDatabase({ name: database, storage });
    ({ users } = await db.addCollections({ users: { schema } }));
  },
  close: () => db.close(),
  create: (person) => users.insert(person),
  async load(people) {
    const { error } = await users.bulkInsert(people);
    if (error.length > 0) throw new Error(`${error.length} people were refused`);
  },
  readAll: () => users.find().exec(),
  get: (id) => users.findOne(id).exec(),
  page: (skip, limit) => users.find({ sort: [{ name: "asc" }], skip, limit }).exec(),
  async watch(limit, callback) {
    users.find({ sort: [{ name: "asc" }], limit }).$
      .subscribe((people) => callback((id) => people.some((person) => person.id === id)));
  },
  pull: (base) => replicate({
    replicationIdentifier: "pull",
    pull: {
      batchSize,
      async handler(checkpoint, limit) {
        const answer = await fetch(`${base}/rxdb/pull?after=${checkpoint?.after ?? 0}&limit=${limit}`);
        return answer.json();
      },
    },
  }),
  push: (base) => replicate({
    replicationIdentifier: "push",
    push: {
      batchSize,
      async handler(rows) {
        const answer = await fetch(`${base}/rxdb/push`, { method: "POST", body: JSON.stringify(rows) });
        return answer.json();
      },
    },
  }),
};
