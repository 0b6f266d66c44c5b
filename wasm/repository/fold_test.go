package repository_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// TestListFindsFoldedText: the device finds and orders as the server does.
func TestListFindsFoldedText(t *testing.T) {
	store := memory.New(directory.Users)
	var page sync.Page
	for i, name := range []string{"Zoe", "Étienne", "Eva", "ΝΙΚΟΣ", "İSTANBUL", "Anna Straße"} {
		document, err := json.Marshal(api.User{ID: fmt.Sprint(i), Name: name, Email: fmt.Sprint("f", i, "@example.org"), Version: 1})
		if err != nil {
			t.Fatal(err)
		}
		page.Changes = append(page.Changes, api.Change{EntityType: api.EntityUser, EntityID: fmt.Sprint(i), Version: 1, Document: document})
	}
	if _, err := store.ApplyPage(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	users := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: store, Bus: memory.NewChannel().Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString,
	})
	defer users.Close()
	found := func(search string) (names []string) {
		list, err := users.List(t.Context(), repository.Query{Search: search, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Records.All() {
			names = append(names, r.Value.Name)
		}
		return names
	}
	if got, want := found(""), []string{"Anna Straße", "Étienne", "Eva", "İSTANBUL", "Zoe", "ΝΙΚΟΣ"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	for search, want := range map[string]string{
		"strasse": "Anna Straße", " STRASSE ": "Anna Straße", "νικος": "ΝΙΚΟΣ", "νίκοσ": "ΝΙΚΟΣ",
		"istanbul": "İSTANBUL", "e\u0301tienne": "Étienne", "ETIENNE": "Étienne",
	} {
		if got := found(search); !slices.Equal(got, []string{want}) {
			t.Errorf("%q finds %q, want %q", search, got, want)
		}
	}
}
