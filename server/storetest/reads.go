package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/store"
)

func (b *fixture) list(q store.ListQuery) (names []string) {
	b.Helper()
	for {
		list, err := b.store.Users(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		if len(list.Documents) > q.Limit || list.Documents == nil {
			b.Fatalf("a page of at most %d has %d users", q.Limit, len(list.Documents))
		}
		for _, d := range list.Documents {
			var u api.User
			if err := json.Unmarshal(d, &u); err != nil {
				b.Fatal(err)
			}
			names = append(names, u.Name)
		}
		if list.Next == nil {
			return names
		}
		q.After = *list.Next
	}
}

func testList(t *testing.T, b *fixture) {
	want := []string{}
	for i := range 23 {
		name := fmt.Sprintf("Person %02d", (i*7)%23)
		b.create(name, fmt.Sprintf("p%d@example.org", i))
		want = append(want, name)
	}
	slices.Sort(want)
	gone := b.create("Aaron", "aaron@example.org")
	b.one(op(gone, api.Delete, 1, ""), api.Applied)
	for _, limit := range []int{1, 5, 23, 100} {
		if got := b.list(store.ListQuery{Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("pages of %d list %q", limit, got)
		}
	}
	for range 3 { // equal names are ordered by id, and no page loses one
		b.create("person 05", uuid.NewString()+"@example.org")
	}
	if got := b.list(store.ListQuery{Search: "person 05", Limit: 1}); len(got) != 4 {
		t.Errorf("four of one name: listed %q", got)
	}
	odd := b.create(`50% "Off"_ Ünal`, "Odd_One@example.org")
	for search, count := range map[string]int{"50%": 1, "%": 1, "_": 1, `"off"`: 1, "ÜNAL": 1, "unal": 1, "U\u0308nal": 1, "odd_one@": 1, "person\n": 0, "strasse": 0, "aaron": 0} {
		if got := b.list(store.ListQuery{Search: api.FoldText(search), Limit: 100}); len(got) != count {
			t.Errorf("search %q finds %q, want %d", search, got, count)
		}
	}
	b.one(op(odd, api.Update, 1, `{"name":"Even"}`), api.Applied)
	if got := b.list(store.ListQuery{Search: "unal", Limit: 100}); len(got) != 0 {
		t.Errorf("the old name still finds %q", got)
	}
}

// testFolding: the server finds and orders by the device's rule, whatever the case, the accents
// and the composition of the text.
func testFolding(t *testing.T, b *fixture) {
	for i, name := range []string{"Zoe", "\u00c9tienne", "E\u0301mile", "Eva", "Νίκος", "İSTANBUL", "Anna Straße", "Øre", "Otto"} {
		b.create(name, fmt.Sprintf("f%d@example.org", i))
	}
	want := []string{"Anna Straße", "Émile", "Étienne", "Eva", "İSTANBUL", "Øre", "Otto", "Zoe", "Νίκος"}
	if got := b.list(store.ListQuery{Limit: 2}); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	for search, want := range map[string]string{
		"STRASSE": "Anna Straße", "straße": "Anna Straße", "ΝΙΚΟΣ": "Νίκος", "νικος": "Νίκος", "istanbul": "İSTANBUL", "ıstanbul": "İSTANBUL",
		"emile": "Émile", "E\u0301TI": "Étienne", "ore": "Øre",
	} {
		if got := b.list(store.ListQuery{Search: api.FoldText(search), Limit: 100}); len(got) != 1 || got[0] != want {
			t.Errorf("search %q finds %q, want %q", search, got, want)
		}
	}
}

// testUpdatedAfter: the clock stops, then steps back, and still a client that polls with the
// last updatedAt gets each change once.
func testUpdatedAfter(t *testing.T, b *fixture) {
	at := func(name string) time.Time {
		t.Helper()
		list, err := b.store.Users(t.Context(), store.ListQuery{Search: strings.ToLower(name), Limit: 1})
		if err != nil || len(list.Documents) != 1 {
			t.Fatalf("find %s: %v, %v", name, list, err)
		}
		var u api.User
		if err := json.Unmarshal(list.Documents[0], &u); err != nil {
			t.Fatal(err)
		}
		return u.UpdatedAt
	}
	var last time.Time
	var names []string
	for i := range 10 {
		if i == 5 {
			b.advance(-time.Hour)
		}
		name := fmt.Sprintf("Z%d", 99-i) // the order by name is another
		b.create(name, fmt.Sprintf("z%d@example.org", i))
		if updated := at(name); !updated.After(last) {
			t.Fatalf("%s was updated at %v, the one before at %v", name, updated, last)
		} else if got := b.list(store.ListQuery{UpdatedAfter: last.Add(time.Nanosecond), Limit: 10}); i > 0 && !slices.Equal(got, []string{name}) {
			t.Errorf("after %v: %q, want %s alone", last, got, name)
		} else {
			last = updated
		}
		names = append(names, name)
	}
	if got := b.list(store.ListQuery{UpdatedAfter: time.UnixMicro(1), Limit: 3}); !slices.Equal(got, names) {
		t.Errorf("all by time: %q, want %q", got, names)
	}
	if got := b.list(store.ListQuery{UpdatedAfter: time.UnixMicro(1), Search: "z95", Limit: 3}); !slices.Equal(got, []string{"Z95"}) {
		t.Errorf("searched by time: %q", got)
	}
	if got := b.list(store.ListQuery{UpdatedAfter: last, Limit: 3}); len(got) != 0 {
		t.Errorf("after the last: %q", got)
	}
}

func testFeed(t *testing.T, b *fixture) {
	if changes, end := b.feed("", 10); len(changes) > 0 || end != b.head() {
		t.Errorf("an empty feed has %v and ends at %s, head %s", changes, end, b.head())
	}
	var ids []string
	for i := range 10 {
		ids = append(ids, b.create(fmt.Sprintf("P%d", i), fmt.Sprintf("p%d@example.org", i)))
	}
	middle := b.head()
	b.one(op(ids[3], api.Update, 1, `{"bio":"x"}`), api.Applied)
	b.one(op(ids[3], api.Update, 2, `{"bio":"y"}`), api.Applied)
	b.one(op(ids[7], api.Delete, 1, ""), api.Applied)
	b.one(op(ids[0], api.Update, 1, `{"bio":"z"}`), api.Applied)
	for _, limit := range []int{1, 3, 10, 1000} {
		changes, end := b.feed(b.start(), limit)
		var order []int
		for _, c := range changes {
			order = append(order, slices.Index(ids, c.EntityID))
		}
		if want := []int{1, 2, 4, 5, 6, 8, 9, 3, 7, 0}; !slices.Equal(order, want) {
			t.Errorf("pages of %d: order %v, want %v", limit, order, want)
		}
		if end != b.head() {
			t.Errorf("pages of %d end at %s, head %s", limit, end, b.head())
		}
	}
	changes, _ := b.feed(middle, 2)
	if len(changes) != 3 || changes[0].Version != 3 || !changes[1].Deleted || changes[2].EntityID != ids[0] {
		t.Errorf("from the middle: %+v", changes)
	}
	// A client that reads while others write sees a moved entity at its new place.
	page, err := b.store.Changes(t.Context(), b.start(), 2)
	if err != nil {
		t.Fatal(err)
	}
	b.one(op(ids[9], api.Update, 1, `{"bio":"moved"}`), api.Applied)
	rest, _ := b.feed(page.Cursor, 2)
	if n := len(rest); n != 8 || rest[n-1].EntityID != ids[9] || rest[n-1].Version != 2 {
		t.Errorf("the rest of the pages: %+v", rest)
	}
}

// testListing: a client without a cursor is listed the live rows in the order of the list, each
// once, then what has changed since it began: nobody is left out who is renamed, made or deleted
// between two pages.
func testListing(t *testing.T, b *fixture) {
	ids := map[string]string{}
	name := func(changes []api.Change) (names []string) {
		t.Helper()
		for _, c := range changes {
			u := api.User{Name: "gone"}
			if err := json.Unmarshal(c.Document, &u); !c.Deleted && err != nil {
				t.Fatal(err)
			}
			names = append(names, u.Name)
		}
		return names
	}
	for _, n := range []string{"eve", "Bo", "ada", "Émile", "cy", "dan"} {
		ids[n] = b.create(n, n+"@example.org")
	}
	b.one(op(ids["cy"], api.Delete, 1, ""), api.Applied)
	for _, limit := range []int{1, 2, 4, 5, 100} {
		changes, end := b.feed("", limit)
		if got := name(changes); !slices.Equal(got, []string{"ada", "Bo", "dan", "Émile", "eve"}) || end != b.head() {
			t.Errorf("pages of %d list %q, and end at %s, head %s", limit, got, end, b.head())
		}
	}
	page, err := b.store.Changes(t.Context(), "", 2)
	if err != nil || page.Digests != nil || !page.HasMore {
		t.Fatalf("the first page: %+v (%v)", page, err)
	}
	b.one(op(ids["eve"], api.Update, 1, `{"name":"Aaron"}`), api.Applied) // from behind the page to before it
	b.one(op(ids["ada"], api.Update, 1, `{"name":"Zoe"}`), api.Applied)   // and the other way
	b.one(op(ids["Bo"], api.Delete, 1, ""), api.Applied)
	b.one(op(ids["dan"], api.Delete, 1, ""), api.Applied)
	b.create("Fay", "fay@example.org")
	rest, end := b.feed(page.Cursor, 2)
	if got := name(rest); !slices.Equal(got, []string{"Émile", "Aaron", "Zoe", "gone", "gone", "Fay"}) || end != b.head() {
		t.Errorf("the rest of the pages has %q", got)
	}
	changed, _ := b.feed(page.Cursor, 100)
	if len(changed) != len(rest) {
		t.Errorf("in one page there are %d, in several %d", len(changed), len(rest))
	}
}

func testCursors(t *testing.T, b *fixture) {
	b.create("Ada", "ada@example.org")
	head, err := feed.ParseCursor(b.head())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		cursor string
		want   error
	}{
		{"abc", feed.ErrBadCursor},
		{"!", feed.ErrBadCursor},
		{b.head() + "A", feed.ErrBadCursor},
		{feed.Cursor{Epoch: head.Epoch + 1, Change: 1}.String(), feed.ErrResync},
		{feed.Cursor{Epoch: head.Epoch, Change: head.Change + 1}.String(), feed.ErrResync},
		{feed.Cursor{Epoch: head.Epoch, Change: head.Change + 1, Listing: true}.String(), feed.ErrResync},
		{feed.Cursor{Epoch: head.Epoch, Change: head.Change, Listing: true, Sort: "a\x00", ID: "\x00"}.String(), nil},
		{feed.Cursor{Epoch: head.Epoch, Change: 0}.String(), nil},
		{b.head(), nil},
		{"", nil},
	} {
		if _, err := b.store.Changes(t.Context(), test.cursor, 10); !errors.Is(err, test.want) {
			t.Errorf("cursor %q: %v, want %v", test.cursor, err, test.want)
		}
	}
}

func testCollect(t *testing.T, b *fixture) {
	stays, goes, late := b.create("Stays", "stays@example.org"), b.create("Goes", "goes@example.org"), b.create("Late", "late@example.org")
	before := b.head()
	half, err := b.store.Changes(t.Context(), "", 1) // a client in the middle of its first read
	if err != nil {
		t.Fatal(err)
	}
	b.one(op(goes, api.Delete, 1, ""), api.Applied)
	after := b.head()
	b.advance(time.Hour)
	b.one(op(late, api.Delete, 1, ""), api.Applied)
	n, err := b.store.Collect(t.Context(), b.now().Add(-time.Minute))
	if n != 1 || err != nil {
		t.Fatalf("collected %d (%v), want the older of two tombstones", n, err)
	}
	for name, cursor := range map[string]string{"from before the delete": before, "half read": half.Cursor} {
		if _, err := b.store.Changes(t.Context(), cursor, 10); !errors.Is(err, feed.ErrResync) {
			t.Errorf("a cursor %s: %v, want %v", name, err, feed.ErrResync)
		}
	}
	if changes, _ := b.feed(after, 10); len(changes) != 1 || changes[0].EntityID != late || !changes[0].Deleted {
		t.Errorf("a cursor behind the delete reads %+v", changes)
	}
	// A new reader passes below the horizon without a resync.
	if changes, end := b.feed("", 1); len(changes) != 1 || changes[0].EntityID != stays || end != b.head() {
		t.Errorf("from the beginning: %+v", changes)
	}
	if n, err := b.store.Collect(t.Context(), b.now().Add(-time.Minute)); n != 0 || err != nil {
		t.Errorf("collected %d more (%v)", n, err)
	}
	// The collected user is forgotten; a create that comes late brings it back, with a version
	// that is no base of what others saw before the delete.
	b.one(op(goes, api.Update, 1, `{"name":"Eve"}`), api.Conflict)
	b.one(op(goes, api.Delete, 1, ""), api.Duplicate)
	v := b.one(op(goes, api.Create, 0, person("Goes", "goes@example.org")), api.Applied).Result.Version
	for _, base := range []int64{1, 2} {
		b.one(op(goes, api.Update, base, `{"bio":"unseen"}`), api.Conflict)
	}
	b.one(op(goes, api.Update, v, `{"bio":"seen"}`), api.Applied)
}

func testNotifications(t *testing.T, b *fixture) {
	id := b.create("Ada", "ada@example.org")
	if b.reportedCommits() != 1 {
		t.Errorf("notified %d times of one commit", b.reportedCommits())
	}
	b.one(op(id, api.Update, 9, `{"name":"Eve"}`), api.Conflict)
	b.one(op(uuid.NewString(), api.Delete, 1, ""), api.Duplicate)
	if b.reportedCommits() != 1 {
		t.Errorf("notified of commits that changed nothing: %d", b.reportedCommits())
	}
}

func testClosed(t *testing.T, b *fixture) {
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := try(t.Context(), b.store, op(uuid.NewString(), api.Create, 0, ada)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a write to a closed store: %v, want %v", err, store.ErrUnavailable)
	}
}

func testNoSkippedChange(t *testing.T, b *fixture) {
	if err := CheckNoSkippedChange(t.Context(), b.store, 16, 20); err != nil {
		t.Error(err)
	}
}

// CheckNoSkippedChange has writers create users concurrently while a client polls the feed,
// and reports users that it never received. A store fails if it does not number changes in the
// order of its commits.
func CheckNoSkippedChange(ctx context.Context, s interface {
	Apply(ctx context.Context, writes []store.Write) ([]store.Outcome, error)
	Changes(ctx context.Context, cursor string, limit int) (api.ChangePage, error)
}, writers, each int) error {
	done := make(chan []error, 1)
	go func() {
		done <- together(writers, func(int) error {
			for range each {
				id := uuid.NewString()
				w := store.Write{ID: id, EntityID: id, Type: api.Create, Patch: api.UserPatch{Name: &id, Email: &id}}
				o, err := s.Apply(ctx, []store.Write{w})
				if err != nil {
					return err
				}
				if o[0].Result.Status != api.Applied {
					return fmt.Errorf("create answered %+v", o[0].Result)
				}
			}
			return nil
		})
	}()
	seen := map[string]bool{}
	cursor, last := "", false
	for {
		page, err := s.Changes(ctx, cursor, 7)
		if err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		for _, c := range page.Changes {
			seen[c.EntityID] = true
		}
		cursor = page.Cursor
		if page.HasMore {
			continue
		}
		if last {
			break
		}
		select {
		case errs := <-done:
			if len(errs) > 0 {
				return errors.Join(errs...)
			}
			last = true // then once more, to the end
		default:
		}
	}
	if want := writers * each; len(seen) != want {
		return fmt.Errorf("the polling client saw %d of %d users: a cursor passed a change that was committed later", len(seen), want)
	}
	return nil
}

func testFind(t *testing.T, b *fixture) {
	ann, bo, cy := b.create("Ann", "Ann@example.org"), b.create("Bo", "bo@example.org"), b.create("Cy", "cy@example.org")
	b.one(op(cy, api.Delete, 1, ""), api.Applied)
	for _, test := range []struct {
		ids, emails []string
		want        []string
	}{
		{nil, nil, nil},
		{[]string{ann, "nobody"}, []string{"nobody@example.org"}, []string{ann}},
		{nil, []string{"ann@example.org", "bo@example.org"}, []string{ann, bo}},
		{[]string{ann, ann}, []string{"ann@example.org"}, []string{ann}},
		{[]string{cy}, []string{"cy@example.org"}, []string{cy}}, // the tombstone, by its id alone
		{nil, []string{"cy@example.org", "Ann@example.org", ""}, nil},
	} {
		rows, err := b.store.Find(t.Context(), test.ids, test.emails)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.ID)
			if u, err := r.User(); err != nil || r.Deleted != (r.ID == cy) || r.Version < 1 || (!r.Deleted && u.ID != r.ID) {
				t.Errorf("found %+v (%v)", r, err)
			}
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%v and %v find %v, want %v", test.ids, test.emails, got, test.want)
		}
	}
}
