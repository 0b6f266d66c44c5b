//go:build e2e

package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// counted keeps the numbers that a page or a worker shows on the app's icon.
const counted = `
	globalThis.badges = [];
	{
		const told = new BroadcastChannel("badges");
		const say = (n) => { globalThis.badges.push(n); told.postMessage(n); };
		navigator.setAppBadge = async (n) => say(n);
		navigator.clearAppBadge = async () => say(0);
	}
`

func (d directory) badgeIs(want int) {
	d.t.Helper()
	harness.Eventually(d.t, "the icon's number", func() error {
		return harness.Equal("it", harness.Eval[int](d.Page, `globalThis.badges.at(-1) ?? -1`), want)
	})
}

func (d directory) titleIs(want string) {
	d.t.Helper()
	harness.Eventually(d.t, "the title", func() error { return harness.Equal("it", harness.Eval[string](d.Page, `document.title`), want) })
}

// TestWhatWaitsIsOnTheIconAndInTheTitle, also when the service worker has sent it.
func TestWhatWaitsIsOnTheIconAndInTheTitle(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	serveWorkerThat(t, site, counted)
	b := harness.OpenBrowser(t)
	users := openUsersWith(t, b, site.URL(), counted)
	users.titleIs("Users - Rollcall")
	users.badgeIs(0)
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
	users.edit("Bob Baker", harness.Person{Bio: "Bakes bread"})
	users.titleIs("(2) Users - Rollcall")
	users.badgeIs(2)
	users.Click("link", "Ann Archer")
	users.titleIs("(2) Ann Archer - Rollcall")
	users.Go("/sync")
	users.titleIs("(2) Sync - Rollcall")
	users.SeeText("They are sent once this device is online, even if Rollcall is closed by then.")
	users.SeeText("If this device lost its data now, 2 changes that the server does not have would be lost.")
	users.looksRight("sync waiting")

	// Only the service worker is left to say it, to a page that is none of the app's.
	site.Change(ann, map[string]string{"bio": "Sells maps"})
	registered(t, users)
	site.Proxy.Serve("/debug/listener.html", "text/html", []byte(`<!doctype html><title>Listener</title><script>
		globalThis.badges = [];
		new BroadcastChannel("badges").onmessage = ({data}) => globalThis.badges.push(data);
	</script>`))
	registrations := b.Registrations()
	b.Offline(site.Proxy, false)
	site.Proxy.RefuseAPI(true)
	users.Go("/debug/listener.html")
	site.Proxy.RefuseAPI(false)
	registrations.Sync(site.URL(), syncTag)
	users.badgeIs(1) // a conflict is left for the person
}

// serveWorkerThat has the service worker run a script first.
func serveWorkerThat(t *testing.T, site *harness.Site, script string) {
	t.Helper()
	answer, err := http.Get(site.URL() + "/sw.js")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	worker, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	site.Proxy.Serve("/sw.js", "text/javascript", append([]byte(script), worker...))
}

// TestOneDecisionForAllOfAKind decides all changes that were refused for the same reason.
func TestOneDecisionForAllOfAKind(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	for i := range 3 {
		name := fmt.Sprint("Other Ann ", i)
		users.add(harness.Person{Name: name, Email: "ann@example.org"})
		users.hasState(name, "Needs attention")
	}
	users.Go("/sync")
	users.SeeText("3 changes were refused for this reason: " + emailTaken)
	users.looksRight("sync kinds")
	users.Click("button", "Discard all: "+emailTaken)
	users.See("dialog", "Discard 3 changes?")
	accessible(t, users.Page)
	users.Click("button", "Cancel")
	site.Change(ann, map[string]string{"email": "ann.archer@example.org"})
	users.Click("button", "Retry all: "+emailTaken)
	users.SeeText("2 changes were refused for this reason: " + emailTaken) // one has the address now
	users.Click("button", "Discard all: "+emailTaken)
	users.See("dialog", "Discard 2 changes?")
	users.Click("button", "Discard all")
	users.SeeText("The server has accepted everything so far.")
	users.WaitQueueEmpty()
	rows := 0
	for _, r := range site.Rows() {
		if r.Email == "ann@example.org" {
			rows++
		}
	}
	if rows != 1 {
		t.Errorf("%d have the address", rows)
	}
}

// silenced keeps back what the browser itself offers.
const silenced = `
	addEventListener("beforeinstallprompt", (event) => {
		if (!event.isTrusted) return;
		event.preventDefault();
		event.stopImmediatePropagation();
	});
`

// offers has the browser offer to install the app when the test says so.
const offers = silenced + `
	globalThis.asked = 0;
	globalThis.offer = (outcome) => {
		const event = new Event("beforeinstallprompt");
		event.prompt = async () => { globalThis.asked++; };
		event.userChoice = Promise.resolve({ outcome });
		dispatchEvent(event);
	};
`

// TestInstallIsOfferedAfterTheFirstSave, until the person installs the app or declines.
func TestInstallIsOfferedAfterTheFirstSave(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	users := openUsersWith(t, b, site.URL(), offers)
	offer := func(outcome string) { harness.Eval[bool](users.Page, `(offer("`+outcome+`"), true)`) }
	offer("dismissed")
	users.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
	users.See("button", "Install app")
	users.looksRight("install offer")
	users.Reload() // the person has not answered
	users.See("heading", "Users")
	users.Gone("button", "Install app")
	offer("dismissed")
	users.Click("button", "Install app")
	harness.Eventually(t, "the browser asks", func() error { return harness.Equal("it", harness.Eval[int](users.Page, `asked`), 1) })
	users.Gone("button", "Install app")

	users.Reload()
	users.See("heading", "Users")
	offer("accepted") // the browser offers it again, and the app remembers the answer
	users.edit("Ann Archer", harness.Person{Bio: "Draws hills"})
	users.hasState("Ann Archer", "")
	if users.Has("button", "Install app") {
		t.Error("it is offered again to who declined")
	}
	users.Click("link", "Sync") // without a load, which would end the offer
	users.Click("button", "Install app")
	harness.Eventually(t, "the browser asks", func() error { return harness.Equal("it", harness.Eval[int](users.Page, `asked`), 1) })
}

// TestInstallInstructions: in Safari on iOS the app says how, and to sync before.
func TestInstallInstructions(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openUsersWith(t, harness.OpenBrowser(t), site.URL(), silenced+`Object.defineProperty(navigator, "standalone", {value: false});`)
	const how = "To install Rollcall, sync first: the installed app begins without the data of this page"
	users.GoneText(how)
	users.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
	users.SeeText(how)
	users.SeeText("Add to Home Screen")
	users.looksRight("install instructions")
	users.Click("button", "Not now")
	users.GoneText(how)
	users.Reload()
	users.See("heading", "Users")
	users.hasState("Ann Archer", "")
	users.GoneText(how)
	users.Click("link", "Sync")
	users.SeeText(how)
	users.looksRight("sync install")
}

// TestAppIsLaunchedIntoItsWindow: a shortcut finds the window that is open, and what was typed there is kept.
func TestAppIsLaunchedIntoItsWindow(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	var m struct {
		LaunchHandler struct {
			ClientMode []string `json:"client_mode"`
		} `json:"launch_handler"`
		Shortcuts []struct{ URL string }
	}
	users.Manifest(&m)
	if !slices.Equal(m.LaunchHandler.ClientMode, []string{"navigate-existing", "auto"}) {
		t.Errorf("the manifest launches by %v", m.LaunchHandler)
	}
	users.opens("Ann Archer")
	users.Fill("textbox", "Bio", "half")
	users.drafted("half")
	for _, s := range m.Shortcuts {
		users.Go(s.URL)
	}
	users.See("heading", "Sync")
	users.SeeText("You were editing Ann Archer. What you typed is kept.")
}

// TestAnUpdateKeepsWhatIsTyped: the form is open again, with the text, once the new version is there.
func TestAnUpdateKeepsWhatIsTyped(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	users.opensPerson(ann, "Ann Archer")
	before := harness.Eval[string](users.Page, `rollcall.version`)
	users.Click("button", "Change bio")
	users.Fill("textbox", "Bio", "half")
	deploy(site, newer(t))
	harness.Eval[bool](users.Page, `rollcall.registration.then((r) => r.update()).then(() => true)`)
	users.SeeText("A new version is ready")
	users.Click("button", "Reload")
	harness.Eventually(t, "the new version runs", func() error {
		now, err := harness.TryEval[string](users.Page, `globalThis.rollcall?.version ?? ""`)
		if err == nil && (now == "" || now == before) {
			err = fmt.Errorf("version %q runs", now)
		}
		return err
	})
	users.See("dialog", "Edit user")
	users.fieldIs("Bio", "half")
}

// TestTwoTabsShowTheSameNumber, and none once nothing waits.
func TestTwoTabsShowTheSameNumber(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	addThree(site)
	b := harness.OpenBrowser(t)
	first, second := openUsersWith(t, b, site.URL(), counted), openUsersWith(t, b, site.URL(), counted)
	b.Offline(site.Proxy, true)
	first.isOffline()
	first.edit("Ann Archer", harness.Person{Bio: "Draws maps"})
	for _, tab := range []directory{first, second} {
		tab.titleIs("(1) Users - Rollcall")
		tab.badgeIs(1)
	}
	b.Offline(site.Proxy, false)
	for _, tab := range []directory{first, second} {
		tab.titleIs("Users - Rollcall")
		tab.badgeIs(0)
	}
}
