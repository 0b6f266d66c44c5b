package app

import (
	"context"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Users is the directory as the pages use it. *repository.Collection[api.User]
// is one, over IndexedDB in the browser and over memory in tests.
type Users interface {
	// Get returns a user from the device, or asks the server when it isn't
	// there; repository.ErrNotFound when neither has it.
	Get(ctx context.Context, id string) (repository.Record[api.User], error)
	List(ctx context.Context, q repository.Query) (repository.Page[api.User], error)

	// CreateAs saves a user under an id of NewID, Update saves the changed
	// fields, Delete removes. Each returns once the write and its operation are
	// durable on this device. Invalid fields are an *api.Problem with code invalid; a
	// full disk is queue.ErrQuota. After queue.ErrUncertain each may be called again
	// with the same id: nothing is written twice.
	NewID() string
	CreateAs(ctx context.Context, id string, patch api.UserPatch) (repository.Written, error)
	Update(ctx context.Context, id string, patch api.UserPatch) (repository.Written, error)
	Delete(ctx context.Context, id string) (repository.Written, error)
	// Restore brings back a user deleted a moment ago, as it was.
	Restore(ctx context.Context, was repository.Record[api.User]) (repository.Written, error)

	// Changes tells that something a page shows may have changed, in this tab
	// or any other; it holds at most one unread tell. It ends with ctx.
	Changes(ctx context.Context) <-chan struct{}
}

// Outbox is the queue and the conflicts as the page /sync shows them.
type Outbox interface {
	Counts(ctx context.Context) (queue.Counts, error)
	// Waiting and NeedsAttention list operations, oldest first.
	Waiting(ctx context.Context, limit int) ([]queue.Operation, error)
	NeedsAttention(ctx context.Context, limit int) ([]queue.Operation, error)
	Conflicts(ctx context.Context, limit int) ([]queue.Conflict, error)

	// Retry sends a rejected operation again as it is; Discard drops it and what
	// was written on top of it. To edit one, Update its user.
	Retry(ctx context.Context, o queue.Operation) error
	Discard(ctx context.Context, o queue.Operation) error

	// Accept marks a conflict as seen. Reverse takes the other side: it writes
	// the losing values, restores what was deleted, or deletes what was restored.
	Accept(ctx context.Context, c queue.Conflict) error
	Reverse(ctx context.Context, c queue.Conflict) error

	// TakeIn puts the changes of a file that SaveChanges made back into the queue, each
	// once however often it is called. Its error is for a person.
	TakeIn(ctx context.Context, file []byte) (repository.TakenIn, error)

	// Check is how the device's users compared with the server's, last time.
	Check(ctx context.Context) (sync.Check, error)

	Strategy(ctx context.Context) (sync.StrategyName, error)
	SetStrategy(ctx context.Context, s sync.StrategyName) error
}

// Syncer is the engine as the pages see it.
type Syncer interface {
	// SyncAll pushes, then pulls, and returns when the round has ended.
	SyncAll(ctx context.Context) (sync.Report, error)
	Status() sync.Status
	// Incidents are what went wrong with syncing itself and was dealt with, newest
	// first, at most sync.MaxIncidents.
	Incidents(ctx context.Context) ([]sync.Incident, error)
	// StatusChanges is like Changes, for Status.
	StatusChanges(ctx context.Context) <-chan struct{}
}

// Device is what the pages need of the browser itself; wasm/page provides it.
type Device interface {
	// Online is navigator.onLine, a hint; OnlineChanges tells when it changed.
	Online() bool
	OnlineChanges(ctx context.Context) <-chan struct{}
	// Storage reports bytes used and allowed, and whether the browser promised
	// to keep them. AskPersist asks for that promise; call it on a gesture.
	Storage(ctx context.Context) (Storage, error)
	AskPersist(ctx context.Context) (bool, error)
	// StorageState says how the browser keeps the data now, and StorageStateChanges tells
	// when that is another. RetryStorage uses the storage once, to find out whether it
	// works again; AcknowledgeLoss notes that the person knows of lost data.
	StorageState() StorageState
	StorageStateChanges(ctx context.Context) <-chan struct{}
	RetryStorage(ctx context.Context)
	AcknowledgeLoss(ctx context.Context) error
	// SaveChanges saves the operations in the queue to a file, and returns how many they
	// are; ReadFile reads the file that was chosen in the input with this id.
	SaveChanges(ctx context.Context) (int, error)
	ReadFile(ctx context.Context, id string) ([]byte, error)
	// GuardLeaving has the browser ask before this page is left, while it is on.
	GuardLeaving(on bool)
	// KeepDraft keeps a text over a reload of this tab; TakeDraft returns it once,
	// and "" when there is none.
	KeepDraft(text string)
	TakeDraft() string
	// BackgroundSync reports whether the browser can sync with all tabs closed,
	// and whether it is registered; SetBackgroundSync registers or cancels it.
	BackgroundSync(ctx context.Context) (supported, registered bool)
	SetBackgroundSync(ctx context.Context, on bool) error
	// Diagnostics are name/value lines for the page /sync: client id, build,
	// leader or not, service worker state and so on.
	Diagnostics(ctx context.Context) []Diagnostic
	// Focus moves the keyboard focus to the element with this id, once it is
	// rendered; ShowModal opens the <dialog> with this id as a modal one and
	// CloseModal closes it. ModalOpen reports whether it is open.
	Focus(id string)
	ShowModal(id string)
	CloseModal(id string)
	ModalOpen(id string) bool
	// SetValue sets the text of the input with this id.
	SetValue(id, value string)
	// Viewport is the scroll offset and height of the element with this id, in
	// CSS pixels; ScrollTo scrolls it.
	Viewport(id string) (top, height float64)
	ScrollTo(id string, top float64)
	// Scrolls tells that the element with this id was scrolled, at most once a
	// frame; it holds at most one unread tell. It ends with ctx.
	Scrolls(ctx context.Context, id string) <-chan struct{}
	// SetHeight sets the height of the element with this id, in CSS pixels,
	// through the CSSOM: the content security policy forbids style attributes.
	SetHeight(id string, height float64)
	// UpdateWaiting reports whether a new version is downloaded and waits for
	// ApplyUpdate, which switches to it and reloads the page. go-app's OnAppUpdate tells
	// when one arrives later.
	UpdateWaiting() bool
	ApplyUpdate()
}

// Storage is how much room the site's data takes and may take, in bytes.
type Storage struct {
	Used, Quota int64
	Persisted   bool
	Asked       bool // the browser was asked to keep them, and has answered
}

// StorageState is how the browser keeps the site's data.
type StorageState struct {
	Trouble      error // why it can't now: one of the queue's errors; nil when it can
	Volatile     bool  // it keeps nothing: the data are in this page's memory
	Lost         bool  // it had thrown the data away, and the person does not know yet
	NeedsNetwork bool  // it has no service worker, so nothing starts without a network
	Older        bool  // a reload brings no other version of the program than this page's
}

// Diagnostic is a line under "Diagnostics".
type Diagnostic struct{ Name, Value string }
