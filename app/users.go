package app

import (
	"context"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/repository"
)

// Users is the directory as the pages use it. *repository.Collection[api.User]
// is one, over IndexedDB in the browser and over memory in tests.
type Users interface {
	// Get returns a user from the device, or asks the server when it isn't
	// there; repository.ErrNotFound when neither has it.
	Get(ctx context.Context, id string) (repository.Record[api.User], error)
	List(ctx context.Context, q repository.Query) (repository.Page[api.User], error)

	// CreateAs saves a user under an id of NewID, Update saves the changed
	// fields, Delete removes. Each returns once the write and its operation are
	// durable on this device. Invalid fields are an *api.Problem with code invalid; a
	// full disk is queue.ErrQuota. After queue.ErrUncertain each may be called again
	// with the same id: nothing is written twice.
	NewID() string
	CreateAs(ctx context.Context, id string, patch api.UserPatch) (repository.Written, error)
	Update(ctx context.Context, id string, patch api.UserPatch) (repository.Written, error)
	Delete(ctx context.Context, id string) (repository.Written, error)
	// Restore brings back a user deleted a moment ago, as it was.
	Restore(ctx context.Context, was repository.Record[api.User]) (repository.Written, error)

	// Changes tells that something a page shows may have changed, in this tab
	// or any other; it holds at most one unread tell. It ends with ctx.
	Changes(ctx context.Context) <-chan struct{}
}

// remove deletes a user and offers Undo. then, which may be nil, hears how it ended.
func (s *session) remove(was repository.Record[api.User], then func(error)) {
	name := was.Value.Name
	s.write(func(ctx context.Context) error {
		_, err := s.Users.Delete(ctx, was.ID)
		return err
	}, func(err error) {
		if err != nil {
			s.toast(toast{text: notDone(name, "deleted", err), bad: true})
		} else {
			s.toast(toast{text: "Deleted " + name, action: "Undo", act: func() { s.restore(was) }})
		}
		if then != nil {
			then(err)
		}
	})
}

func (s *session) restore(was repository.Record[api.User]) {
	s.write(func(ctx context.Context) error {
		_, err := s.Users.Restore(ctx, was)
		return err
	}, func(err error) {
		if err != nil {
			s.toast(toast{text: notDone(was.Value.Name, "restored", err), bad: true})
			return
		}
		s.toast(toast{text: "Restored " + was.Value.Name})
	})
}
