package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
)

func namesOf(rows []record) string {
	var names []string
	for _, r := range rows {
		names = append(names, r.Value.Name)
	}
	return strings.Join(names, " ")
}

func TestChoosing(t *testing.T) {
	b := open(t, "/")
	for _, name := range []string{"Ann", "Bob", "Carl", "Dora"} {
		b.add(name, name+"@example.org")
	}
	b.untilText("4 users")
	page := component[*usersPage](b)
	ids := map[string]string{}
	for _, r := range page.records {
		ids[r.Value.Name] = r.ID
	}
	choose := func(name string, through bool) {
		b.d.Emit(page, func() { page.choose(ids[name], through) })
		b.settle()
	}
	choose("Carl", false)
	choose("Ann", true)
	b.untilText("3 selected")
	choose("Bob", false)
	b.untilText("2 selected")
	b.click("Edit a field") // which the script does
	b.click("Delete")
	b.untilText("Deleted 2 users")
	b.until("Bob and Dora alone", func() bool { return namesOf(page.records) == "Bob Dora" })
	b.click("Undo")
	b.untilText("Restored 2 users")
	b.until("all four again", func() bool { return namesOf(page.records) == "Ann Bob Carl Dora" })
	choose("Dora", false)
	b.click("Select all 4")
	b.untilText("4 selected")
	b.click("Export")
	if b.wentTo != "/export" {
		t.Errorf("all are exported at %s", b.wentTo)
	}
	choose("Bob", false) // no longer all
	b.click("Export")
	if b.wentTo != "/export?selected=1" || len(b.device.exported) != 3 {
		t.Errorf("three are exported at %s: %v", b.wentTo, b.device.exported)
	}
}

// Many users are changed in parts. What comes after a part that fails is left as it is, and said.
func TestManyAreChangedInParts(t *testing.T) {
	b := open(t, "/")
	var all []record
	for i := range 2*atOnce + 1 {
		all = append(all, record{ID: fmt.Sprint(i)})
	}
	parts := 0
	var done []record
	b.d.Emit(component[*usersPage](b), func() {
		b.root.s.inParts(all, "Changing {0} of {1}…", func(_ context.Context, part []record) ([]record, error) {
			if parts++; parts == 3 {
				return nil, queue.ErrQuota
			}
			return part, nil
		}, func(of []record) { done = of })
	})
	b.untilText("1 user was left as it is: ")
	if len(done) != 2*atOnce || parts != 3 {
		t.Errorf("%d of %d were done, in %d parts", len(done), len(all), parts)
	}
	b.untilGone("Changing")
}

// A field that many got is given back to each as it was.
func TestOneFieldOfManyIsSetAndGivenBack(t *testing.T) {
	b := open(t, "/")
	for _, name := range []string{"Ann", "Bob"} {
		b.add(name, name+"@example.org")
	}
	b.untilText("2 users")
	page := component[*usersPage](b)
	all := append([]record{}, page.records...)
	b.d.Emit(page, func() { b.root.s.setAll(all, "bio", "Of the north") })
	b.untilText("Changed 2 users")
	bios := func() string {
		var out []string
		for _, r := range all {
			now, err := b.users.Get(t.Context(), r.ID)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, now.Value.Bio)
		}
		return strings.Join(out, ",")
	}
	if got := bios(); got != "Of the north,Of the north" {
		t.Errorf("the bios are %s", got)
	}
	b.click("Undo")
	b.untilText("2 users are as before")
	if got := bios(); got != "," {
		t.Errorf("after Undo the bios are %s", got)
	}
}

// Shift selects from the last one on, also where that is far out of sight.
func TestChoosingThroughRowsThatAreNotShown(t *testing.T) {
	b := open(t, "/")
	for i := range 150 {
		b.add(fmt.Sprintf("P%03d", i), fmt.Sprintf("p%d@example.org", i))
	}
	b.untilText("150 users")
	page := component[*usersPage](b)
	choose := func(name string, through bool) {
		b.t.Helper()
		b.d.Emit(page, func() {
			for _, r := range page.records {
				if r.Value.Name == name {
					page.choose(r.ID, through)
					return
				}
			}
			t.Errorf("%s is not shown", name)
		})
		b.settle()
	}
	choose("P010", false)
	b.device.scroll(120 * defaultRowHeight)
	b.until("the end is shown", func() bool { return page.shown.first > 11 })
	choose("P130", true)
	b.untilText("121 selected")
	// And back, in the reverse order.
	b.d.Emit(page, func() { page.chosen = choosing{}; page.change(listView{sort: sortNameDown}) })
	b.until("the last is first", func() bool { return len(page.records) > 0 && page.records[0].Value.Name == "P149" })
	choose("P145", false)
	b.device.scroll(120 * defaultRowHeight)
	b.until("the end is shown", func() bool { return page.shown.first > 5 })
	choose("P020", true)
	b.untilText("126 selected")
}

// What somebody else has done meanwhile is not undone.
func TestUndoLeavesWhatOthersDid(t *testing.T) {
	b := open(t, "/")
	for _, name := range []string{"Ann", "Bob", "Carl"} {
		b.add(name, name+"@example.org")
	}
	b.untilText("3 users")
	page := component[*usersPage](b)
	all := append([]record{}, page.records...)
	if _, err := b.users.Delete(t.Context(), all[2]); err != nil { // Carl has gone before
		t.Fatal(err)
	}
	b.untilText("2 users")
	b.d.Emit(page, func() { b.root.s.setAll(all, "bio", " Of the north ") })
	b.untilText("Changed 2 users")
	bio := "Of the south"
	now, err := b.users.Get(t.Context(), all[1].ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.users.Update(t.Context(), now, api.UserPatch{Bio: &bio}); err != nil {
		t.Fatal(err)
	}
	b.click("Undo")
	b.untilText("1 user is as before, 1 left as it is")
	for i, want := range []string{"", bio} {
		if now, err := b.users.Get(t.Context(), all[i].ID); err != nil || now.Value.Bio != want {
			t.Errorf("the bio of %s is %q: %v", now.Value.Name, now.Value.Bio, err)
		}
	}
	b.d.Emit(page, func() { b.root.s.deleteAll(all) })
	b.untilText("Deleted 2 users")
	b.click("Undo")
	b.untilText("Restored 2 users")
	if _, err := b.users.Get(t.Context(), all[2].ID); err == nil {
		t.Error("Carl is back")
	}
	if now, err := b.users.Get(t.Context(), all[1].ID); err != nil || now.Value.Bio != bio {
		t.Errorf("Bob came back with %q: %v", now.Value.Bio, err)
	}
}

// An Undo is offered again after a reload, as long as it was not used or dismissed.
func TestUndoIsOfferedAfterAReload(t *testing.T) {
	b := open(t, "/")
	for _, name := range []string{"Ann", "Bob"} {
		b.add(name, name+"@example.org")
	}
	b.untilText("2 users")
	all := append([]record{}, component[*usersPage](b).records...)
	b.d.Emit(b.root, func() { b.root.s.setAll(all, "bio", "Of the north") })
	b.untilText("Changed 2 users")
	kept := b.device.undo
	u := parseUndoing(kept)
	if u.text() != "Changed 2 users" || u.were[0].Value != all[0].Value {
		t.Fatalf("kept is %s", kept)
	}
	b.click("Undo")
	b.untilText("2 users are as before")
	if b.device.undo != "" {
		t.Errorf("what was undone is kept: %s", b.device.undo)
	}
	u.were, u.field = all, ""
	again := openPrepared(t, "/", func(d *device) { d.undo = u.lines() })
	again.untilText("Deleted 2 users")
	again.click("Dismiss")
	if again.device.undo != "" {
		t.Errorf("what was dismissed is kept: %s", again.device.undo)
	}
}
