//go:build e2e

package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// outage is a way to be without a server. A browser that starts during one needs join.
type outage struct {
	begin, join, end func(*harness.Site, browser)
}

func networkOff(s *harness.Site, b browser) { b.Offline(s.Proxy, true) }

var outages = map[string]outage{
	"network off": {
		begin: networkOff, join: networkOff,
		end: func(s *harness.Site, b browser) { b.Offline(s.Proxy, false) },
	},
	"server stopped": {
		begin: func(s *harness.Site, _ browser) { s.Down() },
		join:  func(*harness.Site, browser) {},
		end:   func(s *harness.Site, _ browser) { s.Up() },
	},
}

func TestWorkContinuesOffline(t *testing.T) {
	t.Parallel()
	for name, o := range outages {
		t.Run(name, func(t *testing.T) {
			inEngines(t, name == "server stopped", func(t *testing.T, e engine) { workThroughAnOutage(t, e.own(t), o) })
		})
	}
}

func workThroughAnOutage(t *testing.T, b browser, o outage) {
	site := harness.NewSite(t, binary(t))
	_, bob, _ := addThree(site)
	before := countersOf(site)
	users := openUsers(t, b, site.URL())
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")

	b.Allow("share.") // what is fetched for later may be cut off
	b.Allow("files.")
	b.Allow("tools.")
	b.Allow("qrcodegen.")
	o.begin(site, b)
	users.add(harness.Person{Name: "Dora Dent", Email: "dora@example.org", Bio: "Drives"})
	users.edit("Bob Baker", harness.Person{Name: "Bob Butler"})
	users.remove("Carl Cole")
	without := map[string]string{"Ann Archer": "", "Bob Butler": "Pending", "Dora Dent": "Pending"}
	users.shows(without)
	users.isOffline()
	users.statusIs("3 changes waiting")

	users.Reload()
	users.shows(without)
	routesWork(users, bob)
	users.Go("/?shared=1&x=y")
	users.shows(without)

	users.Close()
	b = restarted(b)
	o.join(site, b)
	users = openOffline(t, b, site.URL())
	users.shows(without)
	users.isOffline()
	users.edit("Dora Dent", harness.Person{Email: "dora.dent@example.org"})
	users.remove("Ann Archer")
	users.add(harness.Person{Name: "Eve Eder", Email: "eve@example.org"})
	users.shows(map[string]string{"Bob Butler": "Pending", "Dora Dent": "Pending", "Eve Eder": "Pending"})
	zed := harness.Person{Name: "Zed Zimmer", Email: "zed@example.org"}

	o.end(site, b)
	site.Add(zed)
	users.isOnline()
	users.showsSynced("Bob Butler", "Dora Dent", "Eve Eder", "Zed Zimmer")
	users.GoneText("Offline - Changes will sync when connected")
	users.matchesServer(site)
	users.syncNow()
	want := []harness.Row{
		{Name: "Bob Butler", Email: "bob@example.org", Bio: "Bakes"},
		{Name: "Dora Dent", Email: "dora.dent@example.org", Bio: "Drives"},
		{Name: "Eve Eder", Email: "eve@example.org"},
		{Name: zed.Name, Email: zed.Email},
	}
	rows := site.Rows()
	for i := range rows {
		rows[i].ID, rows[i].Version = "", 0
	}
	if !slices.Equal(rows, want) {
		t.Errorf("the server has %+v, want %+v", rows, want)
	}
	before.changes++ // Zed, added by REST
	eachSentOnce(t, site, before)
}

// routesWork checks the other pages, with and without a query.
func routesWork(users directory, bob string) {
	users.t.Helper()
	for _, query := range []string{"", "?from=mail&x=1"} {
		users.Go("/users/" + bob + query)
		users.See("heading", "Bob Butler")
		users.Go("/sync" + query)
		users.See("heading", "Waiting")
		users.SeeText(fmt.Sprintf("Change name of %s", "Bob Baker"))
	}
}
