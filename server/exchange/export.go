package exchange

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// Reading is what an export needs of a store.
type Reading interface {
	Head(ctx context.Context) (string, error)
	Bucket(ctx context.Context, q store.BucketQuery) (api.BucketPage, error)
}

// Export writes all live users in the order of their ids, and returns how many.
// One that is there all the while is written once, though others write meanwhile.
func Export(ctx context.Context, from Reading, to io.Writer, format Format) (n int, err error) {
	out := bufio.NewWriterSize(to, 64<<10)
	put, end := lineWriter(out)
	if format == CSV {
		if put, end, err = csvWriter(out); err != nil {
			return 0, err
		}
	}
	cursor, err := from.Head(ctx)
	if err != nil {
		return 0, err
	}
	for bucket := range api.Buckets {
		q := store.BucketQuery{Cursor: cursor, Bucket: bucket, Limit: api.MaxChanges}
		for more := true; more; {
			page, err := from.Bucket(ctx, q)
			if err != nil {
				return n, fmt.Errorf("read the users: %w", err)
			}
			for _, c := range page.Changes {
				if err := put(c.Document); err != nil {
					return n, fmt.Errorf("write user %s: %w", c.EntityID, err)
				}
				n++
				q.After = c.EntityID
			}
			more = page.HasMore
		}
	}
	return n, errors.Join(end(), out.Flush())
}

func lineWriter(out *bufio.Writer) (put func(json.RawMessage) error, end func() error) {
	put = func(document json.RawMessage) error {
		_, err := out.Write(append(document[:len(document):len(document)], '\n'))
		return err
	}
	return put, func() error { return nil }
}

func csvWriter(out io.Writer) (put func(json.RawMessage) error, end func() error, err error) {
	w := csv.NewWriter(out)
	put = func(document json.RawMessage) error {
		var u api.User
		if err := json.Unmarshal(document, &u); err != nil {
			return err
		}
		return w.Write([]string{
			u.ID, guard(u.Name), guard(u.Email), guard(u.Bio),
			u.CreatedAt.Format(time.RFC3339Nano), u.UpdatedAt.Format(time.RFC3339Nano), strconv.FormatInt(u.Version, 10),
		})
	}
	end = func() error {
		w.Flush()
		return w.Error()
	}
	return put, end, w.Write(columns)
}
