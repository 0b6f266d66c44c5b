package app

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// fullDisk fails to save for lack of room.
type fullDisk struct{ Users }

func (fullDisk) CreateAs(context.Context, string, api.UserPatch) (repository.Written, error) {
	return repository.Written{}, fmt.Errorf("save on this device: %w", queue.ErrQuota)
}

// brokenList fails to list because the browser denies it storage.
type brokenList struct{ Users }

func (brokenList) List(context.Context, repository.Query) (repository.Page[api.User], error) {
	return repository.Page[api.User]{}, fmt.Errorf("read from this device: %w", queue.ErrUnavailable)
}

// unreachable lacks the user and can't reach the server.
type unreachable struct{ Users }

func (unreachable) Watch(context.Context, string) <-chan repository.Snapshot[api.User] {
	user := make(chan repository.Snapshot[api.User], 1)
	user <- repository.Snapshot[api.User]{Err: repository.ErrNotReachable}
	return user
}

// lacking lacks every user.
type lacking struct {
	Users
	err error
}

func (l lacking) Get(context.Context, string) (repository.Record[api.User], error) {
	return repository.Record[api.User]{}, l.err
}

// outdated fails to save because a newer version has upgraded the storage.
type outdated struct{ Users }

func (outdated) CreateAs(context.Context, string, api.UserPatch) (repository.Written, error) {
	return repository.Written{}, fmt.Errorf("open the database: %w", queue.ErrOutdated)
}

func (outdated) Update(context.Context, repository.Record[api.User], api.UserPatch) (repository.Written, error) {
	return repository.Written{}, fmt.Errorf("open the database: %w", queue.ErrOutdated)
}

// uncertain saves and can't confirm it.
type uncertain struct{ Users }

func (d uncertain) CreateAs(ctx context.Context, id string, patch api.UserPatch) (repository.Written, error) {
	if w, err := d.Users.CreateAs(ctx, id, patch); err != nil {
		return w, err
	}
	return repository.Written{ID: id}, queue.ErrUncertain
}

// asked tells what it is asked to search.
type asked struct {
	Users
	searches chan string
}

func (a asked) List(ctx context.Context, q repository.Query) (repository.Page[api.User], error) {
	if q.Search != "" {
		a.searches <- q.Search
	}
	return a.Users.List(ctx, q)
}

// watched keeps the context of each read of the list.
type watched struct {
	Users
	reads chan context.Context
}

func (w watched) List(ctx context.Context, q repository.Query) (repository.Page[api.User], error) {
	w.reads <- ctx
	return w.Users.List(ctx, q)
}

// givenUp answers no search but the last until nobody waits for it.
type givenUp struct {
	Users
	given chan string
}

func (g givenUp) List(ctx context.Context, q repository.Query) (repository.Page[api.User], error) {
	if q.Search == "" || q.Search == "lee" {
		return g.Users.List(ctx, q)
	}
	select {
	case <-ctx.Done():
		g.given <- q.Search
	case <-time.After(5 * time.Second):
	}
	return repository.Page[api.User]{}, context.Canceled
}

// hasty says of the first answer to a search that there may be more, and gives a later one only when it may.
type hasty struct {
	Users
	more chan bool
}

func (h hasty) List(ctx context.Context, q repository.Query) (repository.Page[api.User], error) {
	if q.Search != "" && !q.Early {
		<-h.more
	}
	page, err := h.Users.List(ctx, q)
	page.Partial = q.Search != "" && q.Early
	return page, err
}
