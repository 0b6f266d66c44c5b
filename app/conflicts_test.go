package app

import (
	"testing"

	"github.com/rollcall/rollcall/wasm/queue"
)

func TestReverseLabel(t *testing.T) {
	doc := []byte(`{"name":"Ann"}`)
	for _, c := range []struct {
		c    queue.Conflict
		want string
	}{
		{queue.Conflict{Mine: doc, Theirs: doc, Kept: queue.Theirs}, "Use mine"},
		{queue.Conflict{Mine: doc, Theirs: doc, Kept: queue.Mine}, "Use theirs"},
		{queue.Conflict{Mine: doc, Theirs: doc, Kept: queue.Both}, "Use the other values"},
		{queue.Conflict{Mine: doc, Kept: queue.Theirs}, "Restore"},
		{queue.Conflict{Mine: doc, Theirs: []byte("null"), Kept: queue.Theirs}, "Restore"},
		{queue.Conflict{Mine: doc, Kept: queue.Mine}, "Delete"},
		{queue.Conflict{Theirs: doc, Kept: queue.Theirs}, "Delete"},
		{queue.Conflict{Theirs: doc, Kept: queue.Mine}, "Use theirs"},
	} {
		if got := reverseLabel(c.c); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.c, got, c.want)
		}
	}
}
