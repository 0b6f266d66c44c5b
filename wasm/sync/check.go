package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Bounds of checking the device's rows against the server's digest.
const (
	// CheckEvery is how old the last check may become before a round makes one;
	// a start and a manual sync make one in any case.
	CheckEvery = 30 * time.Minute
	// MaxRepairPages is how many pages of buckets one round reads: what it leaves,
	// the next one does.
	MaxRepairPages = 20
	// maxTries is how often in a row a check repairs and finds a difference still, before
	// that is left alone until the next check is due.
	maxTries = 3
)

// Check is what is known of how the device's rows compare with the server's. It is
// kept in MetaCheck.
type Check struct {
	At    time.Time `json:"at"`    // end of the last check that came to an end; zero for never
	There int64     `json:"there"` // rows the server had then
	Here  int64     `json:"here"`  // rows the device had
	Apart int       `json:"apart"` // buckets that differed in spite of all repairs
	// Last is the last repair that found something; nil for none ever.
	Last *RepairSummary `json:"last,omitempty"`
	// Open is a check that has found a difference and not come to its end.
	Open *CheckProgress `json:"open,omitempty"`
}

// RepairSummary is what a repair found.
type RepairSummary struct {
	At      time.Time `json:"at"`
	Rows    int       `json:"rows"`
	Buckets int       `json:"buckets"`
}

// CheckProgress is how far a check has got. Buckets of Type before Bucket are done, and
// of that one the ids up to After; so are the types before Type.
type CheckProgress struct {
	Tries   int    `json:"tries"` // how often repairs have left a difference
	Type    string `json:"type"`
	Bucket  int    `json:"bucket"`
	After   string `json:"after,omitempty"`
	Rows    int    `json:"rows"` // repaired so far, of so many buckets
	Buckets int    `json:"buckets"`
	Hit     bool   `json:"hit,omitempty"` // Bucket is one of those
}

// ParseCheck reads the value of MetaCheck; the zero Check for none.
func ParseCheck(text string) Check {
	var c Check
	if json.Unmarshal([]byte(text), &c) != nil {
		return Check{}
	}
	return c
}

// due reports whether a round that begins for this reason should check.
func (c Check) due(reason Reason, now time.Time) bool {
	age := now.Sub(c.At)
	return c.Open != nil || reason == Start || reason == Manual || age >= CheckEvery || age < -CheckEvery // the clock was put back
}

// check compares the device's rows with the server's digest at the end of the feed,
// if that is due, and repairs the buckets that differ.
//
// Why the server's rows may be forced on the device, also where its own version is
// higher: a bucket is read after the feed's last page, from a server that is not
// behind its cursor (it says so), so the rows are as new as the cursor or newer. What
// was changed at the server after the bucket was read comes behind that cursor, and the
// feed will bring it. All that saves confirmed rows is:
//
//   - the rounds, which exclude each other by lock and fence; this one has pushed
//     and pulled before, and another that takes over makes Repair fail;
//   - a row that a page fetched in passing. It is stored only while the cursor is
//     as before the fetch, and may be newer than the bucket. Then the repair takes it
//     back to the bucket's version, or away, until the feed brings it again, which it
//     does because the change lies behind the cursor. It can also make digests differ
//     that should not; the bucket is then read for nothing.
//
// What a person writes meanwhile is an operation, and a repair keeps those.
func (r *round) check(ctx context.Context) error {
	if len(r.digests) == 0 {
		return nil
	}
	meta, err := r.cfg.Store.Meta(ctx, MetaCheck)
	if err != nil {
		return fmt.Errorf("read what is known of the server's digest: %w", err)
	}
	c := ParseCheck(meta[MetaCheck])
	if !c.due(r.reason, r.cfg.Now()) {
		return nil
	}
	found, err := r.compare(ctx)
	if err != nil {
		return fmt.Errorf("sum up this device's rows: %w", err)
	}
	if len(found.apart) == 0 || (c.Open != nil && c.Open.Tries >= maxTries) {
		return r.settled(ctx, c, found)
	}
	return r.repair(ctx, c, found)
}

// comparison is how the two sides compare.
type comparison struct {
	here, there int64
	apart       []bucket
}

// bucket is a bucket of a type. Types are in the order of the schemas.
type bucket struct {
	typeNumber int
	entityType string
	number     int
}

func (r *round) compare(ctx context.Context) (comparison, error) {
	var c comparison
	for i, s := range r.cfg.Schemas {
		theirs, ok := r.digests[s.Type]
		if !ok {
			continue
		}
		ours, err := r.cfg.Store.Digest(ctx, s.Type)
		if err != nil {
			return c, err
		}
		c.here, c.there = c.here+ours.Count, c.there+theirs.Count
		for _, n := range ours.Diff(&theirs) {
			c.apart = append(c.apart, bucket{i, s.Type, n})
		}
	}
	return c, nil
}

// settled records the end of a check.
func (r *round) settled(ctx context.Context, c Check, found comparison) error {
	c.At, c.Here, c.There, c.Apart, c.Open = r.cfg.Now().UTC(), found.here, found.there, len(found.apart), nil
	return r.keep(ctx, c)
}

// keep saves what is known, for the next round and for the pages.
func (r *round) keep(ctx context.Context, c Check) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode a check: %w", err)
	}
	_, err = r.cfg.Store.ApplyPage(ctx, Page{Fence: r.fence, Generation: r.at.generation, Meta: map[string]string{MetaCheck: string(text)}})
	return err
}

// repair reads the buckets that differ again, from where an earlier round left off.
// When all were read, everything is compared once more. What differs still, perhaps
// because the server's rows have changed since, is for the next round, which begins at
// once if there was something to repair.
func (r *round) repair(ctx context.Context, c Check, found comparison) error {
	if c.Open == nil {
		c.Open = &CheckProgress{}
		// Kept before the first request: whatever ends this round, the check goes on.
		if err := r.keep(ctx, c); err != nil {
			return err
		}
	}
	from := r.typeNumber(c.Open.Type)
	for _, b := range found.apart {
		if b.typeNumber < from || (b.typeNumber == from && b.number < c.Open.Bucket) {
			continue // read already; what differs still is for the next comparison
		}
		if b.entityType != c.Open.Type || b.number != c.Open.Bucket {
			from, c.Open.Type, c.Open.Bucket, c.Open.After, c.Open.Hit = b.typeNumber, b.entityType, b.number, "", false
		}
		done, err := r.repairBucket(ctx, &c)
		var o *RequestError
		switch {
		case errors.As(err, &o) && o.Kind == Resync:
			return nil // the feed will say the same, and has its own way to go on
		case errors.As(err, &o) && o.Kind == Refused:
			return r.settled(ctx, c, found) // it has a digest, and no buckets
		case err != nil:
			if kept := r.keep(ctx, c); kept != nil {
				return kept
			}
			return err
		case !done:
			r.report.More = true
			return r.keep(ctx, c)
		}
	}
	left, err := r.compare(ctx)
	if err != nil {
		return fmt.Errorf("sum up the repaired rows: %w", err)
	}
	if len(left.apart) == 0 {
		return r.settled(ctx, c, left)
	}
	r.report.More = r.report.More || r.report.Repaired > 0
	c.Open = &CheckProgress{Tries: c.Open.Tries + 1, Rows: c.Open.Rows, Buckets: c.Open.Buckets}
	return r.keep(ctx, c)
}

// typeNumber is a type's place among the schemas, 0 for one that has none.
func (r *round) typeNumber(entityType string) int {
	for i, s := range r.cfg.Schemas {
		if s.Type == entityType {
			return i
		}
	}
	return 0
}

// repairBucket reads a bucket page by page and makes the device's rows those of the
// server. It reports false when the round may read no more.
func (r *round) repairBucket(ctx context.Context, c *Check) (done bool, err error) {
	open := c.Open
	ids := api.BucketRange(open.Bucket)
	if open.After != "" {
		ids = ids.After(open.After)
	}
	for more := true; more; {
		if r.pages == MaxRepairPages {
			return false, nil
		}
		r.pages++
		r.asked = r.cfg.Now()
		page, err := r.cfg.Remote.Bucket(ctx, BucketQuery{
			Type: open.Type, Bucket: open.Bucket, Cursor: r.at.cursor, After: open.After, Limit: PageSize,
		})
		if err != nil {
			return false, err
		}
		part := Repair{Type: open.Type, IDs: ids, Changes: page.Changes, Fence: r.fence, Generation: r.at.generation}
		if more = page.HasMore; more {
			last := page.Changes[len(page.Changes)-1].EntityID
			part.IDs, ids, open.After = ids.Through(last), ids.After(last), last
		}
		differed, err := r.cfg.Store.Repair(ctx, part)
		if err != nil {
			return false, fmt.Errorf("save a bucket: %w", err)
		}
		r.announce(differed)
		if len(differed) == 0 {
			continue
		}
		r.report.Repaired += len(differed)
		open.Rows += len(differed)
		if !open.Hit {
			open.Hit = true
			open.Buckets++
		}
		c.Last = &RepairSummary{At: r.cfg.Now().UTC(), Rows: open.Rows, Buckets: open.Buckets}
	}
	return true, nil
}
