package sync

import "github.com/rollcall/rollcall/wasm/queue"

// Bus carries messages between the pages and the hosts of one browser: the
// BroadcastChannel "rollcall", and a bus in memory in tests. A message is a hint to read
// again. It may be lost, and its sender does not receive it.
type Bus interface {
	Publish(m Message)
	// Subscribe calls f for each message of others until stop is called. f must not
	// block; see TrySend.
	Subscribe(f func(Message)) (stop func())
}

// TrySend sends v unless that would block. A channel with a buffer of one then holds a
// notification already.
func TrySend[V any](ch chan<- V, v V) {
	select {
	case ch <- v:
	default:
	}
}

// Kind is what a message is about.
type Kind string

const (
	RowsChanged    Kind = "rows"      // read Refs again, or everything when there are none
	Enqueued       Kind = "enqueued"  // there are new operations, of Refs, whose rows have changed
	StatusChanged  Kind = "status"    // Status is the host's latest
	SyncRequest    Kind = "sync"      // do a round for Reason; if ID is set, answer with SyncDone
	SyncDone       Kind = "synced"    // the round that ID requested has ended with Report
	Connectivity   Kind = "connected" // the page's online or offline event; Online says which
	StatusRequest  Kind = "ask"       // the host should publish its status
	Heartbeat      Kind = "beat"      // the holder of RoundLock makes progress
	WorkerAlive    Kind = "alive"     // the leading tab's worker is alive, and its last status still holds
	WorkerStarting Kind = "booting"   // the leading tab starts a worker
)

// Message is what travels on the Bus, as JSON.
type Message struct {
	Kind   Kind        `json:"kind"`
	ID     string      `json:"id,omitempty"`
	Refs   []queue.Ref `json:"refs,omitempty"`
	Reason Reason      `json:"reason,omitempty"`
	Online bool        `json:"online,omitempty"`
	Status *Status     `json:"status,omitempty"`
	Report *Report     `json:"report,omitempty"`
}

// Reason is why a round was requested.
type Reason string

const (
	Manual   Reason = "manual"   // a person pressed "Sync now"
	Write    Reason = "write"    // an operation was enqueued
	Online   Reason = "online"   // the network is back
	Visible  Reason = "visible"  // a page came to the front
	Stream   Reason = "stream"   // the event stream announced changes
	Timer    Reason = "timer"    // the host's own timer
	Start    Reason = "start"    // the host has started
	Periodic Reason = "periodic" // the browser's Periodic Background Sync
)

// IgnoresBackoff reports whether a round for this reason also sends operations that wait
// for their backoff.
func (r Reason) IgnoresBackoff() bool {
	switch r {
	case Manual, Online, Visible, Start:
		return true
	}
	return false
}
