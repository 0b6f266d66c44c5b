package remote

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
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// cursor is what a plain backend's cursor contains: how far the pull under way is, and
// where the next one begins. A pull reads the types one by one.
type cursor struct {
	Listed  time.Time            `json:"listed"`            // when everything was last listed, by the device's clock
	Listing bool                 `json:"listing,omitempty"` // the pull lists everything, not only what changed
	Since   map[string]time.Time `json:"since"`             // by type: where the next poll begins
	Reading *reading             `json:"reading,omitempty"` // nil between pulls
}

// reading is the place within the list of one type.
type reading struct {
	Type  string    `json:"type"`
	Began time.Time `json:"began"`          // by the backend's clock
	High  time.Time `json:"high"`           // the latest change seen
	From  string    `json:"from,omitempty"` // an id, or a time of change
	Page  int       `json:"page,omitempty"`
	Token string    `json:"token,omitempty"`
}

const cursorPrefix = "rest:"

func (c cursor) encode() string { return cursorPrefix + string(jsoncodec.Write(c.writeJSON)) }

func (c cursor) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("listed").Time(c.Listed)
	if c.Listing {
		w.Name("listing").Bool(true)
	}
	jsoncodec.WriteMap(w.Name("since"), c.Since, (*jsoncodec.Writer).Time)
	if c.Reading != nil {
		c.Reading.writeJSON(w.Name("reading"))
	}
	w.Close('}')
}

func (p reading) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("type").String(p.Type)
	w.Name("began").Time(p.Began)
	w.Name("high").Time(p.High)
	w.OptionalString("from", p.From)
	w.OptionalInt("page", int64(p.Page))
	w.OptionalString("token", p.Token)
	w.Close('}')
}

func parseCursor(text string) (c cursor, ok bool) {
	text, ok = strings.CutPrefix(text, cursorPrefix)
	if !ok {
		return cursor{}, false
	}
	c, err := jsoncodec.Parse([]byte(text), readCursor)
	return c, err == nil
}

func readCursor(r *jsoncodec.Reader) (c cursor) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "listed":
			c.Listed = r.Time()
		case "listing":
			c.Listing = r.Bool()
		case "since":
			c.Since = jsoncodec.Map(r, (*jsoncodec.Reader).Time)
		case "reading":
			c.Reading = jsoncodec.Pointer(r, readReading)
		default:
			r.Skip()
		}
	}
	return c
}

func readReading(r *jsoncodec.Reader) (p reading) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "type":
			p.Type = r.String()
		case "began":
			p.Began = r.Time()
		case "high":
			p.High = r.Time()
		case "from":
			p.From = r.String()
		case "page":
			p.Page = int(r.Int())
		case "token":
			p.Token = r.String()
		default:
			r.Skip()
		}
	}
	return p
}

// errListAgain makes the engine begin again with a listing of everything.
var errListAgain = &sync.RequestError{Kind: sync.Resync, Problem: api.Problem{
	Title: "Everything is to be listed again", Code: api.CodeResync,
}}

// Pull implements sync.Remote. From the beginning ("") it lists everything, page by
// page; then it polls for changes. When a listing is due it says that the cursor is too
// old, and the engine begins again: what the listing doesn't mention is deleted.
func (r *REST) Pull(ctx context.Context, after string, limit int) (api.ChangePage, error) {
	c, ok := parseCursor(after)
	switch {
	case after == "":
		c = cursor{Listing: true, Listed: r.Now().UTC()}
	case !ok || r.listingDue(c):
		return api.ChangePage{}, errListAgain
	}
	r.pulled = true
	types := slices.Sorted(maps.Keys(r.Paths))
	if c.Reading == nil {
		c.Reading = &reading{Type: types[0]}
	}
	place := *c.Reading
	page, err := r.list(ctx, c, limit)
	var failed *sync.RequestError
	if errors.As(err, &failed) && failed.Kind == sync.Refused && (place.Token != "" || place.From != "" || place.Page > 1) {
		return api.ChangePage{}, errListAgain // the backend no longer knows the place
	}
	if err != nil {
		return api.ChangePage{}, err
	}
	if more := r.advance(&c, page); !more {
		r.endReading(&c, types)
	}
	out := api.ChangePage{Changes: page.changes(place.Type), HasMore: c.Reading != nil}
	c.Listing = c.Listing && c.Reading != nil
	out.Cursor = c.encode()
	return out, nil
}

// listingDue reports whether it is time to list everything: at intervals, and at a
// start. A listing under way goes on, or a host that is stopped often would never
// complete one.
func (r *REST) listingDue(c cursor) bool {
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
	return age < 0 || age >= every // below 0: the device's clock was set back
}

// listed is a page of a list.
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

// list requests the page at the cursor's place.
func (r *REST) list(ctx context.Context, c cursor, limit int) (listed, error) {
	path, err := r.path(c.Reading.Type)
	if err != nil {
		return listed{}, err
	}
	limit = max(limit, 2) // with one row a page, a page that begins at a row never gets past it
	if most := r.Dialect.MaxLimit; most > 0 {
		limit = min(limit, most)
	}
	q := sync.Request{Method: methodGet, Path: path + r.query(c, limit), Header: map[string]string{}}
	resp, err := r.send(ctx, q)
	if err != nil {
		return listed{}, err
	}
	if c.Reading.Began.IsZero() {
		c.Reading.Began = r.Now().Add(r.skew).UTC()
	}
	page := listed{limit: limit}
	body := json.RawMessage(resp.Body)
	if d := r.Dialect; d.Rows != "" {
		envelope := queue.Decode(body)
		body = envelope[d.Rows]
		if next := envelope[d.Next]; d.Next != "" && !queue.IsNull(next) {
			var isText bool
			if page.next, isText = queue.Text(next); !isText {
				return listed{}, misfit(q, fmt.Errorf("a list whose %s is no text", d.Next))
			}
		}
	}
	documents, err := jsoncodec.Parse(body, readRows)
	if err != nil || documents == nil {
		return listed{}, misfit(q, errors.New("a list without rows, see Dialect.Rows"))
	}
	for _, document := range documents {
		row, err := r.parseRow(document)
		if err != nil {
			return listed{}, misfit(q, fmt.Errorf("a list with %w", err))
		}
		page.rows = append(page.rows, row)
	}
	return page, nil
}

func readRows(r *jsoncodec.Reader) []json.RawMessage {
	return jsoncodec.Slice(r, (*jsoncodec.Reader).Raw)
}

// pages reports whether there is a way to a list's next page. Without one the list is
// requested as a whole, because half of it would look like deletions.
func (d Dialect) pages(c cursor) bool {
	return d.Token != "" || d.Page != "" || (c.Listing && d.From != "")
}

// query returns the list's query for the cursor's place.
func (r *REST) query(c cursor, limit int) string {
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

// advance moves the cursor behind a page, and returns false at the list's end. A listing
// by id or number ends only with an empty page: if the backend returns fewer rows than
// requested, an earlier end would delete the others.
func (r *REST) advance(c *cursor, p listed) bool {
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
	case !c.Listing && at.From < fromBefore(last):
		// By time instead of by number: a row that changes meanwhile moves to the end, and
		// the pages behind it shift.
		at.From, at.Page = fromBefore(last), 1
		return true
	case d.Page != "":
		at.Page = max(at.Page, 1) + 1
		return true
	}
	return false
}

// fromBefore is where the page behind a row begins: just before its date, because others
// may share it, and Dialect.Since may leave out rows of its value.
func fromBefore(last *row) string {
	return last.updated.Add(-time.Millisecond).UTC().Format(dateLayout)
}

// endReading closes a type's list and goes to the next type. The next poll begins before
// the latest change seen and before this list began: it must not miss what changed while
// the list was read, and a date in the future says nothing about the present.
func (r *REST) endReading(c *cursor, types []string) {
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
		since[at.Type] = earlier(at.High, at.Began).Add(-overlap)
	}
	c.Since, c.Reading = since, nil
	if next := slices.Index(types, at.Type) + 1; next < len(types) {
		c.Reading = &reading{Type: types[next]}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
