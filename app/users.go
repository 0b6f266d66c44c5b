package app

import (
	"context"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/repository"
)

// Users is the directory. *repository.Collection[api.User] is one, over IndexedDB in
// the browser and over memory in tests.
type Users interface {
	// Get returns a user from the device, or from the server when it isn't there;
	// repository.ErrNotFound when neither has it. Watch sends it at once and after each
	// change, until ctx ends.
	Get(ctx context.Context, id string) (repository.Record[api.User], error)
	Watch(ctx context.Context, id string) <-chan repository.Snapshot[api.User]
	List(ctx context.Context, q repository.Query) (repository.Page[api.User], error)

	// Clean returns a patch as CreateAs or Update would save it, and the problem they
	// would refuse it with.
	Clean(patch api.UserPatch, create bool) (api.UserPatch, *api.Problem)

	// CreateAs saves a user under an id of NewID, Update saves the changed fields,
	// Delete removes. Each returns once the write and its operation are durable on
	// this device. Invalid fields are an *api.Problem with code invalid; a full disk
	// is queue.ErrQuota. After queue.ErrUncertain each may be called again with the
	// same id: nothing is written twice.
	NewID() string
	CreateAs(ctx context.Context, id string, patch api.UserPatch) (repository.Written, error)
	// Update and Delete take the user as the person had it before them: what has changed
	// since is a conflict, and recorded.
	Update(ctx context.Context, seen repository.Record[api.User], patch api.UserPatch) (repository.Written, error)
	Delete(ctx context.Context, seen repository.Record[api.User]) (repository.Written, error)
	// Restore brings back a user deleted a moment ago, as it was.
	Restore(ctx context.Context, was repository.Record[api.User]) (repository.Written, error)

	// UpdateAll, RevertAll, DeleteAll and RestoreAll are those of up to repository.MaxAtOnce users, each with
	// an operation of its own, in one step: all are saved or none. They return those that were there to be
	// changed. RevertAll undoes an UpdateAll by one patch, DeleteAll returns what RestoreAll takes.
	UpdateAll(ctx context.Context, seen []record, patch func(record) api.UserPatch) ([]record, error)
	RevertAll(ctx context.Context, were []record, set api.UserPatch) ([]record, error)
	DeleteAll(ctx context.Context, seen []record) ([]record, error)
	RestoreAll(ctx context.Context, was []record) ([]record, error)

	// Changes notifies that users or operations may have changed, in this tab or any
	// other. The channel holds at most one unread notification, until ctx ends.
	Changes(ctx context.Context) <-chan struct{}
}

// deleteUser deletes a user and offers Undo. done may be nil.
func (s *session) deleteUser(user repository.Record[api.User], done func(error)) {
	name := isolate(user.Value.Name)
	s.ifMayWrite(func() {
		s.async(func(ctx context.Context) error {
			_, err := s.Users.Delete(ctx, user)
			return err
		}, func(err error) {
			if err != nil {
				s.showFailure(notDeleted.text(name, err))
			} else {
				s.offerUndo(tr("Deleted {0}", name), name, func() { s.restoreUser(user) }, undoing{were: []record{user}})
			}
			if done != nil {
				done(err)
			}
		})
	})
}

func (s *session) restoreUser(user repository.Record[api.User]) {
	s.async(func(ctx context.Context) error {
		_, err := s.Users.Restore(ctx, user)
		return err
	}, func(err error) {
		if err != nil {
			s.showFailure(notRestored.text(isolate(user.Value.Name), err))
			return
		}
		name := isolate(user.Value.Name)
		s.showToast(toast{text: tr("Restored {0}", name), name: name})
	})
}
