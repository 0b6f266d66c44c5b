// Runs the sync engine in the dedicated worker of the leading tab. The page that starts
// it posts its compiled program and whose data it works with, {module, account}, so nothing
// is downloaded or compiled twice.
// The engine talks to the pages over a BroadcastChannel. Only if it fails to run does
// the page that started it receive a message: {type: "failed", reason}.
"use strict";

importScripts('{{asset "wasm_exec.js"}}', '{{asset "idb-helper.js"}}');
if (!globalThis.BroadcastChannel) importScripts('{{asset "channel.js"}}');

const failed = (reason) => postMessage({ type: "failed", reason });

addEventListener("messageerror", () => failed("the compiled program did not arrive"));

addEventListener("message", async ({ data }) => {
  try {
    globalThis.rollcallAccount = { id: data.account };
    const go = new Go();
    await go.run(await WebAssembly.instantiate(data.module, go.importObject));
    failed("the sync engine has stopped");
  } catch (err) {
    failed(String(err?.message ?? err));
  }
}, { once: true });
