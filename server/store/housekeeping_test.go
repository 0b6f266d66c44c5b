package store

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// tidied records what it was asked to delete.
type tidied struct {
	asked []string
	fails bool
}

func (k *tidied) Prune(_ context.Context, before time.Time) (int64, error) {
	k.asked = append(k.asked, "records before "+before.Format(time.DateOnly))
	if k.fails {
		return 0, errors.New("disk")
	}
	return 1, nil
}

func (k *tidied) Collect(_ context.Context, before time.Time) (int64, error) {
	k.asked = append(k.asked, "tombstones before "+before.Format(time.DateOnly))
	return 1, nil
}

func (k *tidied) Forget(_ context.Context, old Old) (int64, error) {
	k.asked = append(k.asked, "texts before "+old.Texts.Format(time.DateOnly)+" and changes before "+old.Changes.Format(time.DateOnly)+
		" and the audit log before "+old.Audit.Format(time.DateOnly))
	return 1, nil
}

// TestHousekeeping: after 90 days, and records first: no tombstone goes while a
// record of its user is kept.
func TestHousekeeping(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var k tidied
	tidy(t.Context(), &k, tidying{now, 30 * 24 * time.Hour, slog.New(slog.DiscardHandler)})
	if got := strings.Join(k.asked, ", "); got != "records before 2026-01-31, texts before 2026-04-01 and changes before 2026-01-31 and the audit log before 2024-05-01, tombstones before 2026-01-31" {
		t.Errorf("asked for %s", got)
	}
	var log bytes.Buffer
	k = tidied{fails: true}
	tidy(t.Context(), &k, tidying{now, 365 * 24 * time.Hour, slog.New(slog.NewTextHandler(&log, nil))})
	if len(k.asked) != 1 || !strings.Contains(log.String(), "disk") {
		t.Errorf("after a failure: %v, %s", k.asked, &log)
	}
}
