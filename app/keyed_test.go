package app

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A key keeps its slot while it is shown, and a slot that another key takes was empty at
// the render before: go-app then makes another element.
func TestASlotBelongsToItsKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var k keyed
		before := map[string]int{}
		last := []string{}
		for range rapid.IntRange(1, 20).Draw(t, "renders") {
			keys := rapid.SliceOfNDistinct(rapid.IntRange(0, 12), 0, 10, rapid.ID[int]).Draw(t, "keys")
			names := keysOf(keys, func(n int) string { return fmt.Sprint("k", n) })
			assigned := k.assign(names)
			now, slots := map[string]int{}, make([]string, len(assigned))
			for slot, i := range assigned {
				if i < 0 {
					continue
				}
				slots[slot] = names[i]
				now[names[i]] = slot
			}
			if len(now) != len(names) {
				t.Fatalf("%v are shown as %v", names, slots)
			}
			for slot, key := range slots {
				if slot < len(last) && last[slot] != "" && key != "" && last[slot] != key {
					t.Fatalf("slot %d went from %s to %s", slot, last[slot], key)
				}
			}
			for key, slot := range now {
				if was, shown := before[key]; shown && was != slot {
					t.Fatalf("%s moved from slot %d to %d", key, was, slot)
				}
			}
			before, last = now, slots
		}
	})
}

func TestSlotsAreGivenBack(t *testing.T) {
	var k keyed
	for i := range 1000 {
		k.assign([]string{fmt.Sprint(i), fmt.Sprint(i + 1)})
	}
	if got := k.assign(nil); len(k.slots) != 0 || !slices.Equal(got, []int{}) {
		t.Errorf("%d slots are left", len(k.slots))
	}
}
