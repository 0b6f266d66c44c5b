package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rollcall/rollcall/api"
)

// person is what is saved, the same for every server.
type person struct {
	id               string // a UUID, for servers that let the client choose it
	name, email, bio string
}

// kind is the kind of a page.
type kind int

const (
	list    kind = iota // the people, by name or in a cheaper order
	changes             // all changes from the beginning
)

// place is where a page starts.
type place struct {
	page   int    // from 0
	cursor string // from the page before; empty at the beginning
}

// dialect makes the requests for one of the servers and checks its answers.
type dialect interface {
	// create makes a request to save a person; created checks the answer.
	create(*request, person)
	created(answer) error
	// batch makes a request to save several people; saved checks that n were saved.
	batch(*request, []person)
	saved(a answer, n int) error
	// page requests a page of limit rows; turn checks their number and returns the place of
	// the next page. offers reports whether the server has such pages.
	offers(kind) bool
	page(r *request, k kind, from place, limit int)
	turn(a answer, k kind, from place, limit int) (place, error)
	// count counts the people on the server.
	count(*wire) (int, error)
}

var email = []byte(`"email":`)

// expect checks an answer's status, and that it contains what n times, once per row or
// success.
func expect(a answer, status int, what []byte, n int) error {
	if a.status != status {
		return fmt.Errorf("answered %d, not %d: %.300s", a.status, status, a.body)
	}
	if got := bytes.Count(a.body, what); got != n {
		return fmt.Errorf("has %s %d times, not %d: %.300s", what, got, n, a.body)
	}
	return nil
}

// after returns the JSON string or number after the last occurrence of a name in a body.
func after(body []byte, name string) (string, error) {
	i := bytes.LastIndex(body, []byte(`"`+name+`":`))
	if i < 0 {
		return "", fmt.Errorf("there is no %q in %.300s", name, body)
	}
	rest := bytes.TrimLeft(body[i+len(name)+3:], " ")
	if end := bytes.IndexAny(rest, ",}\n"); end >= 0 {
		rest = rest[:end]
	}
	return string(bytes.Trim(rest, `"`)), nil
}

// appendFields appends a person's fields as members of a JSON object. Nothing in them needs
// escaping.
func appendFields(b []byte, p person) []byte {
	b = append(append(b, `"name":"`...), p.name...)
	b = append(append(b, `","email":"`...), p.email...)
	b = append(append(b, `","bio":"`...), p.bio...)
	return append(b, '"')
}

func (r *request) post(path string) {
	r.method, r.path, r.body = http.MethodPost, append(r.path[:0], path...), r.body[:0]
}

func (r *request) get(path string) {
	r.method, r.path, r.body = http.MethodGet, append(r.path[:0], path...), r.body[:0]
}

// query appends a parameter. Its name includes the separators.
func (r *request) query(name string, n int) {
	r.path = strconv.AppendInt(append(r.path, name...), int64(n), 10)
}

// ask reads JSON from a server, unmeasured.
func ask(w *wire, path string, into any) error {
	var r request
	r.get(path)
	a, err := w.do(&r)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s answered %d: %.300s", path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

// rollcall is this project's server: plain REST for single people, batches and feed for the
// rest.
type rollcall struct{}

func (rollcall) create(r *request, p person) {
	r.post("/api/v1/users")
	r.body = append(appendFields(append(r.body, '{'), p), '}')
}

func (rollcall) created(a answer) error { return expect(a, http.StatusCreated, email, 1) }

// client is the client id of the operations.
const client = "c0ffee00-0000-4000-8000-000000000001"

func (rollcall) batch(r *request, people []person) {
	r.post("/api/v1/operations")
	r.body = append(r.body, `{"clientId":"`+client+`","operations":[`...)
	for i, p := range people {
		if i > 0 {
			r.body = append(r.body, ',')
		}
		r.body = append(append(r.body, `{"id":"`...), api.NewOperationID()...)
		r.body = append(append(r.body, `","entityType":"user","entityId":"`...), p.id...)
		r.body = append(appendFields(append(r.body, `","type":"create","data":{`...), p), "}}"...)
	}
	r.body = append(r.body, "]}"...)
}

var applied = []byte(`"status":"applied"`)

func (rollcall) saved(a answer, n int) error { return expect(a, http.StatusOK, applied, n) }

func (rollcall) offers(kind) bool { return true }

func (rollcall) page(r *request, k kind, from place, limit int) {
	if k == list {
		r.get("/api/v1/users")
		r.query("?limit=", limit)
		if from.cursor != "" {
			r.path = append(append(r.path, "&page_token="...), from.cursor...)
		}
		return
	}
	r.get("/api/v1/changes")
	r.query("?limit=", limit)
	if from.cursor != "" {
		r.path = append(append(r.path, "&cursor="...), from.cursor...)
	}
}

func (rollcall) turn(a answer, k kind, from place, limit int) (place, error) {
	name := "cursor"
	if k == list {
		name = "nextPageToken"
	}
	next, err := after(a.body, name)
	if err != nil {
		return place{}, err
	}
	return place{from.page + 1, next}, expect(a, http.StatusOK, email, limit)
}

// count counts the rows of the feed, and compares with the digest on the last page.
func (rollcall) count(w *wire) (int, error) {
	n := 0
	for cursor := ""; ; {
		var page struct {
			Changes []struct{ Deleted bool }
			Cursor  string
			HasMore bool
			Digests struct{ User struct{ Count int } } `json:"contentDigests"`
		}
		if err := ask(w, "/api/v1/changes?limit=1000&cursor="+cursor, &page); err != nil {
			return 0, err
		}
		for _, c := range page.Changes {
			if !c.Deleted {
				n++
			}
		}
		if cursor = page.Cursor; page.HasMore {
			continue
		}
		if n != page.Digests.User.Count {
			return 0, fmt.Errorf("the feed has %d users, its digest %d", n, page.Digests.User.Count)
		}
		return n, nil
	}
}

// pocketBase is PocketBase with the collection that bench/rivals/pocketbase creates.
type pocketBase struct {
	skipTotal bool // lists without counting all rows for each page, which is not the default
}

const records = "/api/collections/people/records"

func (pocketBase) create(r *request, p person) {
	r.post(records)
	r.body = append(appendFields(append(r.body, '{'), p), '}')
}

func (pocketBase) created(a answer) error { return expect(a, http.StatusOK, email, 1) }

func (pocketBase) batch(r *request, people []person) {
	r.post("/api/batch")
	r.body = append(r.body, `{"requests":[`...)
	for i, p := range people {
		if i > 0 {
			r.body = append(r.body, ',')
		}
		r.body = append(r.body, `{"method":"POST","url":"`+records+`","body":{`...)
		r.body = append(appendFields(r.body, p), "}}"...)
	}
	r.body = append(r.body, "]}"...)
}

var succeeded = []byte(`"status":200`)

func (pocketBase) saved(a answer, n int) error { return expect(a, http.StatusOK, succeeded, n) }

func (pocketBase) offers(k kind) bool { return k == list }

func (d pocketBase) page(r *request, _ kind, from place, limit int) {
	r.get(records)
	r.query("?perPage=", limit)
	r.query("&page=", from.page+1)
	if d.skipTotal {
		r.path = append(r.path, "&skipTotal=1"...)
	}
}

func (pocketBase) turn(a answer, _ kind, from place, limit int) (place, error) {
	return place{page: from.page + 1}, expect(a, http.StatusOK, email, limit)
}

func (pocketBase) count(w *wire) (int, error) {
	var page struct{ TotalItems int }
	err := ask(w, records+"?perPage=1", &page)
	return page.TotalItems, err
}

// pouchDB is express-pouchdb with a database people.
type pouchDB struct{}

// prepare creates the database.
func (pouchDB) prepare(w *wire) error {
	a, err := w.do(&request{method: http.MethodPut, path: []byte("/people")})
	if err != nil {
		return err
	}
	return expect(a, http.StatusCreated, []byte(`"ok":true`), 1)
}

func (pouchDB) create(r *request, p person) {
	r.post("/people")
	r.body = append(appendFields(append(r.body, '{'), p), '}')
}

var ok = []byte(`"ok":true`)

func (pouchDB) created(a answer) error { return expect(a, http.StatusCreated, ok, 1) }

func (pouchDB) batch(r *request, people []person) {
	r.post("/people/_bulk_docs")
	r.body = append(r.body, `{"docs":[`...)
	for i, p := range people {
		if i > 0 {
			r.body = append(r.body, ',')
		}
		r.body = append(appendFields(append(r.body, '{'), p), '}')
	}
	r.body = append(r.body, "]}"...)
}

func (pouchDB) saved(a answer, n int) error { return expect(a, http.StatusCreated, ok, n) }

func (pouchDB) offers(k kind) bool { return k == changes }

func (pouchDB) page(r *request, _ kind, from place, limit int) {
	r.get("/people/_changes?include_docs=true")
	r.query("&limit=", limit)
	if from.cursor != "" {
		r.path = append(append(r.path, "&since="...), from.cursor...)
	}
}

func (pouchDB) turn(a answer, _ kind, from place, limit int) (place, error) {
	next, err := after(a.body, "last_seq")
	if err != nil {
		return place{}, err
	}
	return place{from.page + 1, next}, expect(a, http.StatusOK, email, limit)
}

func (pouchDB) count(w *wire) (int, error) {
	var info struct {
		Count int `json:"doc_count"`
	}
	err := ask(w, "/people", &info)
	return info.Count, err
}
