package rest

import (
	"net/http"
	"time"
)

// A client has to take paceBytes of an answer within paceTime, some 3 kB a second. One that is
// slower, or takes nothing at all, is cut off: it holds memory that others wait for. The bytes
// that the kernel buffers for the connection come before that.
const (
	paceBytes = 32 << 10
	paceTime  = 10 * time.Second
)

// paced is a response with a new deadline for each part of it. The server's own, of the whole
// response, would cut off a client that gets a long answer at a steady pace.
type paced struct {
	http.ResponseWriter
	deadline func(time.Time) error
}

func pace(w http.ResponseWriter) http.ResponseWriter {
	return paced{w, http.NewResponseController(w).SetWriteDeadline}
}

func (w paced) Write(b []byte) (written int, err error) {
	for {
		part := b[:min(len(b), paceBytes)]
		_ = w.deadline(time.Now().Add(paceTime)) // not every writer has deadlines
		n, err := w.ResponseWriter.Write(part)
		written += n
		if b = b[len(part):]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// Unwrap is for http.ResponseController.
func (w paced) Unwrap() http.ResponseWriter { return w.ResponseWriter }
