// The service worker: serves the shell and the assets of one version from one
// cache, with or without a network. It runs the sync engine on the browser's sync
// events, even with every tab closed. It never handles requests to the API.
"use strict";

// Both must be imported when the worker is evaluated: later imports are refused.
importScripts('{{asset "wasm_exec.js"}}', '{{asset "idb-helper.js"}}');

const version = "{{.Version}}";
const prefix = "rollcall-";
const cacheName = prefix + version;
const precache = {{.Precache}};
const engineURL = '{{asset "worker.wasm"}}';

// --- One version, complete or not at all ---

self.addEventListener("install", (event) => event.waitUntil(install()));

async function install() {
  const cache = await caches.open(cacheName);
  try {
    await Promise.all(precache.map((url) => keep(cache, url)));
  } catch (err) {
    await caches.delete(cacheName);
    console.error(`Version ${version} was not installed:`, err);
    throw err;
  }
  // No skipWaiting: the open pages belong to the previous version.
}

async function keep(cache, url) {
  // Assets are named by their content, so the previous cache may have this one.
  const had = url.startsWith("/assets/") ? await caches.match(url) : undefined;
  if (had) return cache.put(url, had);
  const response = await fetch(url, { cache: url.startsWith("/assets/") ? "default" : "reload" });
  if (!response.ok || response.redirected) throw new Error(`${url}: the server answered ${response.status}`);
  if (url === "/" && !(await response.clone().text()).includes(version)) {
    throw new Error(`${url} belongs to another version; a newer one is being deployed`);
  }
  return cache.put(url, response);
}

self.addEventListener("activate", (event) => event.waitUntil(activate()));

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((n) => n.startsWith(prefix) && n !== cacheName).map((n) => caches.delete(n)));
  await self.clients.claim();
}

// --- Requests ---

// The pages of the app. Every other address is somebody else's, and goes to the
// network: the server's own, and those of a portal or a proxy in front of it.
const routes = /^\/(?:(?:users(?:\/[^/]+)?|sync)\/?)?$/;

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (routes.test(url.pathname)) event.respondWith(cached("/", request));
  } else if (url.pathname.startsWith("/assets/")) {
    event.respondWith(cached(url.pathname, request));
  }
});

async function cached(url, request) {
  const cache = await caches.open(cacheName);
  return (await cache.match(url)) ?? fetch(request);
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
  const response = await cached(engineURL, engineURL);
  const { instance } = await WebAssembly.instantiateStreaming(response, go.importObject);
  const stopped = go.run(instance).then(() => {
    engine = null;
    throw new Error("the sync engine has stopped");
  });
  return Promise.race([ready, stopped]);
}

// If this rejects, the browser tries again later.
async function sync(tag) {
  return (await startEngine())(tag);
}

self.addEventListener("sync", (event) => {
  if (event.tag === "rollcall-sync") event.waitUntil(sync(event.tag));
});

self.addEventListener("periodicsync", (event) => {
  if (event.tag === "rollcall-periodic") event.waitUntil(sync(event.tag));
});

self.addEventListener("message", (event) => {
  if (event.data?.type === "SKIP_WAITING") event.waitUntil(self.skipWaiting());
});
