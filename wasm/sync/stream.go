package sync

import (
	"context"
	"time"
)

// StreamSignal is what is heard of the server's event stream.
type StreamSignal int

const (
	StreamOpened  StreamSignal = iota
	StreamChanged              // there is something new
	StreamPinged               // the server lives
	StreamClosed               // it is tried again
)

// Periods of the event stream. The server pings every 25 seconds.
const (
	// StreamSilence is how long a stream, also one that does not open, may give no
	// signal before it is taken for dead and opened anew.
	StreamSilence = time.Minute
	// StreamRetry is the pause before a stream that the browser gave up is opened anew.
	StreamRetry = 5 * time.Second
)

// follow keeps the event stream open until ctx ends.
func (h *Host) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if h.followOne(ctx) {
			h.Incidents.Note("The event stream was silent and was opened anew")
			h.signal(StreamClosed)
			continue
		}
		select {
		case <-ctx.Done():
		case <-h.Clock.After(StreamRetry):
		}
	}
}

// followOne follows one stream to its end and reports whether that was for its silence.
func (h *Host) followOne(ctx context.Context) bool {
	one, stop := context.WithCancel(ctx)
	heard, over := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(over)
		h.Stream(one, func(s StreamSignal) {
			TrySend(heard, struct{}{})
			h.signal(s)
		})
	}()
	defer func() {
		stop()
		<-over
	}()
	for n := 0; n < silenceParts; {
		select {
		case <-over:
			return false
		case <-heard:
			n = 0
		case <-h.Clock.After(StreamSilence / silenceParts):
			n++
		}
	}
	return ctx.Err() == nil
}

// signal turns what is heard of the stream into an ask.
func (h *Host) signal(s StreamSignal) {
	switch s {
	case StreamChanged:
		h.answeredNow()
		h.ask(ask{reason: Stream})
	case StreamPinged:
		h.answeredNow()
	case StreamOpened:
		h.answeredNow()
		up := true
		h.ask(ask{opened: &up})
	case StreamClosed:
		up := false
		h.ask(ask{opened: &up})
	}
}
