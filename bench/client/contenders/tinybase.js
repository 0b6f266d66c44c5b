import { createStore } from "tinybase/store";
import { createIndexedDbPersister } from "tinybase/persisters/persister-indexed-db";

let store, persister, failure;
let number = 0;
const rows = (table) => Object.entries(store.getTable(table)).map(([id, row]) => ({ id, ...row }));

// save rewrites both tables: that is how the persister works.
async function save() {
  await persister.save();
  if (failure) throw failure;
}

globalThis.contender = {
  async open({ database }) {
    store = createStore();
    persister = createIndexedDbPersister(store, database, 1, (err) => { failure = err; });
    const known = (await indexedDB.databases()).some(({ name }) => name === database);
    if (known) await persister.load();
    else await save();
  },
  close: () => persister.destroy(),
  async create({ id, ...person }) {
    store.transaction(() => {
      store.setRow("users", id, person);
      store.setRow("operations", `${Date.now()}-${number++}`, { type: "create", entityId: id, payload: JSON.stringify({ id, ...person }) });
    });
    await save();
  },
  async load(people) {
    store.transaction(() => {
      for (const { id, ...person } of people) store.setRow("users", id, person);
    });
    await save();
  },
  readAll: async () => rows("users"),
  get: async (id) => store.getRow("users", id),
  page: async (offset, limit) => store.getSortedRowIds("users", "name", false, offset, limit)
    .map((id) => ({ id, ...store.getRow("users", id) })),
  async watch(limit, callback) {
    await persister.startAutoLoad(); // polls for what other tabs write
    store.addSortedRowIdsListener("users", "name", false, 0, limit, (...args) => callback((id) => args.at(-1).includes(id)));
  },
  waiting: async () => rows("operations").map(({ id, payload, ...rest }) => ({ seq: id, ...rest, payload: JSON.parse(payload) })),
  async settle(operations) {
    store.transaction(() => operations.forEach(({ seq }) => store.delRow("operations", seq)));
    await save();
  },
};
