package app

import (
	stdsync "sync"
	"testing"
	"time"
)

// timers hold the waits of the pages until the test ends them.
type timers struct {
	mu  stdsync.Mutex
	set map[time.Duration][]chan time.Time
}

func (w *timers) wait(d time.Duration) <-chan time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan time.Time, 1)
	w.set[d] = append(w.set[d], c)
	return c
}

// expire ends the waits of a length, and says how many there were.
func (w *timers) expire(d time.Duration) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.set[d])
	for _, c := range w.set[d] {
		c <- time.Time{}
	}
	w.set[d] = nil
	return n
}

func TestUndoDoesNotRunOutBehindADialog(t *testing.T) {
	for dialog, closes := range map[string]string{"Add user": "Cancel", "confirm": "Cancel"} {
		b := open(t, "/")
		w := &timers{set: map[time.Duration][]chan time.Time{}}
		b.root.s.wait = w.wait
		b.add("Ann Lee", "ann@example.org")
		b.click("Delete Ann Lee")
		b.untilText("Deleted Ann Lee")
		if dialog == "confirm" {
			b.d.Emit(b.root, func() { b.root.s.askFirst(confirmRequest{heading: "Sure?", yes: "Yes", act: func() {}}) })
			b.until("the dialog", func() bool { return b.device.ModalOpen(confirmID) })
		} else {
			b.click(dialog)
		}
		b.until("the time of the toast to end", func() bool { return w.expire(actionTime) == 1 })
		b.settle()
		if !b.has("button", "Undo") {
			t.Fatalf("%s: Undo ran out", dialog)
		}
		if dialog == "confirm" {
			d := component[*confirmDialog](b)
			b.d.Emit(d, func() { b.device.CloseModal(confirmID) })
			b.d.Consume()
		} else {
			b.click(closes)
		}
		b.closeDialogs()
		b.until("its time to begin anew", func() bool { return w.expire(actionTime) == 1 })
		b.until("Undo to run out", func() bool { return !b.has("button", "Undo") })
	}
}

// Nothing that others do moves the page while a finger is down.
func TestUpdatesWaitForAPress(t *testing.T) {
	b := open(t, "/")
	b.add("Ann Lee", "ann@example.org")
	b.untilText("1 user")
	b.device.press(true)
	b.add("Bob Ray", "bob@example.org")
	polled := b.device.timesPolled()
	b.until("the update to arrive", func() bool { return b.device.timesPolled() > polled+2 })
	if b.has("button", "Edit Bob Ray") {
		t.Error("the page moved")
	}
	b.device.press(false)
	b.until("Bob to come", func() bool { return b.has("button", "Edit Bob Ray") })
}
