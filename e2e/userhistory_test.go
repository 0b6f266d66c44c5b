//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rollcall/rollcall/e2e/harness"
)

// asksToRestore presses the button of the entry of a history that says all of these.
func (d directory) asksToRestore(entry ...string) {
	d.t.Helper()
	focus := fmt.Sprintf(`(() => {
		const entry = [...document.querySelectorAll(".thing")].find((li) => %q.split("\n").every((s) => li.innerText.includes(s)));
		entry?.querySelector("button")?.focus();
		return Boolean(entry?.contains(document.activeElement));
	})()`, strings.Join(entry, "\n"))
	harness.Eventually(d.t, "the state can be restored", func() error {
		return harness.Equal("there is a button", harness.Eval[bool](d.Page, focus), true)
	})
	d.Press("\r")
	d.See("dialog", "Restore this state?")
	accessible(d.t, d.Page)
}

func (d directory) restores(entry ...string) {
	d.t.Helper()
	d.asksToRestore(entry...)
	d.Click("button", "Restore")
	d.SeeText("The earlier state is back")
}

func says(text string, all []string) bool {
	for _, s := range all {
		if !strings.Contains(text, s) {
			return false
		}
	}
	return true
}

// TestAUsersHistory: two people's changes from two devices, one of them offline; earlier states are restored,
// a deleted user's, too.
func TestAUsersHistory(t *testing.T) {
	t.Parallel()
	site := harness.NewClosedSite(t, binary(t), "bo editor", "cy viewer")
	addThree(site)
	id := mustRow(t, site, "Bob Baker").ID
	at := "/users/" + id
	there := harness.OpenBrowser(t)
	bo := openClosed(t, there, site, "bo")
	there.Offline(site.Proxy, true)
	bo.isOffline()
	bo.edit("Bob Baker", harness.Person{Name: "Robert Baker"})
	bo.Go(at)
	bo.Click("button", "Show history")
	bo.SeeText("This needs the network")
	bo.SeeText("Changes on this device that are not sent yet are not in it.")
	accessible(t, bo.Page)
	there.Offline(site.Proxy, false)
	bo.SeeText("Changed by bo")
	bo.GoneText("This needs the network")
	bo.GoneText("Changes on this device that are not sent yet")
	bo.WaitQueueEmpty()

	b := harness.OpenBrowser(t)
	ada := openClosed(t, b, site, "ada")
	ada.Go(at)
	ada.See("heading", "Robert Baker")
	ada.Click("button", "Show history")
	ada.SeeText("Changed by bo")
	ada.SeeText("Added by ada")
	ada.Click("button", "Edit Robert Baker")
	ada.See("dialog", "Edit user")
	ada.save(harness.Person{Bio: "Bakes bread"})
	ada.SeeText("Changed by ada") // what is new comes by itself
	bo.SeeText("Changed by ada")
	for _, entry := range [][]string{{"Added by ada", "Name: Bob Baker", "Bio: Bakes"}, {"Changed by bo", "Name: Bob Baker →", "Robert Baker", "device "}, {"Changed by ada", "Bio: Bakes →", "Bakes bread"}} {
		if !strings.Contains(ada.Text(), entry[0]) || !says(ada.Text(), entry) {
			t.Errorf("the history does not say %q:\n%s", entry, ada.Text())
		}
	}
	ada.looksRight("user history")

	ada.restores("Added by ada")
	ada.See("heading", "Bob Baker")
	if on := harness.Eval[string](ada.Page, `document.activeElement.id`); !strings.HasPrefix(on, "restore-") {
		t.Errorf("the focus is on %q", on)
	}
	bo.See("heading", "Bob Baker")
	if r := mustRow(t, site, "Bob Baker"); r.Bio != "Bakes" {
		t.Errorf("restored %+v", r)
	}

	// A viewer sees it, and can't restore.
	cy := openClosed(t, harness.OpenBrowser(t), site, "cy")
	cy.Go(at)
	cy.Click("button", "Show history")
	cy.SeeText("Changed by bo")
	if text := cy.Text(); strings.Contains(text, "Restore this state") {
		t.Errorf("a viewer may restore: %s", text)
	}
	accessible(t, cy.Page)

	bo.Go("/")
	bo.showsSynced("Ann Archer", "Bob Baker", "Carl Cole")
	bo.remove("Bob Baker")
	bo.WaitQueueEmpty()
	ada.See("heading", "User not found")
	ada.SeeText("Deleted by bo")
	accessible(t, ada.Page)
	ada.restores("Changed by bo", "Robert Baker")
	ada.See("heading", "Robert Baker")
	bo.showsSynced("Ann Archer", "Carl Cole", "Robert Baker")

	ada.Go("/users/018f2f4e-7f0e-4f86-9a54-8f0f7c2b9d16")
	ada.SeeText("The server keeps no history of such a user.")
}

// TestALongHistory: what was made offline says when, a history is read to its beginning, and nobody's newer
// change is restored over unseen.
func TestALongHistory(t *testing.T) { everywhere(t, aLongHistory) }

func aLongHistory(t *testing.T, b browser) {
	site := harness.NewClosedSite(t, binary(t))
	id := site.Add(threePeople[0])
	const n = 201
	for i := range n {
		site.Change(id, map[string]string{"bio": fmt.Sprint("Bio ", i)})
	}
	made := time.Now().Add(-2 * time.Hour)
	row := mustRow(t, site, "Ann Archer")
	said := site.Call("POST", "/api/v1/operations", fmt.Sprintf(`{"clientId":%q,"operations":[{"id":%q,"entityType":"user","entityId":%q,"type":"update","baseVersion":%d,"createdAt":%q,"data":{"bio":""}}]}`,
		uuid.NewString(), uuid.NewString(), id, row.Version, made.UTC().Format(time.RFC3339)))
	if !strings.Contains(string(said.Body), `"applied"`) {
		t.Fatalf("%d %s", said.Status, said.Body)
	}
	b.Allow("status of 412")
	ada := openClosed(t, b, site, "ada")
	ada.Allow("status of 412")
	ada.Go("/users/" + id)
	ada.Click("button", "Show history")
	ada.SeeText("Made offline on " + made.Format("January 2, 2006"))
	ada.SeeText("becomes\nnothing")
	ada.SeeText("Bio 10 ")
	ada.GoneText("Added by ada")
	ada.Click("button", "Older changes")
	ada.SeeText("Added by ada")
	ada.Gone("button", "Older changes")
	if shown := harness.Eval[int](ada.Page, `document.querySelectorAll(".thing").length`); shown != n+2 {
		t.Errorf("%d entries are shown, of %d", shown, n+2)
	}

	var change sync.Once
	site.Proxy.Filter(func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if strings.HasSuffix(r.URL.Path, "/restore") {
			change.Do(func() { site.Change(id, map[string]string{"name": "Ann Late"}) })
		}
		return false
	})
	ada.asksToRestore("Added by ada")
	ada.Click("button", "Restore")
	ada.SeeText("Nothing was restored. Somebody has changed this user meanwhile.")
	ada.SeeText("Ann Late")
	ada.restores("Added by ada")
	ada.See("heading", "Ann Archer")
	ada.SeeText("Ann Late → ")
}

// TestRestoringWhatThereWasBeforeAccounts: no change left the state that the first one replaced.
func TestRestoringWhatThereWasBeforeAccounts(t *testing.T) {
	t.Parallel()
	site := harness.NewSite(t, binary(t))
	ann, _, _ := addThree(site)
	there := harness.OpenBrowser(t)
	open := openUsers(t, there, site.URL())
	open.Go("/users/" + ann)
	open.See("heading", "Record")
	if open.Has("heading", "History") {
		t.Error("an open server keeps no history")
	}
	site.Server.Command(harness.Password, "account", "add", "-admin", "ada")
	harness.Eventually(t, "the server is closed", func() error {
		if site.Call("GET", "/api/v1/users", "").Status != http.StatusUnauthorized {
			return errors.New("not yet")
		}
		return nil
	})
	ada := openClosed(t, harness.OpenBrowser(t), site, "ada")
	ada.Go("/users/" + ann)
	ada.Click("button", "Show history")
	ada.SeeText("Nobody has changed this user since there have been accounts.")
	ada.Go("/")
	ada.remove("Ann Archer")
	ada.WaitQueueEmpty()
	ada.Go("/users/" + ann)
	ada.SeeText("Deleted by ada")
	ada.restores("Before")
	ada.See("heading", "Ann Archer")
}
