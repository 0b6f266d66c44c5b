//go:build js && wasm

package browser

import (
	"context"
	"errors"
	"syscall/js"
)

// Usage is how much the origin's storage takes and may take, in bytes, and
// whether the browser promised not to clear it under pressure.
type Usage struct {
	Used, Quota int64
	Persisted   bool
}

func storageManager() (js.Value, error) {
	s := global.Get("navigator").Get("storage")
	if !s.Truthy() {
		return s, errors.New("this browser does not tell about its storage")
	}
	return s, nil
}

// StorageUsage asks the storage manager.
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

// Persist asks the browser to promise to keep the origin's storage.
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
