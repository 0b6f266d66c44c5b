package rest

import (
	"context"
	"fmt"
	"time"

	"net/http"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/store"
)

// bulkWindow is the time that a limit of deletes is about.
const bulkWindow = time.Hour

// mayWrite makes a write its sender's, on a device, and returns why they may not do it; nil if they
// may. On an open server nobody is anybody.
func (s *server) mayWrite(r *http.Request, w *store.Write, device string) *api.Problem {
	who := scopeOf(r.Context()).who
	if !who.Role.Permits(account.Editor) {
		return account.ForbiddenProblem(who, account.Editor)
	}
	if who.Account == "" {
		return nil
	}
	w.Author = &store.Author{Account: who.Account, Device: device, Keep: s.keepTexts}
	if w.Type != api.Delete {
		return nil
	}
	wait, ok := s.bulk.Take(who.Account, s.gate.Now())
	if ok || s.spared(r.Context(), who.Account, w.EntityID) {
		return nil
	}
	return api.NewProblem(api.CodeBulkLimit, "Too many people deleted", fmt.Sprintf("this account has deleted very many within an hour, so this one was kept; "+
		"if it was meant, delete the others after %v, or ask an admin to raise -bulk-limit", wait.Round(time.Second)))
}

// spared reports whether a user's delete is none that counts. They are deleted already: a device that
// has not got the answer sends its batch again. Or the account has created them within the last hour:
// its own import may be undone, however many it brought.
func (s *server) spared(ctx context.Context, by, id string) bool {
	past, err := s.store.History(ctx, id, store.Latest)
	if err != nil {
		return false
	}
	if past.Current == nil || past.Current.Deleted {
		return true
	}
	for i := len(past.Effects) - 1; i >= 0; i-- {
		if e := past.Effects[i]; e.Type == api.Create && e.Account == by && s.gate.Now().Sub(e.At) < bulkWindow {
			return true
		}
	}
	return false
}
