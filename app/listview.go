package app

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// listView is what the list shows, and in which order. The page's address has it, so that a reload,
// the browser's Back and a shared link show the same.
type listView struct {
	search  string
	sort    string // an order, with "-" before it for its reverse; "" is by name
	state   queue.RowState
	changed string // since when: "today", "week", or "" for any time
}

// Choices of the list, as its address has them.
const (
	sortNameDown    = "-name"
	sortEmail       = directory.OrderEmail
	sortEmailDown   = "-" + directory.OrderEmail
	sortChanged     = directory.OrderChanged
	sortChangedDown = "-" + directory.OrderChanged
	changedToday    = "today"
	changedWeek     = "week"
)

// parseListView reads the query of an address. What it does not know is as if it were not there.
func parseListView(u *url.URL) listView {
	q := u.Query()
	v := listView{search: q.Get("q"), sort: q.Get("sort"), state: queue.RowState(q.Get("state")), changed: q.Get("changed")}
	switch v.sort {
	case sortNameDown, sortEmail, sortEmailDown, sortChanged, sortChangedDown:
	default:
		v.sort = ""
	}
	switch v.state {
	case queue.Pending, queue.NeedsAttention, queue.InConflict:
	default:
		v.state = ""
	}
	if v.changed != changedToday && v.changed != changedWeek {
		v.changed = ""
	}
	if len(v.search) > 4*api.MaxQuery {
		v.search = ""
	}
	return v
}

// query is the query of the address; "" for the whole list by name.
func (v listView) query() string {
	var parts []string
	for _, p := range [][2]string{{"q", v.search}, {"sort", v.sort}, {"state", string(v.state)}, {"changed", v.changed}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+url.QueryEscape(p[1]))
		}
	}
	return strings.Join(parts, "&")
}

func (v listView) address() string {
	if q := v.query(); q != "" {
		return "/?" + q
	}
	return "/"
}

// filtered reports whether some people are left out.
func (v listView) filtered() bool {
	return strings.TrimSpace(v.search) != "" || v.state != "" || v.changed != ""
}

// apply makes a query one of this view.
func (v listView) apply(q repository.Query, now time.Time) repository.Query {
	q.Search, q.State = v.search, v.state
	if v.changed != "" {
		q.Since = language.Since(v.changed, now)
	}
	q.Order, q.Reverse = strings.CutPrefix(v.sort, "-") // "name" is no order's name: it is the list's own
	return q
}

// listPlace is where the person is in a list: the first row that is visible, and how far the list is
// scrolled.
type listPlace struct {
	address string
	key     queue.Key // zero: the list's top
	index   int       // of that row, when it was seen
	offset  float64   // of the scroller, from where rows of this height would begin
	total   int
	jump    bool // the row itself is wanted, at the top
}

// top is how far to scroll when the row has an index.
func (p listPlace) top(index int, rowHeight float64) float64 {
	if p.key == (queue.Key{}) {
		return 0
	}
	return max(0, float64(index)*rowHeight+p.offset)
}

// text is the place as it is kept for a reload.
func (p listPlace) text() string {
	return strings.Join([]string{p.address, p.key.Sort, p.key.ID, strconv.Itoa(p.index), strconv.FormatFloat(p.offset, 'f', 1, 64), strconv.Itoa(p.total)}, "\n")
}

// parseListPlace reads it; what is none is the top.
func parseListPlace(text string) (p listPlace) {
	f := strings.Split(text, "\n")
	if len(f) != 6 {
		return p
	}
	index, err := strconv.Atoi(f[3])
	offset, err2 := strconv.ParseFloat(f[4], 64)
	total, err3 := strconv.Atoi(f[5])
	if err != nil || err2 != nil || err3 != nil || index < 0 || total < 0 {
		return p
	}
	return listPlace{address: f[0], key: queue.Key{Sort: f[1], ID: f[2]}, index: index, offset: offset, total: total}
}
