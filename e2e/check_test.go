//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

// tab is a tab of any browser.
type tab interface {
	// InstallDriver prepares the tab for Do; notify must not block.
	InstallDriver(notify func(harness.WriteEvent)) error
	// Do does a write, and returns once the page has acknowledged it.
	Do(w harness.Write) error
	// Try evaluates an expression, awaiting a promise.
	Try(expression string, out any) error
}

// deviceScript reads the device's database in one transaction; null if there is none.
var deviceScript = `(async (stored) => {
	if (!(await indexedDB.databases()).some((d) => d.name === "rollcall")) return null;
	const settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
	const db = await settle(indexedDB.open("rollcall"));
	try {
		return db.objectStoreNames.contains("log") ? await stored(db) : null;
	} finally {
		db.close();
	}
})(` + harness.Stored + `)`

// device is what a browser has stored.
type device struct {
	Users []struct {
		Document string
		Version  int64
		State    string
	}
	Operations []struct{ State, Text string }
	Conflicts  []struct{ Text string }
}

func readDevice(t tab) (device, error) {
	var d device
	err := t.Try(deviceScript, &d)
	return d, err
}

// othersPrefix begins the names of the users that others write, at the server.
const othersPrefix = "Other"

// people returns the device's users that the person of the test has written.
func (d device) people() (map[string]fields, error) {
	found := map[string]fields{}
	for _, u := range d.Users {
		var f fields
		if err := json.Unmarshal([]byte(u.Document), &f); err != nil {
			return nil, err
		}
		if strings.HasPrefix(f.Name, othersPrefix) {
			continue
		}
		if _, twice := found[f.Name]; twice {
			return nil, fmt.Errorf("%s is there twice", f.Name)
		}
		found[f.Name] = f
	}
	return found, nil
}

// unexpected returns an error if the device has a conflict or a rejected operation.
func (d device) unexpected() error {
	for _, c := range d.Conflicts {
		return fmt.Errorf("an unexpected conflict: %s", c.Text)
	}
	for _, o := range d.Operations {
		if o.State == "rejected" {
			return fmt.Errorf("an operation was rejected: %s", o.Text)
		}
	}
	return nil
}

// checkDevice checks that the device alone has everything that was acknowledged.
func (s *series) checkDevice(t tab) error {
	d, err := readDevice(t)
	if err != nil {
		return err
	}
	found, err := d.people()
	return errors.Join(err, d.unexpected(), s.people.resolve(found))
}

// checkList checks that the page shows the expected users.
func (s *series) checkList(t tab) error {
	var list []row
	if err := t.Try(listScript, &list); err != nil {
		return err
	}
	found, want := map[string]fields{}, map[string]fields{}
	for _, r := range list {
		if r.State == "Needs attention" || r.State == "Conflict" {
			return fmt.Errorf("the row of %s says %q", r.Name, r.State)
		}
		if !strings.HasPrefix(r.Name, othersPrefix) {
			found[r.Name] = fields{Name: r.Name, Email: r.Email}
		}
	}
	for name, f := range s.people.now() {
		want[name] = fields{Name: name, Email: f.Email}
	}
	if !maps.Equal(found, want) {
		return fmt.Errorf("the list is wrong: %s", difference(found, want))
	}
	return nil
}

// convergence is how long device and server may take to agree.
const convergence = 2 * time.Minute

// check waits until everything is synced, and compares the device, the server and what was
// acknowledged.
func (s *series) check(tabs ...tab) {
	s.t.Helper()
	s.site.Proxy.Intercept(nil)
	s.site.Proxy.CutAnswers(0, nil)
	for _, t := range tabs {
		harness.EventuallyWithin(s.t, convergence, "the device equals the server", func() error { return s.converged(t) })
		harness.Eventually(s.t, "the list shows what is there", func() error { return s.checkList(t) })
	}
	want := maps.Clone(s.people.now())
	maps.Copy(want, s.others)
	found := map[string]fields{}
	for _, r := range s.site.Rows() {
		if _, twice := found[r.Name]; twice {
			s.t.Errorf("%s is twice at the server", r.Name)
		}
		found[r.Name] = fields{r.Name, r.Email, r.Bio}
	}
	if !maps.Equal(found, want) {
		s.t.Errorf("the server differs from what was acknowledged: %s", difference(found, want))
	}
	s.checkOnce()
}

// converged checks that the queue is empty and the device equals the server, field by field.
func (s *series) converged(t tab) error {
	d, err := readDevice(t)
	if err != nil {
		return err
	}
	if err := d.unexpected(); err != nil {
		return err
	}
	if n := len(d.Operations); n > 0 {
		return fmt.Errorf("the queue holds %d operations, the first is %s", n, d.Operations[0].Text)
	}
	onDevice := map[string]string{}
	for _, u := range d.Users {
		var document map[string]any
		if err := json.Unmarshal([]byte(u.Document), &document); err != nil {
			return err
		}
		document["version"] = u.Version
		onDevice[fmt.Sprint(document["id"])] = asText(document)
	}
	a := s.site.Call(http.MethodGet, "/api/v1/users?limit=200", "")
	var list struct{ Users []map[string]any }
	if err := json.Unmarshal(a.Body, &list); err != nil {
		return fmt.Errorf("the server answers %d: %w", a.Status, err)
	}
	onServer := map[string]string{}
	for _, u := range list.Users {
		onServer[fmt.Sprint(u["id"])] = asText(u)
	}
	if !maps.Equal(onDevice, onServer) {
		return fmt.Errorf("the device has %v, the server %v", onDevice, onServer)
	}
	return nil
}

// asText returns the JSON of a document with its fields in order.
func asText(document map[string]any) string {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	return string(text)
}

// sentOperation is an operation as first sent.
type sentOperation struct {
	EntityID string
	text     string
}

// checkOnce checks that each operation that was sent took effect exactly once: it has one
// record, which says applied, and each entity has one version for each operation.
func (s *series) checkOnce() {
	s.t.Helper()
	sent := s.sent()
	results := s.site.Results()
	versions := map[string][]int64{}
	for id, o := range sent {
		result, ok := results[id]
		if !ok {
			s.t.Errorf("operation %s was sent but has no record: %s", id, o.text)
			continue
		}
		if result.Status != "applied" {
			s.t.Errorf("operation %s is recorded as %s: %s", id, result.Status, o.text)
		}
		versions[o.EntityID] = append(versions[o.EntityID], result.Version)
	}
	for id := range results {
		if _, ok := sent[id]; !ok {
			s.t.Errorf("operation %s has a record but was never sent", id)
		}
	}
	latest := s.site.Versions()
	for id, had := range versions {
		slices.Sort(had)
		for i, v := range had {
			if v != int64(i+1) || latest[id] != int64(len(had)) {
				s.t.Errorf("%s has version %d after operations that made %v", id, latest[id], had)
				break
			}
		}
	}
	s.figures.operations += len(sent)
}

// sent returns the operations that were sent, by id, and checks that each was the same when
// sent again.
func (s *series) sent() map[string]sentOperation {
	s.t.Helper()
	sent := map[string]sentOperation{}
	for _, r := range s.site.Proxy.Requests(http.MethodPost, "/api/v1/operations") {
		var batch struct{ Operations []json.RawMessage }
		if err := json.Unmarshal(r.Body, &batch); err != nil {
			s.t.Errorf("a batch is not JSON: %v", err)
		}
		for _, text := range batch.Operations {
			var o struct{ ID, EntityID string }
			if err := json.Unmarshal(text, &o); err != nil {
				s.t.Errorf("an operation is not JSON: %v", err)
			}
			if was, again := sent[o.ID]; again && was.text != string(text) {
				s.t.Errorf("operation %s was sent as %s and as %s", o.ID, was.text, text)
			}
			sent[o.ID] = sentOperation{o.EntityID, string(text)}
		}
	}
	return sent
}
