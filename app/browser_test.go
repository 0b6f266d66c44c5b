package app

import (
	"context"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	stdsync "sync"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// The repository is what the pages are written for.
var (
	_ Users  = (*directory.Collection)(nil)
	_ Outbox = (*directory.Collection)(nil)
	_ Syncer = (*directory.Collection)(nil)
)

// browser is the pages over the real repository in memory, with a device and an
// engine of the test's.
type browser struct {
	t      *testing.T
	d      ui.ClientDispatcher
	root   *root
	device *screen
	store  *memory.Store
	users  *directory.Collection
	engine *memory.Bus
}

func open(t *testing.T, path string) *browser {
	t.Helper()
	channel := memory.NewChannel()
	b := &browser{
		t: t, store: memory.New(directory.Users), engine: channel.Bus(),
		device: &screen{online: true, promises: true, keepings: make(chan struct{}, 1), height: 720, row: usualRow, values: map[string]string{}, heights: map[string]float64{}},
	}
	b.users = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: b.store, Bus: channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString, NewOperationID: api.NewOperationID,
	})
	t.Cleanup(b.users.Close)
	b.start(Dependencies{Users: b.users, Outbox: b.users, Syncer: b.users, Device: b.device})
	b.status(sync.Status{Phase: sync.Success, Online: true, SyncedAt: time.Now()})
	b.visit(path)
	return b
}

// start loads the page.
func (b *browser) start(d Dependencies) {
	b.t.Helper()
	b.root = &root{s: newSession(d)}
	b.d = ui.NewClientTester(b.root)
	b.t.Cleanup(b.d.Close)
}

func (b *browser) visit(path string) {
	b.t.Helper()
	u, err := url.Parse("https://rollcall.test" + path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.d.Nav(u)
	b.settle()
}

func (b *browser) status(s sync.Status) {
	if s.At.IsZero() {
		s.At = time.Now()
	}
	b.engine.Publish(sync.Message{Kind: sync.StatusChanged, Status: &s})
}

func (b *browser) add(name, email string) (id string) {
	b.t.Helper()
	done, err := b.users.Create(b.t.Context(), api.UserPatch{Name: &name, Email: &email})
	if err != nil {
		b.t.Fatal(err)
	}
	return done.ID
}

// until lets the pages work until cond holds.
func (b *browser) until(what string, cond func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		b.d.Consume()
		if cond() {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("waited for %s; the page says:\n%s", what, text(b.root))
		}
	}
}

func (b *browser) untilText(want string) {
	b.t.Helper()
	b.until("the text "+want, func() bool { return strings.Contains(text(b.root), want) })
}

func (b *browser) untilGone(text1 string) {
	b.t.Helper()
	b.until("no more text "+text1, func() bool { return !strings.Contains(text(b.root), text1) })
}

// click runs what go-app has bound to the button or link of this name: the
// handler that survived its diff, not the one of the last render.
func (b *browser) click(name string) {
	b.t.Helper()
	var found ui.UI
	b.until("the button "+name, func() bool {
		found = nil
		walk(b.root, func(e ui.UI) {
			if found == nil && accessibleName(e) == name && handlerOf(e, "click") != nil {
				found = e
			}
		})
		return found != nil
	})
	b.fire(found, "click")
}

// fire runs the handler of an element's event.
func (b *browser) fire(e ui.UI, event string) {
	b.t.Helper()
	h := handlerOf(e, event)
	if h == nil {
		b.t.Fatalf("%s has no handler for %s", accessibleName(e), event)
	}
	b.d.Emit(e, func() { h(b.d.Context(), ui.Event{Value: ui.Window()}) })
	b.settle()
}

// settle renders, and what that asks for, a few times over: an update of a
// component begets one of its children, and that a deferred call.
func (b *browser) settle() {
	for range 4 {
		b.d.Consume()
	}
}

// byID finds a rendered element.
func (b *browser) byID(id string) ui.UI {
	b.t.Helper()
	var found ui.UI
	walk(b.root, func(e ui.UI) {
		if attribute(e, "id") == id {
			found = e
		}
	})
	if found == nil {
		b.t.Fatalf("there is no element %s", id)
	}
	return found
}

// has reports whether there is an element of this tag and name.
func (b *browser) has(tag, name string) bool {
	found := false
	walk(b.root, func(e ui.UI) {
		found = found || tagOf(e) == tag && accessibleName(e) == name
	})
	return found
}

// component finds the mounted component of type T.
func component[T ui.UI](b *browser) T {
	b.t.Helper()
	var found T
	ok := false
	walk(b.root, func(e ui.UI) {
		if c, is := e.(T); is {
			found, ok = c, true
		}
	})
	if !ok {
		b.t.Fatalf("there is no %T", found)
	}
	return found
}

// fill types into the open form.
func (b *browser) fill(values map[string]string) {
	b.t.Helper()
	form := component[*formDialog](b)
	for field, value := range values {
		b.d.Emit(form, func() { form.input(field, value) })
	}
	b.d.Consume()
}

func (b *browser) submit() {
	b.t.Helper()
	b.fire(formOf(b), "submit")
	b.closeDialogs()
}

// formOf is the form in the dialog.
func formOf(b *browser) ui.UI {
	b.t.Helper()
	var found ui.UI
	walk(component[*formDialog](b), func(e ui.UI) {
		if tagOf(e) == "form" {
			found = e
		}
	})
	return found
}

// closeDialogs does what the browser does after CloseModal: it says "close".
func (b *browser) closeDialogs() {
	b.t.Helper()
	for _, id := range b.device.takeClosed() {
		b.fire(b.byID(id), "close")
	}
}

// walk visits the mounted tree. go-app keeps it to itself, so this looks.
func walk(e ui.UI, visit func(ui.UI)) {
	visit(e)
	v := reflect.ValueOf(e).Elem()
	if f := v.FieldByName("children"); f.IsValid() {
		for _, child := range peek[[]ui.UI](f) {
			walk(child, visit)
		}
		return
	}
	if f := v.FieldByName("Compo"); f.IsValid() {
		if r := peek[ui.UI](f.FieldByName("root")); r != nil {
			walk(r, visit)
		}
	}
}

func peek[T any](v reflect.Value) T {
	return *(*T)(unsafe.Pointer(v.UnsafeAddr()))
}

func elementField(e ui.UI, name string) reflect.Value {
	return reflect.ValueOf(e).Elem().FieldByName(name)
}

func tagOf(e ui.UI) string {
	if f := elementField(e, "tag"); f.IsValid() {
		return f.String()
	}
	return ""
}

func attribute(e ui.UI, name string) string {
	f := elementField(e, "attributes")
	if !f.IsValid() || f.IsNil() {
		return ""
	}
	if v := f.MapIndex(reflect.ValueOf(name)); v.IsValid() {
		return v.String()
	}
	return ""
}

// boundHandler mirrors go-app's eventHandler.
type boundHandler struct {
	_, _      string // event and scope
	goHandler ui.EventHandler
	_         ui.Func // the same for JavaScript
	_         func()  // unbinds it
}

func handlerOf(e ui.UI, event string) ui.EventHandler {
	f := elementField(e, "eventHandlers")
	if !f.IsValid() || f.IsNil() {
		return nil
	}
	if got, want := f.Type().Elem().Size(), reflect.TypeFor[boundHandler]().Size(); got != want {
		panic("go-app's eventHandler is another one now")
	}
	return peek[map[string]boundHandler](f)[event].goHandler
}

func text(e ui.UI) string {
	var parts []string
	walk(e, func(e ui.UI) {
		if f := elementField(e, "value"); f.IsValid() && f.Kind() == reflect.String && f.String() != "" {
			parts = append(parts, f.String())
		}
	})
	return strings.Join(parts, "\n")
}

func accessibleName(e ui.UI) string {
	if label := attribute(e, "aria-label"); label != "" {
		return label
	}
	return text(e)
}

// screen is the device, with a scroll position that the test sets.
type screen struct {
	mu                       stdsync.Mutex
	online, waiting, applied bool
	top, height, row         float64
	values                   map[string]string
	heights                  map[string]float64
	focused                  string
	opened, closed           []string
	modal                    string // the id of the dialog that is open
	persisted, background    bool
	scrolls                  chan struct{}
	onlines                  chan struct{}
	storageState             StorageState
	saves                    int    // how many changes there are to save to a file
	file                     string // the chosen one
	keepings                 chan struct{}
	asked, tried             int
	guarded, promises, told  bool
	draft                    string
}

func (s *screen) Online() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.online
}

func (s *screen) setOnline(on bool) {
	s.mu.Lock()
	s.online = on
	s.mu.Unlock()
	s.onlines <- struct{}{}
}

func (s *screen) OnlineChanges(context.Context) <-chan struct{} {
	s.onlines = make(chan struct{}, 1)
	return s.onlines
}

func (s *screen) Storage(context.Context) (Storage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Storage{Used: 5_000_000, Quota: 1_000_000_000, Persisted: s.persisted, Asked: s.asked > 0}, nil
}

func (s *screen) AskPersist(context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.persisted = s.promises
	return s.promises, nil
}

// timesAsked is how often the browser was asked to keep the data.
func (s *screen) timesAsked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *screen) StorageState() StorageState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.storageState
}

func (s *screen) setKeeping(k StorageState) {
	s.mu.Lock()
	s.storageState = k
	s.mu.Unlock()
	select {
	case s.keepings <- struct{}{}:
	default: // one is unread; who reads it finds this
	}
}

func (s *screen) StorageStateChanges(context.Context) <-chan struct{} { return s.keepings }

func (s *screen) RetryStorage(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	s.storageState.Trouble = nil
}

func (s *screen) AcknowledgeLoss(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storageState.Lost, s.told = false, true
	return nil
}

func (s *screen) GuardLeaving(on bool)  { s.guarded = on }
func (s *screen) KeepDraft(text string) { s.draft = text }

func (s *screen) TakeDraft() string {
	text := s.draft
	s.draft = ""
	return text
}

func (s *screen) BackgroundSync(context.Context) (supported, registered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return true, s.background
}

func (s *screen) SetBackgroundSync(_ context.Context, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.background = on
	return nil
}

func (s *screen) Diagnostics(context.Context) []Diagnostic { return []Diagnostic{{"Client", "c1"}} }
func (s *screen) Focus(id string)                          { s.focused = id }
func (s *screen) ShowModal(id string)                      { s.opened, s.modal = append(s.opened, id), id }
func (s *screen) CloseModal(id string)                     { s.closed, s.modal = append(s.closed, id), "" }
func (s *screen) ModalOpen(id string) bool                 { return s.modal == id }
func (s *screen) SetValue(id, value string)                { s.values[id] = value }
func (s *screen) SetHeight(id string, height float64)      { s.heights[id] = height }
func (s *screen) UpdateWaiting() bool                      { return s.waiting }
func (s *screen) ApplyUpdate()                             { s.applied = true }
func (s *screen) SaveChanges(context.Context) (int, error) { return s.saves, nil }

func (s *screen) ReadFile(context.Context, string) ([]byte, error) { return []byte(s.file), nil }

func (s *screen) takeClosed() []string {
	closed := s.closed
	s.closed = nil
	return closed
}

func (s *screen) Viewport(id string) (top, height float64) {
	if id == firstRowID {
		return 0, s.row
	}
	return s.top, s.height
}

func (s *screen) ScrollTo(_ string, top float64) { s.top = top }

func (s *screen) Scrolls(context.Context, string) <-chan struct{} {
	s.scrolls = make(chan struct{}, 1)
	return s.scrolls
}

func (s *screen) scroll(top float64) {
	s.top = top
	s.scrolls <- struct{}{}
}
