package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/rollcall/rollcall/server/coding"
	"github.com/rollcall/rollcall/server/limit"
)

const (
	// keptPages is how many pages are kept for those who ask for the same, and
	// largestKept how many bytes each may have. What has larger documents is streamed.
	keptPages   = 32
	largestKept = 768 << 10
)

// content is a page as it was read: size is about how many bytes it has.
type content struct {
	size  int64
	write func(io.Writer) error
}

// page is an answer that is ready to be sent, or the content to stream when that is large,
// and the coding of either.
type page struct {
	body   []byte
	coding string
	large  content
}

// pages are those that were asked for last. A page depends on nothing but the question
// and how far the feed has grown. After a change all devices ask for the same one: it
// is read, encoded and compressed once for all of them.
type pages struct {
	kept    *lru.Cache[string, *page]
	reading singleflight.Group
}

func newPages() *pages {
	kept, err := lru.New[string, *page](keptPages)
	if err != nil {
		panic("keep pages: " + err.Error()) // the size is one
	}
	return &pages{kept: kept}
}

// get returns the page of a key: one that is kept, one that somebody else is just making,
// or one that read reads.
func (p *pages) get(key string, read func() (*page, error)) (*page, error) {
	if ready, ok := p.kept.Get(key); ok {
		return ready, nil
	}
	v, err, _ := p.reading.Do(key, func() (any, error) {
		ready, err := read()
		if err == nil && ready.body != nil && len(ready.body) <= largestKept {
			p.kept.Add(key, ready)
		}
		return ready, err
	})
	if err != nil {
		return nil, err
	}
	return v.(*page), nil
}

// pageFor returns the page that a request asks for, which read reads unless it is there
// already; nil when the request was answered with the reason why not. Reading may be for
// others too, so it doesn't end with the request.
func (s *server) pageFor(w http.ResponseWriter, r *http.Request, read func(context.Context) (content, error)) *page {
	revision, err := s.store.Revision(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return nil
	}
	chosen, own := chooseCoding(r), false
	key := revision + " " + chosen + " " + r.URL.Path + "?" + r.URL.RawQuery
	load := func() (*page, error) {
		own = true
		c, err := read(context.WithoutCancel(r.Context()))
		if err == nil {
			err = s.hold(r, c.size)
		}
		if err != nil {
			return nil, err
		}
		return prepare(c, chosen)
	}
	ready, err := s.pages.get(key, load)
	if errors.Is(err, limit.ErrFull) && !own {
		ready, err = s.pages.get(key, load) // there was no room for another's; perhaps there is by now
	}
	if err == nil && !own {
		// Who is slow to receive it keeps it, whatever becomes of it here.
		err = s.hold(r, max(int64(len(ready.body)), ready.large.size))
	}
	if err != nil {
		s.fail(w, r, err)
		return nil
	}
	s.metrics.countPage(own)
	return ready
}

// sendOwn answers with a page that was read for this request alone.
func (s *server) sendOwn(w http.ResponseWriter, r *http.Request, c content) {
	err := s.hold(r, c.size)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p, err := prepare(c, chooseCoding(r))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.sendPage(w, r, p)
}

// sendPage answers with a page.
func (s *server) sendPage(w http.ResponseWriter, r *http.Request, p *page) {
	if p.body == nil {
		s.streamPage(w, r, p.large, p.coding)
		return
	}
	h := pageHeader(w)
	if p.coding != coding.Identity {
		h.Set("Content-Encoding", p.coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(p.body)))
	w.WriteHeader(http.StatusOK)
	// Its error says that the client has gone, which is nobody's concern any more.
	_, _ = w.Write(p.body)
}

// prepare encodes a page, and compresses it unless it is small.
func prepare(c content, chosen string) (*page, error) {
	if c.size > largestKept {
		return &page{large: c, coding: chosen}, nil
	}
	var body bytes.Buffer
	body.Grow(int(c.size + c.size/2)) // a short document is two thirds of its change
	if err := c.write(&body); err != nil {
		return nil, fmt.Errorf("encode a page: %w", err)
	}
	if body.Len() < smallPage || compressors[chosen] == nil {
		return &page{body: fitting(body.Bytes()), coding: coding.Identity}, nil
	}
	var small bytes.Buffer
	whole := func(w io.Writer) error { _, err := w.Write(body.Bytes()); return err }
	if err := compress(&small, chosen, whole); err != nil {
		return nil, fmt.Errorf("compress a page: %w", err)
	}
	return &page{body: fitting(small.Bytes()), coding: chosen}, nil
}

// fitting is b without the memory behind it, if that is much: what is kept must not take
// more than it has.
func fitting(b []byte) []byte {
	if cap(b)-len(b) > len(b)/8 {
		return bytes.Clone(b)
	}
	return b
}
