// What is kept at the server, and nowhere else: who may sign in, for admins, what lets somebody in to an
// account, and a user's history. It is loaded when it is first shown: few people need it.
//
//   rollcallManage(place, part, id, host)  fills an element with a part: "accounts" are all of them, "ways"
//                                          let in to the account, "history" is the user's. Again with the
//                                          same user, it shows what is new.
//
// The host is the program: say(text, failed) shows a message, ask(heading, text, yes, act, opener) asks
// before it does something, sync() fetches what was done at the server, and role is the account's.
"use strict";

(() => {
  const { tr, trn, text: translated, day: date, moment, relative } = rollcallLanguage;
  const { h, icon, quiet, balanced, own, isolated, button, actions, attempt, copy } = rollcallParts;

  const all = "/api/v1/accounts";
  const again = 5000; // between tries to reach the server

  async function call(method, path, body, more) {
    const headers = { Accept: "application/json", "Rollcall-Account": rollcallAccount.id, ...more };
    if (body) headers["Content-Type"] = "application/json";
    const options = { method, headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error" };
    const response = await fetch(path, options).catch((cause) => {
      throw Object.assign(new Error(tr("The server can't be reached. Try again when you are online."), { cause }), { offline: true });
    });
    if (response.status === 204) return {};
    if (!/^application\/(problem\+)?json/.test(response.headers.get("Content-Type"))) {
      throw new Error(tr("Something else has answered in the place of the server, such as a sign-in page of the network. Sign in there, then try again."));
    }
    const answer = await response.json();
    if (response.ok) return answer;
    throw Object.assign(new Error(explain(answer)), { code: answer.code });
  }

  // explain is the server's problem in sentences, as package app does it: of one whose details are not
  // known in the person's language, the title says enough.
  function explain({ title, detail, errors = [] }) {
    if (errors.length > 0) {
      const sentences = errors.map((wrong) => translated(`{0} ${wrong.detail}`).replace("{0}", wrong.field === "name" ? tr("Name to sign in with") : wrong.field));
      return sentences.map((sentence) => tr("{0}.", sentence)).join(tr(" "));
    }
    const whole = `${[title, detail].filter(Boolean).join(": ")}.`;
    return [whole, `${title}.`].map(translated).find((text, i) => text !== [whole, `${title}.`][i]) ?? whole;
  }

  const field = (label, input, ...more) => h("div", { class: "field" }, h("label", { for: input.id }, label), input, ...more);
  const input = (id, more = {}) => h("input", { id, class: "input", type: "text", autocomplete: "off", ...more });

  function select(id, chosen, choices) {
    return h("select", { id, class: "input" }, ...choices.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  }

  function ago(time) {
    const seconds = (Date.now() - Date.parse(time)) / 1000;
    for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
      const n = Math.floor(seconds / length);
      if (n > 0) return relative(-n, unit);
    }
    return tr("a few seconds ago");
  }

  function card(id, heading, ...content) {
    return h("section", { class: "card", "aria-labelledby": id }, h("div", { class: "card-head" }, h("h2", { id }, heading)), ...content);
  }

  function form(submit, text, primary, ...fields) {
    const pressed = (event) => {
      event.preventDefault();
      submit();
    };
    return h("form", { class: "form", method: "post", novalidate: true, submit: pressed }, ...fields,
      h("div", { class: "form-actions" }, h("button", { type: "submit", class: primary ? "button button-primary" : "button" }, text)));
  }

  // shown fills a place with what the server says, as soon as it can be asked; where says what is there only.
  async function shown(place, where, work) {
    try {
      await work();
    } catch (err) {
      const [heading, text, name] = err.offline
        ? [tr("This needs the network"), tr("{0} It continues by itself once the server can be reached.", where), "offline"]
        : [tr("This can't be shown"), err.message, "alert"];
      place.replaceChildren(h("div", { class: "empty-state" }, h("span", { class: "empty-state-icon" }, icon(name)), h("h2", {}, heading), h("p", {}, text),
        button(tr("Try again"), () => shown(place, where, work), { class: "button button-primary" })));
      const retry = () => {
        if (!place.isConnected || !place.querySelector(".empty-state")) return;
        if (navigator.onLine) shown(place, where, work);
        else setTimeout(retry, again);
      };
      if (err.offline) setTimeout(retry, again);
    }
  }

  const managed = tr("Accounts are managed at the server.");

  // --- What lets in to an account ---

  function words({ kind, role, current, createdAt, seenAt, endsAt }) {
    if (kind === "passkey") return [tr("Passkey, added {0}", ago(createdAt)), tr("Remove"), tr("Remove {0}")];
    if (kind === "token") return [tr("Token for a program, {0}, ends {1}", roleText(role), date(endsAt)), tr("End"), tr("End {0}")];
    return [current ? tr("This device, signed in {0}", ago(createdAt)) : tr("Device, last seen {0}", ago(seenAt)), tr("Sign out"), tr("Sign out {0}")];
  }

  function grants(host, id) {
    const address = `${all}/${id}`;
    const list = h("ul", { class: "things", role: "list", "aria-label": tr("Passkeys, devices and tokens") });

    function item(kind, grant) {
      const [text, action, label] = words(grant), name = grant.name || tr("Unnamed");
      const end = () => attempt(host, tr("{0} can still sign in.", isolated(name)), async () => {
        await call("DELETE", `${address}/${kind}/${grant.id}`);
        await read();
        return tr("{0} can no longer sign in", isolated(name));
      });
      return h("li", { class: "thing" }, h("div", { class: "thing-main" }, h("p", { class: "thing-title" }, own(name)), quiet(text)),
        ...(grant.current ? [] : [actions(button(action, end, { "aria-label": label.replace("{0}", () => isolated(name)) }))]));
    }

    async function read() {
      const [{ passkeys }, { grants: others }] = await Promise.all([call("GET", `${address}/passkeys`), call("GET", `${address}/grants`)]);
      const items = [...passkeys.map((key) => item("passkeys", { ...key, kind: "passkey" })), ...others.map((grant) => item("grants", grant))];
      list.replaceChildren(...(items.length ? items : [h("li", { class: "quiet" }, tr("No device is signed in, and there are no passkeys or tokens."))]));
    }

    return { list, read };
  }

  // ways fills the part of a person's own page.
  function ways(place, id, host) {
    const { list, read } = grants(host, id);
    const name = input("passkey-name", { value: rollcallAccount.device });
    const add = () => attempt(host, tr("The passkey was not added."), async () => {
      const options = await call("POST", `${all}/${id}/passkeys`);
      const credential = JSON.parse(await rollcallPasskeys.create(JSON.stringify(options)));
      await call("PUT", `${all}/${id}/passkeys`, { credential, name: name.value });
      await read();
      return tr("The passkey was added");
    });
    const adding = globalThis.rollcallPasskeys?.offered
      ? form(add, tr("Add a passkey"), false, quiet(tr("With a passkey you sign in with your fingerprint, face or PIN, without a password.")), field(tr("Name of the passkey"), name))
      : quiet(tr("This browser can't use passkeys here."));
    return shown(place, managed, async () => {
      await read();
      place.replaceChildren(card("ways-title", tr("Passkeys and devices"), adding, list));
    });
  }

  // --- All accounts ---

  const roles = [["viewer", tr("Viewer: reads")], ["editor", tr("Editor: reads and writes")], ["admin", tr("Admin: also manages accounts")]];

  function standing({ role, disabled, invited, seenAt }) {
    const name = { viewer: tr("Viewer"), editor: tr("Editor"), admin: tr("Admin") }[role];
    if (disabled) return tr("{0}. Disabled.", name);
    if (invited) return tr("{0}. Invited; the link has not been used yet.", name);
    return seenAt ? tr("{0}. Last seen {1}.", name, ago(seenAt)) : tr("{0}. Never signed in.", name);
  }

  const roleText = (role) => ({ viewer: tr("viewer"), editor: tr("editor"), admin: tr("admin") })[role] ?? role;

  // linkCard shows a new link: the server does not have it.
  function linkCard(host, { account, path, endsAt }) {
    const address = location.origin + path;
    const hand = (text, done, give) => button(text, () => attempt(host, tr("Select the link and copy it."), async () => {
      await give();
      return done;
    }));
    return h("div", { class: "form-offer" },
      field(tr("Link for {0}, until {1}", isolated(account.name), date(endsAt)), input("made-link", { value: address, readonly: true })),
      quiet(tr("It works once, and is shown only now. Whoever has it signs in as {0}.", isolated(account.name))),
      h("div", { class: "form-offer-actions" }, hand(tr("Copy link"), tr("Link copied"), () => copy(address)),
        ...(navigator.share ? [hand(tr("Share link"), "", () => navigator.share({ url: address }))] : [])));
  }

  function accounts(place, host) {
    const people = new Map(); // by id: what shows the account as it is by now
    const list = h("ul", { class: "things", role: "list", "aria-labelledby": "people-title" });
    const made = h("div", { hidden: true });

    async function read() {
      for (const account of (await call("GET", all)).accounts) {
        if (!people.has(account.id)) people.set(account.id, person(account));
        people.get(account.id)(account);
      }
    }

    const act = (failure, work) => attempt(host, failure, async () => {
      const done = await work();
      await read();
      return done;
    });

    function showLink(link) {
      made.hidden = false;
      made.replaceChildren(linkCard(host, link));
      made.querySelector("input").focus();
    }

    function person({ id, name }) {
      const address = `${all}/${id}`, opener = `manage-${id}`, shownName = isolated(name);
      const state = quiet("");
      const role = select(`role-${id}`, "", roles);
      const inside = grants(host, id);
      const edit = (failure, change, done) => act(failure, async () => {
        await call("PATCH", address, change);
        return done;
      });
      const link = button(tr("New link"), () => act(tr("No new link was made."), async () => showLink(await call("POST", `${address}/link`, {}))));
      const undo = () => act(tr("Not everything was undone."), async () => {
        const { undone, kept, failed } = await call("POST", `${address}/undo`);
        const done = trn(undone, "{n} user as before", "{n} users as before");
        return kept + failed ? trn(kept + failed, "{0}, {n} left as it is", "{0}, {n} left as they are", done) : done;
      });
      const disable = button(tr("Disable"), () => host.ask(tr("Disable this account?"), tr("{0} is signed out everywhere. What is on their devices is removed " +
        "there once they reach the server; changes that were not sent can be saved to a file first.", shownName), tr("Disable"),
      () => edit(tr("The account was not disabled."), { disabled: true }, tr("{0} may no longer sign in", shownName)), opener));
      const enable = button(tr("Enable"), () => edit(tr("The account was not enabled."), { disabled: false }, tr("{0} may sign in again", shownName)));
      const details = h("div", { class: "thing-details", hidden: true }, field(tr("Role of {0}", shownName), role),
        actions(button(tr("Save role"), () => edit(tr("The role was not changed."), { role: role.value }, tr("{0} is {1} now", shownName, roleText(role.value)))), link,
          button(tr("Undo last hour"), () => host.ask(tr("Undo the last hour?"), tr("Everybody whom {0} added, changed or deleted in the last hour becomes what they " +
            "were before, unless somebody else has changed them since.", shownName), tr("Undo"), undo, opener)), disable, enable), inside.list);
      const manage = button(tr("Manage"), () => {
        details.hidden = !details.hidden;
        manage.setAttribute("aria-expanded", String(!details.hidden));
        if (!details.hidden) attempt(host, tr("Devices can't be shown."), inside.read);
      }, { id: opener, "aria-label": tr("Manage {0}", shownName), "aria-expanded": "false" });
      list.append(h("li", { class: "thing" }, h("div", { class: "thing-main" }, h("p", { class: "thing-title" }, own(name)), state), actions(manage), details));
      return (account) => {
        state.textContent = standing(account);
        role.value = account.role;
        link.hidden = disable.hidden = account.disabled;
        enable.hidden = !account.disabled;
      };
    }

    const name = input("invite-name", { autocapitalize: "none", spellcheck: "false", "aria-required": "true", "aria-describedby": "invite-name-hint" });
    const role = select("invite-role", "editor", roles);
    const days = select("invite-days", "7", [["1", tr("A day")], ["7", tr("A week")], ["30", tr("30 days")]]);
    const refused = h("div", { class: "form-failure-place", role: "alert" });
    const invite = async () => {
      refused.replaceChildren();
      try {
        showLink(await call("POST", all, { name: name.value, role: role.value, days: Number(days.value) }));
        name.value = "";
        await read();
      } catch (err) {
        refused.append(h("p", { class: "form-failure" }, icon("alert"), h("span", {}, tr("Nobody was invited. {0}", err.message))));
        name.focus();
      }
    };
    return shown(place, managed, async () => {
      await read();
      place.replaceChildren(
        card("invite-title", tr("Invite somebody"), form(invite, tr("Make a link"), true, refused,
          field(tr("Name to sign in with"), name, h("p", { id: "invite-name-hint", class: "hint" }, tr("Such as ann, or an email address"))),
          field(tr("Role"), role), field(tr("The link is good for"), days)), made),
        card("people-title", tr("Who may sign in"), list),
        h("p", {}, h("a", { class: "button", href: "/api/v1/audit?limit=1000", download: "rollcall-audit.json" }, tr("Save the audit log"))));
    });
  }

  // --- What became of a user ---

  const pageSize = 200; // entries that the server returns at most
  const late = 5 * 60 * 1000; // what comes later than this was made offline
  const verbs = { create: tr("Added by {0}"), update: tr("Changed by {0}"), delete: tr("Deleted by {0}") };
  const labels = { name: tr("Name"), email: tr("Email"), bio: tr("Bio") };

  function difference(type, { field, from, to }) {
    const value = (text) => (field === "bio" ? h("bdi", {}, balanced(text)) : own(text));
    const arrow = rollcallLanguage.rightToLeft ? " ← " : " → ";
    const becomes = from && type === "update" ? [h("span", { "aria-hidden": "true" }, arrow), h("span", { class: "unseen" }, ` ${tr("becomes")} `)] : [];
    const next = to ? [value(to)] : becomes.length ? [tr("nothing")] : [];
    return h("p", { class: "thing-change" }, `${tr("{0}:", labels[field])} `, ...(from ? [value(from)] : []), ...becomes, ...next);
  }

  function described({ type, account, device, at, madeAt, known, fields }) {
    if (type === "before") return [h("p", { class: "thing-title" }, tr("Before")), quiet(tr("As the user was before these changes."))];
    const offline = madeAt && Date.parse(at) - Date.parse(madeAt) > late;
    const when = offline ? tr("Made offline on {0}, arrived on {1}", moment(madeAt), moment(at)) : moment(at);
    const [before, after] = verbs[type].split("{0}");
    return [h("p", { class: "thing-title" }, before, account ? own(account.displayName || account.name) : tr("the server's operator"), after),
      quiet(device ? tr("{0}, device {1}", when, device.slice(-6)) : when),
      ...(known ? fields.map((one) => difference(type, one)) : [quiet(tr("What was changed is no longer kept."))])];
  }

  const histories = new WeakMap(); // by place: whose is shown, and what reads it anew

  function history(place, id, host) {
    const open = histories.get(place);
    if (open?.id === id && place.contains(open.list)) return open.read().catch(() => {}); // what is shown stays
    const address = `/api/v1/users/${encodeURIComponent(id)}`;
    const entries = new Map(); // by change
    const list = h("ul", { class: "things", role: "list", "aria-labelledby": "history-title" });
    const older = button(tr("Older changes"), () => attempt(host, tr("Older changes can't be shown."), () => read(Math.min(...entries.keys()))));
    let version;

    async function restore(change, before) {
      try {
        await call("POST", `${address}/restore`, { change, before }, { "If-Match": `"${version}"` });
      } catch (err) {
        if (err.code !== "precondition_failed") throw err;
        await read();
        throw new Error(tr("Somebody has changed this user meanwhile. Look at the newest changes, then try again."), { cause: err });
      }
      host.sync();
      await read();
      return tr("The earlier state is back");
    }

    function item(entry) {
      const opener = `restore-${entry.change}`;
      const ask = () => host.ask(tr("Restore this state?"), tr("Name, email and bio become what they were then. What came later stays in the history."), tr("Restore"),
        () => attempt(host, tr("Nothing was restored."), () => restore(entry.of ?? entry.change, Boolean(entry.of))), opener);
      const label = entry.of ? tr("Restore this state, before all changes") : tr("Restore this state, of {0}", moment(entry.at));
      const offered = host.role !== "viewer" && entry.restorable;
      return h("li", { class: "thing", "data-change": entry.change }, h("div", { class: "thing-main" }, ...described(entry)),
        ...(offered ? [actions(button(tr("Restore this state"), ask, { id: opener, "aria-label": label }))] : []));
    }

    // show has an entry in its place. Those that stay keep their elements, and the focus.
    function show(entry) {
      const text = JSON.stringify(entry), was = entries.get(entry.change);
      if (was?.text === text) return;
      const li = item(entry);
      if (was) was.li.replaceWith(li);
      else list.insertBefore(li, [...list.children].find((other) => Number(other.dataset.change) < entry.change) ?? null);
      entries.set(entry.change, { text, li });
    }

    async function read(until) {
      const answer = await call("GET", `${address}/history${until ? `?until=${until}` : ""}`);
      const changes = until ? answer.changes.slice(1) : answer.changes; // it begins with what is shown
      const gap = !until && !changes.some(({ change }) => entries.has(change));
      if (gap) {
        entries.clear();
        list.replaceChildren();
      }
      version = answer.version;
      changes.forEach(show);
      if (!until && !gap) return;
      older.hidden = answer.changes.length < pageSize;
      const first = answer.changes.at(-1);
      if (older.hidden && first?.known && first.type !== "create") show({ change: 0, of: first.change, type: "before", restorable: true });
    }

    return shown(place, tr("The history is kept at the server."), async () => {
      try {
        await read();
      } catch (err) {
        if (err.code !== "not_found") throw err;
        place.replaceChildren(quiet(tr("The server keeps no history of such a user.")));
        return;
      }
      histories.set(place, { id, list, read });
      place.replaceChildren(...(entries.size ? [list, older] : [quiet(tr("Nobody has changed this user since there have been accounts."))]));
    });
  }

  const parts = { ways, history, accounts: (place, _, host) => accounts(place, host) };
  globalThis.rollcallManage = (place, part, id, host) => parts[part](place, id, host);
})();
