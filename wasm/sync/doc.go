// Package sync is the sync engine: it pushes a device's queued operations to a server and
// pulls the server's changes, in rounds. It has no I/O of its own and knows documents, not
// users; what it needs it gets as the interfaces in Config and Host.
//
// # Contract
//
// Provided that Store passes package storetest's tests and the server follows
// docs/openapi.yaml:
//
//   - The engine removes an operation from the queue only when the server has acknowledged
//     it, or when a recorded resolution of a conflict replaces it. A rejected one stays for
//     the person.
//   - However often an operation is sent, it takes effect once, because it keeps its id.
//   - Operations of one entity arrive in order; none holds up another entity.
//   - A pull never overwrites unsent work, and the cursor is saved with the rows it covers.
//   - One round at a time runs in a browser. A frozen or wedged one is overtaken within
//     seconds, and the store's fence refuses what it saves later.
//   - When writing stops and the server is reachable, the device's rows equal the server's.
//     Digests find rows that don't, and repairs fetch them again.
//
// Other backends, with plain resources, are driven by package remote; it says what holds
// there.
//
// The embedder provides the store, the way to the server, locks and a bus that reach all
// of the browser's tabs and workers, and one Host that runs at a time: Leader sees to it
// in tabs. Operations get into the queue by queue.Entity.Enqueue, in the transaction of
// the write; a message of kind Enqueued then starts a round at once.
//
// # A round
//
//	Round: lock and fence ──▶ push ──▶ pull ──▶ check ──▶ unlock
//
//	push   mark a batch as sent ──▶ request ──▶ save the results ──▶ next batch
//	         signed out: the round ends
//	         too large, or a server error: a smaller batch, down to the culprit
//	         no answer, though an empty batch gets one: likewise, since something in
//	         between refuses what is in it; else on to the pull
//	pull   request a page ──▶ request the next, save this one with its cursor ──▶ next page
//	         cursor too old: resync from the feed's beginning, at its end sweep
//	check  when due: compare digests ──▶ repair the buckets that differ
//
// Nothing but the lock is held during a request: no transaction waits for one, no row does. A round is
// bounded (MaxPushes, MaxPages, MaxRepairPages); Report.More says that another goes on.
// Whatever ends it, the next one continues from the store.
//
// # A host
//
// A Host does rounds when something requests one (a message on the bus, a signal of the
// event stream) or its timer runs out, and publishes its Status to the pages:
//
//	              request, timer             ok
//	Idle, ─────────────────────────▶ Syncing ──▶ Success
//	Success,                          ▲  │ │
//	Failed       round has more to do └──┘ └───▶ Failed
//	                                       error
//
// The timer waits for the server's Retry-After. Without one it waits for the backoff after
// a failure, the next operation's time or the next poll, whichever is first.
//
// Start one with Run in a worker or a page, or call Drain for one event of a service
// worker. A host whose round was abandoned (ErrAbandoned) must not be used again.
//
// # Example
//
//	server := &remote.Server{HTTP: http, Paths: map[string]string{"note": "/api/v1/notes"}}
//	engine := sync.New(sync.Config{
//		Store: store, Remote: server, Locks: sync.RoundLocks(locks, bus, clock, nil), Bus: bus,
//		Schemas: []queue.Schema{notes}, Now: clock.Now, Random: rand.Float64, NewID: uuid.NewString,
//	})
//	server.Observe = engine.ObserveClock
//	host := &sync.Host{Engine: engine, Bus: bus, Clock: clock, Store: store, Random: rand.Float64, Name: sync.ByWorker}
//	err := host.Run(ctx)
//
// Package remote has an example that runs as a test.
package sync
