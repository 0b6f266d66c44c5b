package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func TestRelative(t *testing.T) {
	for _, c := range []struct {
		ago  time.Duration
		want string
	}{
		{-time.Hour, "a few seconds ago"},
		{0, "a few seconds ago"},
		{59 * time.Second, "a few seconds ago"},
		{time.Minute, "1 minute ago"},
		{59 * time.Minute, "59 minutes ago"},
		{time.Hour, "1 hour ago"},
		{23 * time.Hour, "23 hours ago"},
		{24 * time.Hour, "1 day ago"},
		{29 * 24 * time.Hour, "29 days ago"},
		{60 * 24 * time.Hour, "on 3 January 2026"},
	} {
		if got := relative(noon.Add(-c.ago), noon); got != c.want {
			t.Errorf("%v: got %q, want %q", c.ago, got, c.want)
		}
	}
}

func TestSmallWords(t *testing.T) {
	for _, c := range [][2]string{
		{plural(0, "change"), "0 changes"},
		{plural(1, "change"), "1 change"},
		{plural(1234567, "user"), "1,234,567 users"},
		{grouped(999), "999"},
		{grouped(1000), "1,000"},
		{bytesText(0), "0 bytes"},
		{bytesText(999), "999 bytes"},
		{bytesText(1000), "1.0 kB"},
		{bytesText(18_400_000), "18 MB"},
		{bytesText(2_100_000_000), "2.1 GB"},
		{bytesText(3e15), "3000 TB"},
		{until(noon, noon), "now"},
		{until(noon.Add(5*time.Second), noon), "in 5 seconds"},
		{until(noon.Add(4*time.Minute), noon), "in 4 minutes"},
		{asSentence(""), "Something went wrong."},
		{asSentence("école fermée"), "École fermée."},
		{asSentence("Really?"), "Really?"},
		{list([]string{"name"}), "name"},
		{list([]string{"name", "email", "bio"}), "name, email and bio"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{
		"Ann Lee":                "AL",
		"ann":                    "A",
		"Émile de la Tour":       "ÉT",
		"  ":                     "?",
		"李 小龍":                   "李小",
		"(Bob) \"Bobby\" O'Neil": "BO",
		"7 Eleven":               "7E",
		"---":                    "?",
	} {
		if got := initials(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestHueIsSteady(t *testing.T) {
	seen := map[int]bool{}
	for i := range 200 {
		id := fmt.Sprint(i)
		h := hue(id)
		if h != hue(id) || h < 0 || h >= hues {
			t.Fatalf("hue of %q: %d", id, h)
		}
		seen[h] = true
	}
	if len(seen) != hues {
		t.Errorf("only %d of %d hues are used", len(seen), hues)
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("saving: %w", queue.ErrQuota), "This device has no room left for Rollcall's data. Free some space, then try again."},
		{repository.ErrNotFound, "This user does not exist any more."},
		{&api.Problem{Title: "Conflict", Code: api.CodeEmailTaken}, "Another user has this email already."},
		{&api.Problem{Title: "The server is busy", Detail: "try later", Code: api.CodeUnavailable}, "The server is busy: try later."},
		{errors.New("the sync worker does not answer; reload the page"), "The sync worker does not answer; reload the page."},
	} {
		if got := explain(c.err); got != c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

// Every failure of a store has words for a person, and no form says that its text is gone.
func TestEveryFailureOfTheStorageHasWords(t *testing.T) {
	for _, err := range []error{
		queue.ErrQuota, queue.ErrBlocked, queue.ErrOutdated, queue.ErrClosed, queue.ErrUnavailable,
		queue.ErrTimeout, queue.ErrUncertain, queue.ErrMissing, queue.ErrGone, queue.ErrFrozen,
	} {
		if got := explain(fmt.Errorf("save: %w", err)); got == asSentence("save: "+err.Error()) {
			t.Errorf("%v is said as %q", err, got)
		}
		if got := notSaved(err); !strings.Contains(got, "What you typed is kept.") {
			t.Errorf("%v: a form says %q", err, got)
		}
	}
	// A store says both: that it is uncertain, and why.
	uncertain := fmt.Errorf("%w: %w", queue.ErrUncertain, queue.ErrTimeout)
	for got, want := range map[string]string{
		notSaved(uncertain):                        "The browser did not say whether this was saved. What you typed is kept. Press Save again: nothing is saved twice.",
		notDone("Ann", "deleted", uncertain):       "The browser did not say whether Ann was deleted. The list shows it; try again if not.",
		notDone("Ann", "deleted", queue.ErrClosed): "Ann was not deleted. The browser closed the connection to its storage. Try again, or reload the page.",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestReachable(t *testing.T) {
	ok := sync.Status{Phase: sync.Success, Online: true}
	failed := sync.Status{Phase: sync.Failed}
	trying := sync.Status{Phase: sync.Syncing}
	renewed := sync.Status{Phase: sync.Success, Online: true, At: noon}
	for _, c := range []struct {
		name    string
		was     reach
		browser bool
		status  sync.Status
		want    reach
	}{
		{"before the first contact nothing is claimed", unknown, true, sync.Status{}, unknown},
		{"the server answered", unknown, true, ok, online},
		{"the browser knows better", online, false, ok, offline},
		{"the server is stopped", online, true, failed, offline},
		{"offline stays through another try", offline, true, trying, offline},
		{"the browser is back, the server not heard yet", offline, true, sync.Status{}, offline},
		{"back", offline, true, ok, online},
		{"a failure that the server answered is no offline", unknown, true, sync.Status{Phase: sync.Failed, Online: true}, online},
		{"a new host knows nothing", online, true, trying, unknown},
		{"no worker runs, of the network nothing is known", online, true,
			sync.Status{Phase: sync.Failed, Problem: &api.Problem{Code: sync.CodeNoWorker}}, unknown},
		{"the storage fails, of the network nothing is known", unknown, true,
			sync.Status{Phase: sync.Failed, Problem: &api.Problem{Code: api.CodeInternal}}, unknown},
		{"online, and then nobody renews it", online, true, current(renewed, noon.Add(sync.StatusLasts+1)), unknown},
		{"renewed in time", online, true, current(renewed, noon.Add(sync.StatusLasts)), online},
		{"offline, and then nobody renews it", offline, true, current(sync.Status{Phase: sync.Syncing}, noon), offline},
	} {
		if got := reachable(c.was, c.browser, c.status); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestSentence(t *testing.T) {
	synced := noon.Add(-3 * time.Minute)
	for _, c := range []struct {
		name       string
		s          standing
		state, ago string
		tone       tone
	}{
		{"start", standing{}, "Connecting", "", waiting},
		{"idle", standing{reach: online, status: sync.Status{Phase: sync.Success, Online: true, SyncedAt: synced}}, "Online", "Synced 3 minutes ago", calm},
		{"offline", standing{reach: offline, status: sync.Status{SyncedAt: synced}}, "Offline", "Synced 3 minutes ago", waiting},
		{"offline with work", standing{reach: offline, counts: queue.Counts{Waiting: 2}}, "Offline, 2 changes waiting", "", waiting},
		{"one change", standing{reach: online, counts: queue.Counts{Waiting: 1}}, "Online, 1 change waiting", "", waiting},
		{"syncing", standing{reach: online, status: sync.Status{Phase: sync.Syncing, SyncedAt: synced}}, "Syncing", "", busy},
		{"syncing work", standing{reach: online, status: sync.Status{Phase: sync.Syncing}, counts: queue.Counts{Waiting: 3}}, "Syncing, 3 changes waiting", "", busy},
		{"trying while offline", standing{reach: offline, status: sync.Status{Phase: sync.Syncing}}, "Offline", "", waiting},
		{"failed online", standing{reach: online, status: sync.Status{Phase: sync.Failed, Online: true}}, "Online, last sync failed", "", troubled},
		{"rebuilding", standing{reach: online, status: sync.Status{Phase: sync.Syncing, Resync: &sync.ResyncProgress{Arrived: 1500}}}, "Rebuilding the list", "1,500 users so far", busy},
		{"loading for the first time", standing{status: sync.Status{Phase: sync.Syncing, Resync: &sync.ResyncProgress{First: true}}}, "Loading the list", "", busy},
		{"rebuilding while offline", standing{reach: offline, status: sync.Status{Resync: &sync.ResyncProgress{Arrived: 500}}}, "Offline", "", waiting},
		{"no worker runs", standing{status: sync.Status{Phase: sync.Failed, Problem: &api.Problem{Code: sync.CodeNoWorker}}}, "Connecting, syncing does not start", "", troubled},
		{"signed out", standing{reach: online, status: sync.Status{Phase: sync.Failed, Problem: &api.Problem{Code: api.CodeSignIn}}}, "Online, sign in to sync", "", troubled},
	} {
		c.s.now = noon
		state, ago := c.s.sentence()
		if state != c.state || ago != c.ago || c.s.tone() != c.tone {
			t.Errorf("%s: got %q, %q, %s", c.name, state, ago, c.s.tone())
		}
	}
}

func TestBadge(t *testing.T) {
	for _, c := range []struct {
		counts        queue.Counts
		number, words string
	}{
		{queue.Counts{Rows: 9}, "", ""},
		{queue.Counts{Waiting: 1}, "1", "1 change waiting"},
		{queue.Counts{Waiting: 2, Rejected: 1, Conflicts: 1}, "4", "2 to look at, 2 waiting"},
		{queue.Counts{Waiting: 100}, "99+", "100 changes waiting"},
	} {
		if number, words := badge(c.counts); number != c.number || words != c.words {
			t.Errorf("%+v: got %q, %q", c.counts, number, words)
		}
	}
}

func TestDescribe(t *testing.T) {
	ann := []byte(`{"name":"Ann Lee","email":"ann@example.org"}`)
	for _, c := range []struct {
		o    queue.Operation
		want string
	}{
		{queue.Operation{Type: api.Create, Data: ann}, "Add Ann Lee"},
		{queue.Operation{Type: api.Update, Base: ann, Data: []byte(`{"bio":"x","name":"Ann Li"}`)}, "Change name and bio of Ann Lee"},
		{queue.Operation{Type: api.Delete, Base: ann}, "Delete Ann Lee"},
		{queue.Operation{Type: api.Delete}, "Delete a user"},
		{queue.Operation{Type: api.Update, Data: []byte(`broken`)}, "Change nothing of a user"},
	} {
		if got := describe(c.o); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		o    queue.Operation
		want string
	}{
		{queue.Operation{State: queue.Queued}, "Waiting to be sent."},
		{queue.Operation{State: queue.Sending}, "Being sent."},
		{queue.Operation{State: queue.Waiting}, "Waiting to be sent again."},
		{queue.Operation{State: queue.Waiting, NextAttemptAt: noon.Add(12 * time.Second)}, "Next try in 12 seconds."},
		{queue.Operation{State: queue.Rejected}, "The server refused it."},
	} {
		if got := progress(c.o, noon); got != c.want {
			t.Errorf("%s: got %q, want %q", c.o.State, got, c.want)
		}
	}
}

func TestReverseLabel(t *testing.T) {
	doc := []byte(`{"name":"Ann"}`)
	for _, c := range []struct {
		c    queue.Conflict
		want string
	}{
		{queue.Conflict{Mine: doc, Theirs: doc, Kept: queue.Theirs}, "Use mine"},
		{queue.Conflict{Mine: doc, Theirs: doc, Kept: queue.Mine}, "Use theirs"},
		{queue.Conflict{Mine: doc, Theirs: doc, Kept: queue.Both}, "Use the other values"},
		{queue.Conflict{Mine: doc, Kept: queue.Theirs}, "Restore"},
		{queue.Conflict{Mine: doc, Theirs: []byte("null"), Kept: queue.Theirs}, "Restore"},
		{queue.Conflict{Mine: doc, Kept: queue.Mine}, "Delete it"},
		{queue.Conflict{Theirs: doc, Kept: queue.Theirs}, "Delete it"},
		{queue.Conflict{Theirs: doc, Kept: queue.Mine}, "Use theirs"},
	} {
		if got := reverseLabel(c.c); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.c, got, c.want)
		}
	}
}

func TestParseRoute(t *testing.T) {
	for path, want := range map[string]route{
		"/":             {page: usersRoute},
		"":              {page: usersRoute},
		"/users":        {page: usersRoute},
		"/users/":       {page: usersRoute},
		"/users/abc":    {userRoute, "abc"},
		"/users/abc/":   {userRoute, "abc"},
		"/users/abc/de": {page: missingRoute},
		"/sync":         {page: syncRoute},
		"/nope":         {page: missingRoute},
	} {
		if got := parseRoute(path); got != want {
			t.Errorf("%s: got %+v, want %+v", path, got, want)
		}
	}
}

func TestCheckWords(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := now.Add(-5 * time.Minute)
	for want, c := range map[string]sync.Check{
		"not yet": {},
		"1 person, as on the server, 5 minutes ago":                                                              {At: at, DeviceRows: 1, ServerRows: 1},
		"1,204 people, as on the server, 5 minutes ago":                                                          {At: at, DeviceRows: 1204, ServerRows: 1204},
		"The server counts 2 people, this device 1 person, 5 minutes ago":                                        {At: at, DeviceRows: 1, ServerRows: 2},
		"The server counts 2 people, this device 2 people, and 1 group of them still differs, 5 minutes ago":     {At: at, DeviceRows: 2, ServerRows: 2, Mismatched: 1},
		"The server counts 3,000 people, this device 2 people, and 3 groups of them still differ, 5 minutes ago": {At: at, DeviceRows: 2, ServerRows: 3000, Mismatched: 3},
	} {
		if got := checkWords(c, now); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
	for want, r := range map[string]*sync.RepairSummary{
		"none was needed":                     nil,
		"3 people in 2 groups, 5 minutes ago": {At: at, Rows: 3, Buckets: 2},
		"1 person in 1 group, 5 minutes ago":  {At: at, Rows: 1, Buckets: 1},
	} {
		if got := repairWords(r, now); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}
