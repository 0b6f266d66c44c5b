package remote_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// network is the way to a backend; in a browser it is browser.Fetch.
type network struct{ base string }

func (n network) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, n.base+r.Path, strings.NewReader(string(r.Body)))
	if err != nil {
		return sync.Response{}, err
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return sync.Response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	out := sync.Response{Status: resp.StatusCode, Body: body, Header: map[string]string{}}
	for name := range resp.Header {
		out.Header[strings.ToLower(name)] = resp.Header.Get(name)
	}
	return out, err
}

// A REST API of your own, driven by the engine: notes, as arrays of rows with a
// date of change.
func ExampleRemote() {
	backend := httptest.NewServer(notes())
	defer backend.Close()

	schema := queue.Schema{Type: "note", Fields: []string{"text"}, Index: func(document json.RawMessage) (string, string) {
		var note struct{ Text string }
		if json.Unmarshal(document, &note) != nil {
			return "", ""
		}
		return note.Text, strings.ToLower(note.Text)
	}}
	store := memory.New(schema) // in a browser idb.Open
	engine := sync.New(sync.Config{
		Store: store, Locks: memory.NewLocks(), Bus: memory.NewChannel().Bus(),
		Remote: &remote.REST{
			HTTP: network{backend.URL}, Paths: map[string]string{"note": "/notes"}, Now: time.Now,
			Dialect: remote.Dialect{Updated: "changedAt", Since: "changed_since"},
		},
		Schemas: []queue.Schema{schema}, Now: time.Now, Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
	})

	ctx, note := context.Background(), queue.Ref{Type: "note", ID: uuid.NewString()}
	write := func(entities []*queue.Entity) error { // the row and its operation, in one transaction
		return entities[0].Enqueue(queue.Write{ID: uuid.NewString(), Type: api.Create, Data: json.RawMessage(`{"text":"Buy milk"}`), At: time.Now()})
	}
	if err := store.Update(ctx, queue.Txn{Refs: []queue.Ref{note}}, write); err != nil {
		fmt.Println(err)
		return
	}
	report, err := engine.Round(ctx, sync.Manual)
	fmt.Println(report.Pushed, "sent,", report.Waiting, "waiting,", err)
	// Output: 1 sent, 0 waiting, <nil>
}

// notes is a backend that knows nothing of the engine.
func notes() http.Handler {
	rows := map[string]map[string]any{}
	answer := func(w http.ResponseWriter, status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			panic(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, _ *http.Request) {
		list := []map[string]any{}
		for _, row := range rows {
			list = append(list, row)
		}
		answer(w, http.StatusOK, list)
	})
	mux.HandleFunc("GET /notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		if row := rows[r.PathValue("id")]; row != nil {
			answer(w, http.StatusOK, row)
			return
		}
		answer(w, http.StatusNotFound, map[string]string{"error": "no such note"})
	})
	mux.HandleFunc("POST /notes", func(w http.ResponseWriter, r *http.Request) {
		row := map[string]any{}
		id := ""
		if json.NewDecoder(r.Body).Decode(&row) == nil {
			id, _ = row["id"].(string)
		}
		if id == "" {
			answer(w, http.StatusBadRequest, map[string]string{"error": "not a note"})
			return
		}
		row["changedAt"] = time.Now().UTC()
		rows[id] = row
		answer(w, http.StatusCreated, row)
	})
	return mux
}
