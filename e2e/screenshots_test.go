//go:build e2e && looks

package e2e_test

import (
	"path/filepath"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

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

// TestScreenshots takes the pictures of the README and of the install dialog, which -update keeps.
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
	users.statusIs("1 change waiting")
	users.Click("button", "Not now") // the offer to install it

	users.Emulate(screens["desktop light"])
	harness.Eval[any](users.Page, `(document.activeElement.blur(), document.getElementById("main").scrollTop = 0)`)
	users.WaitRest()
	picture(t, users, "../docs/images/users-desktop-light.png")
}

// picture saves a screenshot, with -update.
func picture(t *testing.T, users directory, path string) {
	t.Helper()
	users.fits(filepath.Base(path))
	if png := users.Screenshot(); *update {
		write(t, path, png)
	}
}
