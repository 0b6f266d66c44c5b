// Runs the workloads against globalThis.contender, and checks what it answers. Times are in
// milliseconds. The people come from the server that serves this page.
"use strict";

(() => {
  const { origin } = location;
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const since = (began) => performance.now() - began;
  const wallClock = () => performance.timeOrigin + performance.now();

  function percentile(values, p) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
  }

  function expect(fact, what) {
    if (!fact) throw new Error(`wrong answer: ${what}`);
  }

  const size = (answer) => (typeof answer === "number" ? answer : answer.length);

  async function people(n, seed, first = "") {
    const answer = await fetch(`/people?n=${n}&seed=${seed}&first=${first}`);
    return answer.json();
  }

  // The people of the list, and those that are written, have seeds of their own.
  const listed = 5;

  let contender;
  const longTasks = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries())).observe({ type: "longtask" });

  // observed adds the main thread's tasks over 50 ms to a workload's figures.
  async function observed(work) {
    longTasks.length = 0;
    const figures = await work();
    await sleep(100); // entries arrive later
    const times = longTasks.map(({ duration }) => duration);
    return { ...figures, long: times.reduce((a, b) => a + b, 0), longest: Math.max(0, ...times) };
  }

  async function open(options) {
    contender = await globalThis.contender;
    const began = performance.now();
    await contender.open(options);
    return since(began);
  }

  async function flush() {
    const began = performance.now();
    await contender.flush?.();
    return since(began);
  }

  // create measures writes one after the other, at most for the given time.
  const create = ({ count, seed, warm, most }) => observed(async () => {
    const batch = await people(count + warm, seed);
    const took = [];
    for (const person of batch.slice(0, warm)) await contender.create(person);
    const began = performance.now();
    for (const person of batch.slice(warm)) {
      const at = performance.now();
      await contender.create(person);
      took.push(since(at));
      if (since(began) > most) break;
    }
    return { p50: percentile(took, 50), p95: percentile(took, 95), count: took.length, flush: await flush() };
  });

  const load = ({ n }) => observed(async () => {
    const batch = await people(n, listed);
    await contender.prepare?.(batch);
    await sleep(50);
    const began = performance.now();
    await contender.load(batch);
    return { ms: since(began), stored: since(began) + await flush() };
  });

  // read is for a tab in which nothing is open yet.
  const read = ({ n, database }) => observed(async () => {
    const began = performance.now();
    await open({ database });
    const opened = since(began);
    const all = await contender.readAll();
    const ms = since(began);
    expect(size(all) === n, `${size(all)} of ${n} people`);
    globalThis.kept = all; // for the memory
    return { ms, opened };
  });

  // find looks up people by id, and pages from the middle on.
  const find = ({ n, database }) => observed(async () => {
    const everybody = await people(n, listed);
    const names = everybody.map(({ name }) => name).sort((a, b) => (a < b ? -1 : 1));
    await open({ database });
    const gets = [], pages = [];
    for (let i = 0; i < 300; i++) {
      const { id, name } = everybody[(i * 7919) % n];
      const at = performance.now();
      const found = await contender.get(id);
      gets.push(since(at));
      expect(found?.name === name, `get ${id}`);
    }
    const step = Math.min(50, Math.floor((n / 2 - 50) / 20)); // no page twice: some remember answers
    for (let i = 0; i <= 20; i++) {
      const offset = n / 2 + i * step;
      const at = performance.now();
      const page = await contender.page(offset, 50);
      pages.push(since(at));
      expect(page.length === 50 && page[0].name === names[offset] && page[49].name === names[offset + 49], `page at ${offset}`);
    }
    return { get: percentile(gets, 50), first: pages[0], page: percentile(pages.slice(1), 50) };
  });

  // --- Observers ---

  const awaited = new Map(); // resolve functions by id

  const watch = () => contender.watch(50, (has) => {
    const at = wallClock();
    for (const [id, resolve] of awaited) {
      if (has(id) && awaited.delete(id)) resolve(at);
    }
  });

  const shown = (id) => new Promise((resolve) => awaited.set(id, resolve));

  // observe measures from a write to this tab's observer of the first people by name.
  const observe = ({ count }) => observed(async () => {
    const batch = await people(count, 11, "!");
    await watch();
    await sleep(300);
    const took = [];
    for (const person of batch) {
      await sleep(25);
      const seen = shown(person.id);
      const at = wallClock();
      const written = contender.create(person);
      took.push((await seen) - at);
      await written;
    }
    return { p50: percentile(took, 50), p95: percentile(took, 95) };
  });

  // Two tabs: one writes and answers with its clock, the other observes.
  const talk = new BroadcastChannel("bench");

  function writeOnDemand() {
    talk.onmessage = async ({ data: { ping, person } }) => {
      const at = wallClock();
      if (person) await contender.create(person);
      talk.postMessage({ pong: ping, at });
    };
  }

  const answer = (message) => new Promise((resolve) => {
    talk.onmessage = ({ data }) => resolve(data);
    talk.postMessage(message);
  });

  // clockOffset is by how much the other tab's clock is ahead, by the fastest answer.
  async function clockOffset() {
    let best = { trip: Infinity, offset: 0 };
    for (let ping = 0; ping < 30; ping++) {
      const at = wallClock();
      const { at: theirs } = await answer({ ping });
      const trip = wallClock() - at;
      if (trip < best.trip) best = { trip, offset: theirs - (at + trip / 2) };
      await sleep(5);
    }
    return best.offset;
  }

  const observeOther = ({ count }) => observed(async () => {
    const batch = await people(count, 41, "!");
    await watch();
    await sleep(500);
    const offset = await clockOffset();
    const took = [];
    for (const person of batch) {
      await sleep(60);
      const seen = shown(person.id);
      const { at } = await answer({ person });
      took.push((await seen) - (at - offset));
    }
    return { p50: percentile(took, 50), p95: percentile(took, 95) };
  });

  // --- Syncing ---

  async function plainPull() {
    const answer = await fetch("/users");
    await contender.load(await answer.json());
  }

  async function plainPush() {
    const operations = await contender.waiting();
    const answer = await fetch("/operations", { method: "POST", body: JSON.stringify(operations.map(({ payload }) => payload)) });
    expect(answer.ok, `the server answers ${answer.status}`);
    await contender.settle(operations);
  }

  const pull = ({ n }) => observed(async () => {
    const began = performance.now();
    await (contender.pull ? contender.pull(origin, n) : plainPull());
    const figures = { ms: since(began), stored: since(began) + await flush() };
    const all = size(await contender.readAll());
    expect(all === n, `${all} of ${n} people`);
    return figures;
  });

  const queue = async ({ n }) => {
    for (const person of await people(n, 31)) await contender.create(person);
    await flush();
    await sleep(300);
  };

  const push = ({ inbox }) => observed(async () => {
    const began = performance.now();
    await (contender.push ? contender.push(origin, inbox) : plainPush());
    return { ms: since(began) };
  });

  globalThis.bench = { open, create, load, read, find, observe, writeOnDemand, observeOther, pull, queue, push, close: () => contender.close() };
})();
