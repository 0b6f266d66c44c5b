package storetest

import (
	"errors"
	"fmt"
	stdsync "sync"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

var sharedCases = map[string]func(*fixture){
	"shared: two handles of one store see the same": func(f *fixture) {
		other := &fixture{T: f.T, Store: f.open(f.T, "main"), ctx: f.ctx, open: f.open}
		f.enqueue("a", operation("a", "1"))
		other.same("list", other.list(), []string{"1:pending"})
		fence, err := f.BeginRound(f.ctx)
		f.must(err)
		_, err = other.BeginRound(f.ctx)
		f.must(err)
		if _, err := f.ApplyPage(f.ctx, sync.Page{Fence: fence}); !errors.Is(err, queue.ErrFenced) {
			f.Fatalf("got %v, want the other handle's round to count", err)
		}
		third := &fixture{T: f.T, Store: f.open(f.T, "another"), ctx: f.ctx, open: f.open}
		third.same("another name is another store", third.list(), []string{})
	},

	"shared: concurrent updates all take effect, one after another": func(f *fixture) {
		handles := []Store{f.Store, f.open(f.T, "main")}
		f.update("a", func(e *queue.Entity) { e.Confirmed = row("a", "x", 1) })
		var wait stdsync.WaitGroup
		errs := make(chan error, 40)
		for i := range 40 {
			wait.Go(func() {
				refs := []queue.Ref{ref("a"), ref(fmt.Sprint("own", i))}
				errs <- handles[i%2].Update(f.ctx, queue.Txn{Refs: refs, Relaxed: true}, func(es []*queue.Entity) error {
					es[0].Confirmed.Version++
					es[1].Operations = append(es[1].Operations, operation(es[1].Ref.ID, "1"))
					return nil
				})
			})
		}
		wait.Wait()
		close(errs)
		for err := range errs {
			f.must(err)
		}
		f.same("version", f.entity("a").Confirmed.Version, 41)
		operations, err := f.Operations(f.ctx, 0, 100)
		f.must(err)
		seen := map[int64]bool{}
		for _, o := range operations {
			seen[o.Seq] = true
		}
		f.same("operations", []int{len(operations), len(seen)}, []int{40, 40})
	},

	"shared: concurrent rounds have different fences": func(f *fixture) {
		var wait stdsync.WaitGroup
		fences := make(chan int64, 20)
		for range 20 {
			wait.Go(func() {
				if fence, err := f.BeginRound(f.ctx); err == nil {
					fences <- fence
				}
			})
		}
		wait.Wait()
		close(fences)
		seen := map[int64]bool{}
		for fence := range fences {
			seen[fence] = true
		}
		f.same("fences", len(seen), 20)
	},
}
