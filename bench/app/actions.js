// What a person does in the app's list, measured until it is painted. Times are in
// milliseconds.
"use strict";

globalThis.actions = (() => {
  const scroller = () => document.getElementById("main");
  const rows = () => [...document.querySelectorAll(".rows:not(.skeleton) > .row")];
  const nameOf = (row) => row.querySelector(".row-name").textContent;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  // painted resolves when the frame that is being made is on the screen.
  const painted = () => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });

  // measured does something and waits until the list shows what it should.
  async function measured(act, shown) {
    const began = performance.now();
    await act();
    do await frame(); while (!shown());
    await painted();
    const ms = performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, 500)); // what comes after it counts as long tasks
    return { ms, longest: longestSince(began) };
  }

  const longestSince = (began) => Math.max(0, ...seen.long.filter(({ startTime }) => startTime >= began).map(({ duration }) => duration));

  function type(id, text) {
    const input = document.getElementById(id);
    input.focus();
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // inView is the element in the middle of the list.
  function inView() {
    const { left, top, width, height } = scroller().getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height / 2);
  }

  const clear = async () => {
    type("search", "");
    while (rows().length < 10) await frame();
    scroller().scrollTop = 0;
    await new Promise((resolve) => setTimeout(resolve, 500));
  };

  async function find(text, shown) {
    const figures = await measured(() => type("search", text), shown);
    await clear();
    return figures;
  }

  async function add(name, email) {
    document.getElementById("add-user").click();
    while (!document.getElementById("user-name")?.offsetParent) await frame();
    type("user-name", name);
    type("user-email", email);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const button = document.querySelector("dialog[open] button[type=submit]");
    return measured(() => button.click(), () => rows().some((row) => nameOf(row) === name));
  }

  return {
    // The first of what one letter finds are shown before they are counted.
    async letter() {
      const began = performance.now();
      const counted = (async () => {
        while (!document.querySelector(".count").textContent.includes("match")) await frame();
        return performance.now() - began;
      })();
      const figures = await measured(() => type("search", "j"), () => rows().length > 0 && rows().every((row) => row.textContent.toLowerCase().includes("j")));
      figures.counted = await counted;
      await clear();
      return figures;
    },
    search: ({ name }) => find(name, () => rows().length === 1 && nameOf(rows()[0]) === name),

    // scroll moves the list in each frame by most of a screen, for two seconds.
    async scroll() {
      const began = performance.now(), times = [];
      let last = began, blank = 0;
      while (last - began < 2000) {
        scroller().scrollTop += 200;
        const now = await frame();
        times.push(now - last);
        last = now;
        if (!inView()?.closest(".row")) blank++;
      }
      const share = (n) => (100 * n) / times.length;
      const figures = { slow: share(times.filter((t) => t > 50).length), blank: share(blank), worst: Math.max(...times), longest: longestSince(began) };
      await clear();
      return figures;
    },

    async jump() {
      const figures = await measured(() => { scroller().scrollTop = scroller().scrollHeight / 2; }, () => inView()?.closest(".row"));
      await clear();
      return figures;
    },

    // The first of a visit is another figure: what it runs was not compiled yet.
    async save({ name, email }) {
      const all = [];
      for (let n = 0; n < 6; n++) all.push(await add(`${name} ${n}`, `${n}${email}`));
      const [first, ...later] = all.map(({ ms }) => ms);
      return { first, ms: later.sort((a, b) => a - b)[2], longest: Math.max(...all.map(({ longest }) => longest)) };
    },
  };
})();
