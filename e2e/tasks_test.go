//go:build e2e && looks

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/rollcall/rollcall/e2e/harness"
)

// hand does a task as a person does, and counts what they press.
type hand struct {
	directory
	site *harness.Site
	b    *harness.Browser

	task     string
	wide     bool
	keyboard bool // alone
	taps     int
	steps    []step
}

// step is what is shown after something was done.
type step struct{ says, picture string }

// tap presses an element.
func (h *hand) tap(role, name string) {
	h.t.Helper()
	h.taps++
	if !h.keyboard {
		h.Click(role, name)
		return
	}
	h.Reach(role, name)
	h.Press(map[bool]string{true: " ", false: kb.Enter}[role == "checkbox"])
}

// types taps into a field, and writes.
func (h *hand) types(name, text string) {
	h.t.Helper()
	role := "textbox"
	if h.Has("searchbox", name) {
		role = "searchbox"
	}
	if h.keyboard {
		h.Reach(role, name)
	}
	h.Fill(role, name, text)
	h.taps++
}

// person fills the form that is open, and saves it.
func (h *hand) person(p harness.Person) {
	h.t.Helper()
	for _, field := range []struct{ name, text string }{{"Name", p.Name}, {"Email", p.Email}, {"Bio", p.Bio}} {
		if field.text != "" {
			h.types(field.name, field.text)
		}
	}
	h.tap("button", "Save")
}

// sees says what a step came to, and compares a picture of it with that in docs/images/tasks, which -update makes.
func (h *hand) sees(says string) {
	h.t.Helper()
	if h.keyboard {
		return
	}
	h.fits(says)
	screen := "phone"
	if h.wide {
		screen = "desk"
	}
	s := step{says, fmt.Sprintf("%s-%d-%s.webp", h.task, len(h.steps)+1, screen)}
	h.steps = append(h.steps, s)
	h.dress()
	defer h.undress()
	path := filepath.Join("..", "docs", "images", "tasks", s.picture)
	if *update {
		write(h.t, path, h.stillTwice(h.SmallScreenshot))
		return
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatalf("there is no kept picture (-update makes it): %v", err)
	}
	kept = h.PNG(kept)
	harness.EventuallyWithin(h.t, comparing, says+" looks as it did", func() error {
		return harness.SameImage(h.PNG(h.still(h.SmallScreenshot)), kept, path)
	})
}

// task is something that a new user sets out to do.
type task struct {
	name, title string
	prepare     func(t *testing.T) *harness.Site
	do          func(h *hand)
	signsIn     bool // as bo, before the task begins
}

var tasks = []task{
	{"add", "Add three people with Wi-Fi off", emptySite, func(h *hand) {
		h.b.Offline(h.site.Proxy, true)
		h.isOffline()
		h.sees("Wi-Fi is off")
		for i, p := range people[:3] {
			h.tap("button", "Add user")
			h.See("dialog", "Add user")
			if i == 0 {
				h.sees("“Add user” opens the form")
			}
			h.person(p)
			h.Gone("dialog", "Add user")
		}
		h.shows(map[string]string{people[0].Name: "Pending", people[1].Name: "Pending", people[2].Name: "Pending"})
		h.statusIs("3 changes waiting")
		h.sees("All three are here, and wait to be sent")
		h.b.Offline(h.site.Proxy, false)
		h.showsSynced(people[0].Name, people[1].Name, people[2].Name)
		h.isOnline()
		h.sees("With Wi-Fi on they arrive by themselves")
	}, false},
	{"find", "Find one by an accented name", peopleSite, func(h *hand) {
		h.types("Search users", "ines")
		h.showsSynced("Inés Navarro")
		h.sees("Without accents, “ines” finds Inés, and shows where")
		h.tap("link", "Inés Navarro")
		h.See("heading", "Inés Navarro")
		h.sees("Her page")
	}, false},
	{"settle", "Change two fields on two devices, and settle it", peopleSite, func(h *hand) {
		chen, _ := h.site.Row("Chen Wei")
		h.b.Offline(h.site.Proxy, true)
		h.isOffline()
		h.tap("button", "Edit Chen Wei")
		h.person(harness.Person{Email: "chen@example.org", Bio: "Logistics, warehouse 2"})
		h.hasState("Chen Wei", "Pending")
		h.sees("Here, with Wi-Fi off: another email and bio")
		h.site.Change(chen.ID, map[string]string{"bio": "Logistics, warehouse 5"})
		h.b.Offline(h.site.Proxy, false)
		h.hasState("Chen Wei", "Conflict")
		h.isOnline()
		h.sees("On another device somebody changed the bio: a conflict, settled for now")
		h.tap("link", h.syncLink())
		h.See("button", "Choose by field")
		h.sees("“Sync” shows both sides, and what was kept")
		h.tap("button", "Choose by field")
		h.See("dialog", "Choose what stays")
		h.sees("Each field can be chosen, or written anew")
		h.types("Bio", "Logistics, warehouses 2 and 5")
		h.tap("button", "Save")
		h.Gone("dialog", "Choose what stays")
		harness.Eventually(h.t, "the decision arrives", func() error {
			r, _ := h.site.Row("Chen Wei")
			return harness.Equal("what the server has", r.Email+" "+r.Bio, "chen@example.org Logistics, warehouses 2 and 5")
		})
		h.statusIs("Synced")
		h.sees("Settled, and sent")
	}, false},
	{"import", "Import 500 from a Google Contacts file, and undo it", peopleSite, func(h *hand) {
		h.filesReady()
		h.tap("link", "Import or export")
		h.See("heading", "From a file")
		h.sees("“Import or export”")
		h.Choose("import-file", fileOf(h.t, "contacts.csv", googleFile(500)))
		h.taps += 2 // "Import a file", and the file
		h.See("heading", "This is what would change")
		h.SeeText("500 new")
		h.sees("The plan: nothing is written yet")
		h.tap("button", "Import 500 users")
		h.See("heading", "Imported")
		h.sees("500 users were added")
		h.tap("button", "Undo the import")
		h.See("heading", "The import was undone")
		h.sees("One press undoes all of it")
		h.tap("link", "Show the list")
		h.count(len(people))
	}, false},
	{"export", "Export a selection", peopleSite, func(h *hand) {
		h.filesReady()
		h.tap("button", "Select")
		h.tap("checkbox", "Select Amara Okafor")
		h.tap("checkbox", "Select Chen Wei")
		h.SeeText("2 selected")
		h.sees("“Select”, then two people")
		h.tap("button", "Export")
		h.See("heading", "Export")
		h.SeeText("2 users")
		h.sees("How they are exported")
		dir := h.Downloads()
		h.tap("button", "Save the file")
		h.Download(dir)
	}, false},
	{"install", "Install it", emptySite, func(h *hand) {
		h.tap("button", "Add user")
		h.person(people[0])
		h.See("button", "Install app")
		h.sees("After the first save the app offers to be installed")
		h.tap("button", "Install app")
		h.Gone("button", "Install app")
		h.sees("The browser asks, and the rest is its own")
	}, false},
	{"update", "Update it", peopleSite, func(h *hand) {
		before := harness.Eval[string](h.Page, `rollcall.version`)
		deploy(h.site, newer(h.t))
		harness.Eval[any](h.Page, `navigator.serviceWorker.ready.then((r) => r.update()).then(() => 0)`)
		h.SeeText(newVersionIsReady)
		h.isOnline() // the server has started again
		h.sees("A new version has arrived, and waits for you")
		h.tap("button", "Reload")
		h.runsAnother(before)
		h.isOnline()
		h.sees("The same list, in the new version")
	}, false},
	{"room", "Free storage", peopleSite, func(h *hand) {
		other := bare(h.t, h.b, h.site.URL())
		other.LimitStorage(1)
		waitStorageFull(h.t, other)
		h.Front()
		h.tap("button", "Add user")
		h.person(dora)
		h.SeeText("Free some space, then try again.")
		h.sees("The device is full: what is typed stays, and the form says what to do")
		other.LimitStorage(-1) // what the person does elsewhere: deletes photos, say
		h.tap("button", "Save")
		h.Gone("dialog", "Add user")
		h.isInList("Dora Dent")
		h.sees("Saved, once there is room")
	}, false},
	{"sign-in", "Sign in again", closedSite, func(h *hand) {
		h.add(people[1])
		endSessions(h.t, h.site, "bo")
		h.add(people[2])
		h.statusIs("Sign in to sync")
		h.sees("The session has ended: work goes on, and waits")
		h.tap("button", "Sign in")
		h.See("heading", "Sign in")
		h.sees("“Sign in”")
		h.types("Name", "bo")
		h.types("Password", harness.Password)
		h.tap("button", "Sign in")
		h.See("heading", "Users")
		h.WaitQueueEmpty()
		h.showsSynced(people[1].Name, people[2].Name)
		h.isOnline()
		h.sees("What waited has been sent")
	}, true},
}

// isInList waits until somebody is in the list.
func (d directory) isInList(name string) {
	d.t.Helper()
	d.See("link", name)
}

func emptySite(t *testing.T) *harness.Site { return harness.NewSite(t, binary(t)) }

func peopleSite(t *testing.T) *harness.Site {
	site := emptySite(t)
	for _, p := range people {
		site.Add(p)
	}
	return site
}

func closedSite(t *testing.T) *harness.Site { return harness.NewClosedSite(t, binary(t), "bo editor") }

// syncLink is the name of the link to the page "Sync", which tells what waits there.
func (d directory) syncLink() string {
	d.t.Helper()
	return harness.Eval[string](d.Page, `(() => {
		const link = document.querySelector("nav a[href='/sync']").cloneNode(true);
		link.querySelectorAll("[aria-hidden=true]").forEach((e) => e.remove());
		return [...link.childNodes].map((n) => n.textContent.trim()).filter(Boolean).join(" ");
	})()`)
}

// begin does a task as somebody who has just opened the site.
func (h *hand) begin(t *testing.T, task task, screen string) {
	h.site, h.b, h.task = task.prepare(t), harness.OpenBrowser(t), task.name
	h.directory = directory{h.b.Open(h.site.URL() + "/"), t}
	h.Emulate(screens[screen])
	if task.signsIn {
		h.signIn("bo")
	}
	h.See("heading", "Users")
	h.isOnline()
	h.WaitOfflineReady()
	task.do(h)
}

// TestTasksByKeyboard does each task with the keyboard alone, but for the browser's own dialog that chooses a file.
func TestTasksByKeyboard(t *testing.T) {
	t.Parallel()
	for _, task := range tasks {
		t.Run(task.name, func(t *testing.T) { (&hand{keyboard: true}).begin(t, task, "desktop light") })
	}
}

// TestTasks does each task on a phone and at a desk. What it takes is told in docs/DESIGN.md, which
// -update writes.
func TestTasks(t *testing.T) {
	t.Parallel()
	told := map[string][2]*hand{}
	for _, task := range tasks {
		var both [2]*hand
		for i, name := range []string{"phone light", "desktop light"} {
			t.Run(task.name+", "+name, func(t *testing.T) {
				h := &hand{wide: i == 1}
				h.begin(t, task, name)
				both[i] = h
			})
		}
		if both[0] == nil || both[1] == nil {
			t.Fatalf("%s was not done", task.name)
		}
		told[task.name] = both
	}
	inDesign(t, told)
}

const (
	designFile  = "../docs/DESIGN.md"
	tasksBegin  = "<!-- tasks -->\n"
	tasksEnd    = "<!-- /tasks -->\n"
	phonePixels = 150
	deskPixels  = 420
)

func inTaps(n int) string {
	if n == 1 {
		return "1 tap"
	}
	return fmt.Sprint(n, " taps")
}

// inDesign compares what the tasks took with what the document tells.
func inDesign(t *testing.T, told map[string][2]*hand) {
	t.Helper()
	var b strings.Builder
	for _, task := range tasks {
		phone, desk := told[task.name][0], told[task.name][1]
		fmt.Fprintf(&b, "### %s\n\nOn a phone %s, at a desk %s.\n\n", task.title, inTaps(phone.taps), inTaps(desk.taps))
		for i, s := range phone.steps {
			fmt.Fprintf(&b, "%d. %s\n", i+1, s.says)
		}
		b.WriteString("\n")
		for _, h := range []*hand{phone, desk} {
			width := phonePixels
			if h.wide {
				width = deskPixels
			}
			for _, s := range h.steps {
				fmt.Fprintf(&b, "<img src=\"images/tasks/%s\" width=\"%d\" alt=\"%s\">\n", s.picture, width, s.says)
			}
			b.WriteString("\n")
		}
	}
	data, err := os.ReadFile(designFile)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	from, to := strings.Index(text, tasksBegin), strings.Index(text, tasksEnd)
	if from < 0 || to < from {
		t.Fatalf("%s has no place for the tasks", designFile)
	}
	want := text[:from+len(tasksBegin)] + b.String() + text[to:]
	if *update {
		write(t, designFile, []byte(want))
		return
	}
	if text != want {
		t.Errorf("%s tells something else: make screenshots writes it anew", designFile)
	}
}
