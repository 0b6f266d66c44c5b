import sqlite3InitModule from "@sqlite.org/sqlite-wasm";

let db, pool;
const insertPerson = "INSERT INTO users (id, name, email, bio, createdAt, updatedAt) VALUES (?, ?, ?, ?, ?, ?)";
const values = ({ id, name, email, bio, createdAt, updatedAt }) => [id, name, email, bio, createdAt, updatedAt];
const select = (sql, bind) => db.exec({ sql, bind, rowMode: "object", returnValue: "resultRows" });

const methods = {
  async open(database, vfs) {
    const sqlite3 = await sqlite3InitModule({ locateFile: (name) => `/dist/${name}` });
    if (vfs === "opfs") {
      db = new sqlite3.oo1.OpfsDb(`/${database}`, "c");
    } else {
      pool = await sqlite3.installOpfsSAHPoolVfs({});
      db = new pool.OpfsSAHPoolDb(`/${database}`);
    }
    db.exec(`CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, name TEXT, email TEXT, bio TEXT, createdAt TEXT, updatedAt TEXT) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS by_name ON users (name);
      CREATE TABLE IF NOT EXISTS operations (seq INTEGER PRIMARY KEY, type TEXT, entityId TEXT, payload TEXT)`);
  },
  close() {
    db.close();
    pool?.pauseVfs();
  },
  create: (person) => db.transaction("IMMEDIATE", () => {
    db.exec({ sql: insertPerson, bind: values(person) });
    db.exec({ sql: "INSERT INTO operations (type, entityId, payload) VALUES ('create', ?, ?)", bind: [person.id, JSON.stringify(person)] });
  }),
  load: (people) => db.transaction("IMMEDIATE", () => {
    const statement = db.prepare(insertPerson);
    try {
      for (const person of people) statement.bind(values(person)).stepReset();
    } finally {
      statement.finalize();
    }
  }),
  readAll: () => select("SELECT * FROM users"),
  get: (id) => select("SELECT * FROM users WHERE id = ?", [id])[0],
  page: (offset, limit) => select("SELECT * FROM users ORDER BY name LIMIT ? OFFSET ?", [limit, offset]),
  waiting: () => select("SELECT * FROM operations ORDER BY seq").map(({ payload, ...rest }) => ({ ...rest, payload: JSON.parse(payload) })),
  settle: (operations) => db.exec({ sql: "DELETE FROM operations WHERE seq BETWEEN ? AND ?", bind: [operations[0].seq, operations.at(-1).seq] }),
};

self.onmessage = async ({ data: { id, method, args } }) => {
  try {
    const result = await methods[method](...args);
    self.postMessage({ id, result: result === db ? undefined : result });
  } catch (err) {
    self.postMessage({ id, error: String(err?.message ?? err) });
  }
};
