import PouchDB from "pouchdb-browser";
import indexedDBAdapter from "pouchdb-adapter-indexeddb";
import find from "pouchdb-find";

PouchDB.plugin(find);
PouchDB.plugin(indexedDBAdapter);

let db;
const documentOf = ({ id, ...rest }) => ({ _id: id, ...rest });
const personOf = ({ _id, ...rest }) => ({ id: _id, ...rest });
const byName = (skip, limit) => ({ selector: { name: { $gte: "" } }, sort: ["name"], skip, limit });
const batch_size = 1000; // several times faster than the default, 100

function complete(done) {
  if (!done.ok || done.doc_write_failures > 0) throw new Error(JSON.stringify(done));
}

globalThis.contender = {
  async open({ database }) {
    db = new PouchDB(database, { adapter: "indexeddb" });
    await db.info();
  },
  close: () => db.close(),
  create: (person) => db.put(documentOf(person)),
  async load(people) {
    const results = await db.bulkDocs(people.map(documentOf));
    if (results.some(({ error }) => error)) throw new Error("people were refused");
  },
  async readAll() {
    const { rows } = await db.allDocs({ include_docs: true });
    return rows.filter(({ id }) => !id.startsWith("_design")).map(({ doc }) => personOf(doc));
  },
  get: async (id) => personOf(await db.get(id)),
  // The first page makes the index.
  async page(offset, limit) {
    await db.createIndex({ index: { fields: ["name"] } });
    return (await db.find(byName(offset, limit))).docs.map(personOf);
  },
  async watch(limit, callback) {
    await this.page(0, 1);
    db.changes({ since: "now", live: true }).on("change", async () => {
      const { docs } = await db.find(byName(0, limit));
      callback((id) => docs.some(({ _id }) => _id === id));
    });
  },
  pull: async (base, n) => complete(await db.replicate.from(new PouchDB(`${base}/couch/people${n}`, { skip_setup: true }), { batch_size })),
  push: async (base, inbox) => complete(await db.replicate.to(new PouchDB(`${base}/couch/${inbox}`, { skip_setup: true }), { batch_size })),
};
