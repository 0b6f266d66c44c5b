package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
)

// Bounds of checking the device's rows against the server's digest.
const (
	// CheckEvery is the age of the last check at which a round makes the next. A start and
	// a manual sync always make one.
	CheckEvery = 30 * time.Minute
	// MaxRepairPages is how many pages of buckets one round reads. The next round does the
	// rest.
	MaxRepairPages = 20
	// maxTries is how often in a row a check repairs and still finds a mismatch. It then
	// ends, until the next is due.
	maxTries = 3
)

// Check is how the device's rows compare with the server's, as far as is known. It is
// kept in MetaCheck.
type Check struct {
	At         time.Time `json:"at"`    // end of the last complete check; zero for never
	ServerRows int64     `json:"there"` // then
	DeviceRows int64     `json:"here"`  // then
	Mismatched int       `json:"apart"` // buckets that differed in spite of all repairs
	// Epoch and Generation are those of the feed then. Another epoch means that the
	// server's data may have gone back in time, another generation that the device's rows
	// were read anew.
	Epoch      string `json:"epoch,omitempty"`
	Generation int64  `json:"generation,omitempty"`
	// Last is the last repair that changed anything; nil for none ever.
	Last *RepairSummary `json:"last,omitempty"`
	// Open is a check that has found a mismatch and is not complete.
	Open *CheckProgress `json:"open,omitempty"`
}

// RepairSummary is what a repair changed.
type RepairSummary struct {
	At      time.Time `json:"at"`
	Rows    int       `json:"rows"`
	Buckets int       `json:"buckets"`
}

// CheckProgress is how far a check is. It is done with the types before Type, with the
// buckets of Type before Bucket, and with that bucket's ids up to After.
type CheckProgress struct {
	Tries   int    `json:"tries"` // how often repairs have left a mismatch
	Type    string `json:"type"`
	Bucket  int    `json:"bucket"`
	After   string `json:"after,omitempty"`
	Rows    int    `json:"rows"` // repaired so far, in this many Buckets
	Buckets int    `json:"buckets"`
	Counted bool   `json:"hit,omitempty"` // Buckets includes Bucket
	// Epoch and Generation are those of the feed that it compares with. What was done with
	// another says nothing of this one.
	Epoch      string `json:"epoch,omitempty"`
	Generation int64  `json:"generation,omitempty"`
}

// ParseCheck reads the value of MetaCheck; the zero Check for none.
func ParseCheck(text string) Check {
	c, _ := jsoncodec.Parse([]byte(text), readCheck) // the zero Check for a broken one
	return c
}

// due reports whether a round that begins for this reason should check.
func (c Check) due(reason Reason, now time.Time) bool {
	age := now.Sub(c.At)
	setBack := age < -CheckEvery // the device's clock
	return c.Open != nil || reason == Start || reason == Manual || age >= CheckEvery || setBack
}

// check compares the device's rows with the server's digest at the end of the feed, if
// that is due, and repairs the buckets that differ.
//
// A repair may overwrite the device's rows with the server's, even where the device's
// version is higher: a bucket is read after the feed's last page, from a server that is
// not behind its cursor (it says so), so its rows are as new as the cursor or newer. What
// changes at the server after that lies behind the cursor, and the feed will bring it.
// Confirmed rows are saved by nothing but:
//
//   - rounds, which lock and fence exclude from each other. This one has pushed and
//     pulled before, and a round that takes over makes Repair fail.
//   - a page that fetched one row. The row is stored only while the cursor is as before
//     the fetch, and may be newer than the bucket. The repair then takes it back to the
//     bucket's version, or removes it, until the feed brings it again; its change lies
//     behind the cursor. Such a row can also make a bucket differ that is intact. The
//     bucket is then read for nothing.
//
// What a person writes meanwhile is an operation, and a repair keeps operations.
func (r *round) check(ctx context.Context) error {
	if len(r.digests) == 0 {
		return nil
	}
	meta, err := r.cfg.Store.Meta(ctx, MetaCheck)
	if err != nil {
		return fmt.Errorf("read the last check: %w", err)
	}
	c := ParseCheck(meta[MetaCheck])
	sameFeed := c.Epoch == r.epoch && c.Generation == r.position.generation
	if sameFeed && !c.due(r.reason, r.cfg.Now()) {
		return nil
	}
	if c.Open != nil && (c.Open.Epoch != r.epoch || c.Open.Generation != r.position.generation) {
		c.Open = nil
	}
	if r.onSynced != nil {
		r.onSynced(r.report)
	}
	found, err := r.compare(ctx)
	if err != nil {
		return fmt.Errorf("compute the digest of this device's rows: %w", err)
	}
	if len(found.mismatched) == 0 || (c.Open != nil && c.Open.Tries >= maxTries) {
		return r.endCheck(ctx, c, found)
	}
	return r.repair(ctx, c, found)
}

// comparison is how the two sides compare.
type comparison struct {
	deviceRows, serverRows int64
	mismatched             []bucket
}

// bucket is a bucket of a type. Types are in the order of the schemas.
type bucket struct {
	typeIndex  int
	entityType string
	number     int
}

func (r *round) compare(ctx context.Context) (comparison, error) {
	var c comparison
	for i, s := range r.cfg.Schemas {
		server, ok := r.digests[s.Type]
		if !ok {
			continue
		}
		device, err := r.cfg.Store.Digest(ctx, s.Type)
		if err != nil {
			return c, err
		}
		c.deviceRows, c.serverRows = c.deviceRows+device.Count, c.serverRows+server.Count
		for _, n := range device.Diff(&server) {
			c.mismatched = append(c.mismatched, bucket{i, s.Type, n})
		}
	}
	return c, nil
}

// endCheck records the end of a check.
func (r *round) endCheck(ctx context.Context, c Check, found comparison) error {
	c.At, c.Open = r.cfg.Now().UTC(), nil
	c.Epoch, c.Generation = r.epoch, r.position.generation
	c.DeviceRows, c.ServerRows, c.Mismatched = found.deviceRows, found.serverRows, len(found.mismatched)
	return r.saveCheck(ctx, c)
}

func (r *round) saveCheck(ctx context.Context, c Check) error {
	return r.saveMeta(ctx, map[string]string{MetaCheck: string(jsoncodec.Write(c.writeJSON))})
}

// repair reads the buckets that differ, from where an earlier round stopped. Then it
// compares everything once more. What still differs, perhaps because the server's rows
// have changed since, is left to the next round, which begins at once if this one repaired
// anything.
func (r *round) repair(ctx context.Context, c Check, found comparison) error {
	if c.Open == nil {
		c.Open = &CheckProgress{Epoch: r.epoch, Generation: r.position.generation}
		// Saved before the first request, so that the check goes on whatever ends this round.
		if err := r.saveCheck(ctx, c); err != nil {
			return err
		}
	}
	from := r.typeIndex(c.Open.Type)
	for _, b := range found.mismatched {
		if b.typeIndex < from || (b.typeIndex == from && b.number < c.Open.Bucket) {
			continue // an earlier round has read it; the next comparison decides
		}
		if b.entityType != c.Open.Type || b.number != c.Open.Bucket {
			from, c.Open.Type, c.Open.Bucket, c.Open.After, c.Open.Counted = b.typeIndex, b.entityType, b.number, "", false
		}
		done, err := r.repairBucket(ctx, &c)
		var failed *RequestError
		switch {
		case errors.As(err, &failed) && failed.Kind == Resync:
			return nil // the next pull begins a resync, or meets another epoch; the check goes on
		case errors.As(err, &failed) && failed.Kind == Refused:
			return r.endCheck(ctx, c, found) // the server has a digest, but no buckets
		case err != nil:
			if saveErr := r.saveCheck(ctx, c); saveErr != nil {
				return saveErr
			}
			return err
		case !done:
			r.report.More = true
			return r.saveCheck(ctx, c)
		}
	}
	left, err := r.compare(ctx)
	if err != nil {
		return fmt.Errorf("compute the digest of the repaired rows: %w", err)
	}
	if len(left.mismatched) == 0 {
		return r.endCheck(ctx, c, left)
	}
	r.report.More = r.report.More || r.report.Repaired > 0
	c.Open = &CheckProgress{
		Tries: c.Open.Tries + 1, Rows: c.Open.Rows, Buckets: c.Open.Buckets, Epoch: c.Open.Epoch, Generation: c.Open.Generation,
	}
	return r.saveCheck(ctx, c)
}

// typeIndex is a type's place among the schemas, 0 for one that has none.
func (r *round) typeIndex(entityType string) int {
	return max(0, slices.IndexFunc(r.cfg.Schemas, func(s queue.Schema) bool { return s.Type == entityType }))
}

// repairBucket reads a bucket page by page and makes the device's rows equal to the
// server's. It returns false when the round may read no more.
func (r *round) repairBucket(ctx context.Context, c *Check) (done bool, err error) {
	open := c.Open
	ids := api.BucketRange(open.Bucket)
	if open.After != "" {
		ids = ids.After(open.After)
	}
	for more := true; more; {
		if r.bucketPages == MaxRepairPages {
			return false, nil
		}
		r.bucketPages++
		r.clock.sentAt = r.cfg.Now()
		page, err := r.cfg.Remote.Bucket(ctx, BucketQuery{
			Type: open.Type, Bucket: open.Bucket, Cursor: r.position.cursor, After: open.After, Limit: PageSize,
		})
		if err != nil {
			return false, err
		}
		part := Repair{Type: open.Type, IDs: ids, Changes: page.Changes, Fence: r.fence, Generation: r.position.generation}
		if more = page.HasMore; more {
			last := page.Changes[len(page.Changes)-1].EntityID
			part.IDs, ids, open.After = ids.Through(last), ids.After(last), last
		}
		repaired, err := r.cfg.Store.Repair(ctx, part)
		if err != nil {
			return false, fmt.Errorf("save a bucket: %w", err)
		}
		r.publishChanged(repaired)
		if len(repaired) == 0 {
			continue
		}
		r.report.Repaired += len(repaired)
		open.Rows += len(repaired)
		if !open.Counted {
			open.Counted = true
			open.Buckets++
		}
		c.Last = &RepairSummary{At: r.cfg.Now().UTC(), Rows: open.Rows, Buckets: open.Buckets}
	}
	return true, nil
}
