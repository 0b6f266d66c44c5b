package main

import (
	"bytes"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/feed"
)

// TestParsePage: parsePage reads what the server's code has written.
func TestParsePage(t *testing.T) {
	changes := []api.Change{
		{EntityType: "user", EntityID: "a1", Version: 1, Document: []byte(`{"bio":"\"entityId\":\"x\" ],\"cursor\":\"y\""}`)},
		{EntityType: "user", EntityID: "b2", Version: 3, Deleted: true},
	}
	for name, sent := range map[string]api.ChangePage{
		"last":  {Changes: changes, Cursor: "c1", Digests: map[string]api.Digest{"user": {Count: 2}}},
		"first": {Changes: changes, Cursor: "c1", HasMore: true},
		"empty": {Cursor: "c1"},
	} {
		var body bytes.Buffer
		if err := feed.WritePage(&body, sent); err != nil {
			t.Fatal(err)
		}
		got, err := parsePage(body.Bytes())
		if err != nil || got.cursor != "c1" || got.more != sent.HasMore || len(got.ids) != len(sent.Changes) {
			t.Errorf("%s: %+v (%v)", name, got, err)
			continue
		}
		for i, id := range got.ids {
			if string(id) != sent.Changes[i].EntityID {
				t.Errorf("%s: change %d is of %s", name, i, id)
			}
		}
	}
	for _, broken := range []string{"", "{}", `{"changes":[],"cursor":""}`, `{"title":"Too many requests"}`} {
		if p, err := parsePage([]byte(broken)); err == nil {
			t.Errorf("%q is a page: %+v", broken, p)
		}
	}
}
