// SQLite's own build for the web, in a worker, as it has to be on the origin private file
// system.
const worker = new Worker("/dist/sqlite-worker.js", { type: "module" });
const calls = new Map();
const watchers = new Set();
let channel;

worker.onmessage = ({ data: { id, result, error } }) => {
  const { resolve, reject } = calls.get(id);
  calls.delete(id);
  if (error) reject(new Error(error));
  else resolve(result);
};

let number = 0;
const call = (method) => (...args) => new Promise((resolve, reject) => {
  calls.set(++number, { resolve, reject });
  worker.postMessage({ id: number, method, args });
});

const create = call("create");
const page = call("page");

globalThis.contender = {
  async open({ database }) {
    await call("open")(database, globalThis.options.vfs);
    channel = new BroadcastChannel(`sqlite-${database}`);
    channel.onmessage = () => watchers.forEach((notify) => notify());
  },
  close: call("close"),
  async create(person) {
    await create(person);
    watchers.forEach((notify) => notify());
    channel.postMessage(null);
  },
  load: call("load"),
  readAll: call("readAll"),
  get: call("get"),
  page,
  async watch(limit, callback) {
    watchers.add(async () => {
      const people = await page(0, limit);
      callback((id) => people.some((person) => person.id === id));
    });
  },
  waiting: call("waiting"),
  settle: call("settle"),
};
