// Runs the sync engine in the dedicated worker of the leading tab. The engine talks
// to the pages over a BroadcastChannel. Only if it fails to run does the page that
// started it receive a message: {type: "failed", reason}.
"use strict";

importScripts('{{asset "wasm_exec.js"}}', '{{asset "idb-helper.js"}}');

(async () => {
  try {
    const go = new Go();
    const response = await fetch('{{asset "worker.wasm"}}');
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const { instance } = WebAssembly.instantiateStreaming
      ? await WebAssembly.instantiateStreaming(response, go.importObject)
      : await WebAssembly.instantiate(await response.arrayBuffer(), go.importObject);
    await go.run(instance);
    throw new Error("the sync engine has stopped");
  } catch (err) {
    postMessage({ type: "failed", reason: String(err?.message ?? err) });
  }
})();
