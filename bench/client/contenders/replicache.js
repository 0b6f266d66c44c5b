import { ReplicacheImpl } from "replicache/impl";

const prefix = "user/";
const succeeded = { httpRequestInfo: { httpStatusCode: 200, errorMessage: "" } };

let rep;
let written = 0; // when the last write was acknowledged
let persisted = 0; // when the last persist that has ended began

async function post(url, body) {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  return { answer, httpRequestInfo: { httpStatusCode: answer.status, errorMessage: "" } };
}

async function pulled(puller) {
  rep.puller = puller;
  await rep.pull({ now: true });
  written = performance.now();
}

const puts = (people) => people.map((value) => ({ op: "put", key: prefix + value.id, value }));

async function pullFrom(url, request) {
  const { answer, httpRequestInfo } = await post(url, request);
  return { response: await answer.json(), httpRequestInfo };
}

globalThis.contender = {
  async open({ database }) {
    rep = new ReplicacheImpl({
      name: database, logLevel: "error", pullInterval: null, pushDelay: 10,
      mutators: { create: (tx, person) => tx.set(prefix + person.id, person) },
      indexes: { byName: { jsonPointer: "/name", prefix } },
      pusher: async () => succeeded, puller: async () => succeeded,
    });
    const persist = rep.persist.bind(rep);
    rep.persist = async () => {
      const began = performance.now();
      await persist();
      persisted = began;
    };
    await rep.query((tx) => tx.isEmpty());
  },
  close: () => rep.close(),
  // It writes to the disk when it likes.
  async flush() {
    while (written > persisted) await new Promise((resolve) => setTimeout(resolve, 5));
  },
  async create(person) {
    await rep.mutate.create(person);
    written = performance.now();
  },
  load: (people) => pulled(async () => ({ ...succeeded, response: { cookie: 1, lastMutationIDChanges: {}, patch: puts(people) } })),
  readAll: () => rep.query((tx) => tx.scan({ prefix }).values().toArray()),
  get: (id) => rep.query((tx) => tx.get(prefix + id)),
  page: (offset, limit) => rep.query(async (tx) => {
    const people = await tx.scan({ indexName: "byName", limit: offset + limit }).values().toArray();
    return people.slice(offset);
  }),
  async watch(limit, callback) {
    rep.subscribe((tx) => tx.scan({ indexName: "byName", limit }).values().toArray(),
      (people) => callback((id) => people.some((person) => person.id === id)));
  },
  pull: (base) => pulled((request) => pullFrom(`${base}/replicache/pull`, request)),
  async push(base) {
    rep.pusher = (request) => post(`${base}/replicache/push`, request);
    await rep.push({ now: true });
    await pulled((request) => pullFrom(`${base}/replicache/pull`, request));
    const pending = await rep.experimentalPendingMutations();
    if (pending.length > 0) throw new Error(`${pending.length} mutations wait`);
  },
};
