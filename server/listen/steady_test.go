package listen_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall/rollcall/server/limit"
	"github.com/rollcall/rollcall/server/listen"
)

// TestSteady: a deadline moves on for a reader who keeps the pace, however the answer is cut
// into writes, as TLS does with its records; and for nobody else. The clock is synctest's.
func TestSteady(t *testing.T) {
	for _, test := range []struct {
		name        string
		write, read int // at once, and in a second
		want        int // of what is written, 0 for all
	}{
		{"all at once", 10 * limit.PaceBytes, limit.PaceBytes / 8, 0},
		{"in records", limit.PaceBytes / 2, limit.PaceBytes / 8, 0},
		{"too slow", 10 * limit.PaceBytes, limit.PaceBytes / 12, limit.PaceBytes},
		{"too slow, in records", limit.PaceBytes / 2, limit.PaceBytes / 12, limit.PaceBytes},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				var reader sync.WaitGroup
				reader.Go(func() {
					b := make([]byte, test.read)
					for {
						if _, err := io.ReadFull(client, b); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				})
				c := listen.Steady(server)
				if err := c.SetWriteDeadline(time.Now().Add(limit.PaceTime)); err != nil {
					t.Fatal(err)
				}
				written, err := 0, error(nil)
				for written < 10*limit.PaceBytes && err == nil {
					var n int
					n, err = c.Write(make([]byte, test.write))
					written += n
				}
				if test.want == 0 && (err != nil || written != 10*limit.PaceBytes) {
					t.Errorf("a steady reader gets %d bytes (%v)", written, err)
				}
				if test.want > 0 && (!errors.Is(err, os.ErrDeadlineExceeded) || written > test.want) {
					t.Errorf("a slow reader gets %d bytes (%v)", written, err)
				}
				_, _ = client.Close(), server.Close()
				reader.Wait()
			})
		})
	}
}
