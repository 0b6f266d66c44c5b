package remote_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// foreign is a backend that knows nothing of the engine: users as plain resources at
// "/users", dated by its own clock.
type foreign struct {
	*testbed.World
	rows  []map[string]any
	dates time.Duration // what the dates are cut to
	after bool          // "since" leaves out rows of its value
	posts int

	// create stores a row and answers; nil for one that keeps the client's id.
	create func(f *foreign, w http.ResponseWriter, row map[string]any)
}

func newForeign(t *testing.T) *foreign {
	f := &foreign{World: testbed.New(t), dates: time.Millisecond}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users", f.list)
	mux.HandleFunc("POST /users", f.post)
	mux.HandleFunc("/users/{id}", f.item)
	f.Handler = mux
	return f
}

func (f *foreign) device() *testbed.Device {
	return f.DeviceOn(func(http sync.HTTP) sync.Remote {
		return &remote.REST{
			HTTP: http, Paths: map[string]string{api.EntityUser: "/users"}, Now: func() time.Time { return f.Now },
			Dialect: remote.Dialect{Updated: "updatedAt", Since: "since", Limit: "limit", Page: "page"},
		}
	})
}

// say answers with JSON.
func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}

func (f *foreign) date(row map[string]any) {
	row["updatedAt"] = f.Now.UTC().Truncate(f.dates).Format(time.RFC3339Nano)
}

// add stores a row under an id.
func (f *foreign) add(id any, row map[string]any) map[string]any {
	row = maps.Clone(row)
	row["id"] = id
	f.date(row)
	f.rows = append(f.rows, row)
	return row
}

// place is the index of the row of an id, -1 for none.
func (f *foreign) place(id string) int {
	return slices.IndexFunc(f.rows, func(row map[string]any) bool { return fmt.Sprint(row["id"]) == id })
}

func (f *foreign) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	rows := []map[string]any{}
	since, err := time.Parse(time.RFC3339Nano, q.Get("since"))
	for _, row := range f.rows {
		at, undated := time.Parse(time.RFC3339Nano, fmt.Sprint(row["updatedAt"]))
		if err != nil || undated != nil || at.After(since) || (!f.after && at.Equal(since)) {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b map[string]any) int {
		return strings.Compare(fmt.Sprint(a["updatedAt"]), fmt.Sprint(b["updatedAt"]))
	})
	if limit, err := strconv.Atoi(q.Get("limit")); err == nil {
		page, _ := strconv.Atoi(q.Get("page"))
		rows = rows[min(len(rows), (max(page, 1)-1)*limit):]
		rows = rows[:min(len(rows), limit)]
	}
	say(w, http.StatusOK, rows)
}

func (f *foreign) post(w http.ResponseWriter, r *http.Request) {
	f.posts++
	row := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&row); err != nil {
		say(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	if f.create != nil {
		f.create(f, w, row)
		return
	}
	say(w, http.StatusCreated, f.add(row["id"], row))
}

func (f *foreign) item(w http.ResponseWriter, r *http.Request) {
	at := f.place(r.PathValue("id"))
	switch {
	case at < 0:
		say(w, http.StatusNotFound, map[string]string{"error": "no such user"})
	case r.Method == http.MethodDelete:
		f.rows = slices.Delete(f.rows, at, at+1)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPatch:
		if err := json.NewDecoder(r.Body).Decode(&f.rows[at]); err != nil {
			panic(err)
		}
		f.date(f.rows[at])
		fallthrough
	default:
		say(w, http.StatusOK, f.rows[at])
	}
}

// change has another client set the fields of a row, now.
func (f *foreign) change(id string, fields map[string]any) {
	row := f.rows[f.place(id)]
	maps.Copy(row, fields)
	f.date(row)
}

// Dates in whole seconds, or coarser ones: what changes twice within one is not hidden.
func TestEqualDatesHideNothing(t *testing.T) {
	for _, dates := range []time.Duration{time.Second, time.Minute, 24 * time.Hour} {
		t.Run(dates.String(), func(t *testing.T) {
			f := newForeign(t)
			f.dates = dates
			a, b := f.device(), f.device()
			id := a.Add("Ann")
			a.Sync()
			b.Sync()
			b.Shows("Ann()")
			f.change(id, map[string]any{"bio": "one"})
			a.Sync()
			b.Sync()
			b.Shows("Ann(one)")
			f.Now = f.Now.Add(10 * time.Millisecond)
			f.change(id, map[string]any{"bio": "two"})
			a.Sync()
			b.Sync()
			a.Shows("Ann(two)")
			b.Shows("Ann(two)")
			// Under an unsent write as well, which is then no other's.
			a.Wrote(a.Update(t.Context(), id, testbed.Name("Anna")))
			f.change(id, map[string]any{"bio": "three"})
			a.Sync()
			b.Sync()
			a.Shows("Anna(three)")
			b.Shows("Anna(three)")
			if again := b.Sync(); again.Conflict+again.Waiting != 0 || a.Count("PATCH") != 1 {
				t.Errorf("%+v, %q", again, a.Sent())
			}
		})
	}
}

// A row without a date hides nothing either.
func TestARowWithoutADateHidesNothing(t *testing.T) {
	f := newForeign(t)
	a := f.device()
	f.add("1", map[string]any{"name": "Ann", "email": "ann@example.org", "bio": "one"})
	delete(f.rows[0], "updatedAt")
	a.Sync()
	a.Shows("Ann(one)")
	f.rows[0]["bio"] = "two"
	a.Sync()
	a.Shows("Ann(two)")
}

// More rows of one moment than a page has, where the list goes on after a date, not at it.
func TestAPollPagesThroughOneMoment(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprint("after ", after), func(t *testing.T) {
			f := newForeign(t)
			f.dates, f.after = time.Second, after
			a := f.device()
			f.add("first", map[string]any{"name": "First"})
			a.Sync()
			f.Now = f.Now.Add(time.Second)
			for i := range 2*sync.PageSize + 7 {
				f.add(fmt.Sprintf("%05d", i), map[string]any{"name": fmt.Sprintf("User%05d", i)})
			}
			f.Now = f.Now.Add(time.Second)
			f.add("last", map[string]any{"name": "Last"})
			a.Sync()
			if c, err := a.Counts(t.Context()); err != nil || c.Rows != len(f.rows) {
				t.Errorf("%d of %d rows, %v", c.Rows, len(f.rows), err)
			}
		})
	}
}
