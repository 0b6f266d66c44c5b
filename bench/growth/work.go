package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/bench/figures"
)

// work is one kind of operation.
type work struct {
	name    string
	callers int
	times   int // how often a round does it; 0 for as often as its time allows
	do      func(ctx context.Context, p *place, random *rand.Rand) error
	// Scattered operations read all over the directory, so they warm up first.
	scattered bool
	// Before, if set, prepares the place, unmeasured.
	before func(ctx context.Context, p *place) error
}

func works(creates int) []work {
	read := func(name string, path func(p *place, random *rand.Rand) string) work {
		return work{name: name, callers: 4, do: func(ctx context.Context, p *place, random *rand.Rand) error {
			return p.get(ctx, path(p, random), nil)
		}}
	}
	end := read("feed's end, with digest", func(p *place, _ *rand.Rand) string { return changes(p.head, api.MaxChanges) })
	end.before = func(ctx context.Context, p *place) error { return p.catchUp(ctx) }
	scattered := func(w work) work {
		w.scattered = true
		return w
	}
	// One caller, since a search keeps a processor busy.
	search := func(name string, path func(p *place, random *rand.Rand) string) work {
		w := read(name, path)
		w.callers = 1
		return w
	}
	return []work{
		{name: "create", callers: 16, times: creates, do: create},
		scattered(read("get one", func(p *place, random *rand.Rand) string { return "/api/v1/users/" + pick(p.ids, random) })),
		scattered(read("feed page of 1,000", func(p *place, random *rand.Rand) string { return changes(pick(p.cursors, random), api.MaxChanges) })),
		end,
		read("list, first page of 50", func(*place, *rand.Rand) string { return list(api.DefaultUsers, "", "") }),
		scattered(read("list, any page of 50", func(p *place, random *rand.Rand) string { return list(api.DefaultUsers, pick(p.tokens, random), "") })),
		search("search, many have it", func(*place, *rand.Rand) string { return list(api.DefaultUsers, "", "novak") }),
		search("search, one has it", func(p *place, random *rand.Rand) string {
			return list(api.DefaultUsers, "", emailOf(random.IntN(p.size)))
		}),
	}
}

func pick(from []string, random *rand.Rand) string { return from[random.IntN(len(from))] }

func create(ctx context.Context, p *place, _ *rand.Rand) error {
	body := `{"name":"Somebody New","email":"` + newEmail() + `","bio":"Added while it was measured how long that takes."}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.server.Addr+"/api/v1/users", strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	return do(r, http.StatusCreated, nil)
}

// sample is one round of an operation by all callers. If the server gave up on one of them,
// the rest is not set.
type sample struct {
	gaveUp     bool
	operations int
	wall, cpu  time.Duration
}

// measure does the operation at a place, w.times or for so long, and at least once a caller.
func (w *work) measure(ctx context.Context, p *place, long time.Duration) (s sample, err error) {
	if w.before != nil {
		if err := w.before(ctx, p); err != nil {
			return s, err
		}
	}
	before, err := p.usage()
	if err != nil {
		return s, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var begun, ended atomic.Int64
	began := time.Now()
	var callers sync.WaitGroup
	for i := range w.callers {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), uint64(began.UnixNano())))
			for {
				n := begun.Add(1)
				if over := time.Since(began) > long; ctx.Err() != nil || (w.times > 0 && n > int64(w.times)) || (w.times == 0 && over && n > int64(w.callers)) {
					return
				}
				if err := w.do(ctx, p, random); err != nil {
					stop(err)
					return
				}
				ended.Add(1)
			}
		})
	}
	callers.Wait()
	if errors.Is(context.Cause(ctx), errGaveUp) {
		return sample{gaveUp: true}, nil
	}
	if ctx.Err() != nil {
		return s, fmt.Errorf("%s at %d users: %w", w.name, p.size, context.Cause(ctx))
	}
	s.operations, s.wall = int(ended.Load()), time.Since(began)
	after, err := p.usage()
	s.cpu = after - before
	return s, err
}

// result is the cost of an operation: the median of the rounds' times for one caller, and the
// CPU of all rounds together, since it is counted in units of 10 ms.
type result struct {
	gaveUp    bool
	wall, cpu time.Duration
}

func summarize(samples []sample, callers int) (r result) {
	var walls []time.Duration
	var cpu time.Duration
	operations := 0
	for _, s := range samples {
		if s.gaveUp {
			return result{gaveUp: true}
		}
		walls = append(walls, s.wall*time.Duration(callers)/time.Duration(s.operations))
		cpu, operations = cpu+s.cpu, operations+s.operations
	}
	if operations > 0 {
		r.cpu = cpu / time.Duration(operations)
	}
	r.wall = figures.Median(walls)
	return r
}

// flat is the greatest ratio of CPU to that at the smallest size that counts as flat.
const flat = 1.5

// verdict returns the ratio of the last size's CPU to the first one's; 0 if unknown.
func verdict(results []result) (ratio float64, isFlat bool) {
	for _, r := range results {
		if r.gaveUp {
			return 0, false
		}
	}
	first, last := results[0].cpu, results[len(results)-1].cpu
	if first == 0 {
		return 0, true
	}
	ratio = float64(last) / float64(first)
	return ratio, ratio <= flat
}
