//go:build js && wasm

package browser

import (
	"context"
	"errors"
	"syscall/js"
)

// Usage is the origin's storage usage and quota in bytes, and whether the browser has
// promised not to evict it under storage pressure.
type Usage struct {
	Used, Quota int64
	Persisted   bool
}

func storageManager() (js.Value, error) {
	s := global.Get("navigator").Get("storage")
	if !s.Truthy() {
		return s, errors.New("this browser does not report its storage")
	}
	return s, nil
}

// StorageUsage returns what the storage manager estimates.
func StorageUsage(ctx context.Context) (Usage, error) {
	s, err := storageManager()
	if err != nil {
		return Usage{}, err
	}
	estimate, err := Await(ctx, s.Call("estimate"))
	if err != nil {
		return Usage{}, err
	}
	persisted, err := Await(ctx, s.Call("persisted"))
	if err != nil {
		return Usage{}, err
	}
	return Usage{
		Used: int64(number(estimate.Get("usage"))), Quota: int64(number(estimate.Get("quota"))), Persisted: persisted.Bool(),
	}, nil
}

func number(v js.Value) float64 {
	if v.Type() != js.TypeNumber {
		return 0
	}
	return v.Float()
}

// Persist asks the browser not to evict the origin's storage, and returns whether it
// promised so.
func Persist(ctx context.Context) (bool, error) {
	s, err := storageManager()
	if err != nil {
		return false, err
	}
	granted, err := Await(ctx, s.Call("persist"))
	if err != nil {
		return false, err
	}
	return granted.Bool(), nil
}
