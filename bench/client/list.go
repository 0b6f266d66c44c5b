package main

import (
	"errors"

	"github.com/rollcall/rollcall/bench/chromium"
)

func (t *turn) writeEmpty(b *chromium.Browser) error {
	tab, err := t.open(b)
	if err != nil {
		return err
	}
	if err := t.do(tab, "open", arguments{"database": "written", "strict": true}); err != nil {
		return err
	}
	return t.measure(tab, writeEmpty, "create", writes(3))
}

func writes(seed int) arguments {
	return arguments{"count": 300, "seed": seed, "warm": 20, "most": 10_000}
}

// list loads the list, and works with it in fresh tabs.
func (t *turn) list(b *chromium.Browser) error {
	const database = "people"
	for _, step := range []struct {
		workload string
		run      func(*chromium.Tab) error
	}{
		{loadAll, func(tab *chromium.Tab) error {
			if err := t.do(tab, "open", arguments{"database": database}); err != nil {
				return err
			}
			return t.measure(tab, loadAll, "load", arguments{"n": t.people})
		}},
		{readAll, func(tab *chromium.Tab) error { return t.read(b, tab, database) }},
		{findSome, func(tab *chromium.Tab) error {
			return t.measure(tab, findSome, "find", arguments{"n": t.people, "database": database})
		}},
		{writeLoaded, func(tab *chromium.Tab) error {
			if err := t.do(tab, "open", arguments{"database": database, "strict": true}); err != nil {
				return err
			}
			return t.measure(tab, writeLoaded, "create", writes(4))
		}},
		{observeSame, func(tab *chromium.Tab) error { return t.observe(b, tab, database) }},
	} {
		if step.workload != loadAll && !t.wants(step.workload) {
			continue
		}
		tab, err := t.open(b)
		if err != nil {
			return err
		}
		if err := step.run(tab); err != nil {
			return err
		}
		if err := errors.Join(t.do(tab, "close", nil), tab.Close()); err != nil {
			return err
		}
	}
	if t.Name == rollcall || !t.wants(startAgain) {
		return nil
	}
	return t.show(b, startAgain, t.server.origin, database)
}

func (t *turn) read(b *chromium.Browser, tab *chromium.Tab, database string) error {
	before, err := b.RendererMemory()
	if err != nil {
		return err
	}
	if err := t.measure(tab, readAll, "read", arguments{"n": t.people, "database": database}); err != nil {
		return err
	}
	after, err := b.RendererMemory()
	if err != nil {
		return err
	}
	if !t.wants(memoryUsed) {
		return nil
	}
	return t.note(memoryUsed, brought{"empty": megabytes(before), "all": megabytes(after), "grown": megabytes(after - before)}, nil)
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

func (t *turn) observe(b *chromium.Browser, tab *chromium.Tab, database string) error {
	opening := arguments{"database": database, "strict": true}
	if err := t.do(tab, "open", opening); err != nil {
		return err
	}
	if err := t.measure(tab, observeSame, "observe", arguments{"count": 30}); err != nil {
		return err
	}
	if t.oneTab || !t.wants(observeOther) {
		return nil
	}
	other, err := t.open(b)
	if err != nil {
		return err
	}
	if err := t.do(other, "open", opening); err != nil {
		return err
	}
	if err := t.do(tab, "writeOnDemand", nil); err != nil {
		return err
	}
	if err := t.measure(other, observeOther, "observeOther", arguments{"count": 15}); err != nil {
		return err
	}
	return errors.Join(t.do(other, "close", nil), other.Close())
}
