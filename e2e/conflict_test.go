//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// conflict is a way in which two people change the same user: what the page does offline,
// and what happens at the server meanwhile.
type conflict struct {
	mine, theirs func(conflictCase)
	mineLast     bool // the page writes last
}

// conflictCase is a conflict on one user.
type conflictCase struct {
	users  directory
	site   *harness.Site
	person harness.Person
}

func (c conflictCase) name() string { return c.person.Name }

func editBio(text string) func(conflictCase) {
	return func(c conflictCase) { c.users.edit(c.name(), harness.Person{Bio: text}) }
}

func changeFields(fields map[string]string) func(conflictCase) {
	return func(c conflictCase) { c.site.Change(c.person.ID, fields) }
}

func removeMine(c conflictCase)   { c.users.remove(c.name()) }
func removeTheirs(c conflictCase) { c.site.Remove(c.person.ID) }

// changeEmail is a change by others of another field.
func changeEmail(c conflictCase) {
	c.site.Change(c.person.ID, map[string]string{"email": "new." + c.person.Email})
}

var conflicts = map[string]conflict{
	"different fields":        {mine: editBio("mine"), theirs: changeEmail, mineLast: true},
	"same field, mine last":   {mine: editBio("mine"), theirs: changeFields(map[string]string{"bio": "theirs"}), mineLast: true},
	"same field, theirs last": {mine: editBio("mine"), theirs: changeFields(map[string]string{"bio": "theirs"})},
	"I update, they delete":   {mine: editBio("mine"), theirs: removeTheirs},
	"I delete, they update":   {mine: removeMine, theirs: changeFields(map[string]string{"bio": "theirs"})},
}

// end is the final state of a user at the server.
type end struct {
	gone     bool
	bio      string
	newEmail bool
}

// ends are the final states by strategy and conflict.
var ends = map[string]map[string]end{
	"Merge": {
		"different fields":        {bio: "mine", newEmail: true},
		"same field, mine last":   {bio: "mine"},
		"same field, theirs last": {bio: "theirs"},
		"I update, they delete":   {gone: true},
		"I delete, they update":   {gone: true},
	},
	"Last write wins": {
		"different fields":        {bio: "mine", newEmail: true},
		"same field, mine last":   {bio: "mine"},
		"same field, theirs last": {bio: "theirs"},
		"I update, they delete":   {gone: true},
		"I delete, they update":   {bio: "theirs"},
	},
	"Server wins": {
		"different fields":        {bio: "base", newEmail: true},
		"same field, mine last":   {bio: "theirs"},
		"same field, theirs last": {bio: "theirs"},
		"I update, they delete":   {gone: true},
		"I delete, they update":   {bio: "theirs"},
	},
	"Mine wins": {
		"different fields":        {bio: "mine", newEmail: true},
		"same field, mine last":   {bio: "mine"},
		"same field, theirs last": {bio: "mine"},
		"I update, they delete":   {bio: "mine"},
		"I delete, they update":   {gone: true},
	},
}

func TestEachStrategyResolvesEachConflict(t *testing.T) {
	t.Parallel()
	for strategy, want := range ends {
		t.Run(strategy, func(t *testing.T) {
			everywhere(t, func(t *testing.T, b browser) { settle(t, b, strategy, want) })
		})
	}
}

func settle(t *testing.T, b browser, strategy string, want map[string]end) {
	site := harness.NewSite(t, binary(t))
	cases := map[string]conflictCase{}
	for kind := range conflicts {
		p := harness.Person{Name: kind, Email: fmt.Sprintf("p%d@example.org", len(cases)), Bio: "base"}
		p.ID = site.Add(p)
		cases[kind] = conflictCase{site: site, person: p}
	}
	users := openUsers(t, b, site.URL())
	users.Go("/sync")
	users.Click("radio", strategy)
	users.Go("/")
	b.Offline(site.Proxy, true)
	users.isOffline()
	for _, mineLast := range []bool{true, false} {
		for kind, c := range conflicts {
			if c.mineLast != mineLast {
				continue
			}
			cc := cases[kind]
			cc.users = users
			first, second := c.mine, c.theirs
			if mineLast {
				first, second = c.theirs, c.mine
			}
			first(cc)
			second(cc)
		}
	}
	b.Offline(site.Proxy, false)
	users.isOnline()
	users.WaitQueueEmpty()
	for kind, end := range want {
		harness.Eventually(t, kind+" ends as it should", func() error { return ended(site, cases[kind].person, end) })
	}
	if n := len(users.Store("conflicts")); n != len(conflicts) {
		t.Errorf("%d conflicts are recorded, want %d", n, len(conflicts))
	}
	users.matchesServer(site)
	// Conflicts in which nobody lost a value are shown, too.
	users.Go("/sync")
	harness.Eventually(t, "each conflict is shown", func() error {
		return harness.Equal("conflicts", harness.Eval[int](users.Page, `document.querySelectorAll("article.conflict").length`), len(conflicts))
	})
}

func ended(site *harness.Site, p harness.Person, want end) error {
	row, ok := site.Row(p.Name)
	if want.gone || !ok {
		return harness.Equal("whether it is there", ok, !want.gone)
	}
	email := p.Email
	if want.newEmail {
		email = "new." + email
	}
	return errors.Join(harness.Equal("the bio", row.Bio, want.bio), harness.Equal("the email", row.Email, email))
}

func TestConflictDecisionCanBeReversed(t *testing.T) { mainPath(t, conflictDecisionCanBeReversed) }

func conflictDecisionCanBeReversed(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, bob, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	users.hasState("Bob Baker", "")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "mine"})
	users.edit("Bob Baker", harness.Person{Bio: "mine"})
	site.Change(ann, map[string]string{"bio": "theirs"})
	site.Remove(bob)
	b.Offline(site.Proxy, false)
	users.hasState("Ann Archer", "Conflict")

	users.Go("/sync")
	users.See("heading", "Bob Baker")
	for _, text := range []string{"Reads maps", "mine", "theirs", "Their changes were kept"} {
		users.SeeText(text)
	}
	users.Click("button", "Use mine")
	harness.Eventually(t, "Ann has my bio", func() error {
		r, _ := site.Row("Ann Archer")
		return harness.Equal("the bio", r.Bio, "mine")
	})
	users.Click("button", "Restore")
	harness.Eventually(t, "Bob is back", func() error {
		r, ok := site.Row("Bob Baker")
		return errors.Join(harness.Equal("whether he is there", ok, true), harness.Equal("the bio", r.Bio, "mine"))
	})
	users.SeeText("Nothing left to review.")
	users.Go("/")
	users.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	users.matchesServer(site)
}

func TestConflictDecisionCanBeKept(t *testing.T) { everywhere(t, conflictDecisionCanBeKept) }

func conflictDecisionCanBeKept(t *testing.T, b browser) {
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	users := openUsers(t, b, site.URL())
	users.hasState("Ann Archer", "")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "mine"})
	site.Change(ann, map[string]string{"bio": "theirs"})
	b.Offline(site.Proxy, false)
	users.hasState("Ann Archer", "Conflict")
	users.Go("/sync")
	users.Click("button", "Keep")
	users.SeeText("Nothing left to review.")
	users.Go("/")
	users.hasState("Ann Archer", "")
	users.matchesServer(site)
	if r, _ := site.Row("Ann Archer"); r.Bio != "theirs" {
		t.Errorf("Ann became %+v", r)
	}
}

// TestAConflictOfADeletedUser is on their page, where they come back from, and so is what the server keeps.
func TestAConflictOfADeletedUser(t *testing.T) {
	t.Parallel()
	b := harness.OpenBrowser(t)
	site, users := openThreeIn(t, b)
	ann := rowID(t, site, "Ann Archer")
	b.Offline(site.Proxy, true)
	users.isOffline()
	users.edit("Ann Archer", harness.Person{Bio: "Draws hills"})
	site.Remove(ann)
	b.Offline(site.Proxy, false)
	users.showsSynced("Bob Baker", "Carl Cole")
	users.Go("/users/" + ann)
	users.See("heading", "User not found")
	users.SeeText("Someone else deleted this user while you changed it.")
	users.looksRight("deleted user")
	users.Click("button", "Not now") // the offer to install
	users.Click("button", "Restore")
	users.Gone("heading", "User not found")
	users.See("button", "Edit Ann Archer")
	users.Go("/")
	users.hasState("Ann Archer", "")
	if row, ok := site.Row("Ann Archer"); !ok || row.Bio != "Draws hills" {
		t.Errorf("the server has %+v", row)
	}
}
