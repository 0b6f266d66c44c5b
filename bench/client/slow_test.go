package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSlowLink: an answer takes at least the latency and its share of the rate, and arrives
// whole. At most nothing is checked: the machine may be busy.
func TestSlowLink(t *testing.T) {
	const size = 40 << 10
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", size)) // the client checks it
	}))
	t.Cleanup(backend.Close)
	link, err := linkTo(t.Context(), backend.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := link.close(); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	answer, err := http.Get(link.origin())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || len(body) != size {
		t.Fatalf("got %d bytes (%v)", len(body), err)
	}
	least := linkLatency + (size-linkPiece)*time.Second/linkRate
	if took := time.Since(began); took < least {
		t.Errorf("the answer took %v, want at least %v", took, least)
	}
}
