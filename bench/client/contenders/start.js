// Shows the list as a page would: the first people, and a button that works.
"use strict";

(async () => {
  const contender = await globalThis.contender;
  await contender.open({ database: globalThis.options.database });
  const people = await contender.readAll();
  for (const { name } of Array.from(people).slice(0, 50)) {
    const row = document.createElement("li");
    row.textContent = name;
    document.querySelector("ul").append(row);
  }
  const button = document.querySelector("button");
  button.onclick = () => contender.create({});
  button.disabled = false;
  globalThis.usable = performance.now();
})();
