// Returns the perceivable elements of a role and an accessible name, as far as the app's pages
// need: WebDriver has no such search. Empty ones match any.
(role, name) => {
  const selectors = {
    button: "button:not([role]), [role=button], summary, input[type=submit], input[type=button]",
    link: "a[href]:not([role]), [role=link]",
    textbox: "input:not([type]), input[type=text], input[type=email], input[type=password], input[type=url], input[type=tel], textarea, [role=textbox]",
    searchbox: "input[type=search], [role=searchbox]",
    checkbox: "input[type=checkbox]:not([role]), [role=checkbox]",
    radio: "input[type=radio]:not([role]), [role=radio]",
    combobox: "select:not([multiple]):not([size]), [role=combobox]",
    heading: "h1, h2, h3, h4, h5, h6, [role=heading]",
    dialog: "dialog:not([role]), [role=dialog]",
    region: "section[aria-label], section[aria-labelledby], [role=region]",
    list: "ul:not([role]), ol:not([role]), [role=list]",
    listitem: "li:not([role]), [role=listitem]",
    navigation: "nav:not([role]), [role=navigation]",
    main: "main:not([role]), [role=main]",
    progressbar: "progress, [role=progressbar]",
  };

  const clean = (text) => (text ?? "").replace(/\s+/g, " ").trim();

  // content is an element's text without what is hidden from assistive technology.
  const content = (e) => clean([...e.childNodes].map((n) => {
    if (n.nodeType === Node.TEXT_NODE) return n.data;
    if (n.nodeType !== Node.ELEMENT_NODE || n.ariaHidden === "true" || !n.checkVisibility()) return "";
    const inline = getComputedStyle(n).display.startsWith("inline");
    return inline ? content(n) || n.getAttribute("aria-label") : ` ${content(n)} `;
  }).join(""));

  const ofIDs = (ids) => clean(ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent).join(" "));

  const nameOf = (e) => {
    const by = e.getAttribute("aria-labelledby");
    if (by) return ofIDs(by);
    if (clean(e.ariaLabel)) return clean(e.ariaLabel);
    if (e.labels?.length) return clean([...e.labels].map(content).join(" "));
    return (e.matches("dialog, section, [role=dialog], [role=region]") ? "" : content(e)) || clean(e.title) || clean(e.placeholder);
  };

  // While a modal dialog is open, all outside is inert.
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1);
  const perceivable = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("[aria-hidden=true], [inert]") && (!modal || modal.contains(e));

  return [...document.querySelectorAll(role === "" ? "*" : selectors[role] ?? `[role=${role}]`)]
    .filter((e) => perceivable(e) && (name === "" || nameOf(e) === name));
}
