package repository_test

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/repository"
)

func openUsers() *directory.Collection {
	return repository.New(repository.Config[api.User, api.UserPatch]{
		Store: memory.New(directory.Users), Bus: memory.NewChannel().Bus(),
		Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString,
	})
}

// A list is shown as it changes, whoever changes it.
func ExampleCollection_WatchList() {
	users := openUsers()
	defer users.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // ends the watch

	lists := users.WatchList(ctx, repository.Query{Search: "ada", Limit: 50})
	fmt.Println("found", (<-lists).Page.Total)

	name, email := "Ada Lovelace", "ada@example.org"
	if _, err := users.Create(ctx, api.UserPatch{Name: &name, Email: &email}); err != nil {
		fmt.Println("not saved:", err)
	}
	for _, r := range (<-lists).Page.Records.All() {
		fmt.Println(r.Value.Name, r.State)
	}
	// Output:
	// found 0
	// Ada Lovelace pending
}

// A record is followed until it is deleted.
func ExampleCollection_Watch() {
	users := openUsers()
	defer users.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // ends the watch

	name, email := "Ada Lovelace", "ada@example.org"
	ada, err := users.Create(ctx, api.UserPatch{Name: &name, Email: &email})
	if err != nil {
		fmt.Println("not saved:", err)
	}
	snapshots := users.Watch(ctx, ada.ID)
	seen := (<-snapshots).Record
	fmt.Println(seen.Value.Name)

	if _, err := users.Delete(ctx, seen); err != nil {
		fmt.Println("not saved:", err)
	}
	fmt.Println("exists:", (<-snapshots).Exists)
	// Output:
	// Ada Lovelace
	// exists: false
}
