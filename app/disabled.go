package app

import (
	"context"

	"github.com/rollcall/rollcall/wasm/queue"
)

// leaveDisabled removes a disabled account's data from this device, on the server's word: at once if all
// is on the server, else once the person has said what becomes of the rest. A form that is open is
// theirs to close first.
func (s *session) leaveDisabled() {
	if s.leaving || s.toldDisabled || s.form != nil {
		return
	}
	s.leaving = true
	var counts queue.Counts
	s.async(func(ctx context.Context) (err error) {
		_ = s.endTaking(ctx) // no other account is asked about what is this one's
		// What the page shows may be older than the last change, and what is read here by the time that
		// the server has answered.
		if counts, err = s.Outbox.Counts(ctx); err != nil || unsent(counts) > 0 {
			return err
		}
		s.endSession(ctx)
		counts, err = s.Outbox.Counts(ctx)
		return err
	}, func(err error) {
		s.leaving = false
		switch {
		case err != nil: // the next status has it tried again
		case unsent(counts) > 0 || s.form != nil:
			s.counts = counts
			s.askDisabled()
		default:
			s.leaving = true
			s.Accounts.Leave(Disabled)
		}
	})
}

// askDisabled asks what becomes of what was not sent. It stays until there is an answer.
func (s *session) askDisabled() {
	s.toldDisabled = true
	s.askFirst(confirmRequest{
		heading: tr("This account is disabled"),
		text: trn(s.unsent(), "An admin has disabled it, so {n} change made here can't be sent. Save it to a file, and somebody who may write can load it on the page “Sync”. Then all data of this account is removed from this device.",
			"An admin has disabled it, so {n} changes made here can't be sent. Save them to a file, and somebody who may write can load it on the page “Sync”. Then all data of this account is removed from this device."),
		yes: tr("Save to a file and remove"), act: func() {
			s.saveThen(trLater("Nothing was removed: the changes were not saved to a file. {0}"), s.wipe)
		},
		others: []choice{{tr("Discard and remove"), s.wipe}},
		opener: disabledID,
	})
}

const disabledID = "disabled"

func (s *session) wipe() {
	s.leaving = true
	s.async(func(ctx context.Context) error {
		s.endSession(ctx)
		return nil
	}, func(error) { s.Accounts.Leave(Disabled) })
}

// endSession takes the cookie away, if the server can be asked. It lets nobody in any more.
func (s *session) endSession(ctx context.Context) { _ = s.Accounts.SignOut(ctx) }
