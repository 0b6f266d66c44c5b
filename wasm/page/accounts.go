//go:build js && wasm

package page

import (
	"context"
	"errors"
	"syscall/js"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/app"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/signin"
)

// account is the object rollcallAccount of account.js.
func account() js.Value { return js.Global().Get("rollcallAccount") }

// accounts is app.Accounts. Its account is whose data this page shows.
type accounts struct {
	signin.Server
	own api.Identity
}

func newAccounts() *accounts {
	a := &accounts{Server: signin.Server{HTTP: browser.Fetch{}, Sign: sign}}
	// What can't be read is nobody: the server says who it is.
	a.own, _ = jsoncodec.Parse([]byte(account().Get("text").String()), api.ReadIdentity)
	return a
}

func passkeys() js.Value { return js.Global().Get("rollcallPasskeys") }

func sign(ctx context.Context, how signin.How, options []byte) ([]byte, error) {
	method := "get"
	if how == signin.Create {
		method = "create"
	}
	answer, err := browser.Await(ctx, passkeys().Call(method, string(options), how == signin.Suggest))
	if err != nil {
		return nil, err
	}
	return []byte(answer.String()), nil
}

func (a *accounts) HasPasskeys() bool { return passkeys().Truthy() && passkeys().Get("offered").Bool() }

func (a *accounts) Fill(element string, part app.Part, id string, host app.Host) {
	place, ok := browser.Element(element)
	if !ok {
		return // the page has gone on
	}
	say := js.FuncOf(func(_ js.Value, args []js.Value) any {
		host.Say(args[0].String(), args[1].Bool())
		return nil
	})
	ask := js.FuncOf(func(_ js.Value, args []js.Value) any {
		act := args[3]
		host.Ask(args[0].String(), args[1].String(), args[2].String(), func() { act.Invoke() }, args[4].String())
		return nil
	})
	sync := js.FuncOf(func(js.Value, []js.Value) any {
		host.Sync()
		return nil
	})
	offer := js.FuncOf(func(_ js.Value, args []js.Value) any {
		act, dismissed := args[3], args[4]
		host.Offer(args[0].String(), args[1].String(), args[2].String(), func() { act.Invoke() }, func() { dismissed.Invoke() })
		return nil
	})
	// They are never released: the script may call them long after the page was left.
	shell().Call("manage", place, string(part), id, map[string]any{"say": say, "ask": ask, "sync": sync, "offer": offer, "role": a.own.Role})
}

func (a *accounts) Account() api.Identity { return a.own }

func (a *accounts) Used() bool { return shell().Get("seen").Bool() }

func (a *accounts) Become(other api.Identity) (shown bool, err error) {
	text := string(jsoncodec.Write(other.WriteJSON))
	if other.ID != a.own.ID {
		if !account().Call("become", text).Bool() {
			err = errors.New("this browser can't remember who you are: it stores nothing for this site, or has no room left")
		}
		return false, err
	}
	if other != a.own {
		account().Call("remember", text)
		a.own = other
	}
	return true, nil
}

func (a *accounts) Leave(how app.Leaving) { account().Call("leave", string(how)) }

func (a *accounts) Device() string { return account().Get("device").String() }

// Link is what follows the "#", so that no server's log has it.
func (a *accounts) Link() string {
	if hash := js.Global().Get("location").Get("hash").String(); hash != "" {
		return hash[1:]
	}
	return ""
}

func (a *accounts) GoTo(address string) { js.Global().Get("location").Call("assign", address) }

// Nobodys reads what nobody made here, and who takes it over.
func (a *accounts) Nobodys(ctx context.Context) (found app.Nobodys, err error) {
	if found.N, found.File, err = readNobodys(ctx); err != nil || found.N == 0 {
		return app.Nobodys{}, err
	}
	err = withNobodys(ctx, func(store repository.Store) error {
		taker, whole, err := repository.Taking(ctx, store)
		found.Begun = taker == a.own.ID
		found.Whole = found.Begun && whole
		if err == nil && taker != "" && !found.Begun {
			err = repository.ErrTaken
		}
		return err
	})
	return found, err
}

func (a *accounts) TakeNobodys(ctx context.Context) ([]byte, error) {
	return freezeNobodys(ctx, a.own.ID)
}

// freezeNobodys returns nobody's changes once they are frozen.
func freezeNobodys(ctx context.Context, taker string) (file []byte, err error) {
	err = withNobodys(ctx, func(store repository.Store) error { return repository.Freeze(ctx, store, taker) })
	if err == nil {
		_, file, err = readNobodys(ctx)
	}
	return file, err
}

// withNobodys uses nobody's data.
func withNobodys(ctx context.Context, use func(repository.Store) error) error {
	store, err := idb.Open(ctx, idb.Options{
		Name: directory.Nobodys, Schemas: []queue.Schema{directory.Users},
		Channel: browser.OpenChannel(directory.Nobodys), Deadline: storageDeadline, MustExist: true,
	})
	if err != nil {
		return err
	}
	defer store.Close()
	return use(store)
}

func readNobodys(ctx context.Context) (n int, file []byte, err error) {
	saved, err := browser.Await(ctx, shell().Call("readChanges", directory.Nobodys))
	if err != nil {
		return 0, nil, err
	}
	return saved.Get("count").Int(), []byte(saved.Get("file").String()), nil
}

func (a *accounts) SaveNobodys(ctx context.Context) ([]byte, error) {
	file, err := freezeNobodys(ctx, "")
	if err == nil {
		_, err = browser.Await(ctx, shell().Call("saveChanges", directory.Nobodys))
	}
	return file, err
}

func (a *accounts) DropNobodys(keepDrafts bool) { account().Call("drop", keepDrafts) }
