package app

import (
	"context"
	"fmt"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// fullDisk is a directory on a device without room.
type fullDisk struct{ Users }

func (fullDisk) CreateAs(context.Context, string, api.UserPatch) (repository.Written, error) {
	return repository.Written{}, fmt.Errorf("save on this device: %w", queue.ErrQuota)
}

// brokenList is a directory whose storage the browser denies.
type brokenList struct{ Users }

func (brokenList) List(context.Context, repository.Query) (repository.Page[api.User], error) {
	return repository.Page[api.User]{}, fmt.Errorf("read from this device: %w", queue.ErrUnavailable)
}

// unreachable is a directory that would have to ask a server that is away.
type unreachable struct{ Users }

func (unreachable) Get(context.Context, string) (repository.Record[api.User], error) {
	return repository.Record[api.User]{}, repository.ErrNotReachable
}
