// Package limit bounds what clients can use of a server: the rate of each client's requests,
// how many requests run at once, and how many bytes they hold.
package limit

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how often something may happen: PerSecond times on average, and Burst times at
// once. The zero Rate is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Buckets is a token bucket for each key. It keeps only the most recently used keys. A key
// that was dropped starts with a full bucket, so dropping never locks anyone out. Its methods
// may be called by many goroutines.
type Buckets struct {
	rate Rate
	size int

	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent *list.List // of *bucket, the most recently used first
}

type bucket struct {
	key     string
	limiter *rate.Limiter
}

// NewBuckets returns buckets for at most size keys.
func NewBuckets(r Rate, size int) *Buckets {
	return &Buckets{rate: r, size: size, byKey: map[string]*list.Element{}, recent: list.New()}
}

// Take takes a token from the key's bucket. If there is none, it returns how long to wait for
// the next one.
func (b *Buckets) Take(key string, now time.Time) (wait time.Duration, ok bool) {
	if b.rate.PerSecond <= 0 {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.limiter(key).ReserveN(now, 1)
	if !r.OK() { // the burst is 0
		return time.Duration(math.Ceil(float64(time.Second) / b.rate.PerSecond)), false
	}
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// Len returns the number of keys.
func (b *Buckets) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.byKey)
}

func (b *Buckets) limiter(key string) *rate.Limiter {
	if e := b.byKey[key]; e != nil {
		b.recent.MoveToFront(e)
		return e.Value.(*bucket).limiter
	}
	if len(b.byKey) >= b.size {
		oldest := b.recent.Back()
		delete(b.byKey, b.recent.Remove(oldest).(*bucket).key)
	}
	limiter := rate.NewLimiter(rate.Limit(b.rate.PerSecond), b.rate.Burst)
	b.byKey[key] = b.recent.PushFront(&bucket{key, limiter})
	return limiter
}
