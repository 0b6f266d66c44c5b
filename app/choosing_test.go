package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

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
		b.root.s.inParts(all, "Changing {0} of {1}…", func(context.Context, []record) error {
			if parts++; parts == 3 {
				return queue.ErrQuota
			}
			return nil
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
