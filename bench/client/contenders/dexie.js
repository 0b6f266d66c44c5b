import { Dexie, liveQuery } from "dexie";

let db;
let number = 0;
const operation = (person) => ({
  opId: `${Date.now()}-${number++}`, type: "create", entityId: person.id, payload: person, createdAt: Date.now(),
});

globalThis.contender = {
  async open({ database, strict }) {
    db = new Dexie(database, { chromeTransactionDurability: strict ? "strict" : "relaxed" });
    db.version(1).stores({ users: "id, name", operations: "++seq" });
    await db.open();
  },
  close: async () => db.close(),
  create: (person) => db.transaction("rw", db.users, db.operations, () =>
    Promise.all([db.users.put(person), db.operations.add(operation(person))])),
  load: (people) => db.users.bulkPut(people),
  readAll: () => db.users.toArray(),
  get: (id) => db.users.get(id),
  page: (offset, limit) => db.users.orderBy("name").offset(offset).limit(limit).toArray(),
  async watch(limit, callback) {
    liveQuery(() => db.users.orderBy("name").limit(limit).toArray())
      .subscribe((people) => callback((id) => people.some((person) => person.id === id)));
  },
  waiting: () => db.operations.toArray(),
  settle: (operations) => db.operations.bulkDelete(operations.map(({ seq }) => seq)),
};
