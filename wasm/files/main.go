//go:build js && wasm

// Command files is a program beside the app's, compiled to files.wasm: it reads and writes files of
// people, in a dedicated worker of its own that a page starts when somebody imports or exports. To
// the others it is one more tab. web/filesworker.js starts it, and passes calls on.
package main

import (
	"context"
	"encoding/json"
	"runtime/debug"
	"syscall/js"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/transfer"
)

// The heap grows to memory, and perByte for each of a file's, before garbage is collected earlier. A plan takes
// about twenty times its file; within less than that, collecting would take all the time.
const (
	memory  = 96 << 20
	perByte = 40
)

func main() {
	debug.SetMemoryLimit(memory)
	names := directory.NamesOf(js.Global().Get("rollcallAccount").Get("id").String())
	session := newSession(names)
	calls := make(chan call)
	js.Global().Set("rollcallFiles", js.FuncOf(func(_ js.Value, args []js.Value) any {
		c := call{number: args[0].Int(), name: args[1].String(), arg: []byte(args[2].String())}
		if file := args[3]; file.Truthy() {
			c.file = make([]byte, file.Length())
			js.CopyBytesToGo(c.file, file)
			debug.SetMemoryLimit(memory + perByte*int64(len(c.file)))
		}
		if c.name == "cancel" {
			session.Cancel()
			return nil
		}
		go func() { calls <- c }()
		return nil
	}))
	js.Global().Call("rollcallReady")
	for c := range calls {
		c.serve(session)
	}
}

// newSession opens the data of an account as another tab does.
func newSession(names directory.Names) *transfer.Session {
	bus := browser.OpenChannel(names.Channel)
	options := idb.Options{Name: names.Database, Schemas: []queue.Schema{directory.Users}, Channel: bus}
	store := idb.New(options)
	users := repository.New(repository.Config[api.User, api.UserPatch]{
		Store: store, Bus: bus, Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString, NewOperationID: api.NewOperationID,
	})
	options.Channel = nil
	return &transfer.Session{
		Device: &transfer.Device{
			Users: users, Meta: store.Meta, Keep: transfer.Beside{Database: idb.NewDatabase(options)},
			Locks: browser.WebLocks{Suffix: names.Suffix}, Now: time.Now, NewID: uuid.NewString,
		},
		Progress: func(done, of int) {
			_, _ = browser.Await(context.Background(), js.Global().Call("rollcallProgress", done, of)) // it is never rejected
		},
	}
}

type call struct {
	number int
	name   string
	arg    []byte
	file   []byte
}

// serve answers by rollcallAnswer(number, failure, answer, bytes).
func (c call) serve(session *transfer.Session) {
	answer, out, err := session.Call(context.Background(), c.name, c.arg, c.file)
	text, encoding := json.Marshal(answer)
	if err == nil {
		err = encoding
	}
	if err != nil {
		js.Global().Call("rollcallAnswer", c.number, err.Error(), nil, nil)
		return
	}
	bytes := js.Null()
	if out != nil {
		bytes = js.Global().Get("Uint8Array").New(len(out))
		js.CopyBytesToJS(bytes, out)
	}
	js.Global().Call("rollcallAnswer", c.number, nil, string(text), bytes)
}
