package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/bench/site"
	"github.com/rollcall/rollcall/bench/subject"
)

const pouchDB = "PouchDB"

// couch is the express-pouchdb of bench/rivals, which PouchDB syncs with.
type couch struct {
	*subject.Server
	filled map[int]bool // its databases, by number of people
}

func startCouch(ctx context.Context, source, dir string) (*couch, error) {
	// The mode without the parts that only people and administrators use.
	s, err := subject.Launch(exec.CommandContext(ctx, "node", filepath.Join(source, "server.js"), dir, "minimumForPouchDB"))
	if err != nil {
		return nil, err
	}
	return &couch{s, map[int]bool{}}, nil
}

// ask sends a request with a body as JSON, none if nil, and decodes the answer.
func ask(method, address string, body, out any) error {
	text := []byte(nil)
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequest(method, address, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %.200s", method, address, response.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

func (c *couch) url(database string) string { return "http://" + c.Addr + "/" + database }

// fill makes the database with n people, once.
func (c *couch) fill(n int) error {
	if n == 0 || c.filled[n] {
		return nil
	}
	database := c.url(fmt.Sprintf("people%d", n))
	if err := ask(http.MethodPut, database, nil, nil); err != nil {
		return err
	}
	var batch []any
	for i, p := range site.People(n, site.Seed) {
		batch = append(batch, map[string]any{"_id": p.ID, "name": p.Name, "email": p.Email, "bio": p.Bio, "createdAt": p.CreatedAt, "updatedAt": p.UpdatedAt})
		if len(batch) == 1000 || i == n-1 {
			if err := ask(http.MethodPost, database+"/_bulk_docs", map[string]any{"docs": batch}, nil); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	c.filled[n] = true
	return nil
}

// inbox makes an empty database.
func (c *couch) inbox(database string) error {
	return ask(http.MethodPut, c.url(database), nil, nil)
}

func (c *couch) count(database string) (int, error) {
	var info struct {
		Documents int `json:"doc_count"`
	}
	err := ask(http.MethodGet, c.url(database), nil, &info)
	return info.Documents, err
}

// countRollcall returns how many people Rollcall's server has.
func countRollcall(addr string) (n int, err error) {
	for cursor, more := "", true; more; {
		var page api.ChangePage
		address := fmt.Sprintf("http://%s%s?limit=500&cursor=%s", addr, api.PathChanges, cursor)
		if err := ask(http.MethodGet, address, nil, &page); err != nil {
			return 0, err
		}
		n += len(page.Changes)
		cursor, more = page.Cursor, page.HasMore
	}
	return n, nil
}
