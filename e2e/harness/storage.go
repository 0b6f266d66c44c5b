package harness

import (
	_ "embed" // of stored.js
	"encoding/json"
	"fmt"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// Stored is a JavaScript function that reads the device's open database.
//
//go:embed stored.js
var Stored string

// readStore reads all records of one kind of the browser's account. It does not create the database.
const readStore = `(async (name, stored) => {
	const all = await indexedDB.databases();
	const { id } = JSON.parse(localStorage.getItem("rollcall-account") ?? "{}"), own = id ? "rollcall-" + id : "rollcall";
	if (!all.some((d) => d.name === own)) return [];
	const settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
	const db = await settle(indexedDB.open(own));
	try {
		if (db.objectStoreNames.contains("log")) return (await stored(db))[name];
		return await settle(db.transaction(name).objectStore(name).getAll()); // of an earlier version
	} finally {
		db.close();
	}
})(%q, %s)`

// Store reads all records of one kind of the page's database: see Stored.
func (p *Page) Store(name string) []map[string]any {
	p.t.Helper()
	return Eval[[]map[string]any](p, fmt.Sprintf(readStore, name, Stored))
}

// Queued returns the number of operations in the page's queue.
func (p *Page) Queued() int {
	p.t.Helper()
	return len(p.Store("operations"))
}

// WaitQueueEmpty waits until the page's queue is empty.
func (p *Page) WaitQueueEmpty() {
	p.t.Helper()
	Eventually(p.t, "the queue empties", func() error {
		ops := p.Store("operations")
		if len(ops) == 0 {
			return nil
		}
		text, err := json.Marshal(ops)
		if err != nil {
			return err
		}
		return fmt.Errorf("it has %d operations: %.1000s", len(ops), text)
	})
}

// WaitOfflineReady waits until a service worker controls the page, so that the site can
// start offline.
func (p *Page) WaitOfflineReady() {
	p.t.Helper()
	Eventually(p.t, "the service worker controls the page", func() error {
		if !Eval[bool](p, `navigator.serviceWorker.controller?.state === "activated"`) {
			return fmt.Errorf("its state is %q", Eval[string](p, `String(navigator.serviceWorker.controller?.state)`))
		}
		return nil
	})
}

// LimitStorage limits the storage of the page's site, in bytes; a negative number lifts
// the limit.
func (p *Page) LimitStorage(bytes float64) {
	p.t.Helper()
	params := storage.OverrideQuotaForOriginParams{Origin: p.origin}
	if bytes >= 0 {
		params.QuotaSize = &bytes
	}
	if _, err := chromedp.Call(p.ctx, storage.OverrideQuotaForOrigin, params); err != nil {
		p.t.Fatalf("limiting the storage: %v", err)
	}
}

// Evict deletes everything the scripts of the page's site have stored, as a browser does
// that is short of space. Cookies stay.
func (p *Page) Evict() {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, storage.ClearDataForOrigin, storage.ClearDataForOriginParams{
		Origin: p.origin, StorageTypes: "indexeddb,cache_storage,service_workers,local_storage,file_systems",
	})
	if err != nil {
		p.t.Fatalf("clearing the storage: %v", err)
	}
}
