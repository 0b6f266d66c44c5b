//go:build js && wasm

package page

import (
	"context"
	"syscall/js"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/app"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// shell is the object rollcall of boot.js.
func shell() js.Value { return js.Global().Get("rollcall") }

// updates is app.Updates.
type updates struct{}

func (updates) UpdateWaiting() bool { return shell().Call("updateWaiting").Bool() }
func (updates) ApplyUpdate()        { shell().Call("applyUpdate") }

// installation is app.Installation.
type installation struct{}

func (installation) Way() app.InstallWay { return app.InstallWay(shell().Call("installWay").String()) }
func (installation) Wanted() bool        { return shell().Call("installWanted").Bool() }
func (installation) Saved()              { shell().Call("saved") }
func (installation) Decline()            { shell().Call("declineInstall") }
func (installation) Badge(n int)         { browser.Badge(n) }

// unsaved is app.Unsaved, over the object rollcallDrafts of drafts.js.
type unsaved struct{ guard browser.UnloadGuard }

func drafts() js.Value { return js.Global().Get("rollcallDrafts") }

func (u *unsaved) GuardLeaving(on bool) { u.guard.Set(on) }

func (u *unsaved) KeepDraft(key, text string) bool { return drafts().Call("keep", key, text).Bool() }
func (u *unsaved) ReleaseDraft(key string)         { drafts().Call("release", key) }
func (u *unsaved) DropDraft(key string)            { drafts().Call("drop", key) }
func (u *unsaved) ResumeDraft(key string)          { drafts().Call("resume", key) }
func (u *unsaved) TakeResumed() string             { return drafts().Call("takeResumed").String() }

func (u *unsaved) Drafts(ctx context.Context) map[string]string {
	if list, err := browser.Await(ctx, drafts().Call("list")); err == nil {
		r := jsoncodec.NewReader([]byte(list.String()))
		return jsoncodec.Map(r, (*jsoncodec.Reader).String) // what can't be read is not there
	}
	return nil
}

func (u *unsaved) Hides(ctx context.Context) <-chan struct{} {
	hides := make(chan struct{}, 1)
	context.AfterFunc(ctx, browser.OnHidden(func() { sync.TrySend(hides, struct{}{}) }))
	return hides
}

// presses is app.Presses.
type presses struct{}

func (presses) Pressed() bool { return script().Call("pressed").Bool() }

// preview is app.Preview, over the list rollcallNames of names.js.
type preview struct{}

func (preview) People() []api.User {
	names := js.Global().Get("rollcallNames")
	if !names.Truthy() {
		return nil // the script did not come
	}
	people := make([]api.User, names.Length())
	for i := range people {
		of := func(field string) string { return names.Index(i).Get(field).String() }
		people[i] = api.User{ID: of("id"), Name: of("name"), Email: of("email")}
	}
	return people
}

// offerPeople has the scripts find people by their names: rollcall.find(text, give) gives the first
// few who match, as JSON.
func offerPeople(ctx context.Context, users *directory.Collection) {
	shell().Set("find", js.FuncOf(func(_ js.Value, args []js.Value) any {
		search, give := args[0].String(), args[1]
		go func() {
			page, err := users.List(ctx, repository.Query{Search: search, Limit: 6})
			if err != nil {
				return // the list itself says what fails
			}
			give.Invoke(string(jsoncodec.Write(func(w *jsoncodec.Writer) {
				w.Open('[')
				for _, r := range page.Records.All() {
					r.Value.WriteJSON(w.Element())
				}
				w.Close(']')
			})))
		}()
		return nil
	}))
}
