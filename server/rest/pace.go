package rest

import (
	"math"
	"net/http"
	"time"

	"github.com/rollcall/rollcall/server/limit"
)

// paced is a response with a new deadline for each part of it. The server's own, of the whole
// response, would cut off a client that gets a long answer at a steady pace.
type paced struct {
	http.ResponseWriter
	deadline interface{ SetWriteDeadline(time.Time) error }
	part     int // bytes
}

// pace returns the response to a request. Over HTTP/1, the deadline of a steady connection moves
// on by itself, so a write need not be parted. Over HTTP/2, a request's deadline is not its
// connection's.
func pace(w http.ResponseWriter, r *http.Request, steady bool) paced {
	p := paced{ResponseWriter: w, part: limit.PaceBytes}
	if steady && r.ProtoMajor == 1 {
		p.part = math.MaxInt
	}
	var ok bool
	if p.deadline, ok = w.(interface{ SetWriteDeadline(time.Time) error }); !ok {
		p.deadline = http.NewResponseController(w)
	}
	return p
}

func (w paced) Write(b []byte) (written int, err error) {
	for {
		part := b[:min(len(b), w.part)]
		_ = w.deadline.SetWriteDeadline(time.Now().Add(limit.PaceTime)) // not every writer has deadlines
		n, err := w.ResponseWriter.Write(part)
		written += n
		if b = b[len(part):]; err != nil || len(b) == 0 {
			return written, err
		}
	}
}
