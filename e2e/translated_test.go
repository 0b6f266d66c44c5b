//go:build e2e

package e2e_test

import (
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// translator does what a page translator does, in all its ways: each text becomes a new
// node in elements of its own, at once and whenever the page changes.
const translator = `(way) => {
	const ways = {
		replace(text, outer) { text.replaceWith(outer); },
		insert(text, outer) { text.before(outer); text.remove(); },
		after(text, outer) { text.after(outer); text.remove(); },
		move(text, outer, inner) { text.replaceWith(outer); inner.replaceChildren(text); },
	};
	const wrap = (text) => {
		const parent = text.parentElement;
		if (!text.data.trim() || !parent || parent.closest("font, script, style, svg, textarea, title")) return;
		const outer = document.createElement("font"), inner = document.createElement("font");
		inner.append(document.createTextNode(text.data));
		outer.append(inner);
		ways[way](text, outer, inner);
	};
	const all = () => {
		const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
		while (walker.nextNode()) texts.push(walker.currentNode);
		texts.forEach(wrap);
	};
	all();
	new MutationObserver(all).observe(document.body, {subtree: true, childList: true, characterData: true});
	globalThis.translated = () => document.querySelectorAll("font > font").length;
	return true;
}`

// paired fails unless the name of each row is that of its buttons.
func (d directory) paired() {
	d.t.Helper()
	wrong := harness.Eval[[]string](d.Page, `[...document.querySelectorAll("main [role=list] > li")].flatMap((li) => {
		const shown = li.querySelector(".row-name").textContent;
		return [...li.querySelectorAll("button")].map((b) => b.ariaLabel).filter((label) => label.replace(/^(Edit|Delete) /, "") !== shown).map((label) => shown + " has " + label);
	})`)
	for _, w := range wrong {
		d.t.Error(w)
	}
}

func TestTranslatedPageShowsWhatIsNew(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"replace", "insert", "after", "move"} {
		t.Run(way, func(t *testing.T) {
			site := harness.NewSite(t, binary(t))
			ann, bob, _ := addThree(site)
			b := harness.OpenBrowser(t)
			users := openUsers(t, b, site.URL())
			users.reads("Ann Archer", "Bob Baker", "Carl Cole")
			users.SeeText("3 users")
			harness.Eval[bool](users.Page, "("+translator+")(`"+way+"`)")
			if harness.Eval[int](users.Page, `translated()`) == 0 {
				t.Fatal("nothing was translated")
			}
			site.Change(ann, map[string]string{"name": "Zoe Zimmer"})
			site.Add(harness.Person{Name: "Aaron Abel", Email: "aaron@example.org"})
			site.Remove(bob)
			users.reads("Aaron Abel", "Carl Cole", "Zoe Zimmer")
			users.paired()
			users.remove("Carl Cole")
			users.SeeText("Deleted Carl Cole")
			users.reads("Aaron Abel", "Zoe Zimmer")
			users.SeeText("2 users")
			users.Click("button", "Undo")
			users.reads("Aaron Abel", "Carl Cole", "Zoe Zimmer")
			users.SeeText("Restored Carl Cole")
			users.SeeText("3 users")
			users.paired()

			// Dialogs, their errors, and the status.
			users.Click("button", "Add user")
			users.See("dialog", "Add user")
			users.Click("button", "Save")
			users.SeeText("Name is required")
			users.save(harness.Person{Name: "Dora Dent", Email: "dora@"})
			users.GoneText("Name is required")
			users.SeeText("Email is not an email address")
			users.save(harness.Person{Email: "dora@example.org"})
			users.Gone("dialog", "Add user")
			users.reads("Aaron Abel", "Carl Cole", "Dora Dent", "Zoe Zimmer")
			users.Click("button", "Edit Dora Dent")
			users.See("dialog", "Edit user")
			users.Click("button", "Cancel")
			users.Gone("dialog", "Edit user")
			b.Offline(site.Proxy, true)
			users.isOffline()
			users.edit("Dora Dent", harness.Person{Bio: "Drives"})
			users.statusIs("1 change waiting")
			b.Offline(site.Proxy, false)
			users.isOnline()
			users.WaitQueueEmpty()

			// Pages come and go.
			users.Click("link", "Zoe Zimmer")
			users.See("heading", "Zoe Zimmer")
			site.Change(ann, map[string]string{"name": "Zoe Zander"})
			users.See("heading", "Zoe Zander")
			users.Click("link", "Sync")
			users.See("heading", "Diagnostics")
			users.Click("link", "Users")
			users.reads("Aaron Abel", "Carl Cole", "Dora Dent", "Zoe Zander")
			users.paired()
		})
	}
}

func TestNamesAreNotToBeTranslated(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	users.remove("Ann Archer")
	users.SeeText("Deleted Ann Archer")
	loose := `(() => {
		const walker = document.createTreeWalker(document.querySelector(".app"), NodeFilter.SHOW_TEXT), loose = [];
		while (walker.nextNode()) {
			const text = walker.currentNode;
			if (/Ann Archer|Bob Baker|@example/.test(text.data) && !text.parentElement.closest("[translate=no].notranslate, .status, dialog")) loose.push(text.data);
		}
		return loose;
	})()`
	if got := harness.Eval[[]string](users.Page, loose); len(got) > 0 {
		t.Errorf("these names would be translated: %q", got)
	}
	users.Click("link", "Bob Baker")
	users.See("heading", "Bob Baker")
	if got := harness.Eval[[]string](users.Page, loose); len(got) > 0 {
		t.Errorf("these names would be translated: %q", got)
	}
}

// highlighted cuts the text of each name in three, as extensions do that mark a word.
const highlighted = `(() => {
	for (const element of document.querySelectorAll(".row-name, .row-name *")) {
		const text = [...element.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.length > 3);
		if (!text) continue;
		const word = text.splitText(1);
		word.splitText(2);
		const mark = document.createElement("mark");
		mark.textContent = word.data;
		word.replaceWith(mark);
	}
	return document.querySelectorAll("mark").length;
})()`

func TestHighlightedPageShowsWhatIsNew(t *testing.T) {
	t.Parallel()
	site, _, users := openThree(t)
	bob, _ := site.Row("Bob Baker")
	if n := harness.Eval[int](users.Page, highlighted); n != 3 {
		t.Fatalf("%d names are highlighted", n)
	}
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	site.Change(bob.ID, map[string]string{"name": "Bo Cook"})
	users.reads("Ann Archer", "Bo Cook", "Carl Cole")
	harness.Eval[int](users.Page, highlighted)
	site.Change(bob.ID, map[string]string{"name": "Bob Baker"})
	users.reads("Ann Archer", "Bob Baker", "Carl Cole")
	users.remove("Ann Archer")
	users.reads("Bob Baker", "Carl Cole")
}
