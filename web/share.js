// What a person does with what the app shows: writes to somebody or calls them, hands them on as a link
// or a QR code, copies an address, or a report for whoever helps. It is loaded when it is first shown.
//
//   rollcallShare(place, part, text, host)  fills an element with a part: "share" is of the user whose
//                                           JSON is text, "report" copies what is under "Diagnostics".
//                                           Again with another text, it shows that.
//
// The host is the program: say(text, failed) shows a message.
"use strict";

(() => {
  const { h, quiet, isolated, button, attempt, copy } = rollcallParts;
  const { tr } = rollcallLanguage;

  // --- A user ---

  // A number as people write it into a bio: with a country's code or a leading zero, and no date.
  const number = /(?:\+|\b0)\d[\d\s()./-]{4,20}\d/g;
  const date = /^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$/;

  function phoneOf(bio) {
    return bio.match(number)?.map((found) => found.trim()).find((found) => {
      const digits = found.replace(/\D/g, "").length;
      return digits >= 7 && digits <= 15 && !date.test(found);
    });
  }

  const dial = (phone) => `tel:${phone.replace(/[^\d+]/g, "")}`;

  // mailto is as in package app: what is no letter or digit is escaped, or it would begin a header.
  function mailto(email) {
    const at = email.lastIndexOf("@");
    const escaped = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
    return `mailto:${escaped(email.slice(0, at))}@${escaped(email.slice(at + 1))}`;
  }

  const longestNote = 300; // of a bio in a QR code: more makes it too fine for a camera

  // vCard 3.0 is what the cameras of phones understand.
  function vcard({ name, email, bio }) {
    const text = (value) => value.replace(/[\\;,]/g, "\\$&").replace(/\r\n|\r|\n/g, "\\n");
    const phone = phoneOf(bio ?? "");
    return ["BEGIN:VCARD", "VERSION:3.0", `N:;${text(name)};;;`, `FN:${text(name)}`, `EMAIL;TYPE=INTERNET:${text(email)}`,
      ...(phone ? [`TEL:${phone.replace(/[^\d+]/g, "")}`] : []),
      ...(bio && bio.length <= longestNote ? [`NOTE:${text(bio)}`] : []), "END:VCARD", ""].join("\r\n");
  }

  const margin = 4; // modules of white that the standard wants around a code

  function drawn(code, label) {
    const svg = (tag, attributes) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      return element;
    };
    let path = "";
    for (let y = 0; y < code.size; y++) {
      for (let x = 0; x < code.size; x++) if (code.getModule(x, y)) path += `M${x + margin},${y + margin}h1v1h-1z`;
    }
    const size = code.size + 2 * margin;
    const picture = svg("svg", { class: "code", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" });
    picture.append(svg("path", { d: `M0,0h${size}v${size}H0z`, fill: "#fff" }), svg("path", { d: path, fill: "#000" }));
    return picture;
  }

  async function code(user) {
    await rollcall.codes();
    const { QrCode } = qrcodegen;
    return drawn(QrCode.encodeText(vcard(user), QrCode.Ecc.MEDIUM), tr("QR code with the contact data of {0}", isolated(user.name)));
  }

  const shown = new WeakMap(); // by place: the text it shows, and whether the code is open

  function share(place, text, host) {
    const was = shown.get(place);
    if (was?.text === text) return;
    const user = JSON.parse(text), phone = phoneOf(user.bio ?? "");
    const now = { text, open: Boolean(was?.open && was.id === user.id), id: user.id };
    shown.set(place, now);
    const address = `${location.origin}/users/${encodeURIComponent(user.id)}`;
    const copied = (id, label, done, value) => button(label, () => attempt(host, tr("Nothing was copied. Select the text and copy it."), async () => {
      await copy(value);
      return done;
    }), { id });
    const link = navigator.share
      ? button(tr("Share link"), () => navigator.share({ title: user.name, url: address }).catch((err) => {
        if (err.name !== "AbortError") host.say(tr("The link was not shared. Copy the page's address."), true);
      }), { id: "share-link" })
      : copied("share-link", tr("Copy link"), tr("Link copied"), address);
    const panel = h("div", { id: "share-code", class: "code-place" });
    const toggle = button(tr("QR code"), () => show(!now.open), { id: "share-qr", "aria-controls": "share-code" });

    async function show(open) {
      now.open = open;
      toggle.setAttribute("aria-expanded", String(open));
      if (!open) {
        panel.replaceChildren();
        return;
      }
      await attempt(host, tr("The QR code can't be shown."), async () => {
        const picture = await code(user);
        if (now.open && shown.get(place) === now) panel.replaceChildren(picture, quiet(tr("Scan it with a phone's camera to add this contact. No network is needed.")));
      });
    }

    place.replaceChildren(h("div", { class: "person-actions", role: "group", "aria-label": tr("Contact") },
      h("a", { id: "share-mail", class: "button", href: mailto(user.email) }, tr("Write email")),
      ...(phone ? [h("a", { id: "share-call", class: "button", href: dial(phone) }, tr("Call {0}", phone))] : []),
      copied("share-copy", tr("Copy email"), tr("Email copied"), user.email), link, toggle),
      ...(user.version ? [] : [quiet(tr("Only this device has this user so far. The link works for others once the user has been sent."))]), panel);
    show(now.open);
  }

  // --- The report ---

  const uuid = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi;
  const email = /[^\s@<>"'(),;:]+(?:@|%40)[^\s@<>"'(),;:]+/gi;
  const address = /\b\d{1,3}(?:\.\d{1,3}){3}\b|(?:[\da-f]{0,4}:){2,7}[\da-f]{1,4}|[\da-f]{1,4}::/gi; // of a network
  const quoted = /\u2068[^\u2069]*\u2069|“[^”]*”|"[^"]*"/g;

  // anonymous is a text without what could be of a person: of ids it has the last six characters, as the
  // server's history shows devices.
  const anonymous = (text) => text.replace(uuid, (id) => `…${id.slice(-6)}`).replace(email, "(email)").replace(quoted, "…").replace(address, "(address)");

  // A text that the program did not make, as of an error, may name anybody. Of that the report has these
  // words, kinds of errors, small numbers, and the program's own paths and files.
  const plain = new Set(`a access after aborted all an and array as at be before been big bigint browser by call called can cannot closed
    connection could data database deadlock decode defined denied detached did does during empty end error exceeded exited expected failed
    fetch file for found from function go goroutine has have import in index indexeddb instance instantiate integrity internal invalid io is
    it its javascript json key length limit line load loaded lock lost maximum may memory message missing module must network nil no not null
    number object of on only open operation or out overflow panic parse pointer promise property quota range read reading recursion reference
    refused rejected request response resource running runtime script section server set size stack started starting state storage stored
    stream string syntax table than that the this time timed to transaction trap type undefined unexpected unknown unreachable url
    valid value version wait was wasm webassembly while with without worker write wrong`.split(/\s+/));
  const known = /^(\w{0,30}(Error|Exception)|\d{1,4}|wasm-function\[\d+\])$/;
  const step = /^(users|api|v\d|sync|import|export|changes|operations|history|me|(app|files|worker|filesworker|sw|boot|wasm_exec)[\w.-]*\.(js|wasm)([:?\d]*))?$/;

  // The facts of which the program makes the text.
  const ours = new Set([tr("Engine"), tr("Last round"), tr("Users on this device"), tr("Last check"), tr("Last repair"), tr("Version"), tr("Leading tab"),
    tr("Sync workers started here"), tr("Last sync ran in"), tr("Server answered recently"), tr("Event stream"), tr("Service worker"), tr("Locks between tabs"),
    tr("Event streams"), tr("Messages between tabs"), tr("Client"), tr("Clock difference"), tr("Cursor")]);

  const pathOf = (text) => text.split(/[?#]/)[0].split("/").map((part) => (part === "" || step.test(part) ? part : "…")).join("/");

  function stranger(text) {
    return text.split(/\s+/).map((word) => {
      const path = /^\W*(?:[a-z]+:\/\/[^/]*)?(\/[^\s]*?)[\W]*$/.exec(word);
      if (path) return pathOf(path[1]);
      const [, before, core, after] = /^([^\p{L}\p{N}]*)(.*?)([^\p{L}\p{N}\]]*)$/su.exec(word);
      const may = plain.has(core.toLowerCase()) || known.test(core);
      return may ? `${before}${core}${after}`.replace(/[^\x20-\x7e]/g, "") : "…";
    }).join(" ").replace(/…(?: …)+/g, "…");
  }

  function reportOf(section) {
    const line = (...parts) => parts.map((part) => part?.textContent.trim()).filter(Boolean).join(": ");
    const counts = [...document.querySelectorAll(".card-head:has(> .badge)")].map((head) => line(...head.children));
    const facts = [...section.querySelectorAll(".fact")].map(({ firstElementChild: name, lastElementChild: value }) =>
      (ours.has(name.textContent) ? line(name, value) : `${name.textContent}: ${stranger(value.textContent)}`));
    const problems = [...section.querySelectorAll(".thing-main")].map((thing) => line(...thing.children));
    const status = document.querySelector(".status-text");
    return ["Rollcall report", new Date().toISOString(), ...[line(status), ...counts, ...facts, ...problems].map(anonymous),
      `Browser: ${navigator.userAgent}`, `Languages: ${navigator.languages.join(", ")}`, `Window: ${innerWidth} x ${innerHeight}, ${devicePixelRatio} pixels each`,
      `Installed: ${goappIsAppInstalled() ? "yes" : "no"}`, `Online, says the browser: ${navigator.onLine ? "yes" : "no"}`].join("\n");
  }

  function report(place, _, host) {
    if (place.firstChild) return;
    const copied = () => attempt(host, tr("The report was not copied."), async () => {
      await copy(reportOf(place.closest("section")));
      return tr("Report copied");
    });
    place.append(h("p", {}, button(tr("Copy report"), copied)), quiet(tr("For whoever helps you. It has no names, emails or ids of people.")));
  }

  const fill = { share, report };
  globalThis.rollcallShare = (place, part, text, host) => fill[part](place, text, host);
})();
