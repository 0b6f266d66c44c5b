package listen

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/rollcall/rollcall/server/limit"
)

// steady is a connection whose deadline moves on as long as the client takes what is written at
// limit.PaceBytes in limit.PaceTime. The writer of a long answer could also write it in parts,
// each with a deadline; but then the kernel is called for each of them.
type steady struct {
	net.Conn
	taken atomic.Int64 // since the deadline was set
}

// Steady makes a connection steady.
func Steady(c net.Conn) net.Conn { return &steady{Conn: c} }

func (s *steady) SetWriteDeadline(t time.Time) error {
	s.taken.Store(0)
	return s.Conn.SetWriteDeadline(t)
}

func (s *steady) Write(b []byte) (written int, err error) {
	for {
		n, err := s.Conn.Write(b[written:])
		written += n
		if s.taken.Add(int64(n)) < limit.PaceBytes || !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		if err := s.SetWriteDeadline(time.Now().Add(limit.PaceTime)); err != nil {
			return written, err
		}
	}
}
