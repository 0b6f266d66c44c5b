//go:build js && wasm

// Command rollcall is Rollcall as a contender of bench/client: the product's own store,
// repository and engine, wired as wasm/page and wasm/worker wire them. See contenders/README.md
// for what each method does.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall/js"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/browser"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/health"
	"github.com/rollcall/rollcall/wasm/idb"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// patience is longer than the page's deadline: all of 100,000 rows are read at once.
const patience = 10 * time.Minute

type contender struct {
	name     string
	store    *idb.Store
	asks     chan struct{} // for a background sync
	users    *directory.Collection
	prepared []api.Change
	all      repository.Page[api.User] // what readAll has read stays, as the list's window does
}

func main() {
	debug.SetMemoryLimit(44 << 20) // as wasm/program does for a page
	c := &contender{}
	methods := map[string]any{}
	for name, f := range map[string]func(args []js.Value) (any, error){
		"open": c.open, "close": c.close, "create": c.create, "prepare": c.prepare, "load": c.load,
		"readAll": c.readAll, "get": c.get, "page": c.page, "watch": c.watch, "pull": c.pull, "push": c.push,
	} {
		methods[name] = js.FuncOf(func(_ js.Value, args []js.Value) any {
			return promise(func() (any, error) { return f(args) })
		})
	}
	js.Global().Set("rollcallContender", methods)
	js.Global().Call("rollcallReady")
	select {}
}

// promise is browser.Promise with a value.
func promise(f func() (any, error)) js.Value {
	var result any
	settled := browser.Promise(func() (err error) {
		result, err = f()
		return err
	})
	var then js.Func
	then = js.FuncOf(func(js.Value, []js.Value) any {
		then.Release()
		return result
	})
	return settled.Call("then", then)
}

func (c *contender) open(args []js.Value) (any, error) {
	name := args[0].Get("database").String()
	c.asks = make(chan struct{}, 1)
	c.name = name
	channel := c.channel()
	store, err := idb.Open(context.Background(), idb.Options{
		Name: name, Schemas: []queue.Schema{directory.Users}, Channel: channel, Deadline: patience,
	})
	if err != nil {
		return nil, err
	}
	c.store = store
	c.users = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: health.New(time.After).Wrap(store), Bus: channel, Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString, NewOperationID: api.NewOperationID,
		OnEnqueued: func() { sync.TrySend(c.asks, struct{}{}) },
	})
	go c.background()
	return nil, nil
}

// background is the page's, which reads the setting after each write, without the
// registration: there is no service worker.
func (c *contender) background() {
	for range c.asks {
		_, _ = c.store.Meta(context.Background(), "background") // what counts is that it is read
	}
}

func (c *contender) channel() *browser.Channel { return browser.OpenChannel("rollcall-" + c.name) }

func (c *contender) close([]js.Value) (any, error) {
	c.users.Close()
	close(c.asks)
	c.store.Close()
	return nil, nil
}

func (c *contender) create(args []js.Value) (any, error) {
	p := args[0]
	name, email, bio := p.Get("name").String(), p.Get("email").String(), p.Get("bio").String()
	_, err := c.users.CreateAs(context.Background(), p.Get("id").String(), api.UserPatch{Name: &name, Email: &email, Bio: &bio})
	return nil, err
}

// prepare makes of people what a round has when it has decoded a page of the feed.
func (c *contender) prepare(args []js.Value) (any, error) {
	text := js.Global().Get("JSON").Call("stringify", args[0]).String()
	var documents []json.RawMessage
	if err := json.Unmarshal([]byte(text), &documents); err != nil {
		return nil, err
	}
	c.prepared = make([]api.Change, len(documents))
	for i, d := range documents {
		var head struct {
			ID        string    `json:"id"`
			UpdatedAt time.Time `json:"updatedAt"`
		}
		if err := json.Unmarshal(d, &head); err != nil {
			return nil, err
		}
		c.prepared[i] = api.Change{
			EntityType: api.EntityUser, EntityID: head.ID, Version: 1, Stamp: api.NewStamp(head.UpdatedAt, "", "00000000"),
			Document: append(d[:len(d)-1:len(d)-1], `,"version":1}`...),
		}
	}
	keys := map[string]queue.Key{}
	for _, p := range c.prepared {
		sort, _ := directory.Users.Index(p.Document)
		keys[p.EntityID] = queue.Key{Sort: sort, ID: p.EntityID}
	}
	slices.SortFunc(c.prepared, func(a, b api.Change) int { return keys[a.EntityID].Compare(keys[b.EntityID]) }) // as the server lists them
	return nil, nil
}

// load saves what was prepared as a round that reads the feed from its beginning does.
func (c *contender) load([]js.Value) (any, error) {
	ctx := context.Background()
	fence, err := c.store.BeginRound(ctx)
	if err != nil {
		return nil, err
	}
	for at := 0; at < len(c.prepared); at += sync.PageSize {
		end := min(at+sync.PageSize, len(c.prepared))
		_, err := c.store.ApplyPage(ctx, sync.Page{
			Changes: c.prepared[at:end], Fence: fence, Generation: 1, Resync: true,
			Meta: map[string]string{
				sync.MetaCursor: strconv.Itoa(end), sync.MetaGeneration: "1", sync.MetaResync: "first", sync.MetaArrived: strconv.Itoa(end),
			},
		})
		if err != nil {
			return nil, err
		}
	}
	c.prepared = nil
	return nil, c.tidy()
}

// tidy moves the log into the base, as a host does when its round has ended.
func (c *contender) tidy() error {
	for {
		if more, err := c.store.Tidy(context.Background()); err != nil || !more {
			return err
		}
	}
}

func (c *contender) readAll([]js.Value) (any, error) {
	var err error
	c.all, err = c.users.List(context.Background(), repository.Query{Limit: 1 << 30})
	return c.all.Records.Len(), err
}

func (c *contender) get(args []js.Value) (any, error) {
	r, err := c.users.Get(context.Background(), args[0].String())
	return map[string]any{"name": r.Value.Name}, err
}

// page returns the names in one string: a value for each would be asked for one by one.
func (c *contender) page(args []js.Value) (any, error) {
	page, err := c.users.List(context.Background(), repository.Query{Skip: args[0].Int(), Limit: args[1].Int()})
	if err != nil {
		return nil, err
	}
	names := make([]string, page.Records.Len())
	for i, r := range page.Records.All() {
		names[i] = r.Value.Name
	}
	return js.Global().Call("rollcallRows", strings.Join(names, "\n")), nil
}

func (c *contender) watch(args []js.Value) (any, error) {
	limit, callback := args[0].Int(), args[1]
	go func() {
		for l := range c.users.WatchList(context.Background(), repository.Query{Limit: limit}) {
			ids := map[string]bool{}
			for _, r := range l.Page.Records.All() {
				ids[r.ID] = true
			}
			has := js.FuncOf(func(_ js.Value, args []js.Value) any { return ids[args[0].String()] })
			callback.Invoke(has)
			has.Release()
		}
	}()
	return nil, nil
}

// engine makes one as wasm/worker does.
func (c *contender) engine(with func(sync.Remote) sync.Remote) *sync.Engine {
	http := &remote.Decoded{HTTP: browser.Fetch{}}
	server := &remote.Server{HTTP: http, Paths: directory.Paths, Fresh: uuid.NewString}
	plain := &remote.REST{HTTP: http, Paths: directory.Paths, Dialect: remote.Rollcall, Now: time.Now}
	incidents := &sync.IncidentLog{Store: c.store, Writer: sync.ByPage, Now: time.Now}
	bus := c.channel() // of its own, so that the collection receives its messages
	engine := sync.New(sync.Config{
		Store: c.store, Remote: with(&remote.Fallback{Batch: server, Plain: plain}),
		Locks: sync.RoundLocks(browser.WebLocks{}, bus, browser.Clock{}, incidents), Bus: bus,
		Schemas: []queue.Schema{directory.Users}, Now: time.Now, Random: rand.Float64, NewID: uuid.NewString,
	})
	server.Observe, plain.Observe = engine.ObserveClock, engine.ObserveClock
	return engine
}

func (c *contender) pull([]js.Value) (any, error) {
	engine := c.engine(func(r sync.Remote) sync.Remote { return r })
	for more := true; more; {
		report, err := engine.Round(context.Background(), sync.Start)
		if err != nil {
			return nil, err
		}
		more = report.More
	}
	return nil, c.tidy()
}

// beginsToPull is a remote that tells when a round has pushed all and begins to pull.
type beginsToPull struct {
	sync.Remote
	begun chan struct{}
}

func (b beginsToPull) Pull(ctx context.Context, cursor string, limit int) (api.ChangePage, error) {
	sync.TrySend(b.begun, struct{}{})
	return b.Remote.Pull(ctx, cursor, limit)
}

// push resolves when the last answer is saved, before the round reads the feed.
func (c *contender) push([]js.Value) (any, error) {
	begun, failed := make(chan struct{}, 1), make(chan error, 1)
	engine := c.engine(func(r sync.Remote) sync.Remote { return beginsToPull{r, begun} })
	go func() {
		if _, err := engine.Round(context.Background(), sync.Start); err != nil {
			failed <- err
		}
	}()
	select {
	case err := <-failed:
		return nil, err
	case <-begun:
	}
	counts, err := c.store.Counts(context.Background())
	if err == nil && counts.Waiting > 0 {
		err = fmt.Errorf("%d operations wait", counts.Waiting)
	}
	return nil, err
}
