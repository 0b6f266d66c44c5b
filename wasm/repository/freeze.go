package repository

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// ErrTaken says that an account has begun to take the operations over: they are its own.
var ErrTaken = errors.New("another account takes these changes over")

// errFrozen says that there is nothing to freeze.
var errFrozen = errors.New("everything is frozen")

// Freeze freezes all operations in a store of which others get a copy: until they are deleted there,
// what is written next neither changes nor cancels what may have been sent, and they keep the client
// id by which the server knows them. taker is the account that takes them over, empty for a file; once
// there is one, another gets ErrTaken.
func Freeze(ctx context.Context, store Store, taker string) error {
	meta, err := store.Meta(ctx, sync.MetaTaker, sync.MetaClient)
	if err != nil {
		return err
	}
	switch had := meta[sync.MetaTaker]; {
	case taker != "" && had != "" && had != taker:
		return ErrTaken
	case taker != "" && had == "": // another's page may have seen that, too, and was frozen by the browser then
		err := store.Update(ctx, queue.Txn{
			Given: map[string]string{sync.MetaTaker: ""}, Set: map[string]string{sync.MetaTaker: taker},
		}, func([]*queue.Entity) error { return nil })
		switch {
		case errors.Is(err, queue.ErrStale):
			return Freeze(ctx, store, taker)
		case err != nil:
			return err
		}
	}
	client := meta[sync.MetaClient]
	for after := int64(0); ; {
		operations, err := store.Operations(ctx, after, takeInAtOnce)
		if err != nil || len(operations) == 0 {
			return err
		}
		if client == "" && api.ValidID(operations[0].ID) {
			client = operations[0].ID // as in a file that names none
		}
		after = operations[len(operations)-1].Seq
		if err := freeze(ctx, store, operations, client); err != nil {
			return fmt.Errorf("freeze the changes: %w", err)
		}
	}
}

// freeze freezes the entities of some operations.
func freeze(ctx context.Context, store Store, operations []queue.Operation, client string) error {
	var txn queue.Txn
	seen := map[queue.Ref]bool{}
	for _, o := range operations {
		if !seen[o.Ref] {
			seen[o.Ref] = true
			txn.Refs = append(txn.Refs, o.Ref)
		}
	}
	err := store.Update(ctx, txn, func(entities []*queue.Entity) error {
		err := errFrozen
		for _, e := range entities {
			if e.Freeze(client) {
				err = nil
			}
		}
		return err
	})
	if errors.Is(err, errFrozen) {
		return nil
	}
	return err
}

// Taking says who takes the operations of a store over, and whether all of them are frozen: nobody has
// written there since.
func Taking(ctx context.Context, store Store) (taker string, whole bool, err error) {
	meta, err := store.Meta(ctx, sync.MetaTaker)
	if err != nil || meta[sync.MetaTaker] == "" {
		return "", false, err
	}
	for after := int64(0); ; {
		operations, err := store.Operations(ctx, after, takeInAtOnce)
		if err != nil || len(operations) == 0 {
			return meta[sync.MetaTaker], err == nil, err
		}
		for _, o := range operations {
			if after = o.Seq; o.State == queue.Queued {
				return meta[sync.MetaTaker], false, nil
			}
		}
	}
}
