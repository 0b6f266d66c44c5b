package app

import (
	"context"
	"errors"
	"math"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// waitingText says why changes wait, and when they are sent. background says that the browser
// syncs with all tabs closed.
func (s syncState) waitingText(background bool) string {
	switch {
	case s.disabled():
		return tr("They stay on this device: this account is disabled.")
	case s.signedOut():
		return tr("They are sent once you have signed in.")
	case s.tooOld():
		return tr("They are sent once you have reloaded: this version of the app is too old to sync.")
	case s.reach == sync.ReachOffline && background:
		return tr("They are sent once this device is online, even if Rollcall is closed by then.")
	case s.reach == sync.ReachOffline:
		return tr("They are sent once this device is online and Rollcall is open.")
	case s.sending():
		return tr("They are being sent now.")
	case s.status.RetryAt.After(s.now):
		return tr("The server asks to wait. The next try is {0}.", timeUntil(s.status.RetryAt, s.now))
	case s.status.Problem != nil:
		return tr("The last try failed. {0} Rollcall tries again by itself; “Sync now” tries at once.", problemText(s.status.Problem))
	}
	return tr("They are sent in a moment.")
}

// kind is what rejected operations have in common: why.
type kind struct {
	why string
	n   int
}

func kindOf(o queue.Operation) string { return lastErrorText(o) }

// kindsOf are the reasons that several operations share, in the order of the first of each.
func kindsOf(ops []queue.Operation) []kind {
	var kinds []kind
	at := map[string]int{}
	for _, o := range ops {
		why := kindOf(o)
		if _, known := at[why]; !known {
			at[why] = len(kinds)
			kinds = append(kinds, kind{why: why})
		}
		kinds[at[why]].n++
	}
	several := kinds[:0]
	for _, k := range kinds {
		if k.n > 1 {
			several = append(several, k)
		}
	}
	return several
}

// decideKind does the same with all operations that were rejected for a reason.
func (p *syncPage) decideKind(why, failure string, act func(context.Context, queue.Operation) error) {
	p.decide(failure, func(ctx context.Context) error {
		ops, err := p.S.Outbox.NeedsAttention(ctx, math.MaxInt)
		for _, o := range ops {
			if err != nil {
				break
			}
			if kindOf(o) != why {
				continue
			}
			if err = act(ctx, o); errors.Is(err, queue.ErrGone) {
				err = nil // it has been decided meanwhile
			}
		}
		return err
	})
}

func (p *syncPage) retryKind(k kind) {
	p.decideKind(k.why, trLater("Not all of these changes were sent again. {0}"), p.S.Outbox.Retry)
}

func (p *syncPage) discardKind(k kind) {
	p.S.askFirst(confirmRequest{
		heading: trn(k.n, "Discard {n} change?", "Discard {n} changes?"),
		text:    tr("{0} These changes are not on the server. If you discard them, you can't get them back.", k.why),
		yes:     tr("Discard all"),
		opener:  pageTitleID,
		act: func() {
			p.decideKind(k.why, trLater("Not all of these changes were discarded. {0}"), p.S.Outbox.Discard)
		},
	})
}

// renderKinds offers one decision for all changes that were refused for the same reason.
func (p *syncPage) renderKinds() ui.UI {
	kinds := kindsOf(p.outbox.rejected)
	whys := keysOf(kinds, func(k kind) string { return k.why })
	return ui.If(len(kinds) > 0, ui.Div().Class("kinds").DataSet("order", order(whys)).Body(p.kinds.children(whys, func(i int) ui.UI {
		k := kinds[i]
		return ui.Div().Class("form-offer").DataSet("key", k.why).Body(
			ui.P().Text(trn(k.n, "{n} change was refused for this reason: {0}", "{n} changes were refused for this reason: {0}", k.why)),
			ui.Div().Class("form-offer-actions").Body(
				ui.Button().Type("button").Class("button").Text(tr("Retry all")).Aria("label", tr("Retry all: {0}", k.why)).
					OnClick(func(ui.Context, ui.Event) { p.retryKind(k) }, "retry", k.why, k.n),
				ui.Button().Type("button").Class("button", "button-danger-quiet").Text(tr("Discard all")).Aria("label", tr("Discard all: {0}", k.why)).
					OnClick(func(ui.Context, ui.Event) { p.discardKind(k) }, "discard", k.why, k.n),
			))
	})...))
}
