package app

import (
	"strings"

	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
)

// keyed gives each record that a list shows an element of its own, which stays with the
// record: a press, the focus and what is read aloud never pass to another one. go-app
// diffs children by position, so the children are kept in slots. A slot that becomes
// empty holds a template before it is used again, because go-app replaces an element of
// another tag and patches one of the same. elements.js puts the elements, which have
// their keys in data-key, into the data-order of their parent.
type keyed struct{ slots []string } // keys, "" for an empty slot

// assign returns, for each slot, the index of the key that it holds, or -1.
func (k *keyed) assign(keys []string) []int {
	index := make(map[string]int, len(keys))
	for i, key := range keys {
		index[key] = i
	}
	var empty []int
	held := make(map[string]bool, len(keys))
	for slot, key := range k.slots {
		if key == "" {
			empty = append(empty, slot)
			continue
		}
		if _, wanted := index[key]; !wanted {
			k.slots[slot] = ""
		}
		held[key] = true
	}
	for _, key := range keys {
		switch {
		case held[key]:
			continue
		case len(empty) > 0:
			k.slots[empty[0]], empty = key, empty[1:]
		default:
			k.slots = append(k.slots, key)
		}
		held[key] = true
	}
	for n := len(k.slots); n > 0 && k.slots[n-1] == ""; n-- {
		k.slots = k.slots[:n-1]
	}
	assigned := make([]int, len(k.slots))
	for slot, key := range k.slots {
		assigned[slot] = -1
		if i, ok := index[key]; ok && key != "" {
			assigned[slot] = i
		}
	}
	return assigned
}

// children renders the elements of the keys. Each must have its key in data-key.
func (k *keyed) children(keys []string, render func(i int) ui.UI) []ui.UI {
	var children []ui.UI
	for _, i := range k.assign(keys) {
		if i < 0 {
			children = append(children, ui.Elem("template"))
		} else {
			children = append(children, render(i))
		}
	}
	return children
}

// order is what data-order says: no key has a line break in it.
func order(keys []string) string { return strings.Join(keys, "\n") }

// only renders one element. It is another one whenever the key is.
func (k *keyed) only(key string, element ui.UI) []ui.UI {
	return k.children([]string{key}, func(int) ui.UI { return element })
}

// keysOf are the keys of what a list shows.
func keysOf[T any](items []T, key func(T) string) []string {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = key(item)
	}
	return keys
}

// orNothing renders an element or nothing, and leaves its siblings where they are.
func orNothing(shown bool, element func() ui.UI) ui.UI {
	if shown {
		return element()
	}
	return ui.Elem("template")
}
