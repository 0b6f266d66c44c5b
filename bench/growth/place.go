package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/bench/subject"
)

// idStep is the distance between sampled users.
const idStep = 10

// place is a directory of one size, and its server.
type place struct {
	size     int
	db       string
	server   *subject.Server
	database func() (subject.Usage, error) // of PostgreSQL, which all places of a store share

	imported time.Duration
	cursors  []string // of the feed's pages
	tokens   []string // of the list's pages
	ids      []string // of some users
	head     string   // the cursor after the last change
}

// Names of the made-up people.
var (
	given  = []string{"Ada", "Bo", "Chidi", "Dana", "Émile", "Fatma", "Goran", "Hana", "Ines", "Jun", "Kofi", "Lena", "Mato", "Nia", "Olu", "Pia"}
	family = []string{"Abe", "Brandt", "Cohen", "Diaz", "Eriksen", "Fofana", "Garcia", "Haddad", "Ito", "Jansen", "Kaya", "Lund", "Mensah", "Novak", "Okafor", "Petrov"}
)

// writePeople writes n made-up people with unique emails as JSON Lines.
func writePeople(path string, n int) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write people: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	random := rand.New(rand.NewPCG(uint64(n), 1))
	out := bufio.NewWriter(f)
	for i := range n {
		name := fmt.Sprintf("%s %s %x", given[random.IntN(len(given))], family[random.IntN(len(family))], random.Uint32())
		_, err := fmt.Fprintf(out, `{"name":"%s","email":"%s","bio":"Looks after the desk by the door on every other day, and after the list."}`+"\n", name, emailOf(i))
		if err != nil {
			return fmt.Errorf("write people: %w", err)
		}
	}
	return out.Flush()
}

func emailOf(i int) string { return fmt.Sprintf("person-%d-x@example.org", i) }

// fill imports people as an operator does, unless an earlier run has done so.
func (p *place) fill(ctx context.Context, binary, dir string) error {
	if _, err := os.Stat(p.db); err == nil {
		return nil
	}
	path := filepath.Join(dir, "people.jsonl")
	if err := writePeople(path, p.size); err != nil {
		return err
	}
	began := time.Now()
	// The import needs an existing database.
	if err := subject.Command(ctx, binary, "seed", "-db", p.db, "-n", "1"); err != nil {
		return err
	}
	if err := subject.Command(ctx, binary, "import", "-db", p.db, "-apply", "-quiet", path); err != nil {
		return err
	}
	p.imported = time.Since(began)
	return os.Remove(path)
}

// survey reads the whole feed and the whole list to collect cursors and tokens.
func (p *place) survey(ctx context.Context) error {
	if err := p.catchUp(ctx); err != nil {
		return err
	}
	for token := ""; ; {
		var page api.UserPage
		if err := p.get(ctx, list(api.MaxUsers, token, ""), &page); err != nil {
			return err
		}
		if token = page.NextPageToken; token == "" {
			return nil
		}
		p.tokens = append(p.tokens, token)
	}
}

// catchUp reads the feed to its end.
func (p *place) catchUp(ctx context.Context) error {
	for more := true; more; {
		var page api.ChangePage
		if err := p.get(ctx, changes(p.head, api.MaxChanges), &page); err != nil {
			return err
		}
		for i := 0; i < len(page.Changes); i += idStep {
			p.ids = append(p.ids, page.Changes[i].EntityID)
		}
		if page.HasMore {
			p.cursors = append(p.cursors, p.head)
		}
		p.head, more = page.Cursor, page.HasMore
	}
	return nil
}

// queries counts the queries. A parameter that the server ignores makes each one unique, so
// that the server reads each page instead of sharing it.
var queries atomic.Int64

func uniqueQuery(limit int) url.Values {
	return url.Values{"limit": {fmt.Sprint(limit)}, "asked": {fmt.Sprint(queries.Add(1))}}
}

func changes(cursor string, limit int) string {
	v := uniqueQuery(limit)
	v.Set("cursor", cursor)
	return "/api/v1/changes?" + v.Encode()
}

func list(limit int, token, search string) string {
	v := uniqueQuery(limit)
	if token != "" {
		v.Set("page_token", token)
	}
	if search != "" {
		v.Set("q", search)
	}
	return "/api/v1/users?" + v.Encode()
}

// errGaveUp means that the server answered 503, because a read took too long.
var errGaveUp = errors.New("the server answered 503")

// client keeps a connection for each caller.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}

// get sends a GET request and decodes the answer into into, unless that is nil.
func (p *place) get(ctx context.Context, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.server.Addr+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("request %s: %w", path, err)
	}
	return do(r, http.StatusOK, into)
}

func do(r *http.Request, want int, into any) error {
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read the answer to %s: %w", r.URL.Path, err)
	}
	if resp.StatusCode == http.StatusServiceUnavailable {
		return fmt.Errorf("%s: %w", r.URL.Path, errGaveUp)
	}
	if resp.StatusCode != want {
		return fmt.Errorf("%s was answered %d: %.200q", r.URL.Path, resp.StatusCode, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("decode the answer to %s: %w", r.URL.Path, err)
	}
	return nil
}

// usage returns the CPU time used by the server and its PostgreSQL.
func (p *place) usage() (cpu time.Duration, err error) {
	server, err := p.server.Usage()
	if err != nil {
		return 0, err
	}
	database, err := p.database()
	return server.CPU + database.CPU, err
}

func newEmail() string { return uuid.NewString() + "@example.org" }
