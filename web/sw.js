// The service worker: serves the shell and the assets of one version from one
// cache, with or without a network. It runs the sync engine on the browser's sync
// events, even with every tab closed. It never handles requests to the API.
"use strict";

// Both must be imported when the worker is evaluated: later imports are refused.
importScripts('{{asset "wasm_exec.js"}}', '{{asset "idb-helper.js"}}');
if (!globalThis.BroadcastChannel) importScripts('{{asset "channel.js"}}');
// The browser keeps what it has imported for good. Something else that came in
// its place must not be kept: a worker that throws here is not installed.
if (typeof Go !== "function" || typeof rollcallIDB !== "object") throw new Error("the imported scripts are not what they should be");

const version = "{{.Version}}";
const prefix = "rollcall-";
const cacheName = prefix + version;
// The integrity of each file that this version needs offline, by URL, of the texts of languages, and of
// what few need: it is fetched when the first visit is over.
const needed = {{.Precache}};
const languages = {{.Languages}};
const later = {{.Later}};
const integrities = { ...needed, ...Object.fromEntries(Object.values(languages)), ...later };
const appURL = '{{asset "app.wasm"}}';

// --- Files as they were built ---

// spares are of what shows the failure page, which must be there whatever happens
// to the cache.
const spares = {
  "/": { text: {{.Text "/"}}, type: "text/html; charset=utf-8" },
  '{{asset "rescue.js"}}': { text: {{.Text (asset "rescue.js")}}, type: "text/javascript; charset=utf-8" },
};

// The policy is the server's.
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; " +
  "frame-ancestors 'none'; object-src 'none'";

function spare(url) {
  const { text, type } = spares[url];
  return new Response(text, { headers: {
    "Content-Type": type, "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
  } });
}

const digest = async (response) => new Uint8Array(await crypto.subtle.digest("SHA-256", await response.arrayBuffer()));

const isBuilt = async (response, url) => integrities[url] === "sha256-" + btoa(String.fromCharCode(...(await digest(response))));

async function intact(cache, url) {
  try {
    const response = await cache.match(url);
    return response !== undefined && (await isBuilt(response, url));
  } catch {
    return false; // it can't even be read
  }
}

// download fetches a file of this version: from the browser's own cache, or past it
// when that has something else, such as the sign-in page of a portal, or at last
// without a content coding, which a proxy may spoil.
async function download(url) {
  const get = async (address, cache) => {
    const response = await fetch(address, { cache, integrity: integrities[url] });
    if (!response.ok || response.redirected) throw new Error(`the server answered ${response.status}`);
    return response;
  };
  const plain = async () => {
    const { body, headers } = await get(`${url}?coding=identity`, "reload");
    return new Response(body, { headers }); // one without an address has the file's own
  };
  try {
    return await (url === "/" ? get(url, "reload") : get(url, "default").catch(() => get(url, "reload"))).catch(plain);
  } catch (err) {
    throw new Error(`${url} does not come as it was built: ${err.message}`, { cause: err });
  }
}

// obtain puts a file into this version's cache: the name of an asset is its content,
// so the cache of another version may have it, but only what is intact is copied.
async function obtain(cache, url) {
  if (await intact(cache, url)) return;
  await cache.put(url, (await copyOf(url)) ?? (await patched(url)) ?? (await download(url)));
}

async function copyOf(url) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(prefix)) continue;
    const other = await caches.open(name);
    if (await intact(other, url)) return other.match(url);
  }
  return undefined;
}

// patched makes a program from another version's. The server knows what has changed since
// the last few; of others it answers with the whole file.
async function patched(url) {
  const [, program] = /^\/assets\/(\w+)\.[0-9a-f]{16}\.wasm$/.exec(url) ?? [];
  if (!program) return undefined;
  const earlier = new RegExp(`^/assets/${program}\\.([0-9a-f]{16})\\.wasm$`);
  for (const name of await caches.keys()) {
    if (!name.startsWith(prefix) || name === cacheName) continue;
    const other = await caches.open(name);
    for (const request of await other.keys()) {
      const [, hash] = earlier.exec(new URL(request.url).pathname) ?? [];
      if (!hash) continue;
      try {
        const answer = await fetch(`${url}?from=${hash}`);
        let bytes = await answer.arrayBuffer();
        if (answer.headers.get("Content-Type") === "application/vnd.rollcall.patch") {
          bytes = patch(await (await other.match(request)).arrayBuffer(), bytes);
        }
        const made = new Response(bytes, { headers: { "Content-Type": "application/wasm" } });
        if (await isBuilt(made.clone(), url)) return made;
      } catch (err) {
        console.warn(`${url} is downloaded whole:`, err);
      }
    }
  }
  return undefined;
}

// patch applies a patch; server/patch says what is in it.
function patch(old, changes) {
  const [size, pieces, gaps, edits] = new Uint32Array(changes, 0, 4);
  const plan = new Int32Array(changes, 16, 3 * pieces);
  const rest = new Uint8Array(changes, 16 + 12 * pieces);
  const out = new Uint8Array(size);
  let at = 0, from = 0, added = gaps + edits;
  for (let i = 0; i < plan.length; i += 3) {
    const [copied, fresh, skip] = plan.subarray(i, i + 3);
    out.set(new Uint8Array(old, from, copied), at);
    out.set(rest.subarray(added, added + fresh), at + copied);
    at += copied + fresh;
    from += copied + skip;
    added += fresh;
  }
  at = 0;
  let edit = gaps;
  for (const gap of rest.subarray(0, gaps)) {
    at += gap;
    if (gap < 255) out[at++] += rest[edit++];
  }
  return out;
}

// wanted are the files that are kept: of what not everybody needs, what has been here in whatever version.
async function wanted() {
  const asset = (url) => /\/assets\/(\w+\.)[0-9a-f]{16}(\.\w+)$/.exec(url)?.slice(1).join("");
  const had = new Set();
  for (const name of await caches.keys()) {
    if (!name.startsWith(prefix)) continue;
    for (const { url } of await (await caches.open(name)).keys()) had.add(asset(url));
  }
  const optional = [...Object.values(languages).map(([url]) => url), ...Object.keys(later)];
  return [...Object.keys(needed), ...optional.filter((url) => had.has(asset(url)))];
}

// compiled is the program from the browser's own cache, with which it keeps the code that a page has
// compiled of it: with the copy in ours it has none from before that was there.
async function compiled() {
  const response = await fetch(appURL, { cache: "only-if-cached", mode: "same-origin" }).catch(() => null);
  return response?.headers.get("Content-Type") === "application/wasm" ? response : undefined;
}

// file is a file of this version: the cache's copy, or, when that is missing or not as
// it was built, one fetched anew, which takes its place. again says that whoever asks
// has found the copy useless.
async function file(url, again) {
  // Where cache storage fails, the network is left.
  const cache = await caches.open(cacheName).catch(() => null);
  // Whoever runs app.wasm checks it while it compiles it, which takes less time.
  if (cache && !again && (url === appURL || (await intact(cache, url)))) {
    const response = await cache.match(url).catch(() => undefined);
    if (response) return response;
  }
  try {
    const fresh = await (Object.hasOwn(spares, url) ? spare(url) : download(url));
    await cache?.put(url, fresh.clone()).catch((err) => console.warn(`${url} is not kept:`, err));
    return fresh;
  } catch (err) {
    if (cache && (await intact(cache, url))) return cache.match(url);
    console.warn(err);
    return Response.error();
  }
}

// --- One version, whole or not at all ---

self.addEventListener("install", (event) => event.waitUntil(install()));

async function install() {
  try {
    await agreeWithData();
    const cache = await caches.open(cacheName);
    const results = await Promise.allSettled((await wanted()).map((url) => obtain(cache, url)));
    const failures = results.filter(({ status }) => status === "rejected").map(({ reason }) => reason);
    // What has arrived is kept for the next try, unless there is no room for it.
    if (failures.some(({ name }) => name === "QuotaExceededError")) await caches.delete(cacheName);
    if (failures.length > 0) throw failures[0];
  } catch (err) {
    console.error(`Version ${version} was not installed:`, err);
    throw err;
  }
  // The person's open pages belong to the version before, and keep it until they
  // press "Reload"; unless it can't start any more.
  if (await crippled()) await self.skipWaiting();
}

// agreeWithData refuses to be installed over a version that has upgraded the data
// beyond what this one can read: that one goes on working, this one could not.
async function agreeWithData() {
  if (!self.registration.active || !globalThis.indexedDB?.databases) return;
  const unanswered = new Promise((resolve) => setTimeout(resolve, 3000, []));
  const all = await Promise.race([indexedDB.databases().catch(() => []), unanswered]);
  const version = Math.max(...all.filter(({ name }) => name.startsWith("rollcall")).map(({ version }) => version));
  if (version > rollcallIDB.version) {
    throw new Error(`the data on this device are of version ${version}; this program reads them up to ${rollcallIDB.version}`);
  }
}

// crippled reports whether a program in the cache of another version is not what its
// name says. Versions from before there were integrity hashes kept whatever came.
async function crippled() {
  for (const name of await caches.keys()) {
    if (!name.startsWith(prefix) || name === cacheName) continue;
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const [, hash] = /^\/assets\/\w[\w-]*\.([0-9a-f]{16})\.(?:js|wasm)$/.exec(new URL(request.url).pathname) ?? [];
      if (!hash) continue;
      const sum = await cache.match(request).then(digest).catch(() => []);
      if ([...sum.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("") !== hash) return true;
    }
  }
  return false;
}

// mend fetches anew what is missing or damaged. What the browser still has in its
// memory nobody asks for, and it would be seen at the next start without a network.
async function mend(language) {
  const cache = await caches.open(cacheName);
  const urls = new Set([...(await wanted()), ...(languages[language] ?? []).slice(0, 1)]);
  await Promise.allSettled([...urls].map((url) => obtain(cache, url)));
}

async function obtainLater() {
  const cache = await caches.open(cacheName);
  await Promise.allSettled(Object.keys(later).map((url) => obtain(cache, url)));
}

self.addEventListener("activate", (event) => event.waitUntil(activate()));

async function activate() {
  // Another version that was activated meanwhile has deleted what was here.
  await mend();
  const names = await caches.keys();
  await Promise.all(names.filter((n) => n.startsWith(prefix) && n !== cacheName).map((n) => caches.delete(n)));
  await self.clients.claim();
}

// --- Requests ---

// The pages of the app. Every other address is somebody else's, and goes to the
// network: the server's own, and those of a portal or a proxy in front of it.
const routes = /^\/(?:(?:users(?:\/[^/]+)?|sync|accounts?|join|import|export)\/?)?$/;

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method === "POST" && url.origin === location.origin && url.pathname === "/import") {
    event.respondWith(share(request));
    return;
  }
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (routes.test(url.pathname)) event.respondWith(file("/", false));
  } else if (url.pathname !== "/" && Object.hasOwn(integrities, url.pathname)) {
    const again = request.cache === "reload";
    event.respondWith(url.pathname === appURL && !again ? compiled().then((kept) => kept ?? file(appURL, false)) : file(url.pathname, again));
  }
});

// share keeps what another app has shared with this one until the page "Import" takes it, and shows that.
async function share(request) {
  try {
    const form = await request.formData();
    let files = form.getAll("files").filter(({ size }) => size);
    if (!files.length && form.get("text")) files = [new File([form.get("text")], form.get("title") || "shared text")];
    if (!files.length) return Response.redirect("/import", 303);
    await caches.delete("shared");
    const cache = await caches.open("shared");
    for (const [i, file] of files.entries()) await cache.put(`/import/shared/${i}`, new Response(file, { headers: { "X-Name": encodeURIComponent(file.name) } }));
  } catch (err) {
    console.warn("What was shared is not kept:", err);
  }
  return Response.redirect("/import?shared", 303);
}

// --- The engine: one Go program serves many events ---

let engine = null; // promise of rollcallSync, which the Go program sets when it is ready

function startEngine() {
  engine ??= boot().catch((err) => {
    engine = null;
    throw err;
  });
  return engine;
}

async function boot() {
  const ready = new Promise((resolve) => {
    Object.defineProperty(globalThis, "rollcallSync", {
      configurable: true,
      set(sync) {
        Object.defineProperty(globalThis, "rollcallSync", { value: sync, writable: true, configurable: true });
        resolve(sync);
      },
    });
  });
  const go = new Go();
  const module = await program(false).catch(() => program(true));
  const instance = await WebAssembly.instantiate(module, go.importObject);
  const stopped = go.run(instance).then(() => {
    engine = null;
    throw new Error("the sync engine has stopped");
  });
  return Promise.race([ready, stopped]);
}

// program compiles the program, and checks it meanwhile unless it was just fetched anew.
async function program(again) {
  const whole = async () => again || intact(await caches.open(cacheName), appURL);
  const compiled = WebAssembly.compileStreaming(await file(appURL, again));
  const [module, sound] = await Promise.all([compiled, whole()]);
  if (!sound) throw new Error(`${appURL} is not as it was built`);
  return module;
}

// A tag ends in the id of the account whose data it is about; if they were deleted there is
// nothing to do. If this rejects, the browser tries again later.
async function sync(tag) {
  const [, kind, account] = /^(rollcall-(?:sync|periodic))(?:-(.+))?$/.exec(tag) ?? [];
  if (!kind || (account && !(await hasData(account)))) return;
  await (await startEngine())(kind, account ?? "");
}

async function hasData(account) {
  const all = await globalThis.indexedDB?.databases?.();
  return all?.some(({ name }) => name === `rollcall-${account}`) ?? true;
}

self.addEventListener("sync", (event) => event.waitUntil(sync(event.tag)));
self.addEventListener("periodicsync", (event) => event.waitUntil(sync(event.tag)));

self.addEventListener("message", (event) => {
  switch (event.data?.type) {
    case "VERSION":
      event.ports[0]?.postMessage(version);
      break;
    case "MEND":
      // Who saves data has what is for later once it was used.
      event.waitUntil(mend(event.data.language).then(() => event.data.spare || obtainLater()));
      break;
    case "SKIP_WAITING":
      event.waitUntil(self.skipWaiting());
      break;
  }
});
