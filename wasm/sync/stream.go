package sync

import (
	"context"
	"time"
)

// StreamSignal is a signal of the server's event stream.
type StreamSignal int

const (
	StreamOpened  StreamSignal = iota
	StreamChanged              // the feed has something new
	StreamPinged               // the server is alive
	StreamClosed               // the stream will be opened again
)

// Periods of the event stream. The server pings every 25 seconds.
const (
	// StreamSilence is how long a stream may give no signal before it is replaced, also
	// one that does not open.
	StreamSilence = time.Minute
	// StreamRetry is the pause after a stream that the browser has given up.
	StreamRetry = 5 * time.Second
)

// followStreams keeps the event stream open until ctx ends.
func (h *Host) followStreams(ctx context.Context) {
	for ctx.Err() == nil {
		if silent := h.followStream(ctx); silent {
			h.Incidents.Note("The event stream was silent and was opened anew")
			h.receiveSignal(StreamClosed)
			continue
		}
		select {
		case <-ctx.Done():
		case <-h.Clock.After(StreamRetry):
		}
	}
}

// followStream follows one stream to its end, and reports whether it ended for its silence.
func (h *Host) followStream(ctx context.Context) (silent bool) {
	one, stop := context.WithCancel(ctx)
	signals, over := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(over)
		h.Stream(one, func(s StreamSignal) {
			TrySend(signals, struct{}{})
			h.receiveSignal(s)
		})
	}()
	defer func() {
		stop()
		<-over
	}()
	return awaitSilence(over, signals, h.Clock, StreamSilence) && ctx.Err() == nil
}

// receiveSignal requests the round that a signal calls for.
func (h *Host) receiveSignal(s StreamSignal) {
	open := s != StreamClosed
	if open {
		h.noteAnswer()
	}
	switch s {
	case StreamChanged:
		h.request(roundRequest{reason: Stream})
	case StreamOpened, StreamClosed:
		h.request(roundRequest{stream: &open})
	}
}
