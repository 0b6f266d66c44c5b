package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// testPagesByBytes: a page of people with much text is shorter than its limit, and nobody is
// left out between two pages.
func testPagesByBytes(t *testing.T, b *fixture) {
	const people = 600
	addWordy(t, b, people)
	check := func(what string, pages [][]json.RawMessage) {
		t.Helper()
		seen := map[string]bool{}
		for _, page := range pages {
			size := 0
			for _, d := range page {
				var u api.User
				if err := json.Unmarshal(d, &u); err != nil {
					t.Fatal(err)
				}
				seen[u.ID] = true
				size += len(d)
			}
			if size > store.PageBytes || len(page) == 0 {
				t.Errorf("%s: a page has %d rows with %d bytes", what, len(page), size)
			}
		}
		if len(seen) != people || len(pages) < 3 {
			t.Errorf("%s: %d pages with %d people, want %d", what, len(pages), len(seen), people)
		}
	}
	var feed, list, bucket [][]json.RawMessage
	cursor := ""
	for more := true; more; {
		page, err := b.store.Changes(t.Context(), cursor, api.MaxChanges)
		if err != nil || page.HasMore != (len(page.Digests) == 0) {
			t.Fatalf("page with more %v and digests %v (%v)", page.HasMore, page.Digests, err)
		}
		if page.HasMore && page.Total != people {
			t.Errorf("a page says that there are %d people, of %d", page.Total, people)
		}
		feed, cursor, more = append(feed, documents(page.Changes)), page.Cursor, page.HasMore
	}
	check("feed", feed)
	q := store.ListQuery{Limit: people}
	for more := true; more; {
		page, err := b.store.Users(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if list, more = append(list, page.Documents), page.Next != nil; more {
			q.After = *page.Next
		}
	}
	check("list", list)
	bq := store.BucketQuery{Cursor: cursor, Limit: api.MaxChanges}
	for more := true; more; {
		page, err := b.store.Bucket(t.Context(), bq)
		if err != nil {
			t.Fatal(err)
		}
		bucket, more = append(bucket, documents(page.Changes)), page.HasMore
		bq.After = page.Changes[len(page.Changes)-1].EntityID
	}
	check("bucket", bucket)
}

// addWordy adds people with much text, all of them in one bucket.
func addWordy(t *testing.T, b *fixture, people int) {
	t.Helper()
	bio := strings.Repeat("𝄞", api.MaxBio)
	var writes []store.Write
	for i := range people {
		id := "00" + uuid.NewString()[2:]
		name, email := "N", fmt.Sprintf("n%d@example.org", i)
		writes = append(writes, store.Write{ID: id, EntityID: id, Key: id, Type: api.Create, Patch: api.UserPatch{Name: &name, Email: &email, Bio: &bio}})
	}
	for batch := range slices.Chunk(writes, 100) {
		if _, err := b.store.Apply(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
}

func documents(changes []api.Change) (all []json.RawMessage) {
	for _, c := range changes {
		all = append(all, c.Document)
	}
	return all
}
