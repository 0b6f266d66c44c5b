package directory_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/memory"
	"github.com/rollcall/rollcall/wasm/sync"
)

// clock is the world's.
type clock struct{ *testbed.World }

func (c clock) Now() time.Time                       { return c.World.Now }
func (clock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// TestAHostSyncsWithEitherKindOfServer: with Rollcall's own, and with one that has neither
// batches nor a feed.
func TestAHostSyncsWithEitherKindOfServer(t *testing.T) {
	for name, plain := range map[string]bool{"Rollcall": false, "plain REST": true} {
		t.Run(name, func(t *testing.T) {
			w := testbed.New(t)
			other := w.Device()
			other.Add("Ann")
			other.Sync()
			d := w.Device()
			d.Add("Bob")
			if plain {
				d.Intercept(func(r sync.Request) (*sync.Response, error) {
					if strings.HasPrefix(r.Path, api.PathUsers) {
						return nil, nil
					}
					return &sync.Response{Status: 404}, nil
				})
			}
			bus := d.Channel.Bus()
			host := directory.NewHost(directory.Place{
				Store: d.Store, Bus: bus, Locks: memory.NewLocks(), Clock: clock{w}, HTTP: d,
				Incidents: &sync.IncidentLog{Store: d.Store, Writer: sync.ByPage, Now: clock{w}.Now},
			})
			if report, err := host.Drain(t.Context(), sync.Manual); err != nil || report.Waiting > 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			d.Shows("Ann(); Bob()")
			if names := w.Users(); len(names) != 2 || host.Name != sync.ByPage {
				t.Errorf("%s has left the server with %v", host.Name, names)
			}
			if posted := slices.Contains(d.Sent(), "POST "+api.PathUsers); posted != plain {
				t.Errorf("it sent %v", d.Sent())
			}
		})
	}
}
