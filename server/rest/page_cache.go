package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/coding"
	"github.com/rollcall/rollcall/server/limit"
)

const (
	// cachedPages is how many pages are cached at most, and maxCached the most bytes of one.
	// Larger pages are streamed.
	cachedPages = 32
	maxCached   = 768 << 10
)

// content is an unencoded page of about size bytes.
type content struct {
	size  int64
	media string
	write func(io.Writer) error
}

// page is a response that is ready to be sent, or the content to stream if it is large, and
// the media type and the coding of either.
type page struct {
	body   []byte
	media  string
	coding string
	large  content
	told   string // of an event: the cursor that it tells of
}

// pageCache has the latest pages. A page depends only on the request and the feed's revision.
// After a change all devices request the same one: it is read, encoded and compressed once
// for all of them.
type pageCache struct {
	most int64 // bytes of cached pages

	mu      sync.Mutex
	recent  *simplelru.LRU[string, *page]
	held    int64
	loading map[string]*loading
}

// loading is a page that a request is about to have.
type loading struct {
	ended chan struct{} // closed when page or err is set
	page  *page
	err   error
}

func newPageCache(most int64) *pageCache {
	p := &pageCache{most: most, loading: map[string]*loading{}}
	var err error
	p.recent, err = simplelru.NewLRU(cachedPages, func(_ string, dropped *page) { p.held -= int64(len(dropped.body)) })
	if err != nil {
		panic("create the page cache: " + err.Error()) // the size is valid
	}
	return p
}

// add caches a page, and drops others until all of them fit.
func (p *pageCache) add(key string, ready *page) {
	size := int64(len(ready.body))
	if ready.body == nil || size > min(maxCached, p.most) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recent.Remove(key)
	for p.held+size > p.most {
		p.recent.RemoveOldest()
	}
	p.recent.Add(key, ready)
	p.held += size
}

// bytes returns how many bytes the cached pages have.
func (p *pageCache) bytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// patience is how long a request waits for another one's read of the same page. That one may
// wait for its turn behind much else of its network.
const (
	patience = 50 * time.Millisecond
	forever  = time.Duration(math.MaxInt64)
)

// get returns the page of a key: from the cache, from a request that is loading it, or by
// calling load. It never waits for a turn of another network than its own.
func (p *pageCache) get(key, network string, load func() (*page, error)) (*page, error) {
	if ready, done, err := p.share(key, "", patience, load); done {
		return ready, err
	}
	ready, _, err := p.share(key, network, forever, load)
	return ready, err
}

// share is get for all of a group that ask for a key at the same time. It is not done if
// another one is loading the page for longer than the caller waits.
func (p *pageCache) share(key, group string, wait time.Duration, load func() (*page, error)) (ready *page, done bool, err error) {
	p.mu.Lock()
	if ready, ok := p.recent.Get(key); ok {
		p.mu.Unlock()
		return ready, true, nil
	}
	key += " " + group
	if other := p.loading[key]; other != nil {
		p.mu.Unlock()
		late := time.NewTimer(wait)
		defer late.Stop()
		select {
		case <-other.ended:
			return other.page, true, other.err
		case <-late.C:
			return nil, false, nil
		}
	}
	own := &loading{ended: make(chan struct{}), err: errors.New("the read panicked")}
	p.loading[key] = own
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.loading, key)
		close(own.ended)
	}()
	own.page, own.err = load()
	return own.page, true, own.err
}

// pageFor returns the page for a request for a media type, and calls read if it is not cached. Other requests
// may wait for the same read, so it does not end with this request.
func (s *server) pageFor(r *http.Request, media string, read func(context.Context) (content, error)) (*page, error) {
	revision, err := s.store.Revision(r.Context())
	if err != nil {
		return nil, err
	}
	chosen, own := chooseCoding(r), false
	key := revision + " " + chosen + " " + media + " " + r.URL.Path + "?" + question(r.URL)
	load := func() (*page, error) {
		own = true
		ctx := context.WithoutCancel(r.Context())
		c, err := read(ctx)
		if err == nil {
			err = s.reserve(r, c.size)
		}
		if err != nil {
			return nil, err
		}
		ready, err := s.prepare(ctx, c, chosen)
		if err == nil {
			s.pages.add(key, ready)
		}
		return ready, err
	}
	ready, err := s.pages.get(key, scopeOf(r.Context()).network, load)
	if errors.Is(err, limit.ErrFull) && !own {
		ready, err = load() // another request was at its limits; this one may have room
	}
	if err == nil && !own {
		// A slow client holds the page, even after the cache has dropped it.
		err = s.reserve(r, max(int64(len(ready.body)), ready.large.size))
	}
	if err != nil {
		return nil, err
	}
	s.metrics.countPage(own)
	return ready, nil
}

// question is the part of a page's query that says which page it is.
func question(u *url.URL) string {
	if !strings.Contains(u.RawQuery, api.ParamFresh) {
		return u.RawQuery
	}
	q := u.Query()
	q.Del(api.ParamFresh)
	return q.Encode()
}

// sendOwn answers with a page that was read for this request only.
func (s *server) sendOwn(w http.ResponseWriter, r *http.Request, c content) error {
	if err := s.reserve(r, c.size); err != nil {
		return err
	}
	p, err := s.prepare(r.Context(), c, chooseCoding(r))
	if err != nil {
		return err
	}
	return s.sendPage(w, r, p)
}

// sendPage answers with a page.
func (s *server) sendPage(w http.ResponseWriter, r *http.Request, p *page) error {
	if p.body == nil {
		return s.streamPage(w, r, p.large, p.coding)
	}
	h := pageHeader(w, p.media)
	if p.coding != coding.Identity {
		h.Set("Content-Encoding", p.coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(p.body)))
	w.WriteHeader(http.StatusOK)
	send(w, p.body)
	return nil
}

// prepare encodes a page, and compresses it unless it is small. A large one is streamed later.
func (s *server) prepare(ctx context.Context, c content, chosen string) (*page, error) {
	if c.size > maxCached {
		return &page{media: c.media, large: c, coding: chosen}, nil
	}
	release, err := s.admission.processorTurn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	var body bytes.Buffer
	body.Grow(int(c.size + c.size/2)) // a short document is two thirds of its change
	if err := c.write(&body); err != nil {
		return nil, fmt.Errorf("encode a page: %w", err)
	}
	if body.Len() < minCompressed || compressors[chosen] == nil {
		return &page{body: shrink(body.Bytes()), media: c.media, coding: coding.Identity}, nil
	}
	var small bytes.Buffer
	whole := func(w io.Writer) error { _, err := w.Write(body.Bytes()); return err }
	if err := compress(&small, chosen, whole); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	return &page{body: shrink(small.Bytes()), media: c.media, coding: chosen}, nil
}

// shrink returns b without much unused memory behind it.
func shrink(b []byte) []byte {
	if cap(b)-len(b) > len(b)/8 {
		return bytes.Clone(b)
	}
	return b
}
