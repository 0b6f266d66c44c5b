package limit_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall/rollcall/server/limit"
)

func TestBuckets(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	b := limit.NewBuckets(limit.Rate{PerSecond: 2, Burst: 3}, 10)
	for i := range 3 {
		if wait, ok := b.Take("ann", now); !ok || wait != 0 {
			t.Fatalf("request %d of a burst of 3 waits %v", i, wait)
		}
	}
	for range 5 { // a refused request costs nothing
		if wait, ok := b.Take("ann", now); ok || wait != 500*time.Millisecond {
			t.Fatalf("after the burst: %v, wait %v", ok, wait)
		}
	}
	if _, ok := b.Take("bo", now); !ok {
		t.Error("one client's requests count for another")
	}
	if wait, ok := b.Take("ann", now.Add(499*time.Millisecond)); ok {
		t.Errorf("taken before its time, wait %v", wait)
	}
	if _, ok := b.Take("ann", now.Add(500*time.Millisecond)); !ok {
		t.Error("refused after the wait")
	}
	if _, ok := b.Take("ann", now.Add(-time.Hour)); ok {
		t.Error("a clock that steps back made tokens")
	}
}

func TestBucketsAreBounded(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	b := limit.NewBuckets(limit.Rate{PerSecond: 1, Burst: 1}, 100)
	for i := range 100_000 {
		if _, ok := b.Take(fmt.Sprint("client ", i), now); !ok {
			t.Fatalf("client %d was refused at its first request", i)
		}
		b.Take("steady", now)
	}
	if b.Len() != 100 {
		t.Errorf("%d keys are kept, want 100", b.Len())
	}
	if _, ok := b.Take("steady", now); ok {
		t.Error("a key in use was dropped")
	}
}

func TestNoLimit(t *testing.T) {
	b := limit.NewBuckets(limit.Rate{}, 10)
	for range 1000 {
		if _, ok := b.Take("ann", time.Time{}); !ok {
			t.Fatal("limited without a limit")
		}
	}
	if b.Len() != 0 {
		t.Error("it keeps keys for nothing")
	}
	none := limit.NewBuckets(limit.Rate{PerSecond: 2}, 10)
	if wait, ok := none.Take("ann", time.Time{}); ok || wait != 500*time.Millisecond {
		t.Errorf("a burst of 0: %v, %v", wait, ok)
	}
}

// TestTurns: one network runs and waits for as much as it can get.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := limit.NewTurns(3, 2, 5)
		var order []string
		ends := map[string]chan struct{}{}
		ask := func(ctx context.Context, key, name string) <-chan error {
			failed, end := make(chan error, 1), make(chan struct{})
			ends[name] = end
			go func() {
				release, err := turns.Acquire(ctx, key, 1)
				failed <- err
				if err == nil {
					order = append(order, name)
					<-end
					release()
				}
			}()
			synctest.Wait()
			return failed
		}
		for _, name := range []string{"a1", "a2", "a3", "a4"} {
			ask(t.Context(), "a", name)
		}
		ask(t.Context(), "b", "b1") // finds a turn that the other may not have
		ask(t.Context(), "b", "b2")
		ask(t.Context(), "c", "c1")
		if got := strings.Join(order, " "); got != "a1 a2 b1" || turns.Waiting() != 4 {
			t.Fatalf("%s began, and %d wait", got, turns.Waiting())
		}
		gone, cancel := context.WithCancel(t.Context())
		canceled := ask(gone, "c", "c2")
		if err := <-ask(t.Context(), "d", "d1"); !errors.Is(err, limit.ErrFull) {
			t.Errorf("more wait than may: %v", err)
		}
		cancel()
		if err := <-canceled; !errors.Is(err, context.Canceled) || turns.Waiting() != 4 {
			t.Errorf("canceled while it waited: %v, %d wait", err, turns.Waiting())
		}
		for _, name := range []string{"a1", "a2", "b1", "c1", "b2", "a3", "a4"} {
			close(ends[name])
			synctest.Wait()
		}
		if got := strings.Join(order, " "); got != "a1 a2 b1 c1 a3 b2 a4" || turns.Waiting() != 0 {
			t.Errorf("they began in the order %s, and %d wait", got, turns.Waiting())
		}
		for _, name := range []string{"o1", "o2", "o3"} {
			if err := <-ask(t.Context(), "", name); err != nil {
				t.Errorf("without a network: %v", err)
			}
			defer close(ends[name])
		}
		if n := len(order); n != 10 || turns.Waiting() != 0 {
			t.Errorf("%d began, %d wait: those without a network may have all turns", n, turns.Waiting())
		}
	})
}

func TestShares(t *testing.T) {
	s := limit.NewShares(100, 40)
	if err := errors.Join(s.Take("ann", 30), s.Take("ann", 10), s.Take("bo", 40)); err != nil {
		t.Fatal(err)
	}
	if err := s.Take("ann", 1); !errors.Is(err, limit.ErrFull) || s.Held() != 80 {
		t.Errorf("over a share: %v, %d held", err, s.Held())
	}
	if err := s.Take("cy", 21); !errors.Is(err, limit.ErrFull) {
		t.Errorf("over the total: %v", err)
	}
	if err := s.Take("", 20); err != nil {
		t.Error(err)
	}
	s.Release("", 20)
	s.Release("ann", 40)
	if err := s.Take("ann", 40); err != nil {
		t.Error(err)
	}
	if err := limit.NewShares(100, 40).Take("", 100); err != nil {
		t.Errorf("without a share: %v", err)
	}
}

func TestNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.7": "203.0.113.7/32", "::ffff:203.0.113.7": "203.0.113.7/32", "127.0.0.2": "127.0.0.2/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "::1": "::/64",
	} {
		if got := limit.Network(netip.MustParseAddr(text)).String(); got != want {
			t.Errorf("%s is of %s, want %s", text, got, want)
		}
	}
}

// TestTurnsOfJobs: a job may take many turns.
func TestTurnsOfJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := limit.NewTurns(10, 4, 10)
		ask := func(key string, n int) <-chan func() {
			begun := make(chan func(), 1)
			go func() {
				if release, err := turns.Acquire(t.Context(), key, n); err == nil {
					begun <- release
				}
			}()
			synctest.Wait()
			return begun
		}
		large := ask("a", 6) // more than its network may have, but alone
		own, other, next := ask("a", 1), ask("b", 3), ask("c", 2)
		if len(large) != 1 || len(own) != 0 || len(other) != 1 || len(next) != 0 {
			t.Fatalf("begun: %d %d %d %d", len(large), len(own), len(other), len(next))
		}
		(<-large)()
		synctest.Wait()
		if len(own) != 1 || len(next) != 1 {
			t.Errorf("begun after that: %d %d", len(own), len(next))
		}
		for _, begun := range []<-chan func(){own, other, next} {
			(<-begun)()
		}
		if all := ask("a", 99); len(all) != 1 {
			t.Error("more than there are never begins")
		} else {
			(<-all)()
		}
	})
}
