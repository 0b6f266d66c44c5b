package main

import (
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/bench/chromium"
)

// sync pushes what was queued, and pulls the list into another database.
func (t *turn) sync(b *chromium.Browser) error {
	if t.wants(pushQueue) {
		if err := t.push(b); err != nil {
			return err
		}
	}
	if !t.wants(pullAll) {
		return nil
	}
	t.doing = pullAll
	end, err := t.serving(t.people)
	if err != nil {
		return err
	}
	tab, err := t.open(b)
	if err == nil {
		err = t.do(tab, "open", arguments{"database": "pulled"})
	}
	if err == nil {
		err = t.measure(tab, pullAll, "pull", arguments{"n": t.people})
	}
	return errors.Join(err, end())
}

func nothing() error { return nil }

// serving starts the contender's server with n people.
func (t *turn) serving(n int) (end func() error, err error) {
	switch t.Name {
	case rollcall:
		server, err := t.sites.Start(t.ctx, n)
		if err != nil {
			return nil, err
		}
		t.server.rollcall.to(server.Addr)
		return server.Stop, nil
	case pouchDB:
		return nothing, t.couch.fill(n)
	}
	return nothing, t.server.reset(n)
}

func (t *turn) push(b *chromium.Browser) error {
	end, err := t.serving(0)
	if err != nil {
		return err
	}
	inbox := fmt.Sprintf("inbox%d-%d", t.round, t.people)
	if t.Name == pouchDB {
		err = t.couch.inbox(inbox)
	}
	var tab *chromium.Tab
	if err == nil {
		tab, err = t.open(b)
	}
	if err == nil {
		err = t.do(tab, "open", arguments{"database": "queued"})
	}
	if err == nil {
		err = t.do(tab, "queue", arguments{"n": queued})
	}
	if err == nil {
		err = t.measure(tab, pushQueue, "push", arguments{"inbox": inbox})
	}
	if err == nil {
		err = t.audit(inbox)
	}
	if err == nil {
		err = errors.Join(t.do(tab, "close", nil), tab.Close())
	}
	return errors.Join(err, end())
}

// audit checks that the contender's server has all that was pushed.
func (t *turn) audit(inbox string) error {
	var has int
	var err error
	switch t.Name {
	case rollcall:
		has, err = countRollcall(t.server.rollcall.addr())
	case pouchDB:
		has, err = t.couch.count(inbox)
	default:
		has = t.server.pushed()
	}
	if err == nil && has != queued {
		err = fmt.Errorf("the server has %d of %d pushed people", has, queued)
	}
	return err
}
