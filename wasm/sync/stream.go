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
	// StreamRetry is the pause after a stream that the browser has given up. It doubles with
	// each in a row that brought no event, up to MaxStreamPause: something on the way may
	// never let one through.
	StreamRetry    = 5 * time.Second
	MaxStreamPause = 10 * time.Minute
)

// StreamPause is the pause after so many streams in a row without an event.
func StreamPause(failures int) time.Duration {
	return min(StreamRetry<<min(max(failures-1, 0), 10), MaxStreamPause)
}

// followStreams keeps the event stream open until ctx ends.
func (h *Host) followStreams(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		h.streamWorked.Store(false)
		silent := h.followStream(ctx)
		worked := h.streamWorked.Load()
		failures++
		if worked {
			failures = 1
		}
		pause := StreamPause(failures)
		if silent {
			h.Incidents.Note("The event stream was silent and was opened anew")
			h.receiveSignal(StreamClosed)
			pause = max(0, pause-StreamSilence) // which has passed already
		}
		select {
		case <-ctx.Done():
		case <-h.Clock.After(pause):
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

// Tell takes in the data of an event; see Engine.Tell.
func (h *Host) Tell(data string) { h.Engine.Tell(data) }

// receiveSignal requests the round that a signal calls for.
func (h *Host) receiveSignal(s StreamSignal) {
	open := s != StreamClosed
	if open {
		h.noteAnswer()
	}
	switch s {
	case StreamChanged, StreamPinged:
		h.streamWorked.Store(true)
		h.streamLive.Store(true)
	case StreamOpened, StreamClosed:
		h.streamLive.Store(false)
	}
	switch s {
	case StreamChanged:
		h.request(roundRequest{reason: Stream})
	case StreamOpened, StreamClosed:
		h.request(roundRequest{stream: &open})
	}
}
