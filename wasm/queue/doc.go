// Package queue is the outbox: the writes that the server has not acknowledged yet.
// It decides how a write is enqueued, coalesced, sent, retried, rejected and settled,
// and what a person sees meanwhile.
//
// Every decision is a pure method of Entity: no I/O, no goroutine, time is an argument.
// A Store reads entities, lets such a decision change them, and saves the difference in
// one transaction.
//
//	           coalesced before first send
//	Queued ───────────────────────────────▶ gone
//	  │ send                     ▲
//	  ▼                          │ NextAttemptAt passed
//	Sending ── no answer, 408 425 429 5xx ──▶ Waiting
//	  │  ├── applied / duplicate ───────────▶ gone (confirmed row and version stored)
//	  │  ├── conflict ──▶ strategy ─────────▶ Queued again on the new version, or gone
//	  │  └── 4xx, or 5 answered failures ───▶ Rejected ──▶ Retry / Edit / Discard
//	  └── 401 ─▶ the queue pauses; RetryCount untouched
//
// An entity usually has at most two operations: a frozen one that may have reached the
// server, and an unfrozen one that holds everything written since. It has more where
// writes to unique fields must stay in order with those of other entities. Only the first
// is ever sent.
// So the operations of one entity arrive in order, and none blocks another entity. An
// operation that leaves the queue leaves an Outcome.
package queue
