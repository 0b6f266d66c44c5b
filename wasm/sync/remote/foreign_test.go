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
	"github.com/rollcall/rollcall/wasm/queue"
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

// ownID is the id that a backend chooses for its next row.
func (f *foreign) ownID() int { return 100 + len(f.rows) }

// ownIDs are the ways in which a backend does not keep an id. Each stores the row.
var ownIDs = map[string]func(f *foreign, w http.ResponseWriter, row map[string]any){
	"the row": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		say(w, http.StatusCreated, f.add(f.ownID(), row))
	},
	"the row, with 200": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		say(w, http.StatusOK, f.add(f.ownID(), row))
	},
	"the row, changed": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		row["name"] = "ANN"
		say(w, http.StatusCreated, f.add(f.ownID(), row))
	},
	"what was sent": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		f.add(f.ownID(), row)
		say(w, http.StatusCreated, row)
	},
	"Location": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		w.Header().Set("Location", fmt.Sprintf("/users/%v", f.add(f.ownID(), row)["id"]))
		w.WriteHeader(http.StatusCreated)
	},
	"nothing": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		f.add(f.ownID(), row)
		w.WriteHeader(http.StatusCreated)
	},
	"nothing, with 204": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		f.add(f.ownID(), row)
		w.WriteHeader(http.StatusNoContent)
	},
	"text": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		f.add(f.ownID(), row)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("Created"))
	},
	"a word": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		f.add(f.ownID(), row)
		say(w, http.StatusCreated, map[string]bool{"ok": true})
	},
	"the number alone": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		say(w, http.StatusCreated, map[string]any{"id": f.add(f.ownID(), row)["id"]})
	},
	"in upper case": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		say(w, http.StatusCreated, f.add(strings.ToUpper(row["id"].(string)), row))
	},
}

func TestABackendThatChoosesIDsGetsEachRowOnce(t *testing.T) {
	for name, create := range ownIDs {
		t.Run(name, func(t *testing.T) {
			f := newForeign(t)
			f.create = create
			a := f.device()
			first := a.Add("Ann")
			a.Add("Bo")
			for range 3 {
				if _, err := a.Engine.Round(t.Context(), sync.Manual); err != nil {
					t.Errorf("the round ends with %v", err)
				}
				f.Now = f.Now.Add(time.Minute)
			}
			if f.posts != 1 || len(f.rows) != 1 {
				t.Errorf("%d requests made %d rows", f.posts, len(f.rows))
			}
			ops, err := a.NeedsAttention(t.Context(), 5)
			if err != nil || len(ops) != 2 {
				t.Fatalf("needs attention: %+v, %v", ops, err)
			}
			for i, want := range []string{first, "was not sent"} {
				p := ops[i].LastError
				if p.Code != remote.CodeBackendIDs || !strings.Contains(p.Title, "ids") || !strings.Contains(p.Detail, want) {
					t.Errorf("operation %d waits because of %+v", i, p)
				}
			}
			// Neither does the person's retry send it again.
			a.OK(a.Retry(t.Context(), ops[0]))
			if report := a.Sync(); f.posts != 1 || report.Rejected != 1 {
				t.Errorf("%d requests after a retry, %+v", f.posts, report)
			}
		})
	}
}

func TestABackendThatMayBeAPortalIsBelievedTheSecondTime(t *testing.T) {
	f := newForeign(t)
	f.create = func(f *foreign, _ http.ResponseWriter, row map[string]any) { f.add(f.ownID(), row) } // 200 and nothing
	a := f.device()
	a.Add("Ann")
	for range 5 {
		_, _ = a.Engine.Round(t.Context(), sync.Manual) // the first one fails
	}
	ops, err := a.NeedsAttention(t.Context(), 5)
	if err != nil || len(ops) != 1 || ops[0].LastError.Code != remote.CodeBackendIDs || f.posts != 2 {
		t.Errorf("%d requests; needs attention: %+v, %v", f.posts, ops, err)
	}
}

// keepsIDs are answers of backends that keep the id: none may pass for another kind.
var keepsIDs = map[string]func(f *foreign, w http.ResponseWriter, row map[string]any){
	"nothing": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		f.add(row["id"], row)
		w.WriteHeader(http.StatusCreated)
	},
	"200": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		say(w, http.StatusOK, f.add(row["id"], row))
	},
	"Location alone": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		w.Header().Set("Location", "/users/"+f.add(row["id"], row)["id"].(string))
		w.WriteHeader(http.StatusCreated)
	},
	"a Location of another form": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		w.Header().Set("Location", "/users?id="+f.add(row["id"], row)["id"].(string))
		w.WriteHeader(http.StatusCreated)
	},
	"an id of something else": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		f.add(row["id"], row)
		say(w, http.StatusCreated, map[string]any{"id": 7, "event": "created"})
	},
	"without unknown fields": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		say(w, http.StatusCreated, f.add(row["id"], map[string]any{"name": row["name"], "email": row["email"]}))
	},
	"text": func(f *foreign, w http.ResponseWriter, row map[string]any) {
		f.add(row["id"], row)
		_, _ = w.Write([]byte("OK"))
	},
}

func TestABackendThatKeepsIDsIsNotSuspected(t *testing.T) {
	for name, create := range keepsIDs {
		t.Run(name, func(t *testing.T) {
			f := newForeign(t)
			f.create = create
			a := f.device()
			a.Add("Ann")
			a.Add("Bo")
			if report := a.Sync(); report.Pushed != 2 || report.Waiting+report.Rejected+report.Conflict != 0 || f.posts != 2 {
				t.Errorf("%+v after %d requests", report, f.posts)
			}
			a.Shows("Ann(); Bo()")
		})
	}
}

// A number comes back as a number, and is the same id.
func TestAnIDMayComeBackAsANumber(t *testing.T) {
	f := newForeign(t)
	f.create = func(f *foreign, w http.ResponseWriter, row map[string]any) {
		n, err := strconv.Atoi(row["id"].(string))
		if err != nil {
			t.Error(err)
		}
		say(w, http.StatusCreated, f.add(n, row))
	}
	a := f.device()
	a.Wrote(a.CreateAs(t.Context(), "17", testbed.Patch("Ann", "ann@example.org", "")))
	if report := a.Sync(); report.Pushed != 1 || report.Rejected != 0 {
		t.Errorf("%+v", report)
	}
	a.Shows("Ann()")
}

func TestUpperCaseIDsAreReadInLowerCase(t *testing.T) {
	f := newForeign(t)
	f.create = func(f *foreign, w http.ResponseWriter, row map[string]any) {
		say(w, http.StatusCreated, f.add(strings.ToUpper(row["id"].(string)), row))
	}
	whole := f.Handler
	f.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // it finds them in either case
		if id, ok := strings.CutPrefix(r.URL.Path, "/users/"); ok {
			r.URL.Path = "/users/" + strings.ToUpper(id)
		}
		whole.ServeHTTP(w, r)
	})
	a := f.DeviceOn(func(http sync.HTTP) sync.Remote {
		return &remote.REST{
			HTTP: http, Paths: map[string]string{api.EntityUser: "/users"}, Now: func() time.Time { return f.Now },
			Dialect: remote.Dialect{Updated: "updatedAt", LowerIDs: true},
		}
	})
	id := a.Add("Ann")
	a.Sync()
	a.Wrote(a.Update(t.Context(), id, testbed.Bio("hello")))
	a.Sync()
	a.Shows("Ann(hello)")
}

// A row that shows up late, as behind a replica, is found by the person's retry.
func TestARowThatIsOnlyLateIsFound(t *testing.T) {
	f := newForeign(t)
	var late map[string]any
	f.create = func(_ *foreign, w http.ResponseWriter, row map[string]any) {
		late = row
		w.WriteHeader(http.StatusCreated)
	}
	a := f.device()
	a.Add("Ann")
	a.Sync()
	f.add(late["id"], late)
	ops, err := a.NeedsAttention(t.Context(), 5)
	if err != nil || len(ops) != 1 {
		t.Fatalf("%+v, %v", ops, err)
	}
	a.OK(a.Retry(t.Context(), ops[0]))
	f.create = nil
	a.Add("Bo")
	if report := a.Sync(); report.Pushed != 2 || f.posts != 2 {
		t.Errorf("%+v after %d requests", report, f.posts)
	}
	a.Shows("Ann(); Bo()")
}

// What is accepted (202) and never saved is reported, and not sent again.
func TestWhatIsAcceptedAndNotSavedIsSentOnce(t *testing.T) {
	f := newForeign(t)
	f.create = func(_ *foreign, w http.ResponseWriter, _ map[string]any) { w.WriteHeader(http.StatusAccepted) }
	a := f.device()
	a.Add("Ann")
	for range queue.MaxServerErrors {
		a.Sync()
	}
	ops, err := a.NeedsAttention(t.Context(), 5)
	if err != nil || len(ops) != 1 || f.posts != 1 || !strings.Contains(ops[0].LastError.Title, "not saved it yet") {
		t.Errorf("%d requests; %+v, %v", f.posts, ops, err)
	}
}

// An answer that can't be used is reported with its address, what it was and what to do.
func TestAnAnswerThatDoesNotFitIsNamed(t *testing.T) {
	text := map[string]string{"content-type": "text/plain; charset=utf-8"}
	tests := map[string]struct {
		to     string // the beginning of the requests that are answered so
		answer sync.Response
		want   []string
	}{
		"404 in text/plain for a row":  {"GET /users/", sync.Response{Status: 404, Header: text, Body: []byte("404 page not found")}, []string{"GET /users/", "404", "text/plain", "JSON", "Paths"}},
		"404 in text/plain for a list": {"GET /users?", sync.Response{Status: 404, Header: text}, []string{"GET /users ", "404", "text/plain", "Paths"}},
		"404 in text/plain for all":    {"", sync.Response{Status: 404, Header: text}, []string{"/users", "404", "text/plain", "Paths"}},
		"no collection":                {"POST /users", *problem(404, `{"error":"no"}`), []string{"no /users", "POST /users", "404", "Paths"}},
		"405 in text/plain":            {"POST /users", sync.Response{Status: 405, Header: text}, []string{"POST /users", "405", "text/plain"}},
		"a list in an envelope":        {"GET /users?", *problem(200, `{"data":[]}`), []string{"GET /users ", "list without rows", "Dialect.Rows"}},
		"rows without ids":             {"GET /users?", *problem(200, `[{"name":"Ann"}]`), []string{"GET /users ", "without an id"}},
		"another row":                  {"GET /users/", *problem(200, `[]`), []string{"GET /users/", "without an id"}},
		"text for a list":              {"GET /users?", sync.Response{Status: 200, Header: text}, []string{"GET /users ", "200", "text/plain", "JSON"}},
		"nothing for a list":           {"GET /users?", sync.Response{Status: 200}, []string{"GET /users ", "200", "no content type"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newForeign(t)
			a := f.device()
			a.Add("Ann")
			a.Intercept(func(r sync.Request) (*sync.Response, error) {
				if strings.HasPrefix(r.Method+" "+r.Path, tt.to) {
					return &tt.answer, nil
				}
				return nil, nil
			})
			report, err := a.Engine.Round(t.Context(), sync.Manual)
			if err == nil || report.Problem == nil {
				t.Fatalf("nothing is reported: %+v", report)
			}
			said := report.Problem.Error()
			for _, want := range tt.want {
				if !strings.Contains(said, want) {
					t.Errorf("%q does not name %q", said, want)
				}
			}
			if strings.Contains(said, "can't be reached") {
				t.Errorf("%q, yet it answered", said)
			}
			a.Intercept(nil)
			if report := a.Sync(); report.Pushed+f.posts < 1 || report.Waiting+report.Rejected != 0 {
				t.Errorf("once it fits: %+v", report)
			}
		})
	}
}
