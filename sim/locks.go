package sim

import (
	"context"
	"time"

	"github.com/rollcall/rollcall/wasm/sync"
)

// locks are a browser's locks. They keep the contract of sync.TakeoverLocks: a waiter
// steals the lock of a holder that has been frozen for sync.StealAfter.
type locks struct {
	held map[string]*hold
}

type hold struct {
	slot  *slot
	steal context.CancelCauseFunc
}

func (l *locks) holder(name string) *slot {
	if h := l.held[name]; h != nil {
		return h.slot
	}
	return nil
}

// lockUser is the view a slot has of its browser's locks.
type lockUser struct{ *slot }

var _ sync.Locks = lockUser{}

// Hold implements sync.Locks.
func (u lockUser) Hold(ctx context.Context, name string, mode sync.LockMode, f func(context.Context) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	mine := &hold{u.slot, cancel}
	u.waits, u.mute = name, false
	for unnoticed := u.pause(locking) == UnnoticedSteal; ; {
		h := u.b.locks.held[name]
		if h == nil {
			break
		}
		silent := u.w.now.Sub(h.slot.frozenAt)
		if mode == sync.Steal || (h.slot.frozen && silent >= sync.StealAfter) || (u.mute && mode == sync.Wait) {
			if u.mute {
				u.w.stats.hit("lock stolen from a living holder")
			}
			u.w.stats.hit("lock stolen")
			if unnoticed {
				u.w.stats.fault(UnnoticedSteal)
				h.slot.unaware = true
			} else {
				h.steal(sync.ErrStolen)
			}
			break
		}
		if mode == sync.NoWait {
			return sync.ErrLocked
		}
		u.w.stats.hit("waited for a lock")
		unnoticed = u.pause(locking) == UnnoticedSteal
	}
	u.waits, u.mute = "", false
	u.b.locks.held[name] = mine
	defer func() {
		if u.b.locks.held[name] == mine {
			delete(u.b.locks.held, name)
		}
	}()
	return f(inner)
}

// blocked reports whether the slot waits for a lock it cannot get now.
func (s *slot) blocked() bool {
	if s.waits == "" {
		return false
	}
	h := s.b.locks.held[s.waits]
	return h != nil && !s.mute && !(h.slot.frozen && s.w.now.Sub(h.slot.frozenAt) >= sync.StealAfter)
}

// maxLockDelay is how long a frozen holder may delay the others (invariant 10).
const maxLockDelay = 10 * time.Second

// checkWaits checks that no slot waits for a dead holder, or too long for a frozen one.
func (w *world) checkWaits() {
	for _, b := range w.browsers {
		for _, s := range b.slots {
			if s.waits == "" || !s.blocked() {
				continue
			}
			h := b.locks.held[s.waits].slot
			if h.b != b {
				w.fail(ownWork, "%s waits for the lock of %s, who works for another account", s.who, h.who)
			}
			if h.actor == nil {
				w.fail(10, "%s waits for the lock of %s, which is gone", s.who, h.who)
			}
			if h.frozen {
				silent := w.now.Sub(h.frozenAt)
				w.stats.most("seconds delayed by a frozen holder", int(silent/time.Second))
				if silent > maxLockDelay {
					w.fail(10, "%s still waits for the lock of %s, which has been frozen for %v", s.who, h.who, silent)
				}
			}
		}
	}
}
