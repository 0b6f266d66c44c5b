package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/rollcall/rollcall/api"
)

// lines is a page as a server writes it.
func lines(p api.ChangePage) []byte {
	b := p.AppendHead(nil)
	for _, c := range p.Changes {
		b = c.AppendLine(b)
	}
	return p.AppendEnd(b)
}

// person is a change of a usual length.
func person(n int) api.Change {
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000001", n*2654435761%(1<<32))
	return api.Change{EntityType: "user", EntityID: id, Version: int64(n + 1), Stamp: "019de368f6c3-0000-12345678", Document: fmt.Appendf(nil,
		`{"id":%q,"name":"Person %d","email":"person%d@example.org","bio":"Works in the field, on weekends too.","createdAt":"2026-03-01T09:00:00Z","updatedAt":"2026-03-01T09:00:00.123456Z","version":%d}`, id, n, n, n+1)}
}

func pageOf(n int) api.ChangePage {
	p := api.ChangePage{Cursor: "AQID", HasMore: true, Changes: []api.Change{}}
	for i := range n {
		p.Changes = append(p.Changes, person(i))
	}
	return p
}

func BenchmarkPage(b *testing.B) {
	page := pageOf(500)
	inLines := lines(page)
	inJSON, err := json.Marshal(page)
	if err != nil {
		b.Fatal(err)
	}
	perRow := func(b *testing.B) { b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/row") }
	b.Run("lines", func(b *testing.B) {
		for b.Loop() {
			if _, err := api.ParseLines(inLines); err != nil {
				b.Fatal(err)
			}
		}
		perRow(b)
	})
	b.Run("JSON", func(b *testing.B) {
		for b.Loop() {
			var p api.ChangePage
			if err := json.Unmarshal(inJSON, &p); err != nil {
				b.Fatal(err)
			}
		}
		perRow(b)
	})
}

// pages are pages of all kinds.
func pages() map[string]api.ChangePage {
	last := pageOf(2)
	last.HasMore, last.Epoch, last.Digests = false, "7f", map[string]api.Digest{"user": {Count: 2, Sums: [api.Buckets]uint64{1, 2, 1<<64 - 1}}, "team": {}}
	mixed := pageOf(1)
	mixed.Changes = append(mixed.Changes,
		api.Change{EntityType: "user", EntityID: "gone", Version: 4, Stamp: "019de368f6c3-0000-", Deleted: true},
		api.Change{EntityType: "team", EntityID: "t", Version: 1 << 62, Document: json.RawMessage("{\t\"a\" : [\"\\t\", {}]}")},
		person(7))
	event := pageOf(1)
	event.After, event.HasMore = "AQIC", false
	counted := pageOf(2)
	counted.Total = 1_200
	return map[string]api.ChangePage{"counted": counted, "empty": pageOf(0), "first": pageOf(3), "last": last, "mixed": mixed, "event": event}
}

func TestLinesSayWhatJSONSays(t *testing.T) {
	for name, p := range pages() {
		text := lines(p)
		if got, err := api.ParseLines(text); !p.InLines() || err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		for n := range text { // a page that broke off is none
			if _, err := api.ParseLines(text[:n]); err == nil && n < len(text)-1 {
				t.Errorf("%s: the first %d of %d bytes are a page", name, n, len(text))
			}
		}
	}
}

// TestLinesHaveRoom: a reader of today skips what a later version adds.
func TestLinesHaveRoom(t *testing.T) {
	p := pages()["last"]
	p.Changes = append(p.Changes, api.Change{EntityType: "user", EntityID: "gone", Version: 4, Deleted: true})
	var later []byte
	for line := range bytes.Lines(lines(p)) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if at := bytes.Index(line, []byte("\t{")); at >= 0 {
			line = slices.Concat(line[:at], []byte("\taccount\t\tdevice"), line[at:])
		} else {
			line = append(bytes.Clone(line), "\tlater\t{}"...)
		}
		later = append(append(later, line...), "\n@\tanother line\n\n"...)
	}
	later = later[:bytes.LastIndexByte(later, '@')]
	if got, err := api.ParseLines(later); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%q is %+v, %v", later, got, err)
	}
}

// TestWhatIsNotInLines: a text that would break a line is left to JSON, and no broken line is
// taken for another.
func TestWhatIsNotInLines(t *testing.T) {
	for name, change := range map[string]func(*api.Change){
		"a line break in a document": func(c *api.Change) { c.Document = json.RawMessage("{\n}") },
		"a return in a document":     func(c *api.Change) { c.Document = json.RawMessage("{\r}") },
		"another document":           func(c *api.Change) { c.Document = json.RawMessage("[1]") },
		"no document":                func(c *api.Change) { c.Document = nil },
		"a document of the deleted":  func(c *api.Change) { c.Deleted = true },
		"a tab in a stamp":           func(c *api.Change) { c.Stamp = "01\t2" },
		"a line break in an id":      func(c *api.Change) { c.EntityID = "a\nb" },
		"a return in a type":         func(c *api.Change) { c.EntityType = "u\r" },
	} {
		p := pageOf(2)
		if change(&p.Changes[1]); p.InLines() {
			t.Errorf("%s can be in lines", name)
		}
	}
	for _, text := range []string{
		"", "\n", "{}", "rollcall-changes/1", "rollcall-changes/2\tc\t0\n.\t0\n", "rollcall-changes/1\tc\t0\n", "rollcall-changes/1\tc\t0\n.\t1\n",
		"rollcall-changes/1\tc\t0\n.\t0\n.\t0\n", "rollcall-changes/1\tc\t0\n+\tuser\ta\t1\ts\n.\t1\n", "rollcall-changes/1\tc\t0\n+\tuser\ta\tone\ts\t{}\n.\t1\n",
		"rollcall-changes/1\tc\t0\n+\tuser\ta\t1\ts\t{\"a\"}\n.\t1\n", "rollcall-changes/1\tc\t0\n#\tuser\t1\tAAAA\n.\t0\n", "rollcall-changes/1\tc\t0\n#\tuser\t-1\t\n.\t0\n",
	} {
		if p, err := api.ParseLines([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, p)
		}
	}
}

// FuzzLines: any text is refused, or is a page that can be written and read again.
func FuzzLines(f *testing.F) {
	for _, p := range pages() {
		f.Add(lines(p))
	}
	f.Add([]byte("rollcall-changes/1\tc\t1\n-\tu\ta\t1\n@\t\n+\tu\tb\t-2\ts\tx\t{\"a\":1}\textra\n.\t1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := api.ParseLines(text)
		if err != nil {
			return
		}
		if !p.InLines() {
			return // a return in a field; no server writes one
		}
		again, err := api.ParseLines(lines(p))
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%q is %+v, then %+v (%v)", text, p, again, err)
		}
		for _, c := range p.Changes {
			if c.Deleted != (len(c.Document) == 0) || !c.Deleted && !json.Valid(c.Document) {
				t.Errorf("%q has a broken change %+v", text, c)
			}
		}
	})
}
