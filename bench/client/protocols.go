package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/rollcall/rollcall/bench/site"
)

// directory is what a server knows of people: plain JSON over HTTP, and what RxDB's
// and Replicache's documentation have a server do. It forgets all at each reset.
type directory struct {
	mu       sync.Mutex
	people   []site.Person
	all      []byte // as JSON
	received map[string]site.Person
	last     map[string]int // Replicache's mutations, by client
}

// reset begins anew with n people.
func (d *directory) reset(n int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.people, d.received, d.last = site.People(n, site.Seed), map[string]site.Person{}, map[string]int{}
	var err error
	d.all, err = json.Marshal(d.people)
	return err
}

// pushed returns how many people clients have sent.
func (d *directory) pushed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.received)
}

func (d *directory) handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /users", func(w http.ResponseWriter, _ *http.Request) { answer(w, d.everybody()) })
	mux.HandleFunc("POST /operations", handling(func(_ *http.Request, people []site.Person) (any, error) {
		d.receive(people...)
		return map[string]int{"applied": len(people)}, nil
	}))
	mux.HandleFunc("GET /rxdb/pull", d.rxdbPull)
	mux.HandleFunc("POST /rxdb/push", handling(func(_ *http.Request, rows []struct {
		NewDocumentState site.Person `json:"newDocumentState"`
	}) (any, error) {
		for _, row := range rows {
			d.receive(row.NewDocumentState)
		}
		return []site.Person{}, nil // the conflicts
	}))
	mux.HandleFunc("POST /replicache/push", handling(d.replicachePush))
	mux.HandleFunc("POST /replicache/pull", handling(d.replicachePull))
}

// handling decodes the request's body, and encodes the answer.
func handling[T any](f func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body T
		err := json.NewDecoder(r.Body).Decode(&body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, err := f(r, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text, err := json.Marshal(out)
		reply(w, text, err)
	}
}

func (d *directory) everybody() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all
}

func (d *directory) receive(people ...site.Person) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range people {
		d.received[p.ID] = p
	}
}

// rxdbPull pages through the people, by their place: none changes.
func (d *directory) rxdbPull(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	after, _ := strconv.Atoi(r.URL.Query().Get("after")) // 0 at the beginning
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	end := min(after+limit, len(d.people))
	text, err := json.Marshal(map[string]any{"documents": d.people[after:end], "checkpoint": map[string]int{"after": end}})
	reply(w, text, err)
}

// pushRequest is Replicache's, with what of it is needed.
type pushRequest struct {
	Mutations []struct {
		ClientID string      `json:"clientID"`
		ID       int         `json:"id"`
		Name     string      `json:"name"`
		Args     site.Person `json:"args"`
	} `json:"mutations"`
}

func (d *directory) replicachePush(_ *http.Request, push pushRequest) (any, error) {
	for _, m := range push.Mutations {
		if m.Name != "create" {
			return nil, fmt.Errorf("there is no mutator %q", m.Name)
		}
		d.receive(m.Args)
		d.mu.Lock()
		d.last[m.ClientID] = max(d.last[m.ClientID], m.ID)
		d.mu.Unlock()
	}
	return struct{}{}, nil
}

type pullRequest struct {
	Cookie *int `json:"cookie"` // nil for the first
}

type patch struct {
	Op    string      `json:"op"`
	Key   string      `json:"key"`
	Value site.Person `json:"value"`
}

func (d *directory) replicachePull(_ *http.Request, pull pullRequest) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	patches, cookie := []patch{}, 1
	if pull.Cookie != nil {
		cookie = *pull.Cookie + 1
	} else {
		for _, p := range d.people {
			patches = append(patches, patch{"put", "user/" + p.ID, p})
		}
	}
	for _, p := range d.received {
		patches = append(patches, patch{"put", "user/" + p.ID, p})
	}
	return map[string]any{"cookie": cookie, "lastMutationIDChanges": d.last, "patch": patches}, nil
}
