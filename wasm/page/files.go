//go:build js && wasm

package page

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// freezeTime bounds how long a person waits for that, who has pressed a button.
const freezeTime = 2 * time.Second

// changesFile is app.ChangesFile.
type changesFile struct{ store repository.Store }

// SaveChanges freezes what it saves, if it can: the file may be taken in elsewhere. Where the storage can't be
// used any more, the file is all that is left.
func (f changesFile) SaveChanges(ctx context.Context) (int, error) {
	freezing, cancel := context.WithTimeout(ctx, freezeTime)
	defer cancel()
	_ = repository.Freeze(freezing, f.store, "")
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
