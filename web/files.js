// Files in and out: the pages "Import" and "Export". It is loaded when one of them is first shown. What
// reads and writes the files is a program of its own, in a worker: see filesworker.js.
//
//   rollcallTransfer(place, part, id, host)  fills an element with a part: "import" or "export". "cutoff" fills none: it offers
//                                            to go on with an import that was cut off
//
// The host is the program: say(text, failed) shows a message, sync() starts a sync, offer(text, name, action,
// act, dismissed) shows a message with a button, role is the account's.
"use strict";

(() => {
  const pageSize = 50; // lines of a plan that are shown at first, and then for each "Show more"
  const maxFile = 50 << 20; // bytes
  const noHeadings = -1; // roster.NoHeadings
  const maxColumns = 200; // that are shown of a table: thousands of lists would take a minute

  const { tr, trn, number, code } = rollcallLanguage;

  // --- Elements ---

  function h(tag, attributes, ...content) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...content.filter((one) => one !== null));
    return element;
  }

  function icon(name) {
    const span = h("span", { class: "icon", "aria-hidden": "true" });
    span.innerHTML = `<svg viewBox="0 0 24 24" focusable="false"><use href="#icon-${name}"/></svg>`;
    return span;
  }

  const own = (text) => h("bdi", { class: "notranslate", translate: "no" }, text);
  const quiet = (...content) => h("p", { class: "quiet" }, ...content);
  const button = (text, click, more = {}) => h("button", { type: "button", class: "button", click, ...more }, text);
  const primary = (text, click, more = {}) => button(text, click, { class: "button button-primary", ...more });
  const actions = (...buttons) => h("div", { class: "files-actions" }, ...buttons);

  function card(id, heading, ...content) {
    return h("section", { class: "card", "aria-labelledby": id }, h("div", { class: "card-head" }, h("h2", { id, tabindex: "-1" }, heading)), ...content);
  }

  const notice = (...content) => h("div", { class: "files-notice" }, icon("alert"), h("div", {}, ...content));

  // parted puts elements in the places of a sentence.
  function parted(text, ...elements) {
    return text.split(/\{(\d)\}/).map((piece, i) => (i % 2 ? elements[piece] : piece)).filter((piece) => piece !== "");
  }

  // told is what the program says, as a sentence: roster.Message. What is the file's is apart.
  function told({ text, one, n, args = [] }) {
    const sentence = tr("{0}.", one ? trn(n, one, text) : rollcallLanguage.text(text));
    const shown = (arg) => (typeof arg === "number" ? number(arg) : arg.field ? fields[arg.field]() : own(arg));
    return parted(sentence[0].toLocaleUpperCase(code) + sentence.slice(1), ...args.map(shown));
  }

  // tabs lead from one page to the other, about the same people.
  function tabs(part) {
    const link = (to, text) => h("a", { href: `/${to}${location.search}`, "aria-current": to === part ? "page" : undefined }, text);
    return h("nav", { class: "files-tabs", "aria-label": tr("Files") }, link("import", tr("Import")), link("export", tr("Export")));
  }

  // --- The program ---

  let worker = null, calls = new Map(), numbered = 0, progressed = null;

  const stopped = (reason) => Object.assign(new Error(reason), { stopped: true });

  function stop(err) {
    worker?.terminate();
    worker = null;
    for (const { reject } of calls.values()) reject(err);
    calls = new Map();
  }

  function start() {
    worker = new Worker('{{asset "filesworker.js"}}', { name: "rollcall-files" });
    worker.addEventListener("error", () => stop(stopped("could not be loaded")));
    worker.addEventListener("message", ({ data }) => {
      if (data.stopped) return stop(stopped(data.stopped));
      if (data.progress) {
        progressed?.(data.progress);
        return worker?.postMessage({ shown: true });
      }
      const { resolve, reject } = calls.get(data.number);
      calls.delete(data.number);
      if (data.answer?.reason) console.error(data.answer.reason);
      if (data.failure) reject(new Error(data.failure));
      else resolve(data.bytes ? { ...data.answer, bytes: data.bytes } : data.answer);
    });
    worker.postMessage({ account: rollcallAccount.id });
  }

  function call(name, arg, file) {
    if (!worker) start();
    return new Promise((resolve, reject) => {
      calls.set(++numbered, { resolve, reject });
      worker.postMessage({ number: numbered, name, arg, file }, file ? [file] : []);
    });
  }

  const cancel = () => worker?.postMessage({ number: 0, name: "cancel" });

  // Whoever reads a file hears nothing until it is read, and has saved nothing.
  const abandoned = new Error("abandoned");
  function abandon() {
    stop(abandoned);
    again();
  }

  // A page in the back/forward cache keeps its worker, with the lock and the transaction of what it does: all others would wait.
  // So that ends, and the page begins anew when it is back, as where it was not kept.
  addEventListener("pagehide", ({ persisted }) => {
    if (!persisted || calls.size === 0) return;
    stop(abandoned);
    addEventListener("pageshow", () => {
      Object.assign(state, { step: "start", file: null, how: {} });
      if (!filled?.[0].isConnected) return;
      delete filled[0].dataset.step;
      globalThis.rollcallTransfer(...filled);
    }, { once: true });
  });

  function failure(err) {
    if (!err.stopped) return tr("This device could not read or write its data. Reload the page and try again.");
    return navigator.onLine
      ? tr("The part of Rollcall that reads and writes files did not start. Reload the page and try again.")
      : tr("The part of Rollcall that reads and writes files is not on this device yet. Try again when you are online.");
  }

  // --- Importing ---

  // What is under way outlives the page being left for another one of the app.
  const state = { step: "start", place: null, host: null, how: {}, file: null };

  function show(step, more = {}) {
    Object.assign(state, more, { step });
    if (!state.place?.isConnected) return;
    state.place.replaceChildren(tabs("import"), ...steps[step]());
    const heading = state.place.querySelector("h2");
    if (more.focus !== false) heading?.focus();
    state.place.dataset.step = step;
  }

  async function attempt(work) {
    try {
      return await work();
    } catch (err) {
      if (err === abandoned) return;
      console.error(err);
      show("failed", { reason: failure(err) });
    }
  }

  // takeAll takes what was chosen, dropped or shared at once. A phone gives each person a card of their own.
  function takeAll(files) {
    if (files.length > 1 && files.every(({ name, type }) => /\.(vcf|vcard)$/i.test(name) || /vcard/.test(type))) {
      return take(new File(files.flatMap((file) => [file, "\n"]), trn(files.length, "{n} file", "{n} files"), { type: "text/vcard" }));
    }
    if (files.length > 1) state.host.say(tr("Only {0} was taken: of several files at once, all must be vCards.", files[0].name), true);
    return take(files[0]);
  }

  async function take(file) {
    if (file.size > maxFile) {
      show("refused", { file, reason: tr("It is larger than {0}. Import it in parts, or with the command at the server.", rollcallLanguage.bytes(maxFile)) });
      return;
    }
    show("reading", { file, how: {} });
    await attempt(async () => plan({}, await file.arrayBuffer()));
  }

  async function plan(how, bytes) {
    state.how = how;
    const opened = state.opened = await call("open", { name: state.file.name, ...how }, bytes);
    if (opened.encoding && opened.refused) show("encoding", { opened });
    else if (opened.mapColumns && opened.refused) await columns();
    else if (opened.refused) refuse(opened);
    else show("plan", { opened, lists: {} });
  }

  const refuse = (opened) => show("refused", { reason: h("span", {}, ...told(opened.refused)) });

  // columns asks which column is what, in a table with its headings in a line: 0 finds it.
  async function columns(headings = 0, more = {}) {
    const table = await call("table", { encoding: state.how.encoding, headings });
    if (table.encoding) show("encoding", { opened: table });
    else if (table.refused) refuse(table);
    else show("columns", { table, ...more });
  }

  const paste = (text) => take(new File([text], tr("pasted cells"), { type: "text/plain" }));

  const accepted = ".csv,.tsv,.txt,.tab,.vcf,.vcard,.json,.jsonl,.ndjson,text/csv,text/tab-separated-values,text/vcard,application/json";

  const formats = { csv: "CSV", jsonl: "JSON", json: "JSON", vcard: "vCard" };
  const encodings = { "utf-8": "UTF-8", "utf-16le": "UTF-16", "utf-16be": "UTF-16", "windows-1252": "Windows-1252" };
  const fields = { name: () => tr("Name"), email: () => tr("Email"), bio: () => tr("Bio") };
  const time = rollcallLanguage.moment;

  const steps = {
    start() {
      const input = h("input", { type: "file", id: "import-file", class: "unseen", accept: accepted, multiple: true, change: () => input.files[0] && takeAll([...input.files]) });
      const box = h("textarea", { id: "import-cells", class: "input", rows: "4", spellcheck: "false", autocomplete: "off", "aria-describedby": "import-cells-hint" });
      const drop = h("div", { class: "files-drop" }, icon("install"),
        h("p", {}, tr("Drop a file here, or choose one")), input,
        h("label", { for: "import-file", class: "button button-primary" }, tr("Choose a file")),
        quiet(tr("CSV, vCard or JSON, such as from Excel, Google Contacts, Outlook, Thunderbird, iCloud or a phone. Nothing is saved before you have seen what would change.")));
      return [
        lastImport(),
        card("import-title", tr("From a file"), drop),
        card("paste-title", tr("From a spreadsheet"),
          h("div", { class: "field" }, h("label", { for: "import-cells" }, tr("Paste copied cells")), box,
            h("p", { id: "import-cells-hint", class: "hint" }, tr("Copy the cells with their headings, such as Name and Email."))),
          actions(button(tr("Read the cells"), () => (box.value.trim() ? paste(box.value) : box.focus())))),
      ];
    },

    reading() {
      const bar = h("progress", { class: "meter", "aria-labelledby": "reading-title" });
      progressed = ({ done, of }) => Object.assign(bar, { max: of, value: done });
      return [card("reading-title", tr("Reading the file"), h("p", { role: "status" }, ...parted(tr("{0} is read on this device."), own(state.file.name))), bar,
        actions(button(tr("Cancel"), abandon)))];
    },

    failed: () => [card("failed-title", tr("That did not work"), h("p", {}, state.reason), actions(primary(tr("Start again"), again)))],

    refused: () => [card("refused-title", tr("This file can't be imported"), h("p", {}, own(state.file.name)),
      h("p", {}, state.reason), quiet(tr("Nothing was changed.")),
      actions(primary(tr("Choose another file"), again)))],

    encoding: () => [card("encoding-title", tr("Do the letters look right?"),
      h("p", {}, ...parted(tr("{0} does not say how its letters are stored. Read as Windows-1252, which older versions of Excel and Outlook write, a line is:"), own(state.file.name))),
      h("p", { class: "files-sample" }, own(state.opened.sample)),
      actions(primary(tr("Yes, read it like this"), () => attempt(() => plan({ ...state.how, encoding: state.opened.encoding }))),
        button(tr("No, choose another file"), again)),
      quiet(tr("If they don't, save the file again as UTF-8: in Excel, as “CSV UTF-8”.")))],

    columns: mapping,
    plan: planned,

    working() {
      const bar = h("progress", { class: "meter", "aria-labelledby": "working-title", max: "1", value: "0" });
      const text = h("p", { class: "quiet" }, "");
      let announced = false;
      progressed = ({ done, of }) => {
        if (!announced) others.postMessage("goes on");
        announced = true;
        bar.max = of;
        bar.value = done;
        text.textContent = tr("{0} of {1}", number(done), number(of));
      };
      return [card("working-title", state.undoing ? tr("Undoing the import") : tr("Importing"), bar, text,
        quiet(tr("You can go on working meanwhile. What is saved is sent as soon as there is a network.")), actions(button(tr("Cancel"), cancel)))];
    },

    done: finished,
    undone: () => [card("undone-title", state.undone.failure ? tr("The import was not undone") : tr("The import was undone"),
      h("p", { role: "status" }, trn(state.undone.undone, "{n} user is as before.", "{n} users are as before.")),
      state.undone.left ? h("p", {}, trn(state.undone.left, "{n} user has changed since, and was left alone.", "{n} users have changed since, and were left alone.")) : null,
      named(state.undone),
      state.undone.failure ? h("p", {}, ...told(state.undone.failure)) : null,
      state.undone.cancelled ? h("p", {}, tr("It was cancelled. You can continue undoing it.")) : null,
      actions(h("a", { class: "button button-primary", href: "/" }, tr("Show the list")), button(tr("Import a file"), again)))],
  };

  // named lists those who were left as they are, as far as they are few.
  function named({ left, who }) {
    if (!who) return null;
    return h("ul", { class: "things", role: "list" }, ...who.map((name) => h("li", { class: "thing" }, own(name))), ...(left > who.length ? [h("li", { class: "thing" }, "…")] : []));
  }

  const again = () => begin({ file: null, how: {} });

  // begin shows the first step, with the last import in its place already: nothing moves under a finger.
  async function begin(more) {
    const { step } = state;
    state.last = await recalled().catch(() => undefined);
    if (state.step === step) show("start", more);
  }

  // recalled is what is written of the last import, null for none; it fails where that takes too long.
  const recalled = () => Promise.race([written(), new Promise((_, reject) => { setTimeout(reject, 1000); })]);

  // written reads it. How much of one that was cut off was saved is not written: the program counts it.
  async function written() {
    const [text] = await rollcallIDB.beside(["import/last"]);
    const last = JSON.parse(text || "null");
    if (!last || Date.parse(last.until) <= Date.now()) return null;
    const uncounted = !last.ended && last.created + last.changed === 0;
    const running = uncounted && await underWay();
    if (running) whenOver();
    return { ...last, uncounted, running };
  }

  // lastImport offers to undo what was imported within a day, also after a reload.
  function lastImport() {
    const shown = h("div", { class: "files-last" }, ...toldOf(state.last));
    if (state.last?.running) return shown; // it is asked when that is over
    const asking = state.last === undefined || state.last?.uncounted;
    shown.ariaBusy = asking || null;
    // It needs the program, which is started here, and may not be on the device: then there was no import either.
    call("last").then((last) => asking && shown.replaceChildren(...toldOf(last))).catch(() => {}).finally(() => { shown.ariaBusy = null; });
    return shown;
  }

  function toldOf(last) {
    if (!last?.file) return [];
    const made = last.created + last.changed;
    const said = () => {
      if (last.running) return tr("{0} is being imported in another tab.");
      if (last.ended) return trn(made, "{n} user was added or changed from {0}.", "{n} users were added or changed from {0}.", "{0}");
      return tr("The import of {0} ended early: {1} of {2} users were saved. Import the file again to go on.", "{0}", last.uncounted ? "…" : number(made), number(last.of));
    };
    return [card("last-title", tr("The last import"), h("p", {}, ...parted(said(), own(last.file))),
      ...(last.running ? [] : [quiet(tr("You can undo it until {0}, or until you import another file.", time(last.until))), actions(button(tr("Undo the import"), undo))]))];
  }

  async function undo() {
    show("working", { undoing: true });
    await attempt(async () => {
      const undone = await announced("undo");
      if (undone.busy) busy(begin);
      else show("undone", { undone });
    });
    state.host.sync();
  }

  function busy(back) {
    back();
    state.host.say(tr("Another tab is importing, or undoing an import. Try again when it is done."), true);
  }

  // --- The plan ---

  function counted(counts) {
    const of = (action) => counts[action] ?? 0;
    return [
      ["create", of("create"), trn(of("create"), "{n} new", "{n} new"), "plus"],
      ["change", of("change"), trn(of("change"), "{n} changed", "{n} changed"), "edit"],
      ["unchanged", of("unchanged"), trn(of("unchanged"), "{n} unchanged", "{n} unchanged"), "check"],
      ["refused", of("refused"), trn(of("refused"), "{n} refused", "{n} refused"), "alert"],
    ];
  }

  function planned() {
    const { opened } = state;
    const counts = counted(opened.counts);
    const todo = (opened.counts.create ?? 0) + (opened.counts.change ?? 0);
    const emptied = Object.entries(opened.emptied ?? {});
    const kind = opened.program ? tr("{0}, as CSV", opened.program) : formats[opened.format];
    const go = primary(trn(todo, "Import {n} user", "Import {n} users"), run, { id: "import-go" });
    return [
      card("plan-title", todo ? tr("This is what would change") : tr("Nothing would change"),
        h("p", {}, ...parted(tr("{0}: {1}, {2}."), own(state.file.name), h("bdi", {}, kind), h("bdi", {}, encodings[opened.encoding]))),
        counts.some(([, n]) => n) ? null : h("p", {}, tr("There is nobody in this file.")),
        h("ul", { class: "files-counts", role: "list" }, ...counts.filter(([, n]) => n).map(([, , text, name]) => h("li", {}, icon(name), text))),
        emptied.length ? notice(h("p", {}, h("strong", {}, emptiedText(emptied))), h("p", {}, tr("An empty cell empties a field; a column that is left out keeps what is there."))) : null,
        opened.incomplete ? notice(h("p", {}, tr("This device has not loaded the whole list yet: whoever is still missing would be added a second time. Sync first."))) : null,
        ...(opened.notes ?? []).map((note) => quiet(...told(note))),
        actions(todo ? go : null, todo ? button(tr("Cancel"), again) : primary(tr("Choose another file"), again),
          opened.mapColumns ? button(tr("Choose the columns"), () => attempt(() => columns(state.how.headings))) : null)),
      ...counts.filter(([action, n]) => n && action !== "unchanged").map(([action, n, text]) => lines(action, n, text)),
    ];
  }

  function emptiedText(emptied) {
    const words = { name: (n) => trn(n, "{n} name", "{n} names"), email: (n) => trn(n, "{n} email", "{n} emails"), bio: (n) => trn(n, "{n} bio", "{n} bios") };
    return tr("This would empty {0}.", rollcallLanguage.list(emptied.map(([field, n]) => words[field](n))));
  }

  function lines(action, n, heading) {
    const list = h("ul", { class: "things", role: "list", "aria-labelledby": `${action}-title` });
    const more = button(tr("Show more"), () => attempt(read));
    async function read() {
      list.ariaBusy = true;
      const got = await call("results", { action, from: list.children.length, limit: pageSize }).finally(() => { list.ariaBusy = null; });
      list.append(...got.map((line) => item(action, line)));
      more.hidden = list.children.length >= n;
    }
    attempt(read);
    return card(`${action}-title`, heading, list, more);
  }

  function item(action, { line, item, who, why, fields: changed }) {
    const place = item ? tr("Line {0}, item {1}", number(line), number(item)) : tr("Line {0}", number(line));
    return h("li", { class: "thing" }, h("div", { class: "thing-main" },
      h("p", { class: "thing-title" }, own(beginning(who || "–"))),
      ...(changed ?? []).map((one) => h("p", { class: "thing-change" }, ...parted(tr("{0}: {1}"), fields[one.name](), h("span", {}, ...difference(one))))),
      ...(why ?? []).map((one) => h("p", { class: "thing-why" }, ...told(one))),
      action === "create" ? null : quiet(place)));
  }

  function difference({ from, to }) {
    const becomes = [h("span", { "aria-hidden": "true" }, rollcallLanguage.rightToLeft ? " ← " : " → "), h("span", { class: "unseen" }, ` ${tr("becomes")} `)];
    return [from ? own(from) : h("em", {}, tr("nothing")), ...becomes, to ? own(to) : h("em", {}, tr("nothing"))];
  }

  async function run() {
    show("working", { undoing: false });
    await attempt(async () => {
      const done = await announced("import");
      if (done.busy) return busy(() => show("plan"));
      if (done.inBackground) wake();
      show("done", { done });
    });
    state.host.sync();
  }

  // wake has the browser sync when there is a network, also without a tab, as the app does after a write.
  async function wake() {
    try {
      const registration = await rollcall.registration;
      await registration?.sync?.register(`rollcall-sync${rollcallAccount.id && `-${rollcallAccount.id}`}`);
    } catch {
      // Other triggers do it.
    }
  }

  function finished() {
    const { done } = state;
    const made = done.created + done.changed;
    const heading = done.failure ? tr("The import was not finished") : done.cancelled ? tr("The import was cancelled") : tr("Imported");
    return [card("done-title", heading,
      done.created || !done.changed ? h("p", {}, trn(done.created, "{n} user was added.", "{n} users were added.")) : null,
      done.changed ? h("p", {}, trn(done.changed, "{n} user was changed.", "{n} users were changed.")) : null,
      done.left ? h("p", {}, trn(done.left, "{n} user had changed since you saw the plan, and was left alone.", "{n} users had changed since you saw the plan, and were left alone.")) : null,
      named(done),
      done.failure ? h("p", {}, ...told(done.failure)) : null,
      made ? quiet(tr("You can undo it until {0}, or until you import another file.", time(done.until))) : null,
      actions(h("a", { class: "button button-primary", href: "/" }, tr("Show the list")),
        made ? button(tr("Undo the import"), undo) : null, button(tr("Import another file"), again)))];
  }

  // --- Which column is what ---

  const roles = () => [["", tr("Not imported")], ["name", tr("Name")], ["given", tr("Given name")], ["family", tr("Family name")],
    ["email", tr("Email")], ["bio", tr("Bio")], ["id", tr("Rollcall id")]];

  function mapping() {
    const { table } = state;
    const { how } = state, asBefore = how.roles && how.headings === table.headings;
    const chosen = [...(asBefore ? how.roles : table.roles)];
    const refused = h("p", { class: "form-failure", role: "alert", hidden: true }, icon("alert"), h("span", {}, tr("Say which column is the email: people are matched by it.")));
    const choice = (i) => {
      const name = table.columns[i] || tr("Column {0}", number(i + 1));
      const select = h("select", { class: "input", "aria-label": tr("What is the column {0}?", name), change: () => { chosen[i] = select.value; } },
        ...roles().map(([value, text]) => h("option", { value, selected: value === chosen[i] }, text)));
      return h("th", { scope: "col" }, h("span", { class: "files-column" }, own(name)), select);
    };
    const next = () => {
      refused.hidden = chosen.includes("email") || chosen.includes("id");
      if (refused.hidden) attempt(() => plan({ encoding: state.how.encoding, roles: chosen, headings: table.headings }));
      else state.place.querySelector("th select").focus();
    };
    const rows = table.rows ?? [], shown = shownColumns(table, chosen);
    const more = table.columns.length - shown.length;
    return [card("columns-title", tr("Which column is what?"),
      h("p", {}, ...parted(state.opened?.counts ? tr("These are the first rows of {0}. Say what each column is.")
        : tr("The columns of {0} have names that Rollcall does not know. These are its first rows."), own(state.file.name))),
      table.top?.length ? headingsOf(table) : null,
      refused,
      h("div", { class: "files-table", tabindex: "0", role: "region", "aria-label": tr("The first rows") },
        h("table", {}, h("thead", {}, h("tr", {}, ...shown.map(choice))),
          h("tbody", {}, ...rows.map((row) => h("tr", {}, ...shown.map((i) => h("td", {}, own(beginning(row[i] ?? ""))))))))),
      more ? quiet(trn(more, "{n} column is not shown, and not imported.", "{n} columns are not shown, and not imported.")) : null,
      actions(primary(tr("Show what would change"), next), button(tr("Cancel"), again)))];
  }

  // shownColumns are all, or where they are too many those that are for something, and then those with something in them.
  function shownColumns({ columns, rows }, roles) {
    const worth = (i) => (roles[i] ? 2 : 0) + (rows?.some((row) => row[i]) ? 1 : 0);
    return columns.map((_, i) => i).sort((a, b) => worth(b) - worth(a)).slice(0, maxColumns).sort((a, b) => a - b);
  }

  // beginning is as much of a cell as shows what it is.
  const beginning = (cell) => (cell.length > 200 ? `${cell.slice(0, 200).replace(/[\ud800-\udbff]$/, "")}…` : cell);

  // headingsOf asks in which line the headings are.
  function headingsOf({ headings, top }) {
    const option = (value, text) => h("option", { value, selected: value === headings }, text);
    const select = h("select", { id: "import-headings", class: "input", change: () => attempt(async () => {
      await columns(Number(select.value), { focus: false });
      document.getElementById("import-headings")?.focus();
    }) }, ...top.map(({ number: n, text }) => option(n, tr("Line {0}: {1}", number(n), rollcallParts.isolated(text)))), option(noHeadings, tr("None: the first line is a person")));
    return h("div", { class: "field" }, h("label", { for: "import-headings" }, tr("Which line has the headings?")), select);
  }

  // --- What comes from elsewhere: dropped, pasted, shared, opened with the app ---

  async function arrived() {
    const dropped = rollcall.dropped;
    rollcall.dropped = null;
    if (dropped?.length) return takeAll(dropped);
    if (new URLSearchParams(location.search).has("shared")) {
      history.replaceState(history.state, "", location.pathname);
      const shared = await received();
      if (shared.length) return takeAll(shared);
      state.host.say(tr("What was shared did not arrive. Share it again, or choose the file here."), true);
    }
  }

  // received takes what the service worker has kept of a share.
  async function received() {
    const files = [];
    try {
      const cache = await caches.open("shared");
      for (const request of await cache.keys()) {
        const response = await cache.match(request);
        files.push(new File([await response.blob()], decodeURIComponent(response.headers.get("X-Name"))));
        await cache.delete(request);
      }
    } catch {
      // there is no cache storage, and so no share target
    }
    return files;
  }

  const ready = () => state.place?.isConnected && state.place.dataset.part === "import" && state.host.role !== "viewer" && ["start", "done", "undone", "refused", "plan", "columns", "encoding", "failed"].includes(state.step);

  // offered takes what has come while the page is shown; what comes in the middle of an import is not kept for later.
  function offered() {
    if (ready()) return arrived();
    if (!["reading", "working"].includes(state.step) || !state.place?.isConnected) return;
    rollcall.dropped = null;
    state.host.say(tr("Another file is being imported. Choose this one again when that is done."), true);
  }

  addEventListener("rollcall-dropped", offered);
  addEventListener("paste", (event) => {
    if (!ready() || event.target.closest?.("input, textarea, dialog")) return;
    const { files } = event.clipboardData;
    const text = event.clipboardData.getData("text/plain").trim() ? event.clipboardData.getData("text/plain") : cellsOf(event.clipboardData.getData("text/html"));
    if (files.length && !text) takeAll([...files]);
    else if (text) paste(text);
  });

  // cellsOf writes a table of a web page as spreadsheets write their cells.
  function cellsOf(html) {
    const quoted = ({ innerText }) => `"${innerText.trim().replaceAll('"', '""')}"`;
    const rows = [...new DOMParser().parseFromString(html, "text/html").querySelectorAll("tr")];
    return rows.map(({ cells }) => [...cells].map(quoted).join("\t")).join("\n");
  }

  // The browser keeps the files that the app was opened with until somebody asks for them.
  globalThis.launchQueue?.setConsumer(async ({ files }) => {
    if (!files?.length) return;
    rollcall.dropped = await Promise.all(files.map((file) => file.getFile()));
    offered();
  });

  function importing(place, host) {
    if (state.place === place && place.dataset.step) return;
    Object.assign(state, { place, host });
    if (host.role === "viewer") {
      place.dataset.step = "viewer";
      place.replaceChildren(tabs("import"), h("div", { class: "empty-state" }, h("span", { class: "empty-state-icon" }, icon("people")), h("h2", {}, tr("You can't import here")),
        h("p", {}, tr("Your role is viewer: you see everybody and can export, but not add or change anybody. An admin can give you another role."))));
      return;
    }
    // What was under way when the page was left is there again; what was over begins anew.
    if (["start", "done", "undone", "failed", "refused"].includes(state.step)) {
      place.dataset.step = state.step;
      begin({ focus: false }).then(offered);
      return;
    }
    show(state.step, { focus: false });
    offered();
  }

  // --- Exporting ---

  const kinds = {
    csv: { name: "CSV", type: "text/csv", end: "csv", hint: () => tr("For spreadsheets, and to import here again") },
    vcard: { name: "vCard 4.0", type: "text/vcard", end: "vcf", hint: () => tr("For address books and phones") },
    json: { name: "JSON", type: "application/json", end: "json", hint: () => tr("For programs") },
  };

  // chosen says whom the list has shown or selected, by the page's address and what the list has kept.
  function chosen() {
    const query = new URLSearchParams(location.search);
    let ids = [];
    if (query.has("ids")) ids = query.get("ids").split(",");
    else if (query.has("selected")) ids = JSON.parse(sessionStorage.getItem("rollcall-selected") ?? "[]");
    const whom = Object.fromEntries(query);
    return { search: whom.q ?? "", ids, sort: whom.sort ?? "", state: whom.state ?? "", changed: whom.changed ?? "", since: whom.changed ? new Date(rollcallLanguage.since(whom.changed, Date.now())) : undefined };
  }

  const selected = (whom) => whom.ids.length > 0 || whom.search !== "" || whom.state !== "" || whom.changed !== "";

  function exporting(place, host) {
    if (place.dataset.step === location.search + "!") return;
    place.dataset.step = location.search + "!";
    Object.assign(state, { place: null, host }); // it was the import's, perhaps
    const shown = chosen();
    let whom = shown, kind = "csv", people = null;

    const count = h("p", { class: "quiet", role: "status" }, "");
    const attemptHere = (work) => work().catch((err) => {
      if (err === abandoned) return;
      console.error(err);
      host.say(failure(err), true);
    });
    const read = () => attemptHere(async () => {
      people = null;
      count.ariaBusy = true;
      const asked = whom, got = await call("people", asked).finally(() => { count.ariaBusy = null; });
      if (asked !== whom) return;
      people = got;
      count.textContent = trn(people.length, "{n} user", "{n} users");
    });

    const radio = (name, value, text, hint, on, change) => {
      const id = `${name}-${value}`;
      const input = h("input", { type: "radio", id, name, value, checked: on, change, "aria-describedby": hint ? `${id}-hint` : undefined });
      return h("div", { class: "files-choice" }, input, h("div", {}, h("label", { for: id }, text), hint ? h("p", { id: `${id}-hint`, class: "hint" }, hint) : null));
    };
    const mark = h("input", { type: "checkbox", id: "export-mark" });
    const marked = h("p", { class: "files-check" }, mark, h("label", { for: "export-mark" }, tr("Add a byte order mark, so that Excel shows letters such as ë correctly")));
    const ofAll = h("fieldset", { class: "files-group" }, h("legend", {}, tr("Who")),
      ...(selected(shown)
        ? [radio("whom", "shown", shown.ids.length ? tr("Those you selected") : tr("Those the list shows"), whatIsShown(shown), true, () => { whom = shown; read(); }),
          radio("whom", "all", tr("Everybody"), "", false, () => { whom = { search: "", ids: [] }; read(); })]
        : [h("p", {}, tr("Everybody"))]), count);
    const how = h("fieldset", { class: "files-group" }, h("legend", {}, tr("Format")),
      ...Object.entries(kinds).map(([value, one]) => radio("kind", value, one.name, one.hint(), value === kind, () => {
        kind = value;
        marked.hidden = kind !== "csv";
      })), marked);

    async function file() {
      const { bytes } = await call("export", { ...whom, format: kind, mark: mark.checked && kind === "csv" });
      const day = new Date().toLocaleDateString("sv"); // as ISO 8601 writes it, where the person is
      return new File([bytes ?? new Uint8Array()], `rollcall-${day}.${kinds[kind].end}`, { type: kinds[kind].type });
    }
    const save = () => attemptHere(async () => {
      const made = await file();
      const link = h("a", { href: URL.createObjectURL(made), download: made.name, target: "_blank" });
      link.addEventListener("click", (event) => event.stopPropagation()); // it is no page of the app
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      host.say(tr("{0} was saved", made.name), false);
    });
    const share = () => attemptHere(async () => {
      const made = await file();
      await navigator.share({ files: [made], title: made.name }).catch((err) => {
        if (err.name !== "AbortError") host.say(tr("It could not be shared. Save the file instead."), true);
      });
    });
    const sharing = navigator.canShare?.({ files: [new File(["x"], "x.csv", { type: "text/csv" })] });
    place.replaceChildren(tabs("export"), card("export-title", tr("Export"),
      h("p", {}, tr("The file contains what this device shows, including changes that have not been sent yet.")), ofAll, how,
      actions(primary(tr("Save the file"), save, { id: "export-save" }), sharing ? button(tr("Share"), share) : null,
        button(tr("Print"), () => attemptHere(async () => { if (!people) await read(); print(people); })))));
    read();
  }

  const states = { pending: () => tr("Pending"), attention: () => tr("Needs attention"), conflict: () => tr("Conflict") };
  const times = { today: () => tr("Changed today"), week: () => tr("Changed this week") };

  function whatIsShown({ ids, search, state, changed }) {
    if (ids.length) return trn(ids.length, "{n} user", "{n} users");
    return rollcallLanguage.list([search && tr("Search: {0}", search), states[state]?.(), times[changed]?.()].filter(Boolean));
  }

  // print shows a plain page of people to the printer only.
  function print(people) {
    document.getElementById("print")?.remove();
    const row = ({ name, email, bio }) => h("tr", {}, h("td", {}, own(name)), h("td", {}, own(email)), h("td", {}, h("bdi", {}, bio)));
    document.body.append(h("div", { id: "print", class: "print" }, h("h1", {}, tr("Users")),
      h("p", {}, trn(people.length, "{n} user", "{n} users")), h("p", {}, rollcallLanguage.day(new Date())),
      h("table", {}, h("thead", {}, h("tr", {}, ...Object.values(fields).map((name) => h("th", { scope: "col" }, name())))), h("tbody", {}, ...people.map(row)))));
    globalThis.print();
  }

  let filled = null; // what was asked for last: the arguments of rollcallTransfer

  const styled = new Promise((resolve) => {
    const link = h("link", { rel: "stylesheet", href: '{{asset "files.css"}}', integrity: '{{integrity "files.css"}}', load: resolve, error: resolve });
    document.head.append(link);
  });

  // --- An import that was cut off ---

  const forgotten = "rollcall-import-forgotten"; // until when it could be undone that is not told of again
  const lock = `rollcall-import${rollcallAccount.id && `-${rollcallAccount.id}`}`; // of whoever imports or undoes
  const underWay = async () => (await navigator.locks?.query())?.held.some(({ name }) => name === lock);
  let waiting = false; // for what is under way to end
  let offering = null; // an object: it was offered, or is being looked for

  // whenOver looks anew once nobody imports any more: that their tab was closed, or has crashed, nobody tells. It does not
  // wait for the lock: having it for a moment refuses an import that begins then.
  async function whenOver() {
    if (waiting) return;
    waiting = true;
    try {
      while (await underWay()) await new Promise((resolve) => { setTimeout(resolve, 500); });
    } finally {
      waiting = false; // a page that is being left may not ask
    }
    heard();
  }

  // Tabs tell each other of the beginning and the end of an import, or an undo. Not one that is in the back/forward cache: a
  // message would have the browser discard it.
  let others;
  function listen() {
    others = new BroadcastChannel(`rollcall-import-${rollcallAccount.id}`);
    others.addEventListener("message", () => { if (!waiting) heard(); });
  }
  listen();
  addEventListener("pagehide", ({ persisted }) => persisted && others.close());
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    listen();
    heard();
  });

  function heard() {
    if (state.step === "start" && state.place?.isConnected) begin({ focus: false });
    if (!offering) return;
    state.host.offer("", "", "", () => {}, () => {}); // whether there still is one to go on with is looked for anew
    offering = null;
    tellCutOff(state.host);
  }

  const announced = (name) => call(name).finally(() => others.postMessage("ended"));

  // tellCutOff tells of it on other pages than the one that goes on with it.
  async function tellCutOff(host) {
    state.host = host;
    if (location.pathname === "/import") offering = null;
    else if (!offering) {
      const mine = offering = {};
      const newest = () => offering === mine;
      if (!(await offerCutOff(host, newest).catch(() => false)) && newest()) offering = null; // then the page "Import" tells of it
    }
  }

  // offerCutOff reports whether it offers to go on, or may do so later.
  async function offerCutOff(host, newest) {
    const seen = await written();
    if (!seen?.uncounted || seen.running) return Boolean(seen?.running);
    const idle = !worker;
    const last = await call("last");
    if (idle && calls.size === 0 && !state.file && !state.place?.isConnected) stop(abandoned); // it was started for this alone
    const made = last.created + last.changed;
    if (!newest() || last.ended || made === last.of || localStorage.getItem(forgotten) === last.until) return false;
    const file = rollcallParts.isolated(last.file);
    host.offer(tr("The import of {0} ended early: {1} of {2} users were saved. Import the file again to go on.", file, number(made), number(last.of)), file, tr("Continue"),
      () => goappNav("/import"), () => localStorage.setItem(forgotten, last.until));
    return true;
  }

  globalThis.rollcallTransfer = async (place, part, id, host) => {
    if (part === "cutoff") return tellCutOff(host);
    filled = [place, part, id, host];
    await styled;
    if (place.dataset.part !== part) delete place.dataset.step; // go-app keeps the element of another part
    place.dataset.part = part;
    if (part === "export") exporting(place, host);
    else importing(place, host);
  };
})();
