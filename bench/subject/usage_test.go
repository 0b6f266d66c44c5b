package subject

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "1234 (a) b (c)) S 77 1 1 0 -1 4194560 100 0 0 0 150 50 7 3 20 0 1 0 100 1000000 256 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0"
	got, err := parseStat(line)
	want := stat{parent: 77, own: 2 * time.Second, children: 100 * time.Millisecond, pages: 256}
	if err != nil || got != want {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	for _, broken := range []string{"", "1 (a) S 1 2 3", "1 (a) S x 1 1 0 -1 4194560 100 0 0 0 150 50 7 3 20 0 1 0 100 1000000 256"} {
		if got, err := parseStat(broken); err == nil {
			t.Errorf("%q is %+v", broken, got)
		}
	}
}

func TestUsageGrows(t *testing.T) {
	before, err := OwnUsage()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		after, err := OwnUsage()
		if err != nil {
			t.Fatal(err)
		}
		tree, err := treeUsage(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after.CPU > before.CPU && tree.CPU >= after.CPU && after.Memory > 1<<20 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("from %+v to %+v, %+v with its children, in a minute of work", before, after, tree)
		}
	}
}
