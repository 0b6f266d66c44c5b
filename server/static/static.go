// Package static serves the web files that web/build wrote to a directory, as listed in its
// manifest assets.json.
//
// Files with a hashed name are cached forever. All others are revalidated on each use, with an
// ETag of their content. The compressed variants are built in advance; the server only selects
// one.
package static

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/coding"
)

const (
	manifest     = "assets.json"
	mediaProgram = "application/wasm"
	// zstdWindow is the largest that a browser must take (RFC 9659).
	zstdWindow = 8 << 20
)

// extensions are the file name extensions of the variants by content coding.
var extensions = map[string]string{coding.Identity: "", coding.Brotli: ".br", coding.Gzip: ".gz"}

// Handler serves the files of one build.
type Handler struct {
	version string
	files   map[string]file // by URL path
	patches atomic.Pointer[map[string]file]
}

type file struct {
	mediaType string
	immutable bool
	variants  []variant // identity first, the others in the manifest's order of preference
}

type variant struct {
	coding string
	open   func() (io.ReadCloser, error)
	size   int64
	etag   string
}

// ErrNotBuilt says that the program was built without the web files.
var ErrNotBuilt = errors.New("this program was built without its web files; run `make build`")

// New returns a handler of the files in dist that its manifest lists. It fails with ErrNotBuilt
// if there is no manifest.
func New(dist fs.FS) (*Handler, error) {
	data, err := fs.ReadFile(dist, manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotBuilt
	}
	if err != nil {
		return nil, fmt.Errorf("read the web files' manifest: %w", err)
	}
	var m struct {
		Version string
		Files   map[string]struct {
			Type      string
			Immutable bool
			Encodings []string
		}
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("decode the web files' manifest: %w", err)
	}
	h := &Handler{version: m.Version, files: map[string]file{}}
	for url, entry := range m.Files {
		f := file{mediaType: entry.Type, immutable: entry.Immutable}
		for _, c := range append([]string{coding.Identity}, entry.Encodings...) {
			v, err := readVariant(dist, url, c)
			if err != nil {
				return nil, err
			}
			f.variants = append(f.variants, v)
		}
		h.files[url] = f
	}
	return h, nil
}

// Version identifies the build. It changes when any file changes.
func (h *Handler) Version() string { return h.version }

func readVariant(dist fs.FS, url, encoding string) (variant, error) {
	extension, known := extensions[encoding]
	if !known {
		return variant{}, fmt.Errorf("web file %s: unknown content coding %q", url, encoding)
	}
	name := strings.TrimPrefix(url, "/")
	if name == "" {
		name = "index.html"
	}
	name += extension
	v := variant{coding: encoding, open: func() (io.ReadCloser, error) { return dist.Open(name) }}
	f, err := v.open()
	if err != nil {
		return v, fmt.Errorf("web file %s: %w", url, err)
	}
	sum := sha256.New()
	v.size, err = io.Copy(sum, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return v, fmt.Errorf("read web file %s: %w", url, err)
	}
	v.etag = etag(sum)
	return v, nil
}

func etag(sum hash.Hash) string {
	return `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]) + `"`
}

// pathImport is the app's page that takes files.
const pathImport = "/import"

// Programs returns the programs by name, and their contents as compressed by gzip.
func (h *Handler) Programs() (map[string][]byte, error) {
	programs := map[string][]byte{}
	for url, f := range h.files {
		at := slices.IndexFunc(f.variants, func(v variant) bool { return v.coding == coding.Gzip })
		if f.mediaType != mediaProgram || at < 0 {
			continue
		}
		content, err := f.variants[at].open()
		if err != nil {
			return nil, err
		}
		compressed, err := io.ReadAll(content)
		if err := errors.Join(err, content.Close()); err != nil {
			return nil, err
		}
		programs[path.Base(url)] = compressed
	}
	return programs, nil
}

// Offer has the handler answer requests for programs by patches, from now on, where the
// client has the version that one is for. They come by the hash in that version's name.
func (h *Handler) Offer(patches map[string][]byte) error {
	offered := map[string]file{}
	for from, data := range patches {
		f, err := compressedFile(data)
		if err != nil {
			return err
		}
		offered[from] = f
	}
	h.patches.Store(&offered)
	return nil
}

// compressedFile is a patch with its variants.
func compressedFile(data []byte) (file, error) {
	f := file{mediaType: api.MediaPatch, immutable: true}
	var small, smaller bytes.Buffer
	z, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return f, err
	}
	s, err := zstd.NewWriter(&smaller, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow))
	if err != nil {
		return f, err
	}
	for _, w := range []io.WriteCloser{z, s} {
		_, err := w.Write(data)
		if err := errors.Join(err, w.Close()); err != nil {
			return f, err
		}
	}
	for _, v := range []struct {
		coding string
		data   []byte
	}{{coding.Identity, data}, {coding.Zstd, smaller.Bytes()}, {coding.Gzip, small.Bytes()}} {
		sum := sha256.New()
		_, _ = sum.Write(v.data) // a hash takes everything
		f.variants = append(f.variants, variant{v.coding, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(v.data)), nil },
			int64(len(v.data)), etag(sum)})
	}
	return f, nil
}

// patch returns the patch that a request asks for, or the file itself.
func (h *Handler) patch(r *http.Request, f file) file {
	if patches := h.patches.Load(); patches != nil && f.mediaType == mediaProgram {
		if p, ok := (*patches)[r.URL.Query().Get(api.ParamFrom)]; ok {
			return p
		}
	}
	return f
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && r.URL.Path == pathImport {
		// Another app shares a file, and there is no service worker to take it: the page says so.
		http.Redirect(w, r, pathImport+"?shared", http.StatusSeeOther)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD are allowed here.", http.StatusMethodNotAllowed)
		return
	}
	url := r.URL.Path
	if url == api.PathSignIn {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	f, found := h.files[url]
	if !found && isNavigation(r) {
		url = "/"
		f, found = h.files[url]
	}
	if !found {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "There is nothing at this address.", http.StatusNotFound)
		return
	}
	if isFirstVisit(r) {
		w.Header().Set("Link", firstPeople)
	}
	serve(w, r, h.patch(r, f))
}

// firstPeople has the browser ask for what the shell shows of the list (web/names.js) before that
// script has come and run. An address that differs from the script's is asked for in vain.
const firstPeople = "<" + api.PathUsers + "?limit=20>; rel=preload; as=fetch; crossorigin"

// isFirstVisit reports whether a browser without people of its own navigates to the list. The
// service worker, which keeps the page for later visits with its headers, does not navigate.
func isFirstVisit(r *http.Request) bool {
	_, err := r.Cookie(api.SyncedCookie)
	return err != nil && r.URL.RequestURI() == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// isNavigation reports whether a browser navigates to a page. Every URL of the app is the same
// page, which routes by itself.
func isNavigation(r *http.Request) bool {
	p := r.URL.Path
	if strings.HasPrefix(p, "/assets/") || strings.HasPrefix(p, api.PathPrefix) || path.Ext(p) != "" {
		return false
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// choose returns the variant that the client prefers; ok is false if it accepts none.
func (f file) choose(accept []string) (v variant, ok bool) {
	offered := make([]string, len(f.variants))
	for i, v := range f.variants {
		offered[i] = v.coding
	}
	best, ok := coding.Choose(accept, offered...)
	return f.variants[max(0, slices.Index(offered, best))], ok
}

func serve(w http.ResponseWriter, r *http.Request, f file) {
	accept := r.Header.Values("Accept-Encoding")
	if r.URL.Query().Get(api.ParamCoding) == api.CodingIdentity {
		accept = []string{coding.Identity}
	}
	v, acceptable := f.choose(accept)
	h := w.Header()
	if len(f.variants) > 1 {
		h.Set("Vary", "Accept-Encoding")
	}
	if !acceptable {
		http.Error(w, "None of this file's content codings is acceptable.", http.StatusNotAcceptable)
		return
	}
	h.Set("ETag", v.etag)
	// A browser refuses a file whose bytes are not those of the build, so nothing on
	// the way may minify or rewrite it: no-transform.
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable, no-transform")
	} else {
		h.Set("Cache-Control", "no-cache, no-transform")
	}
	if matches(r.Header.Values("If-None-Match"), v.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.mediaType)
	h.Set("Content-Length", strconv.FormatInt(v.size, 10))
	if v.coding != coding.Identity {
		h.Set("Content-Encoding", v.coding)
	}
	if f.mediaType == mediaProgram {
		// Content-Length counts compressed bytes; the page shows progress by the
		// uncompressed ones.
		h.Set("X-Uncompressed-Length", strconv.FormatInt(f.variants[0].size, 10))
	}
	if r.Method == http.MethodHead {
		return
	}
	content, err := v.open()
	if err != nil {
		panic(fmt.Sprintf("web file %s has disappeared: %v", r.URL.Path, err))
	}
	// A failed copy means that the client is gone; else Content-Length reveals it.
	_, _ = io.Copy(w, content)
	_ = content.Close()
}

func matches(values []string, etag string) bool {
	for _, v := range values {
		for tag := range strings.SplitSeq(v, ",") {
			if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}

// NotBuilt answers in place of the web files when they were not built. The API still works.
func NotBuilt() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "Rollcall was built without its web files. Run `make build`, then restart bin/rollcall.",
			http.StatusServiceUnavailable)
	})
}
