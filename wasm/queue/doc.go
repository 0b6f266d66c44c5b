// Package queue holds the operations a person has made and the server has not
// acknowledged: enqueue, coalesce, retry state, rejection. It is pure decisions
// over an Entity, and the Store in which an Entity is read, decided about and
// saved in one transaction.
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
// An entity has at most two operations: a frozen one that may have reached the
// server, and one unfrozen that holds everything written since. Only the first
// of an entity is ever sent, so operations of one entity arrive in order and one
// that fails never holds up another entity.
package queue
