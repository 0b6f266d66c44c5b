// Package limit bounds what clients can take of a server: how often one may ask,
// how many are served at once, and how many bytes are held for them.
package limit

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how often something may happen: so many times a second on average, and
// up to Burst at once. The zero Rate is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Buckets is a token bucket for each key. It remembers the most recently used
// keys only; who is forgotten starts with a full bucket, so that forgetting
// never locks anyone out. Its methods may be called by many goroutines.
type Buckets struct {
	rate Rate
	most int

	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent *list.List // of *bucket, the last used first
}

type bucket struct {
	key     string
	limiter *rate.Limiter
}

// NewBuckets makes buckets for at most so many keys.
func NewBuckets(r Rate, most int) *Buckets {
	return &Buckets{rate: r, most: most, byKey: map[string]*list.Element{}, recent: list.New()}
}

// Take takes one token of the key's bucket. When there is none it takes nothing,
// and returns how long it is until there is.
func (b *Buckets) Take(key string, now time.Time) (wait time.Duration, ok bool) {
	if b.rate.PerSecond <= 0 {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.of(key).ReserveN(now, 1)
	if !r.OK() { // a burst of none
		return time.Duration(math.Ceil(float64(time.Second) / b.rate.PerSecond)), false
	}
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// Len is how many keys are remembered.
func (b *Buckets) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.byKey)
}

func (b *Buckets) of(key string) *rate.Limiter {
	if e := b.byKey[key]; e != nil {
		b.recent.MoveToFront(e)
		return e.Value.(*bucket).limiter
	}
	if len(b.byKey) >= b.most {
		oldest := b.recent.Back()
		delete(b.byKey, b.recent.Remove(oldest).(*bucket).key)
	}
	limiter := rate.NewLimiter(rate.Limit(b.rate.PerSecond), b.rate.Burst)
	b.byKey[key] = b.recent.PushFront(&bucket{key, limiter})
	return limiter
}
