//go:build js && wasm

package idb

import (
	"context"
	"syscall/js"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/wasm/replica"
)

// Store is a replica over a database in IndexedDB.
type Store struct {
	*replica.Store
	database *Database
}

// What a worker may keep of the base, and of the texts that a search looks in, in bytes: nobody looks at
// the list there or searches, and it has much else to remember.
const (
	hostCache = 4 << 20
	hostTexts = 2 << 20
)

// Channel carries records between the replicas of one database.
type Channel interface {
	PublishRecord(replica.Message)
	// OnRecord sets who gets the records of others, and who is told that some may not have
	// arrived.
	OnRecord(receive func(replica.Message), missed func())
}

// New returns a store that opens its database when it is first used, and again
// when the connection was lost.
func New(o Options) *Store {
	s := &Store{}
	// What was in the database may be gone with the connection.
	o.OnClosed, o.OnOutdated = s.forgetting(o.OnClosed), s.forgetting(o.OnOutdated)
	s.database = NewDatabase(o)
	options := replica.Options{Database: s.database, Schemas: o.Schemas, Now: time.Now, NewID: uuid.NewString, Hidden: hidden}
	if !js.Global().Get("document").Truthy() {
		options.Cache, options.Texts = hostCache, hostTexts
	}
	if o.Channel != nil {
		options.Publish = o.Channel.PublishRecord
	}
	s.Store = replica.New(options)
	if o.Channel != nil {
		o.Channel.OnRecord(s.Receive, s.Doubt)
	}
	return s
}

// forgetting returns a hook that has the next use read everything anew.
func (s *Store) forgetting(hook func()) func() {
	return func() {
		s.Forget()
		if hook != nil {
			hook()
		}
	}
}

// hidden reports whether this is a page that nobody sees.
func hidden() bool {
	document := js.Global().Get("document")
	return document.Truthy() && document.Get("visibilityState").String() == "hidden"
}

// Open is New with the database opened at once.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := New(o)
	return s, s.database.Open(ctx)
}

// Close closes the connection; the next use opens it again.
func (s *Store) Close() { s.database.Close() }
