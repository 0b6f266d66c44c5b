package sync

import (
	"testing"
	"time"

	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/api/jsoncodec/codectest"
)

// FuzzStored: what stands in the storage as what is known of checks and of incidents is read and
// written as by encoding/json; what isn't JSON is nothing.
func FuzzStored(f *testing.F) {
	codectest.Seed(f, "at", "there", "apart", "last", "open")
	for _, text := range []string{
		`{"at":"2026-05-01T12:00:00Z","there":3,"here":2,"apart":1,"epoch":"1f","generation":2,"open":{"tries":2,"type":"user","bucket":63,"after":"a","hit":true}}`,
		`[{"what":"The worker fell silent","at":"2026-05-01T12:00:00Z","times":2}]`, `{"open":{"bucket":-1},"last":{}}`, `[{}]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		codectest.Reads(t, text, readCheck)
		codectest.Reads(t, text, readIncidents)
		check := ParseCheck(string(text))
		check.due(Stream, time.UnixMilli(1777636800000))
		codectest.Writes(t, check, check.writeJSON)
		codectest.Writes(t, parseIncidents(string(text)), func(w *jsoncodec.Writer) { w.Raw([]byte(writeIncidents(parseIncidents(string(text))))) })
	})
}

// FuzzMessage: whatever another version of the app says on the bus, a host takes it without a
// fault. It is read and written as by encoding/json.
func FuzzMessage(f *testing.F) {
	codectest.Seed(f, "kind", "refs", "online", "status", "report")
	for _, s := range []string{
		`{"kind":"sync","id":"1","reason":"manual"}`, `{"kind":"status"}`, `{"kind":"rows","refs":[{"type":"user","id":"1"}]}`,
		`{"kind":"connected","online":true}`, `{"kind":"ask"}`, `{"kind":"nobody knows","reason":"?"}`,
		`{"kind":"status","status":{"phase":"idle","problem":{"title":"No"},"syncedAt":"2026-05-01T12:00:00Z","retryAt":"2026-05-01T12:00:00Z","rebuild":{"first":true,"arrived":7}}}`,
		`{"kind":"synced","report":{"pushed":-1,"more":true,"problem":{}}}`, `{"kind":"beat"}`, `{"kind":"enqueued"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		codectest.Reads(t, text, readMessage)
		m, err := ParseMessage(string(text))
		if err != nil {
			return
		}
		codectest.Writes(t, m, m.writeJSON)
		h := &Host{requests: make(chan roundRequest, 1), Bus: alone{}, Clock: alone{}}
		for range 3 { // more than it can hold
			h.receive(m)
		}
		if again, err := ParseMessage(m.JSON()); err != nil || again.JSON() != m.JSON() {
			t.Errorf("said %s, then %s (%v)", m.JSON(), again.JSON(), err)
		}
	})
}

// alone is a bus that nobody listens to, and a clock that stands still.
type alone struct{}

func (alone) Publish(Message)                      {}
func (alone) Subscribe(func(Message)) func()       { return func() {} }
func (alone) Now() time.Time                       { return time.Time{} }
func (alone) After(time.Duration) <-chan time.Time { return nil }
