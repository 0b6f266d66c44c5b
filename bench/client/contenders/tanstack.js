import { BTreeIndex, createCollection, createIndexedDB, createLiveQueryCollection, createTransaction, indexedDBCollectionOptions, queryOnce } from "@tanstack/db";

let db, users, operations;
let number = 0;

globalThis.contender = {
  async open({ database }) {
    db = await createIndexedDB({ name: database, version: 1, stores: ["users", "operations"] });
    users = createCollection(indexedDBCollectionOptions({ db, name: "users", getKey: ({ id }) => id, autoIndex: "eager", defaultIndexType: BTreeIndex }));
    operations = createCollection(indexedDBCollectionOptions({ db, name: "operations", getKey: ({ opId }) => opId }));
    await Promise.all([users.preload(), operations.preload()]);
    users.createIndex(({ name }) => name, { indexType: BTreeIndex });
  },
  close: async () => db.close(),
  // Two transactions of IndexedDB, one for each collection.
  async create(person) {
    const tx = createTransaction({
      autoCommit: false,
      mutationFn: ({ transaction }) => Promise.all([users, operations].map(({ utils }) => utils.acceptMutations(transaction))),
    });
    tx.mutate(() => {
      users.insert(person);
      operations.insert({ opId: `${Date.now()}-${number++}`, type: "create", entityId: person.id, payload: person });
    });
    await tx.commit();
  },
  load: (people) => users.insert(people).isPersisted.promise,
  readAll: async () => users.toArray,
  get: async (id) => users.get(id),
  page: (offset, limit) => queryOnce((q) => q.from({ user: users }).orderBy(({ user }) => user.name).limit(limit).offset(offset)),
  async watch(limit, callback) {
    const first = createLiveQueryCollection((q) => q.from({ user: users }).orderBy(({ user }) => user.name).limit(limit));
    await first.preload();
    first.subscribeChanges(() => callback((id) => first.toArray.some((person) => person.id === id)));
  },
  waiting: async () => operations.toArray,
  settle: (done) => operations.delete(done.map(({ opId }) => opId)).isPersisted.promise,
};
