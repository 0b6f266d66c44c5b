// A fast user of the app: it works the page's own buttons and fields, found by their
// accessible names. notify receives texts of JSON {number, moment}. The function returned
// does one write:
//
//   {number, kind: "add" | "edit" | "delete" | "undo", who, name, email, bio}
//
// It notifies of "typed" before the press, "pressed" after it, and "acknowledged" once the
// page says that the write is saved; then its promise is fulfilled.
(notify) => {
  const timeout = 60_000;

  // until resolves with what look returns, once that is truthy. The values of fields are
  // not part of the document, hence the interval.
  const until = (what, look) => new Promise((resolve, reject) => {
    const observer = new MutationObserver(() => found());
    const again = setInterval(() => found(), 25);
    const late = setTimeout(() => end(reject, new Error(`timeout waiting for ${what}`)), timeout);
    const end = (settle, value) => {
      observer.disconnect();
      clearInterval(again);
      clearTimeout(late);
      settle(value);
    };
    const found = () => {
      try {
        const value = look();
        if (value) end(resolve, value);
      } catch (err) {
        end(reject, err);
      }
    };
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    found();
  });

  const nameOf = (e) => e.getAttribute("aria-label") ?? e.textContent.trim();
  const button = (name, within = document) => [...within.querySelectorAll("button")].find((b) => nameOf(b) === name);
  const pressable = (name, within) => () => {
    const b = button(name, within);
    return b && !b.disabled && b.getAttribute("aria-disabled") !== "true" && b;
  };

  const dialog = (title) => () => {
    const open = document.querySelector("dialog[open]");
    return open?.querySelector("h2")?.textContent === title && open;
  };

  const messages = () => [...document.querySelectorAll(".toast")];
  const message = (text) => messages().find((m) => m.querySelector(".toast-text")?.textContent === text);
  const failure = () => messages().map((m) => m.textContent).find((t) => / was not (deleted|restored|saved)/.test(t));

  const closed = (form) => () => {
    if (!form.open) return true;
    const why = form.querySelector(".form-failure, .field-error")?.textContent;
    if (why) throw new Error(why);
    return false;
  };

  const orFailure = (look) => () => {
    const why = failure();
    if (why) throw new Error(why);
    return look();
  };

  async function save(write, title, say) {
    const form = await until(`the dialog "${title}"`, dialog(title));
    const fields = Object.entries({ name: write.name, email: write.email, bio: write.bio }).filter(([, v]) => v);
    for (const [field, value] of fields) {
      const input = form.querySelector(`[name="${field}"]`);
      input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
    say("typed");
    (await until("Save", pressable("Save", form))).click();
    say("pressed");
    await until("the dialog closes", closed(form));
  }

  const kinds = {
    async add(write, say) {
      (await until("Add user", pressable("Add user"))).click();
      await save(write, "Add user", say);
    },
    async edit(write, say) {
      (await until(`Edit ${write.who}`, pressable(`Edit ${write.who}`))).click();
      await save(write, "Edit user", say);
    },
    async delete(write, say) {
      const b = await until(`Delete ${write.who}`, pressable(`Delete ${write.who}`));
      say("typed");
      b.click();
      say("pressed");
      await until("the row goes", orFailure(() => !button(`Delete ${write.who}`)));
    },
    async undo(write, say) {
      const toast = await until(`"Deleted ${write.who}"`, () => message(`Deleted ${write.who}`));
      say("typed");
      button("Undo", toast).click();
      say("pressed");
      // The message alone may be an earlier one.
      await until(`${write.who} is back`, orFailure(() => message(`Restored ${write.who}`) && button(`Delete ${write.who}`)));
    },
  };

  return async (write) => {
    const say = (moment) => notify(JSON.stringify({ number: write.number, moment }));
    await kinds[write.kind](write, say);
    say("acknowledged");
  };
}
