package sync

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzStored: whatever stands in the storage as what is known of checks and of
// incidents is read as nothing, or as what is written again alike.
func FuzzStored(f *testing.F) {
	f.Add(`{"at":"2026-05-01T12:00:00Z","there":3,"here":2,"apart":1,"open":{"tries":2,"type":"user","bucket":63}}`)
	f.Add(`[{"what":"The worker fell silent","at":"2026-05-01T12:00:00Z","times":2}]`)
	f.Add(`{"open":{"bucket":-1},"last":{}}`)
	f.Add(`[{}]`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		check := ParseCheck(text)
		check.due(Stream, time.UnixMilli(1777636800000))
		again(t, check, ParseCheck)
		again(t, parseIncidents(text), parseIncidents)
	})
}

// again checks that a value is written, read and written again alike.
func again[V any](t *testing.T, value V, parse func(string) V) {
	t.Helper()
	once, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := json.Marshal(parse(string(once))); err != nil || string(once) != string(twice) {
		t.Errorf("written %s, then %s (%v)", once, twice, err)
	}
}

// FuzzMessage: whatever another version of the app says on the bus, a host takes
// it without a fault; what it understands is said again alike.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		`{"kind":"sync","id":"1","reason":"manual"}`, `{"kind":"status"}`, `{"kind":"rows","refs":[{"type":"user","id":"1"}]}`,
		`{"kind":"connected","online":true}`, `{"kind":"ask"}`, `{"kind":"nobody knows","reason":"?"}`, `{"kind":7}`, `null`, `{`,
		`{"kind":"synced","report":{"pushed":-1}}`, `{"kind":"beat"}`, `{"kind":"enqueued"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var m Message
		if json.Unmarshal(text, &m) != nil {
			return
		}
		h := &Host{requests: make(chan roundRequest, 1), Bus: alone{}, Clock: alone{}}
		for range 3 { // more than it can hold
			h.receive(m)
		}
		said, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var again Message
		if err := json.Unmarshal(said, &again); err != nil {
			t.Fatalf("%s: %v", said, err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(said) {
			t.Errorf("said %s, then %s (%v)", said, twice, err)
		}
	})
}

// alone is a bus that nobody listens to, and a clock that stands still.
type alone struct{}

func (alone) Publish(Message)                      {}
func (alone) Subscribe(func(Message)) func()       { return func() {} }
func (alone) Now() time.Time                       { return time.Time{} }
func (alone) After(time.Duration) <-chan time.Time { return nil }
