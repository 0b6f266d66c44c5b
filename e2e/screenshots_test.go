//go:build e2e

package e2e_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

var update = flag.Bool("update", false, "update the screenshots of the README and the install dialog")

// people are the users in the screenshots.
var people = []harness.Person{
	{Name: "Amara Okafor", Email: "amara.okafor@example.org", Bio: "Runs the registration desk. Speaks Igbo, English and French."},
	{Name: "Bjørn Lindqvist", Email: "bjorn@example.org", Bio: "Field team north"},
	{Name: "Chen Wei", Email: "chen.wei@example.org", Bio: "Logistics"},
	{Name: "Daniela Rossi", Email: "d.rossi@example.org", Bio: "Paediatric nurse"},
	{Name: "Emeka Adeyemi", Email: "emeka@example.org", Bio: "Driver, van 3"},
	{Name: "Fatima Zahra", Email: "fatima.zahra@example.org", Bio: "Interpreter"},
	{Name: "Grace Hopper", Email: "grace@example.org", Bio: "Keeps the generator running"},
	{Name: "Hiroshi Tanaka", Email: "hiroshi.tanaka@example.org", Bio: "Water and sanitation"},
	{Name: "Inés Navarro", Email: "ines.navarro@example.org", Bio: "Coordinator, east"},
	{Name: "Jonas Weber", Email: "jonas.weber@example.org", Bio: "Event desk"},
	{Name: "Kavya Iyer", Email: "kavya@example.org", Bio: "Pharmacist"},
	{Name: "Liam O'Brien", Email: "liam.obrien@example.org", Bio: "Volunteer since 2019"},
}

// TestScreenshots takes a screenshot of every page on every screen. With -update it saves
// them.
func TestScreenshots(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	ids := map[string]string{}
	for _, p := range people {
		ids[p.Name] = site.Add(p)
	}
	b := harness.OpenBrowser(t)
	users := openUsers(t, b, site.URL())
	users.Emulate(screens["desktop light"])
	users.hasState("Amara Okafor", "")
	picture(t, users, "../web/screenshots/wide.png")
	users.Emulate(screens["phone light"])
	picture(t, users, "../web/screenshots/narrow.png")

	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Chen Wei", harness.Person{Bio: "Logistics, warehouse 2"})
	users.edit("Inés Navarro", harness.Person{Bio: "Coordinator, east and south"})
	users.add(harness.Person{Name: "Also Grace", Email: "grace@example.org"})
	site.Change(ids["Inés Navarro"], map[string]string{"bio": "Coordinator, west"})
	b.Offline(site.Proxy, false)
	users.hasState("Also Grace", "Needs attention")
	users.hasState("Inés Navarro", "Conflict")
	b.Offline(site.Proxy, true)
	users.edit("Daniela Rossi", harness.Person{Email: "daniela.rossi@example.org"})
	users.hasState("Daniela Rossi", "Pending")
	users.isOffline()

	pages := []struct {
		name, path, ready string
	}{
		{"users", "/", "Users"},
		{"form", "/?add=1", "Add user"},
		{"user", "/users/" + ids["Amara Okafor"], "Amara Okafor"},
		{"sync", "/sync", "Diagnostics"},
	}
	for _, page := range pages {
		for name, look := range map[string]harness.Screen{
			"desktop-light": screens["desktop light"], "desktop-dark": screens["desktop dark"],
			"phone-light": screens["phone light"], "phone-dark": screens["phone dark"],
		} {
			users.Emulate(look)
			users.Go(page.path)
			users.See("heading", page.ready)
			users.isOffline()
			users.statusIs("1 change waiting")
			picture(t, users, "../docs/images/"+page.name+"-"+name+".png")
		}
	}
}

// picture takes a screenshot, and saves it with -update.
func picture(t *testing.T, users directory, path string) {
	t.Helper()
	users.WaitAnimations()
	if overflow := harness.Eval[int](users.Page, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); overflow > 0 {
		t.Errorf("%s: the page is %d pixels wider than the window", filepath.Base(path), overflow)
	}
	png := users.Screenshot()
	if !*update {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
