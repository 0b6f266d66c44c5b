package harness

import (
	"encoding/json"
	"fmt"
)

// readStore reads all records of an object store of the page's database. It does
// not create the database, and waits no longer than other connections take.
const readStore = `(async (name) => {
	const all = await indexedDB.databases();
	if (!all.some((d) => d.name === "rollcall")) return [];
	const settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
	const db = await settle(indexedDB.open("rollcall"));
	try {
		if (!db.objectStoreNames.contains(name)) throw new Error("no store " + name + " in " + [...db.objectStoreNames]);
		return await settle(db.transaction(name).objectStore(name).getAll());
	} finally {
		db.close();
	}
})(%q)`

// Store reads all records of an object store of the page's IndexedDB.
func (p *Page) Store(name string) []map[string]any {
	p.t.Helper()
	return Eval[[]map[string]any](p, fmt.Sprintf(readStore, name))
}

// Queued is the number of operations in the page's queue.
func (p *Page) Queued() int {
	p.t.Helper()
	return len(p.Store("operations"))
}

// QueueEmpties waits until no operation is left in the page's queue.
func (p *Page) QueueEmpties() {
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

// WorksOffline waits until a service worker controls the page, so that the site
// can start without a network.
func (p *Page) WorksOffline() {
	p.t.Helper()
	Eventually(p.t, "the service worker controls the page", func() error {
		if !Eval[bool](p, `navigator.serviceWorker.controller?.state === "activated"`) {
			return fmt.Errorf("its state is %q", Eval[string](p, `String(navigator.serviceWorker.controller?.state)`))
		}
		return nil
	})
}
