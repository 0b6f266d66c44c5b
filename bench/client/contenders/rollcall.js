// Loads the program of ../rollcall as boot.js loads the page's.
globalThis.rollcallRows = (names) => names.split("\n").map((name) => ({ name }));

globalThis.contender = (async () => {
  const ready = new Promise((resolve) => { globalThis.rollcallReady = resolve; });
  const go = new Go();
  const { instance } = await WebAssembly.instantiateStreaming(fetch("/dist/rollcall.wasm"), go.importObject);
  go.run(instance);
  await ready;
  return globalThis.rollcallContender;
})();
