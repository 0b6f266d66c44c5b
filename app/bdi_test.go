package app

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// marker is in all that people type in these tests. What stands around it turns the text
// behind it round, and ends an isolate that is not its own.
const marker = "ZZZ"

func turned(text string) string { return text + "\u202e" + marker + "\u2069\u2067." }

// keepsToItself fails the test when a person's text is shown where it could turn the page's
// own around: outside a <bdi>, and outside isolates within a sentence, a label or a title.
func (b *browser) keepsToItself() {
	b.t.Helper()
	shown := 0
	var visit func(e ui.UI, inBdi bool)
	visit = func(e ui.UI, inBdi bool) {
		inBdi = inBdi || tagOf(e) == "bdi"
		if f := elementField(e, "value"); e.Kind() != ui.RawHTML && f.IsValid() && f.Kind() == reflect.String && strings.Contains(f.String(), marker) {
			shown++
			if text := f.String(); balanced(text) != text || !inBdi && !isolated(text) {
				b.t.Errorf("the text %q is not kept to itself", text)
			}
		}
		if f := elementField(e, "attributes"); f.IsValid() && !f.IsNil() {
			for _, key := range f.MapKeys() {
				value := f.MapIndex(key).String()
				if typed := key.String() == "value" && attribute(e, "dir") == "auto"; strings.Contains(value, marker) && key.String() != "href" && !typed {
					shown++
					if balanced(value) != value || !isolated(value) {
						b.t.Errorf("the attribute %s, %q, is not kept to itself", key, value)
					}
				}
			}
		}
		for _, child := range childrenOf(e) {
			visit(child, inBdi)
		}
	}
	visit(b.root, false)
	if shown == 0 {
		b.t.Errorf("nobody's text is shown; the page says:\n%s", text(b.root))
	}
}

// isolated reports whether each marker is within an isolate.
func isolated(text string) bool {
	depth := 0
	for text != "" {
		switch {
		case strings.HasPrefix(text, marker) && depth == 0:
			return false
		case strings.HasPrefix(text, string(firstStrongIsolate)), strings.HasPrefix(text, "\u2066"), strings.HasPrefix(text, "\u2067"):
			depth++
		case strings.HasPrefix(text, string(popIsolate)):
			depth--
		}
		text = text[len(string([]rune(text)[0])):]
	}
	return true
}

// TestPeoplesTextKeepsToItself: on every page, in every dialog, message and label.
func TestPeoplesTextKeepsToItself(t *testing.T) {
	b := open(t, "/")
	name, bio := turned("Ann"), turned("North")
	shown := isolate(name)
	id := b.add(name, "zzz"+marker+"@example.org")
	record, err := b.users.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.users.Update(t.Context(), record, api.UserPatch{Bio: &bio}); err != nil {
		t.Fatal(err)
	}
	steps := func(does ...func()) {
		for _, do := range does {
			do()
			b.keepsToItself()
		}
	}
	steps(func() { b.untilText(marker) }, // the list
		func() { b.click("Edit " + shown) },
		func() { b.fill(map[string]string{"bio": turned("Mine"), "name": turned("Bo")}) },
		func() { // others change it, too
			now, err := b.users.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			theirs := turned("Theirs")
			if _, err := b.users.Update(t.Context(), now, api.UserPatch{Bio: &theirs, Name: &theirs}); err != nil {
				t.Fatal(err)
			}
			b.untilText("Changed meanwhile to")
		},
		func() { // and delete it
			now, err := b.users.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.users.Delete(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			b.untilText("has been deleted meanwhile")
		},
		func() { b.submit(); b.untilText("Bo") },
		func() { b.visit("/users/" + id); b.untilText("Mine") },
		func() { b.click("Delete " + isolate(turned("Bo"))); b.untilText("Deleted ") },
		func() { b.click("Undo"); b.untilText("Restored ") },
		func() { b.root.s.showFailure(notSaved.text(shown, queue.ErrQuota)); b.untilText("no room") },
		func() {
			b.visit("/")
			b.untilText(marker)
			page := component[*usersPage](b)
			b.d.Emit(page, func() { page.find(turned("nobody")) })
			b.untilText("No matches")
		},
	)
}

// TestPeoplesTextInTheQueueKeepsToItself: what waits, what was rejected, what was decided.
func TestPeoplesTextInTheQueueKeepsToItself(t *testing.T) {
	b := open(t, "/sync")
	name := turned("Ann")
	id := b.add(name, "zzz"+marker+"@example.org")
	quoted := func(s string) json.RawMessage { j, _ := json.Marshal(s); return j } // a string can be
	b.untilText(marker)
	b.keepsToItself()
	b.reject(id)
	b.untilText("The server rejected it.")
	b.keepsToItself()
	b.click("Discard")
	b.untilText("Discard this change?")
	b.keepsToItself()
	b.change(id, func(e *queue.Entity) {
		e.Conflicts = append(e.Conflicts, queue.Conflict{
			ID: uuid.NewString(), Ref: e.Ref, At: time.Now(), Strategy: string(sync.Merge), Kept: queue.Theirs,
			Base: e.Document(), Mine: e.Document(), Theirs: e.Document(),
			Fields: []queue.Field{{Name: "bio", Base: quoted(turned("A")), Mine: quoted(turned("B")), Theirs: quoted(turned("C")), Kept: queue.Theirs}},
		})
	})
	b.untilText("You and someone else changed this user.")
	b.keepsToItself()
}

// TestATypedTextKeepsToItself: a draft that is offered, as a message and in its form.
func TestATypedTextKeepsToItself(t *testing.T) {
	b := open(t, "/")
	name := turned("Ann")
	b.add(name, "zzz"+marker+"@example.org")
	b.click("Edit " + isolate(name))
	b.fill(map[string]string{"bio": turned("Half")})
	b.until("the draft", func() bool { return len(b.device.drafts) == 1 })
	b.device.crash()
	next := b.again(b.users)
	next.untilText("You were editing ")
	next.keepsToItself()
	next.click("Edit " + isolate(name))
	next.untilText("did not save it")
	next.keepsToItself()
}
