//go:build js && wasm

package page

import (
	"context"
	"errors"

	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// changesFile is app.ChangesFile.
type changesFile struct{ store repository.Store }

// SaveChanges freezes what it saves: the file may be taken in elsewhere.
func (f changesFile) SaveChanges(ctx context.Context) (int, error) {
	if err := repository.Freeze(ctx, f.store, ""); err != nil {
		return 0, err
	}
	n, err := browser.Await(ctx, shell().Call("saveChanges"))
	if err != nil {
		return 0, err
	}
	return n.Int(), nil
}

func (changesFile) ReadFile(ctx context.Context, id string) ([]byte, error) {
	input, ok := browser.Element(id)
	if !ok || input.Get("files").Length() == 0 {
		return nil, errors.New("no file was chosen")
	}
	file := input.Get("files").Index(0)
	if file.Get("size").Float() > queue.MaxSavedBytes {
		return nil, errors.New("the file is too large to be one of saved changes")
	}
	text, err := browser.Await(ctx, file.Call("text"))
	input.Set("value", "") // the same file can be chosen again
	if err != nil {
		return nil, err
	}
	return []byte(text.String()), nil
}
