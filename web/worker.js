// Runs the sync engine in the dedicated worker of the leading tab. The engine talks
// to the pages over a BroadcastChannel. Only if it fails to run does the page that
// started it receive a message: {type: "failed", reason}.
"use strict";

importScripts('{{asset "wasm_exec.js"}}', '{{asset "idb-helper.js"}}');

(async () => {
  try {
    const go = new Go();
    // What is not the program as it was built is fetched anew, past every cache.
    const url = '{{asset "worker.wasm"}}';
    const get = (address, cache) => fetch(address, { cache, integrity: '{{integrity "worker.wasm"}}' });
    const response = await get(url, "default").catch(() => get(url, "reload")).catch(() => get(`${url}?coding=identity`, "reload"));
    const { instance } = WebAssembly.instantiateStreaming
      ? await WebAssembly.instantiateStreaming(response, go.importObject)
      : await WebAssembly.instantiate(await response.arrayBuffer(), go.importObject);
    await go.run(instance);
    throw new Error("the sync engine has stopped");
  } catch (err) {
    postMessage({ type: "failed", reason: String(err?.message ?? err) });
  }
})();
