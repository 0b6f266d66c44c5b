package queue_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

// saw is a write by someone who had the document before them.
func saw(w queue.Write, document string, version int64) queue.Write {
	w.Seen = &queue.Seen{Document: json.RawMessage(document), Version: version, Fields: []string{"name", "bio"}, ConflictID: "c-" + w.ID}
	return w
}

// bases is the base of each operation in one line.
func bases(e *queue.Entity) string {
	s := ""
	for _, o := range e.Operations {
		s += fmt.Sprintf("%s@%d ", o.Base, o.BaseVersion)
	}
	return s
}

func recorded(e *queue.Entity) string {
	s := ""
	for _, c := range e.Conflicts {
		for _, f := range c.Fields {
			s += fmt.Sprintf("%s: %s by %s over %s, kept %s reviewed %v; ", f.Name, f.Base, f.Mine, f.Theirs, f.Kept, c.Reviewed)
		}
	}
	return s
}

func TestAWriteCarriesWhatItsAuthorSaw(t *testing.T) {
	const (
		v3      = `{"bio":"old","name":"Ann"}`
		theirs  = `{"bio":"theirs","name":"Ann"}`
		renamed = `{"bio":"old","name":"Anne"}`
	)
	tests := []struct {
		name      string
		confirmed *queue.Row
		do        func(*testing.T, *queue.Entity)
		want      string
		bases     string
		conflicts string
	}{
		{"nothing has changed", row(3, v3), enqueue(saw(write("a", api.Update, `{"bio":"mine"}`), v3, 3)),
			`a update {"bio":"mine"} base 3 queued`, v3 + "@3 ", ""},
		{"the same field was changed by others: the server finds it", row(4, theirs),
			enqueue(saw(write("a", api.Update, `{"bio":"mine"}`), v3, 3)),
			`a update {"bio":"mine"} base 3 queued`, v3 + "@3 ", ""},
		{"another field was changed by others", row(4, renamed), enqueue(saw(write("a", api.Update, `{"bio":"mine"}`), v3, 3)),
			`a update {"bio":"mine"} base 4 queued`, renamed + "@4 ", ""},
		{"nor is it with what was never sent", row(4, theirs), sequence(
			enqueue(write("a", api.Update, `{"name":"Bo"}`)),
			enqueue(saw(write("b", api.Update, `{"bio":"old","name":"Cy"}`), `{"bio":"old","name":"Bo"}`, 3))),
			`b update {"name":"Cy"} base 4 queued`, theirs + "@4 ", ""},
		{"a field that was left alone is not sent", row(4, theirs),
			enqueue(saw(write("a", api.Update, `{"bio":"old","name":"Bo"}`), v3, 3)),
			`a update {"name":"Bo"} base 4 queued`, theirs + "@4 ", ""},
		{"both made it the same", row(4, theirs), enqueue(saw(write("a", api.Update, `{"bio":"theirs"}`), v3, 3)), "", "", ""},
		{"a delete of what others have changed", row(4, theirs), enqueue(saw(write("a", api.Delete, ""), v3, 3)),
			`a delete  base 3 queued`, v3 + "@3 ", ""},
		{"another tab's unsent value is overwritten", row(3, v3), sequence(
			enqueue(write("a", api.Update, `{"bio":"one"}`)), enqueue(saw(write("b", api.Update, `{"bio":"two"}`), v3, 3))),
			`b update {"bio":"two"} base 3 queued`, v3 + "@3 ", `bio: "old" by "two" over "one", kept mine reviewed false; `},
		{"another tab's unsent value of another field", row(3, v3), sequence(
			enqueue(write("a", api.Update, `{"name":"Bo"}`)), enqueue(saw(write("b", api.Update, `{"bio":"two"}`), v3, 3))),
			`b update {"bio":"two","name":"Bo"} base 3 queued`, v3 + "@3 ", ""},
		{"another tab's value on its way", row(3, v3), sequence(
			enqueue(write("a", api.Update, `{"bio":"one"}`)), send("a"), enqueue(saw(write("b", api.Update, `{"bio":"two"}`), v3, 3))),
			`a update {"bio":"one"} base 3 sending; b update {"bio":"two"} base 3 queued`,
			v3 + `@3 {"bio":"one","name":"Ann"}@3 `, `bio: "old" by "two" over "one", kept mine reviewed false; `},
		{"another tab's edit is deleted", row(3, v3), sequence(
			enqueue(write("a", api.Update, `{"bio":"one"}`)), enqueue(saw(write("b", api.Delete, ""), v3, 3))),
			`b delete  base 3 queued`, v3 + "@3 ", `bio: "old" by  over "one", kept mine reviewed false; `},
		{"one's own unsent value is changed again", row(3, v3), sequence(
			enqueue(write("a", api.Update, `{"bio":"one"}`)), enqueue(saw(write("b", api.Update, `{"bio":"two"}`), `{"bio":"one","name":"Ann"}`, 3))),
			`b update {"bio":"two"} base 3 queued`, v3 + "@3 ", ""},
		{"unsent work, and others have changed what is written now", row(4, theirs), sequence(
			enqueue(saw(write("a", api.Update, `{"name":"Bo"}`), v3, 3)), enqueue(saw(write("b", api.Update, `{"bio":"mine"}`), `{"bio":"old","name":"Bo"}`, 3))),
			`b update {"bio":"mine","name":"Bo"} base 3 queued`, v3 + "@3 ", ""},
		{"behind one that is on its way, it waits for the server's judgement", row(4, theirs), sequence(
			enqueue(write("a", api.Update, `{"name":"Bo"}`)), send("a"),
			enqueue(saw(write("b", api.Update, `{"bio":"mine"}`), v3, 3)), acknowledge("a", row(5, `{"bio":"theirs","name":"Bo"}`))),
			`b update {"bio":"mine"} base 3 queued`, `{"bio":"old","name":"Bo"}@3 `, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &queue.Entity{Ref: ref, Confirmed: tt.confirmed}
			tt.do(t, e)
			if got := describe(e); got != tt.want {
				t.Errorf("operations\n got %s\nwant %s", got, tt.want)
			}
			if got := bases(e); got != tt.bases {
				t.Errorf("bases\n got %s\nwant %s", got, tt.bases)
			}
			if got := recorded(e); got != tt.conflicts {
				t.Errorf("conflicts\n got %s\nwant %s", got, tt.conflicts)
			}
		})
	}
}

func acknowledge(id string, row *queue.Row) func(*testing.T, *queue.Entity) {
	return func(t *testing.T, e *queue.Entity) {
		must(t, e.Acknowledge(id, row, row.Version), "acknowledge "+id)
	}
}

// TestNothingUnseenIsOverwrittenSilently plays random changes of two tabs and of others
// on one record. Whenever a value is overwritten in the queue that its author had not
// seen, it is in a recorded conflict, or the operation's base is not what is there.
func TestNothingUnseenIsOverwrittenSilently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := &queue.Entity{Ref: ref, Confirmed: row(1, `{"bio":"b","name":"n"}`)}
		type view struct {
			document json.RawMessage
			version  int64
		}
		look := func() view { return view{e.Document(), e.Confirmed.Version} }
		tabs := []view{look(), look()}
		for i := range rapid.IntRange(1, 12).Draw(t, "steps") {
			tab := rapid.IntRange(0, 1).Draw(t, "tab")
			field := rapid.SampledFrom([]string{"bio", "name"}).Draw(t, "field")
			value := json.RawMessage(fmt.Sprintf(`"%d"`, i))
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0: // others
				next := queue.Decode(e.Confirmed.Document).With(queue.Fields{field: value})
				e.Confirm(row(e.Confirmed.Version+1, string(next.Encode())))
			case 1:
				tabs[tab] = look()
			case 2:
				if h := e.Head(); h != nil {
					e.Send(h.ID)
				}
			case 3:
				before := queue.Decode(e.Document())
				unsent := map[string]bool{}
				for _, o := range e.Operations {
					for name := range queue.Decode(o.Data) {
						unsent[name] = true
					}
				}
				n := len(e.Conflicts)
				w := saw(write(fmt.Sprint(i), api.Update, string(queue.Fields{field: value}.Encode())), string(tabs[tab].document), tabs[tab].version)
				if err := e.Enqueue(w); err != nil {
					t.Fatal(err)
				}
				seen := queue.Decode(tabs[tab].document)[field]
				last := e.Operations[len(e.Operations)-1]
				switch {
				case queue.EqualJSON(seen, before[field]):
					if len(e.Conflicts) != n {
						t.Fatalf("a conflict was recorded about %s, which its author had seen", field)
					}
				case unsent[field]:
					if len(e.Conflicts) != n+1 || !queue.EqualJSON(e.Conflicts[n].Fields[0].Theirs, before[field]) {
						t.Fatalf("%s was overwritten unseen, and recorded is %s", before[field], recorded(e))
					}
				default:
					if base := queue.Decode(last.Base)[field]; !queue.EqualJSON(base, seen) || last.BaseVersion >= e.Confirmed.Version {
						t.Fatalf("the base is %s@%d, and %s was seen of version %d", base, last.BaseVersion, seen, tabs[tab].version)
					}
				}
				tabs[tab] = look()
			}
		}
	})
}
