package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// restCursor is what stands in a plain backend's cursor: where the pull under way
// has got to, and where the next one begins. A pull reads the types one by one.
type restCursor struct {
	Listed  time.Time            `json:"listed"`            // when everything was last listed, by the device's clock
	Listing bool                 `json:"listing,omitempty"` // everything, not only what was changed
	Since   map[string]time.Time `json:"since"`             // by type: where the next poll begins
	Reading *reading             `json:"reading,omitempty"` // nil between pulls
}

// reading is the place within one type's list.
type reading struct {
	Type  string    `json:"type"`
	Began time.Time `json:"began"`          // by the backend's clock
	High  time.Time `json:"high"`           // the latest change seen
	From  string    `json:"from,omitempty"` // an id, or a time of change
	Page  int       `json:"page,omitempty"`
	Token string    `json:"token,omitempty"`
}

const restPrefix = "rest:"

func (c restCursor) text() (string, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode the cursor: %w", err)
	}
	return restPrefix + string(b), nil
}

func parseRestCursor(text string) (c restCursor, ok bool) {
	text, ok = strings.CutPrefix(text, restPrefix)
	return c, ok && json.Unmarshal([]byte(text), &c) == nil
}

var listAgain = &RequestError{Kind: Resync, Problem: api.Problem{
	Title: "Everything is to be listed again", Code: api.CodeResync,
}}

// Pull implements Remote. From the beginning ("") it lists everything, page by
// page; then it polls for what was changed. When a listing is due it says that
// the cursor is too old, and the engine begins again: what the listing doesn't
// mention is gone.
func (r *REST) Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	c, ok := parseRestCursor(cursor)
	switch {
	case cursor == "":
		c = restCursor{Listing: true, Listed: r.Now().UTC()}
	case !ok || r.listingDue(c):
		return api.ChangePage{}, listAgain
	}
	r.pulled = true
	types := slices.Sorted(maps.Keys(r.Paths))
	if c.Reading == nil {
		c.Reading = &reading{Type: types[0]}
	}
	place := *c.Reading
	page, err := r.list(ctx, c, limit)
	var failed *RequestError
	if errors.As(err, &failed) && failed.Kind == Refused && (place.Token != "" || place.From != "" || place.Page > 1) {
		return api.ChangePage{}, listAgain // the backend no longer knows the place
	}
	if err != nil {
		return api.ChangePage{}, err
	}
	if more := r.advance(&c, page); !more {
		r.endReading(&c, types)
	}
	out := api.ChangePage{Changes: page.changes(place.Type), HasMore: c.Reading != nil}
	c.Listing = c.Listing && c.Reading != nil
	out.Cursor, err = c.text()
	return out, err
}

// listingDue reports whether it is time to list everything: at intervals, and at
// a start. A listing under way goes on, or a host that is often ended would never
// see its end.
func (r *REST) listingDue(c restCursor) bool {
	if c.Listing {
		return false
	}
	if r.Dialect.Since == "" && c.Reading == nil {
		return true
	}
	every := r.ListEvery
	if every == 0 {
		every = DefaultListEvery
	}
	if !r.pulled {
		every = min(every, restartListing)
	}
	age := r.Now().Sub(c.Listed)
	return age < 0 || age >= every // below 0: the device's clock was put back
}

// listed is a page of a list as it came.
type listed struct {
	rows  []*row
	next  string // the next page's token
	limit int
}

func (p listed) changes(entityType string) []api.Change {
	var out []api.Change
	at := map[string]int{}
	for _, row := range p.rows {
		if i, twice := at[row.id]; twice {
			out[i] = row.change(entityType)
			continue
		}
		at[row.id] = len(out)
		out = append(out, row.change(entityType))
	}
	return out
}

// list asks for the page at the cursor's place.
func (r *REST) list(ctx context.Context, c restCursor, limit int) (listed, error) {
	path, err := r.path(c.Reading.Type)
	if err != nil {
		return listed{}, err
	}
	limit = max(limit, 2) // one row a page would not get past the row that it begins at
	if most := r.Dialect.Most; most > 0 {
		limit = min(limit, most)
	}
	resp, err := r.ask(ctx, Request{Method: "GET", Path: path + r.query(c, limit), Header: map[string]string{}})
	if err != nil {
		return listed{}, err
	}
	if c.Reading.Began.IsZero() {
		c.Reading.Began = r.Now().Add(r.skew).UTC()
	}
	page := listed{limit: limit}
	body := json.RawMessage(resp.Body)
	if d := r.Dialect; d.Rows != "" {
		answer := queue.Decode(body)
		body = answer[d.Rows]
		if d.Next != "" && !queue.IsNull(answer[d.Next]) && json.Unmarshal(answer[d.Next], &page.next) != nil {
			return listed{}, noAnswer(fmt.Errorf("a list whose %s is no text", d.Next))
		}
	}
	var documents []json.RawMessage
	if err := json.Unmarshal(body, &documents); err != nil || documents == nil {
		return listed{}, noAnswer(errors.New("a list without rows"))
	}
	for _, document := range documents {
		row, err := r.rowOf(document)
		if err != nil {
			return listed{}, noAnswer(fmt.Errorf("a list with %w", err))
		}
		page.rows = append(page.rows, row)
	}
	return page, nil
}

// pages reports whether there is a way to a list's next page. Without one the
// list is asked for as a whole: half of it would look like deletions.
func (d Dialect) pages(c restCursor) bool {
	return d.Token != "" || d.Page != "" || (c.Listing && d.From != "")
}

// query is the list's query for the cursor's place.
func (r *REST) query(c restCursor, limit int) string {
	d, at := r.Dialect, c.Reading
	fixed := d.Polling
	if c.Listing {
		fixed = d.Listing
	}
	q := url.Values{}
	set := func(name, value string) {
		if name != "" && value != "" {
			q.Set(name, value)
		}
	}
	if d.pages(c) {
		set(d.Limit, strconv.Itoa(limit))
	}
	set(d.Token, at.Token)
	switch since := c.Since[at.Type]; {
	case c.Listing:
		set(d.From, at.From)
	case at.From != "":
		set(d.Since, at.From)
	case !since.IsZero():
		set(d.Since, since.UTC().Format(dateLayout))
	default:
		set(d.Since, time.UnixMilli(0).UTC().Format(dateLayout))
	}
	if !c.Listing || d.From == "" {
		set(d.Page, strconv.Itoa(max(at.Page, 1)))
	}
	parts := []string{fixed, q.Encode()}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

// advance moves the cursor behind a page; false at the list's end. A listing by
// id or number ends only with a page that brings nothing: if the backend gives
// fewer rows than asked for, an end too soon would take the others away.
func (r *REST) advance(c *restCursor, p listed) bool {
	d, at := r.Dialect, c.Reading
	var last *row
	for _, row := range p.rows {
		last = row
		if row.updated.After(at.High) {
			at.High = row.updated.UTC()
		}
	}
	switch {
	case d.Token != "":
		more := p.next != "" && p.next != at.Token
		at.Token = p.next
		return more
	case last == nil, !d.pages(*c):
		return false
	case c.Listing && d.From != "":
		more := last.id != at.From
		at.From = last.id
		return more
	case !c.Listing && d.Limit != "" && len(p.rows) < p.limit:
		return false
	case !c.Listing && at.From < last.updated.UTC().Format(dateLayout):
		// By time instead of by number: a row that changes meanwhile moves to the end,
		// and the numbers of those behind it change.
		at.From, at.Page = last.updated.UTC().Format(dateLayout), 1
		return true
	case d.Page != "":
		at.Page = max(at.Page, 1) + 1
		return true
	}
	return false
}

// endReading closes a type's list and goes to the next type. The next poll begins
// before the latest change seen, and before this list was begun: what was changed
// behind its back must not be passed over, and a date from the future is no
// news of the present.
func (r *REST) endReading(c *restCursor, types []string) {
	overlap := r.Overlap
	if overlap == 0 {
		overlap = DefaultOverlap
	}
	at := c.Reading
	since := maps.Clone(c.Since)
	if since == nil {
		since = map[string]time.Time{}
	}
	if !at.High.IsZero() {
		since[at.Type] = sooner(at.High, at.Began).Add(-overlap)
	}
	c.Since, c.Reading = since, nil
	if next := slices.Index(types, at.Type) + 1; next < len(types) {
		c.Reading = &reading{Type: types[next]}
	}
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
