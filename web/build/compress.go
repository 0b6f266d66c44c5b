package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/andybalholm/brotli"
	"golang.org/x/sync/errgroup"
)

// codings are the content codings a variant may have, best first.
var codings = []struct{ name, suffix string }{
	{"br", ".br"},
	{"gzip", ".gz"},
}

// compressor makes compressed variants. Brotli at its best takes half a minute
// for a wasm file, so each result is kept under the hash of its input.
type compressor struct {
	cache   string
	quality int // of brotli; gzip is always at its best
}

// addVariants adds to each file the variants that are smaller than it.
func (c compressor) addVariants(ctx context.Context, files map[string]*file) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for url, f := range files {
		f.variants = map[string][]byte{}
		if !compressible(f.mediaType) {
			continue
		}
		group.Go(func() error {
			for _, coding := range codings {
				if err := ctx.Err(); err != nil {
					return err
				}
				data, err := c.compress(coding.name, f.data)
				if err != nil {
					return fmt.Errorf("compressing %s with %s: %w", url, coding.name, err)
				}
				if len(data) < len(f.data) {
					f.variants[coding.name] = data
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// compressible reports whether a media type is worth compressing: images and
// fonts are compressed in themselves.
func compressible(mediaType string) bool {
	return strings.HasPrefix(mediaType, "text/") || strings.HasPrefix(mediaType, "application/") ||
		mediaType == "image/svg+xml" || mediaType == "image/x-icon"
}

// compress returns data in a content coding, from the cache when it can.
func (c compressor) compress(coding string, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	name := filepath.Join(c.cache, fmt.Sprintf("%s.%s%d", hex.EncodeToString(sum[:]), coding, c.quality))
	cached, err := os.ReadFile(name)
	if err == nil {
		return cached, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	var b bytes.Buffer
	w, err := c.writer(coding, &b)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := writeFile(name, b.Bytes()); err != nil {
		return nil, fmt.Errorf("writing the cache: %w", err)
	}
	return b.Bytes(), nil
}

func (c compressor) writer(coding string, w io.Writer) (io.WriteCloser, error) {
	switch coding {
	case "br":
		// The largest window browsers must take (RFC 7932): wasm repeats itself
		// over megabytes.
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: c.quality}), nil
	case "gzip":
		return gzip.NewWriterLevel(w, gzip.BestCompression)
	default:
		return nil, fmt.Errorf("unknown content coding %q", coding)
	}
}
