//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/e2e/harness"
	"github.com/rollcall/rollcall/sim/day"
)

// offlineDay is a browser that spends a day offline.
type offlineDay struct {
	day.Day
	t     *testing.T
	site  *harness.Site
	b     *harness.Browser
	users directory
}

// dayFigures are what reconnecting after such a day costs.
type dayFigures struct {
	took     time.Duration
	batches  int
	memory   map[string]harness.Memory
	longest  time.Duration // the page's longest task
	answered time.Duration // the longest a search took meanwhile
}

func TestDayOfflineWith5000Operations(t *testing.T) {
	t.Parallel()
	program := deviceProgram(t)
	var few, many dayFigures
	t.Run("100", func(t *testing.T) { few = spendDay(t, program, day.Day{Operations: 100}) })
	t.Run("5000", func(t *testing.T) { many = spendDay(t, program, day.Day{Operations: 5000}) })
	if t.Failed() {
		return
	}
	// Both sync batch by batch. The difference in JavaScript is texts that wait for the collector.
	const leeway = 48e6
	for kind, m := range many.memory {
		if f, ok := few.memory[kind]; ok && m.Heap > f.Heap+leeway {
			t.Errorf("the %s takes %v with 5,000 operations, and %v with 100", kind, m, f)
		}
		if m.Wasm > wasmBound(kind) {
			t.Errorf("the %s takes %v with 5,000 operations, of WebAssembly %d at most", kind, m, wasmBound(kind))
		}
	}
}

// wasmBound is how far the memory of a page's or a host's program may grow, which never shrinks.
func wasmBound(kind string) int64 {
	if kind == "page" {
		return 62e6
	}
	return 82e6
}

// deviceProgram builds the program that makes the day's writes.
func deviceProgram(t *testing.T) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "device.wasm")
	cmd := exec.Command("go", "build", "-o", out, "./day/device")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the device: %v\n%s", err, text)
	}
	return mustRead(t, out)
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const devicePage = `<!doctype html><title>Device</title>
<script src="/debug/wasm_exec.js"></script><script src="/debug/helper.js"></script>
<script>
	const go = new Go();
	WebAssembly.instantiateStreaming(fetch("/debug/device.wasm"), go.importObject).then(({instance}) => go.run(instance));
	let ended = "";
	function begin(operations, start) {
		spendDay(operations, start).then(() => { ended = "well"; }, (err) => { ended = String(err); });
	}
</script>`

func serveDevice(t *testing.T, site *harness.Site, program []byte) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	site.Proxy.Serve("/debug/device.html", "text/html", []byte(devicePage))
	site.Proxy.Serve("/debug/device.wasm", "application/wasm", program)
	site.Proxy.Serve("/debug/wasm_exec.js", "text/javascript", mustRead(t, filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js")))
	site.Proxy.Serve("/debug/helper.js", "text/javascript", mustRead(t, "../wasm/idb/helper.js"))
}

// post sends operations of others to the server.
func post(t *testing.T, site *harness.Site, operations []api.Operation, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for len(operations) > 0 {
		n := min(len(operations), api.MaxOperations)
		body, err := json.Marshal(api.Batch{ClientID: "00000000-0000-4000-8000-00000000aaaa", Operations: operations[:n]})
		if err != nil {
			t.Fatal(err)
		}
		operations = operations[n:]
		a := site.Call(http.MethodPost, "/api/v1/operations", string(body))
		var answer api.BatchResult
		if err := json.Unmarshal(a.Body, &answer); err != nil || a.Status != http.StatusOK {
			t.Fatalf("the server answered %d: %s", a.Status, a.Body)
		}
		for _, r := range answer.Results {
			if r.Status != api.Applied {
				t.Fatalf("%s: %s %v", r.ID, r.Status, r.Problem)
			}
		}
	}
}

func spendDay(t *testing.T, program []byte, size day.Day) dayFigures {
	site := harness.NewSite(t, binary(t))
	serveDevice(t, site, program)
	operations, err := size.Before()
	post(t, site, operations, err)
	d := offlineDay{Day: size, t: t, site: site, b: harness.OpenBrowser(t)}
	d.users = openOffline(t, d.b, site.URL())
	harness.EventuallyWithin(t, firstSync, "the first sync ends", func() error {
		if status := d.users.status(); !strings.HasPrefix(status, "Online") {
			return fmt.Errorf("the status is %q", status)
		}
		return nil
	})
	d.users.SeeText(plural(size.Users()) + " users")
	d.users.WaitOfflineReady()
	d.offline()
	before := countersOf(site)
	operations, err = size.Others()
	post(t, site, operations, err)
	before.changes += len(operations)

	d.users = openOffline(t, d.b, site.URL())
	d.users.isOffline()
	d.users.statusIs(plural(size.Operations) + " changes waiting")
	d.checkWaitingList()
	f := d.reconnect()
	d.checkServer(before)
	d.checkReplica()
	d.checkBacklog()
	return f
}

// firstSync is how long a new browser may take to load thousands of users.
const firstSync = 2 * time.Minute

func plural(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// offline makes the day's writes, dated from 24 hours ago on.
func (d *offlineDay) offline() {
	d.t.Helper()
	device := d.b.Open(d.site.URL() + "/debug/device.html")
	harness.Eventually(d.t, "the device is ready", func() error {
		return harness.Equal("it", harness.Eval[bool](device, `"spendDay" in window`), true)
	})
	d.b.Offline(d.site.Proxy, true)
	d.users.isOffline()
	d.users.Close()
	start := time.Now()
	harness.Eval[bool](device, fmt.Sprintf(`(begin(%d, %d), true)`, d.Operations, start.Add(-day.Length).UnixMilli()))
	harness.EventuallyWithin(d.t, 3*time.Minute, "the day passes", func() error {
		switch ended := harness.Eval[string](device, `ended`); ended {
		case "well":
			return nil
		case "":
			return errors.New("not finished")
		default:
			d.t.Fatalf("it ended: %s", ended)
			return nil
		}
	})
	d.t.Logf("%d operations were made in %v", d.Operations, time.Since(start).Round(time.Millisecond))
	device.Close()
}

// checkWaitingList opens /sync with everything waiting.
func (d *offlineDay) checkWaitingList() {
	d.t.Helper()
	start := time.Now()
	d.users.Go("/sync")
	d.users.SeeText(fmt.Sprintf("And %s more.", plural(d.Operations-50)))
	d.t.Logf("/sync with %d waiting was there after %v", d.Operations, time.Since(start).Round(time.Millisecond))
	if n := harness.Eval[int](d.users.Page, `document.querySelectorAll("main li.thing").length`); n != 50 {
		d.t.Errorf("it lists %d operations", n)
	}
	d.users.Go("/")
	d.users.See("heading", "Users")
}

// watchTasks makes the page record its longest task.
const watchTasks = `(() => {
	globalThis.longest = 0;
	new PerformanceObserver((list) => {
		for (const e of list.getEntries()) longest = Math.max(longest, e.duration);
	}).observe({type: "longtask"});
	return true;
})()`

// reconnect reconnects and waits until everything has been sent, using the list meanwhile.
func (d *offlineDay) reconnect() dayFigures {
	d.t.Helper()
	harness.Eval[bool](d.users.Page, watchTasks)
	d.site.Proxy.ResetRequests()
	peaks := d.users.WatchMemory()
	start := time.Now()
	d.b.Offline(d.site.Proxy, false)
	var f dayFigures
	harness.EventuallyWithin(d.t, 4*time.Minute, "everything is sent", func() error {
		f.answered = max(f.answered, d.search())
		if status := d.users.status(); !strings.HasPrefix(status, "Online") || strings.Contains(status, "waiting") {
			return fmt.Errorf("the status is %q", status)
		}
		return nil
	})
	f.took = time.Since(start)
	f.memory = peaks.End()
	f.longest = time.Duration(harness.Eval[float64](d.users.Page, `longest`) * float64(time.Millisecond))
	for _, r := range d.site.Proxy.Requests(http.MethodPost, "/api/v1/operations") {
		f.batches++
		var batch api.Batch
		if err := json.Unmarshal(r.Body, &batch); err != nil || len(batch.Operations) > api.MaxOperations {
			d.t.Errorf("a batch of %d operations, %v", len(batch.Operations), err)
		}
	}
	d.t.Logf("%d operations: all arrived after %v in %d batches; the page's longest task took %v, the slowest search %v; at most %v",
		d.Operations, f.took.Round(time.Millisecond), f.batches, f.longest, f.answered.Round(time.Millisecond), f.memory)
	if least, most := d.Operations/api.MaxOperations, d.Operations/api.MaxOperations+10; f.batches < least || f.batches > most {
		d.t.Errorf("%d batches were sent, want %d to %d", f.batches, least, most)
	}
	return f
}

// search searches for a user that is always there, and clears the search. It returns how
// long the list took to follow.
func (d *offlineDay) search() time.Duration {
	d.t.Helper()
	start := time.Now()
	d.users.Fill("searchbox", "Search users", "Person 00004")
	d.users.SeeText("1 match")
	took := time.Since(start)
	d.users.Fill("searchbox", "Search users", "")
	return took
}

// checkServer checks that every operation had its effect at the server.
func (d *offlineDay) checkServer(before counters) {
	d.t.Helper()
	if got := d.site.Changes() - before.changes; got != d.Changes() {
		d.t.Errorf("%d operations changed something, want %d", got, d.Changes())
	}
	got := map[string]day.Person{}
	for _, r := range d.site.Rows() {
		got[r.Email] = day.Person{Name: r.Name, Email: r.Email, Bio: r.Bio}
	}
	if want := d.After(); !maps.Equal(got, want) {
		d.t.Errorf("the server has %d users that should be %d, or they differ", len(got), len(want))
	}
}

// checkReplica compares the browser's rows with the server's, field by field.
func (d *offlineDay) checkReplica() {
	d.t.Helper()
	harness.Eventually(d.t, "the replica equals the server", func() error {
		want := map[string]harness.Row{}
		for _, r := range d.site.Rows() {
			want[r.ID] = r
		}
		got := map[string]harness.Row{}
		for _, u := range d.users.Store("users") {
			if u["state"] == "attention" {
				continue // a new user with a taken email
			}
			var r harness.Row
			if err := json.Unmarshal([]byte(fmt.Sprint(u["document"])), &r); err != nil {
				return err
			}
			if r.Version = int64(u["version"].(float64)); u["isDirty"] == true {
				return fmt.Errorf("%s has not been sent", r.Name)
			}
			got[r.ID] = r
		}
		if !maps.Equal(got, want) {
			return fmt.Errorf("it has %d users, the server %d, or they differ", len(got), len(want))
		}
		return nil
	})
}

// checkBacklog checks what is left for the person, in the storage and on /sync.
func (d *offlineDay) checkBacklog() {
	d.t.Helper()
	for _, o := range d.users.Store("operations") {
		if o["state"] != "rejected" || !strings.Contains(fmt.Sprint(o["text"]), "email_taken") {
			d.t.Errorf("left in the queue: %v", o)
		}
	}
	open, reviewed := 0, 0
	for _, c := range d.users.Store("conflicts") {
		if c["reviewed"] == true {
			reviewed++
		} else {
			open++
		}
	}
	if open != d.Disputed() || reviewed != d.Merged() {
		d.t.Errorf("%d conflicts to look at and %d others are recorded, want %d and %d", open, reviewed, d.Disputed(), d.Merged())
	}
	d.users.Go("/sync")
	d.users.SeeText("Nothing is waiting. All your changes are on the server.")
	d.users.SeeText(emailTaken)
	if n := harness.Eval[int](d.users.Page, `document.querySelectorAll('[aria-labelledby="attention-title"] li.thing').length`); n != d.Rejected() {
		d.t.Errorf("%d operations need attention, want %d", n, d.Rejected())
	}
}
