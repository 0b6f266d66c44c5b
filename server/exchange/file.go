package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/server/files"
	"github.com/rollcall/rollcall/server/store"
)

// ReadOptions returns how to read a file, by the names that an operator gives.
func ReadOptions(format, encoding string) (roster.Options, error) {
	o := roster.Options{Format: roster.Format(strings.ToLower(format)), Encoding: roster.Encoding(strings.ToLower(encoding))}
	formats := []roster.Format{"", roster.CSV, roster.JSONLines, roster.JSON, roster.VCard}
	if !slices.Contains(formats, o.Format) {
		return o, errors.New("-format must be csv, jsonl, json or vcard; without it, the content decides")
	}
	if o.Encoding != "" && !slices.Contains(roster.Encodings, o.Encoding) {
		return o, fmt.Errorf("-encoding must be one of %v; save a file in another encoding as UTF-8", roster.Encodings)
	}
	return o, nil
}

// OpenFile opens a file to be read twice. What comes through a pipe of the shell can't be, so it
// is copied first. A named pipe is refused: with nobody to write to it, it would never answer.
func OpenFile(name string) (*os.File, error) {
	info, err := files.Regular(name)
	piped := info != nil && info.Mode()&fs.ModeNamedPipe != 0 && isDescriptor(name)
	if err != nil && !piped {
		return nil, fmt.Errorf("open the file %s: %w", name, err)
	}
	in, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	if !piped {
		return in, nil
	}
	spooled, err := spool(in)
	return spooled, errors.Join(err, in.Close())
}

// isDescriptor reports whether a name stands for a file that is open already, as with
// /dev/stdin, or /dev/fd/63 for the shell's <(...).
func isDescriptor(name string) bool {
	name = filepath.Clean(name)
	return name == "/dev/stdin" || strings.HasPrefix(name, "/dev/fd/") || strings.HasPrefix(name, "/proc/self/fd/")
}

// spool copies what comes to a file that has no name any more.
func spool(in io.Reader) (*os.File, error) {
	file, err := os.CreateTemp("", "rollcall-import-")
	if err != nil {
		return nil, fmt.Errorf("copy what comes through the pipe: %w", err)
	}
	err = os.Remove(file.Name())
	if _, copied := io.Copy(file, in); err != nil || copied != nil {
		return nil, errors.Join(fmt.Errorf("copy what comes through the pipe: %w", errors.Join(err, copied)), file.Close())
	}
	return file, nil
}

// Nobody is a directory without users, which is only asked.
type Nobody struct{}

// Find implements Directory.
func (Nobody) Find(context.Context, []string, []string) ([]store.Row, error) { return nil, nil }

// Apply implements Directory.
func (Nobody) Apply(context.Context, []store.Write) ([]store.Outcome, error) {
	return nil, store.ErrNoDirectory
}

// Close implements io.Closer.
func (Nobody) Close() error { return nil }
