package app

import (
	"context"
	"fmt"
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
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The repository implements the pages' interfaces.
var (
	_ Users  = (*directory.Collection)(nil)
	_ Outbox = (*directory.Collection)(nil)
	_ Syncer = (*directory.Collection)(nil)
)

// browser runs the pages over the real repository in memory, with the test's device and
// engine.
type browser struct {
	t      testing.TB
	d      ui.ClientDispatcher
	root   *root
	device *device
	store  *memory.Store
	users  *directory.Collection
	engine *memory.Bus
	wentTo string // the page that the app has led to
}

func open(t testing.TB, path string) *browser {
	t.Helper()
	return openPrepared(t, path, func(*device) {})
}

func openPrepared(t testing.TB, path string, prepare func(*device)) *browser {
	t.Helper()
	channel := memory.NewChannel()
	b := &browser{
		t: t, store: memory.New(directory.Users), engine: channel.Bus(),
		device: &device{online: true, promises: true, storageStates: make(chan struct{}, 1), height: 720, row: defaultRowHeight, values: map[string]string{}, drafts: map[string]string{}, mine: map[string]bool{}, heights: map[string]float64{}},
	}
	b.users = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: b.store, Bus: channel.Bus(), Schema: directory.Users, Codec: directory.Codec,
		Now: time.Now, After: time.After, NewID: uuid.NewString, NewOperationID: api.NewOperationID,
	})
	t.Cleanup(b.users.Close)
	prepare(b.device)
	b.start(dependencies(b.users, b.device))
	b.status(sync.Status{Phase: sync.Success, Online: true, SyncedAt: time.Now()})
	b.visit(path)
	return b
}

func dependencies(users *directory.Collection, d *device) Dependencies {
	return Dependencies{
		Users: users, Outbox: users, Syncer: users,
		Network: d, Accounts: &d.people, StorageHealth: d, StorageManager: d, BackgroundSync: d, Diagnostics: d,
		Installation: d, Updates: d, ChangesFile: d, Unsaved: d, Elements: d, Dialogs: d, Layout: d, Presses: d, Preview: d,
	}
}

// start loads the page.
func (b *browser) start(d Dependencies) {
	b.t.Helper()
	b.root = &root{s: newSession(d)}
	b.root.s.goTo = func(path string) { b.wentTo = path }
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

func (b *browser) untilGone(unwanted string) {
	b.t.Helper()
	b.until("no more text "+unwanted, func() bool { return !strings.Contains(text(b.root), unwanted) })
}

// click runs the handler that go-app bound to the button or link of this name: the one
// that survived its diff, not that of the last render.
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
	// As in a browser, the context is the element's, and ends with it.
	b.d.Dispatch(ui.Dispatch{Mode: ui.Update, Source: e, Function: func(ctx ui.Context) { h(ctx, ui.Event{Value: ui.Window()}) }})
	b.settle()
}

// settle renders several times: an update of a component causes one of its children,
// and that a deferred call.
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
		b.device.values[inputID(field)] = value
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

// closeDialogs fires "close", as the browser does after CloseModal.
func (b *browser) closeDialogs() {
	b.t.Helper()
	for _, id := range b.device.takeClosed() {
		b.fire(b.byID(id), "close")
	}
}

// walk visits the mounted tree.
func walk(e ui.UI, visit func(ui.UI)) {
	visit(e)
	for _, child := range childrenOf(e) {
		walk(child, visit)
	}
}

// childrenOf are an element's or a component's, which go-app does not export.
func childrenOf(e ui.UI) []ui.UI {
	v := reflect.ValueOf(e).Elem()
	if e.Kind() == ui.RawHTML {
		return []ui.UI{parsed(e)}
	}
	if f := v.FieldByName("children"); f.IsValid() {
		return peek[[]ui.UI](f)
	}
	if f := v.FieldByName("Compo"); f.IsValid() {
		if r := peek[ui.UI](f.FieldByName("root")); r != nil {
			return []ui.UI{r}
		}
	}
	return nil
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

// markup is an element, or a text, of what go-app takes for raw HTML, UI. Its fields have the
// names of go-app's.
type markup struct {
	ui.UI
	tag, value    string
	attributes    map[string]string
	eventHandlers map[string]boundHandler
	children      []ui.UI
}

func (*markup) Kind() ui.Kind { return ui.HTML }

// parsed is the element that the browser makes of raw HTML. Its buttons are pressed as
// those of the list that it is in.
func parsed(raw ui.UI) ui.UI {
	nodes, err := html.ParseFragment(strings.NewReader(peek[string](elementField(raw, "value"))), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil || len(nodes) != 1 {
		panic(fmt.Sprintf("raw HTML is %d elements: %v", len(nodes), err))
	}
	list, _ := ancestor[*usersPage](raw)
	return markupOf(raw, nodes[0], list)
}

func markupOf(raw ui.UI, n *html.Node, list *usersPage) *markup {
	m := &markup{UI: raw, attributes: map[string]string{}}
	if n.Type == html.TextNode {
		m.value = n.Data
		return m
	}
	m.tag = n.Data
	for _, a := range n.Attr {
		m.attributes[a.Key] = a.Val
	}
	if list != nil && m.tag == "button" {
		m.eventHandlers = map[string]boundHandler{"click": {goHandler: func(ui.Context, ui.Event) { list.press(m.attributes["id"], false) }}}
	}
	for child := range n.ChildNodes() {
		m.children = append(m.children, markupOf(raw, child, list))
	}
	return m
}

// ancestor finds the nearest component of type T that e is in.
func ancestor[T ui.UI](e ui.UI) (found T, ok bool) {
	for !ok && e != nil {
		if compo := elementField(e, "Compo"); compo.IsValid() {
			e = peek[ui.UI](compo.FieldByName("parentElem"))
		} else if parent := elementField(e, "parent"); parent.IsValid() {
			e = peek[ui.UI](parent)
		} else {
			e = peek[ui.UI](elementField(e, "parentElem"))
		}
		found, ok = e.(T)
	}
	return found, ok
}

// text is what an element reads, each text on a line of its own, except within a sentence.
func text(e ui.UI) string {
	var b strings.Builder
	walk(e, func(e ui.UI) {
		f := elementField(e, "value")
		if e.Kind() == ui.RawHTML || !f.IsValid() || f.Kind() != reflect.String || f.String() == "" {
			return
		}
		if said := b.String(); said != "" && !strings.HasSuffix(said, " ") && !strings.HasPrefix(f.String(), " ") {
			b.WriteByte('\n')
		}
		b.WriteString(f.String())
	})
	return b.String()
}

func accessibleName(e ui.UI) string {
	if label := attribute(e, "aria-label"); label != "" {
		return label
	}
	return text(e)
}

// device fakes the browser behind the pages.
type device struct {
	mu                              stdsync.Mutex
	online, waiting, applied        bool
	top, height, row                float64
	values                          map[string]string
	heights                         map[string]float64
	focused                         string
	opened, closed                  []string
	modal                           string // the id of the dialog that is open
	persisted, background           bool
	scrolls                         chan struct{}
	onlines                         chan struct{}
	storageState                    StorageState
	storageStates                   chan struct{}
	asked, tried, signIns           int
	guarded, promises, acknowledged bool
	saved                           int    // how many changes there are to save to a file
	file                            string // the chosen one
	drafts                          map[string]string
	mine                            map[string]bool // drafts of the open tab
	noDrafts                        bool
	resumed                         string
	hides                           chan struct{}
	pressed                         bool
	place, undo                     string
	exported                        []string
	revealed                        string
	preview                         []api.User
	polled                          int
	people                          people
	app                             installed
}

// installed fakes what the browser has of an installed app.
type installed struct {
	way             InstallWay
	saved, declined bool
	badge           int
}

func (d *device) Way() InstallWay { return d.app.way }
func (d *device) Wanted() bool    { return d.app.saved && !d.app.declined }
func (d *device) Saved()          { d.app.saved = true }
func (d *device) Decline()        { d.app.declined = true }
func (d *device) Badge(n int)     { d.app.badge = n }

func (d *device) SignIn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.signIns++
}

func (d *device) Online() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.online
}

func (d *device) setOnline(on bool) {
	d.mu.Lock()
	d.online = on
	d.mu.Unlock()
	d.onlines <- struct{}{}
}

func (d *device) OnlineChanges(context.Context) <-chan struct{} {
	d.onlines = make(chan struct{}, 1)
	return d.onlines
}

func (d *device) StorageUsage(context.Context) (StorageUsage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return StorageUsage{Used: 5_000_000, Quota: 1_000_000_000, Persisted: d.persisted, Asked: d.asked > 0}, nil
}

func (d *device) RequestPersist(context.Context) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	d.persisted = d.promises
	return d.promises, nil
}

// timesAsked is how often the browser was asked to keep the data.
func (d *device) timesAsked() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

func (d *device) StorageState() StorageState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.storageState
}

func (d *device) setStorageState(state StorageState) {
	d.mu.Lock()
	d.storageState = state
	d.mu.Unlock()
	select {
	case d.storageStates <- struct{}{}:
	default: // one is unread
	}
}

func (d *device) StorageStateChanges(context.Context) <-chan struct{} { return d.storageStates }

func (d *device) RetryStorage(context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tried++
	d.storageState.Trouble = nil
}

func (d *device) AcknowledgeLoss(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.storageState.Lost, d.acknowledged = false, true
	return nil
}

func (d *device) GuardLeaving(on bool) { d.guarded = on }

func (d *device) KeepDraft(key, text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noDrafts {
		return false
	}
	d.drafts[key], d.mine[key] = text, true
	return true
}

func (d *device) ReleaseDraft(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.mine, key)
}

func (d *device) DropDraft(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.drafts, key)
	delete(d.mine, key)
}

func (d *device) Drafts(context.Context) map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	free := map[string]string{}
	for key, text := range d.drafts {
		if !d.mine[key] {
			free[key] = text
		}
	}
	return free
}

// crash ends the tab: what belonged to it is free.
func (d *device) crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.mine)
	d.opened, d.closed, d.modal = nil, nil, ""
}

func (d *device) ResumeDraft(key string) { d.resumed = key }

func (d *device) TakeResumed() string {
	key := d.resumed
	d.resumed = ""
	return key
}

func (d *device) Hides(context.Context) <-chan struct{} {
	d.hides = make(chan struct{}, 1)
	return d.hides
}

func (d *device) Value(id string) (string, bool) {
	value, ok := d.values[id]
	return value, ok
}

func (d *device) BackgroundSync(context.Context) (supported, registered bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return true, d.background
}

func (d *device) SetBackgroundSync(_ context.Context, on bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.background = on
	return nil
}

func (d *device) Diagnostics(context.Context) []Diagnostic {
	return []Diagnostic{{"Client", "c1"}}
}
func (d *device) Focus(id string)                          { d.focused = id }
func (d *device) ShowModal(id string)                      { d.opened, d.modal = append(d.opened, id), id }
func (d *device) CloseModal(id string)                     { d.closed, d.modal = append(d.closed, id), "" }
func (d *device) ModalOpen(id string) bool                 { return d.modal == id }
func (d *device) SetValue(id, value string)                { d.values[id] = value }
func (d *device) SetHeight(id string, height float64)      { d.heights[id] = height }
func (d *device) Reveal(id string)                         { d.revealed = id }
func (d *device) KeepPlace(text string)                    { d.place = text }
func (d *device) KeptPlace() string                        { return d.place }
func (d *device) KeepUndo(text string)                     { d.undo = text }
func (d *device) KeptUndo() string                         { return d.undo }
func (d *device) KeepExport(ids []string)                  { d.exported = ids }
func (d *device) UpdateWaiting() bool                      { return d.waiting }
func (d *device) ApplyUpdate()                             { d.applied = true }
func (d *device) SaveChanges(context.Context) (int, error) { return d.saved, nil }

func (d *device) ReadFile(context.Context, string) ([]byte, error) { return []byte(d.file), nil }

func (d *device) People() []api.User { return d.preview }

func (d *device) Pressed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.polled++
	return d.pressed
}

// timesPolled is how often the pages have looked whether a finger is down.
func (d *device) timesPolled() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.polled
}

func (d *device) press(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pressed = down
}

func (d *device) takeClosed() []string {
	closed := d.closed
	d.closed = nil
	return closed
}

func (d *device) Viewport(id string) (top, height float64) {
	if strings.HasPrefix(id, rowID("")) {
		return 0, d.row
	}
	return d.top, d.height
}

func (d *device) ScrollTo(_ string, top float64) { d.top = top }

func (d *device) Scrolls(context.Context, string) <-chan struct{} {
	d.scrolls = make(chan struct{}, 1)
	return d.scrolls
}

func (d *device) scroll(top float64) {
	d.top = top
	sync.TrySend(d.scrolls, struct{}{}) // as the browser does: one that is unread counts for both
}
