package remote_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// parts are the parts of a program that works, until a test breaks one.
type parts struct {
	engine     sync.Config
	rest       *remote.REST
	collection repository.Config[api.User, api.UserPatch]
}

func newParts() *parts {
	store, channel := memory.New(directory.Users), memory.NewChannel()
	rest := &remote.REST{HTTP: network{}, Paths: directory.Paths, Dialect: remote.Rollcall, Now: time.Now}
	return &parts{
		rest: rest,
		engine: sync.Config{
			Store: store, Remote: rest, Locks: memory.NewLocks(), Bus: channel.Bus(), Schemas: []queue.Schema{directory.Users},
			Now: time.Now, Random: func() float64 { return 0.5 }, NewID: uuid.NewString,
		},
		collection: repository.Config[api.User, api.UserPatch]{
			Store: store, Bus: channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
			Now: time.Now, After: time.After, NewID: uuid.NewString,
		},
	}
}

// wire puts the parts together and returns what that panics with.
func (p *parts) wire() (mistake string) {
	defer func() {
		if r := recover(); r != nil {
			mistake = fmt.Sprint(r)
		}
	}()
	sync.New(p.engine)
	repository.New(p.collection).Close()
	return ""
}

func TestAWiringMistakeFailsAtNew(t *testing.T) {
	var noStore *memory.Store
	anyOf := func(json.RawMessage) (string, string) { return "", "" }
	tests := map[string]struct {
		mistake func(*parts)
		want    string
	}{
		"engine Store":         {func(p *parts) { p.engine.Store = nil }, "sync.New: Store is missing"},
		"engine nil Store":     {func(p *parts) { p.engine.Store = noStore }, "sync.New: Store is missing"},
		"engine Remote":        {func(p *parts) { p.engine.Remote = nil }, "Remote is missing"},
		"engine nil Remote":    {func(p *parts) { p.engine.Remote = (*remote.REST)(nil) }, "Remote is missing"},
		"engine Locks":         {func(p *parts) { p.engine.Locks = nil }, "Locks is missing"},
		"engine Bus":           {func(p *parts) { p.engine.Bus = nil }, "Bus is missing"},
		"engine Schemas":       {func(p *parts) { p.engine.Schemas = nil }, "Schemas is missing"},
		"engine Now":           {func(p *parts) { p.engine.Now = nil }, "Now is missing"},
		"engine Random":        {func(p *parts) { p.engine.Random = nil }, "Random is missing"},
		"engine NewID":         {func(p *parts) { p.engine.NewID = nil }, "NewID is missing"},
		"schema Type":          {func(p *parts) { p.engine.Schemas = []queue.Schema{{Fields: []string{"a"}, Index: anyOf}} }, "no Type"},
		"schema Fields":        {func(p *parts) { p.engine.Schemas[0].Fields = nil }, `"user" has no Fields`},
		"schema Index":         {func(p *parts) { p.engine.Schemas[0].Index = nil }, `Index of the Schema "user" is missing`},
		"two schemas":          {func(p *parts) { p.engine.Schemas = append(p.engine.Schemas, directory.Users) }, `two Schemas have the type "user"`},
		"HTTP":                 {func(p *parts) { p.rest.HTTP = nil }, "remote.REST.HTTP is missing"},
		"remote Now":           {func(p *parts) { p.rest.Now = nil }, "remote.REST.Now is missing"},
		"no path":              {func(p *parts) { p.rest.Paths = map[string]string{"note": "/notes"} }, `remote.REST.Paths has no "user"`},
		"a path":               {func(p *parts) { p.rest.Paths = map[string]string{"user": "users/"} }, `is "users/"`},
		"dialect":              {func(p *parts) { p.rest.Dialect = remote.Dialect{ClientDates: true} }, "needs Dialect.Updated"},
		"Server":               {func(p *parts) { p.engine.Remote = &remote.Server{} }, "remote.Server.HTTP is missing; remote.Server.Paths has no"},
		"Fallback":             {func(p *parts) { p.engine.Remote = &remote.Fallback{Plain: p.rest} }, "remote.Fallback.Batch is missing"},
		"Fallback's Plain":     {func(p *parts) { p.engine.Remote = &remote.Fallback{Batch: &remote.Server{}} }, "Plain is missing; remote.Server.HTTP"},
		"collection Store":     {func(p *parts) { p.collection.Store = nil }, "repository.New: Store is missing"},
		"collection Bus":       {func(p *parts) { p.collection.Bus = nil }, "Bus is missing"},
		"collection Now":       {func(p *parts) { p.collection.Now = nil }, "Now is missing"},
		"collection After":     {func(p *parts) { p.collection.After = nil }, "After is missing"},
		"collection NewID":     {func(p *parts) { p.collection.NewID = nil }, "NewID is missing"},
		"collection Schema":    {func(p *parts) { p.collection.Schema = queue.Schema{} }, "no Type"},
		"Clean":                {func(p *parts) { p.collection.Codec.Clean = nil }, "Codec.Clean is missing"},
		"Decode":               {func(p *parts) { p.collection.Codec.Decode = nil }, "Codec.Decode is missing"},
		"Encode":               {func(p *parts) { p.collection.Codec.Encode = nil }, "Codec.Encode is missing"},
		"Whole":                {func(p *parts) { p.collection.Codec.Whole = nil }, "Codec.Whole is missing"},
		"collection Remote":    {func(p *parts) { p.collection.Remote = (*remote.Server)(nil) }, "Remote is missing"},
		"two on one bus":       {func(p *parts) { p.collection.Bus = p.engine.Bus }, "end that the engine uses"},
		"several, all at once": {func(p *parts) { p.engine.Now, p.engine.NewID = nil, nil }, "Now is missing; NewID is missing"},
		"none":                 {func(*parts) {}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newParts()
			tt.mistake(p)
			if got := p.wire(); !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestAHostThatLacksAPartSaysSo(t *testing.T) {
	p := newParts()
	collection := repository.New(p.collection)
	defer collection.Close()
	host := &sync.Host{Engine: sync.New(p.engine), Bus: p.collection.Bus, Store: p.engine.Store, Name: sync.ByWorker}
	for name, run := range map[string]func() error{
		"Run":   func() error { return host.Run(context.Background()) },
		"Drain": func() error { _, err := host.Drain(context.Background(), sync.Manual); return err },
	} {
		err := run()
		for _, want := range []string{"sync.Host: Clock is missing", "Random is missing", "end that the collection uses"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not name %q", name, err, want)
			}
		}
	}
}
