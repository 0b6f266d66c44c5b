// Runs the program that reads and writes files of people, in a worker of its own. The page that starts
// it posts {account} first, then calls: {number, name, arg, file}. It answers {number, failure, answer,
// bytes}, and tells of {progress: {done, of}}, which the page answers with {shown}. If it can't run, it posts
// {stopped: reason}.
"use strict";

importScripts('{{asset "wasm_exec.js"}}', '{{asset "idb-helper.js"}}');

const url = '{{asset "files.wasm"}}';
const integrity = '{{integrity "files.wasm"}}';
const waiting = []; // calls from before the program was ready
let account = null;

globalThis.rollcallAnswer = (number, failure, answer, bytes) =>
  postMessage({ number, failure, answer: answer && JSON.parse(answer), bytes }, bytes ? [bytes.buffer] : []);
let shown = null; // resolves the promise of the last progress

// rollcallProgress waits until the page has got to it. What is saved is work for the page, too: it would fall behind, and
// answer nobody until the end.
globalThis.rollcallProgress = (done, of) => new Promise((resolve) => {
  shown = resolve;
  postMessage({ progress: { done, of } });
});
globalThis.rollcallReady = () => waiting.splice(0).forEach(serve);

function serve(call) {
  if (!globalThis.rollcallFiles) waiting.push(call);
  else rollcallFiles(call.number, call.name, JSON.stringify(call.arg ?? {}), call.file && new Uint8Array(call.file));
}

// program fetches anew, past every cache, what is not as it was built.
async function program() {
  for (const cache of ["default", "reload"]) {
    try {
      const response = await fetch(url, { cache, integrity });
      if (response.ok) return await WebAssembly.compile(await response.arrayBuffer());
    } catch (err) {
      if (cache === "reload") throw err;
    }
  }
  throw new Error("the server has no such file");
}

addEventListener("message", async ({ data }) => {
  if (data.shown) return shown?.();
  if (account !== null) return serve(data);
  account = data.account;
  globalThis.rollcallAccount = { id: account };
  try {
    const go = new Go();
    await go.run(await WebAssembly.instantiate(await program(), go.importObject));
    throw new Error("the program has ended");
  } catch (err) {
    postMessage({ stopped: String(err?.message ?? err) });
  }
});
