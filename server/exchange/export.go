package exchange

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/server/files"
	"github.com/rollcall/rollcall/server/store"
)

// Source is what an export needs of a store.
type Source interface {
	Head(ctx context.Context) (string, error)
	Bucket(ctx context.Context, q store.BucketQuery) (api.BucketPage, error)
}

// Style is how an export is written. A byte order mark, which only CSV has, shows Excel that
// the file is UTF-8.
type Style struct {
	Format        roster.Format
	ByteOrderMark bool
}

// ExportFile exports to a new file that only its owner can read, since it holds personal
// data. It never leaves a part of an export.
func ExportFile(ctx context.Context, from Source, file string, style Style) (n int, err error) {
	f, err := files.Create(file)
	if errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%s exists already; an export never replaces a file", file)
	}
	if err != nil {
		return 0, fmt.Errorf("create the export: %w", err)
	}
	n, err = Export(ctx, from, f, style)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return n, errors.Join(err, os.Remove(file))
	}
	return n, nil
}

// Export writes all live users in the order of their ids, and returns how many. It may run
// while others write: a user who exists all the while is written once.
func Export(ctx context.Context, from Source, to io.Writer, style Style) (n int, err error) {
	out := bufio.NewWriterSize(to, 64<<10)
	put, flush, err := writerOf(out, style)
	if err != nil {
		return 0, err
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
	return n, errors.Join(flush(), out.Flush())
}

// writerOf returns what writes a document, and what ends the file. JSON Lines are the documents as
// they are stored.
func writerOf(out io.Writer, style Style) (put func(json.RawMessage) error, flush func() error, err error) {
	if style.Format == roster.JSONLines {
		put = func(document json.RawMessage) error {
			_, err := out.Write(append(document[:len(document):len(document)], '\n'))
			return err
		}
		return put, func() error { return nil }, nil
	}
	w, err := roster.NewWriter(out, style.Format, style.ByteOrderMark)
	if err != nil {
		return nil, nil, err
	}
	put = func(document json.RawMessage) error {
		var u api.User
		if err := json.Unmarshal(document, &u); err != nil {
			return err
		}
		return w.Write(u)
	}
	return put, w.Close, nil
}
