// Texts, numbers and times in the person's language. An English text is its own key in the catalogues of
// the other languages, web/languages: one is loaded, and what it lacks stays English. Plurals, numbers,
// times and lists are the browser's (Intl). Scripts and the Go program use the object rollcallLanguage:
//
//   code, rightToLeft           the language's, as in the page's attributes lang and dir
//   ready                       settles once its texts are there, or English in their place
//   tr(english, ...args)        a text with its arguments in the places {0}, {1} and so on
//   trn(n, one, other, ...args) a text about n things: {n} is the number
//   text(english)               the same without arguments: as the catalogue has it
//   plural(n, one, other)
//   number(n), percent(share), bytes(n), list(words), day(time), moment(time)
//   since(changed, now)         when "today" or this "week" has begun, where the person is: Go's own time zone is that
//                               of the program's start, also of days before the clocks were changed
//   relative(n, unit)           "in 3 minutes", or "3 minutes ago" of -3
//   offered, choose(code)       [code, name] of each language; chooses one, and loads the page anew
"use strict";

(() => {
  const catalogues = {{.Languages}}; // address and integrity of each
  const offered = [["en", "English"], ["de", "Deutsch"], ["es", "Español"], ["fr", "Français"], ["ar", "العربية"], ["ja", "日本語"]];
  const fromTheRight = ["ar"];
  const stored = "rollcall-language";

  // Where the browser blocks the site's data, even reading the name localStorage throws.
  function chosen() {
    try {
      return localStorage.getItem(stored);
    } catch {
      return null;
    }
  }

  const base = (tag) => String(tag).split("-")[0].toLowerCase();
  const tags = navigator.languages ?? [navigator.language];
  const known = (tag) => offered.some(([code]) => code === base(tag));
  let code = base([chosen(), ...tags].find(known) ?? "en");
  let locale, rules;
  let texts = {};

  function become(language) {
    code = language;
    // The person's own region, if the browser says so, has its own numbers and dates.
    locale = tags.find((tag) => base(tag) === code) ?? code;
    rules = new Intl.PluralRules(code);
    document.documentElement.lang = code;
    // What the system shows of an installed app: its description and shortcuts.
    if (code !== "en") document.querySelector("link[rel=manifest]").href = `/manifest.${code}.webmanifest`;
    document.documentElement.dir = fromTheRight.includes(code) ? "rtl" : "ltr";
  }

  become(code);

  async function load() {
    if (!catalogues[code]) return;
    const [url, integrity] = catalogues[code];
    try {
      texts = await (await fetch(url, { integrity })).json();
    } catch (err) {
      console.warn(`Without ${url}, texts are English:`, err);
      become("en");
    }
    for (const element of document.querySelectorAll("[data-tr]")) element.textContent = text(element.textContent);
  }

  const text = (english) => texts[english] ?? english;

  function plural(n, one, other) {
    const category = rules.select(n);
    return texts[other]?.[category] ?? (code === "en" && category === "one" ? one : texts[other]?.other ?? other);
  }

  const fill = (pattern, args) => pattern.replace(/\{(\d|n)\}/g, (place, i) => args[i] ?? place);
  const tr = (english, ...args) => fill(text(english), args);
  const trn = (n, one, other, ...args) => fill(plural(n, one, other), { ...args, n: number(n) });

  const formats = new Map();

  function format(kind, options) {
    const key = `${kind.name} ${JSON.stringify(options)}`;
    if (!formats.has(key)) formats.set(key, new kind(locale, options));
    return formats.get(key);
  }

  const number = (n) => format(Intl.NumberFormat).format(n);
  const percent = (share) => format(Intl.NumberFormat, { style: "percent" }).format(share);

  function bytes(n) {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    let i = 0;
    for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
    const digits = i > 0 && n < 10 ? 1 : 0;
    return format(Intl.NumberFormat, {
      style: "unit", unit: units[i], unitDisplay: i > 0 ? "short" : "long", minimumFractionDigits: digits, maximumFractionDigits: digits,
    }).format(n);
  }

  const date = { day: "numeric", month: "long", year: "numeric" };

  globalThis.rollcallLanguage = {
    get code() { return code; },
    get rightToLeft() { return fromTheRight.includes(code); },
    ready: load(), tr, trn, text, plural, number, percent, bytes, offered,
    list: (words) => format(Intl.ListFormat, { type: "conjunction" }).format(words),
    day: (time) => format(Intl.DateTimeFormat, date).format(new Date(time)),
    moment: (time) => format(Intl.DateTimeFormat, { ...date, hour: "numeric", minute: "2-digit" }).format(new Date(time)),
    since(changed, now) {
      const day = new Date(now);
      day.setHours(0, 0, 0, 0);
      if (changed === "week") day.setDate(day.getDate() - ((day.getDay() + 6) % 7)); // ISO 8601: from Monday on
      return day.getTime();
    },
    relative: (n, unit) => format(Intl.RelativeTimeFormat, { numeric: "always" }).format(n, unit),
    choose(language) {
      try {
        localStorage.setItem(stored, language);
      } catch {
        return false;
      }
      location.reload();
      return true;
    },
  };
})();
