package exchange

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/server/store"
)

// Print runs the import and prints each line's result and a summary. Quiet prints only the
// refused lines. It returns how many lines were refused.
func (i *Import) Print(ctx context.Context, file *roster.File, to io.Writer, quiet bool) (refused int, err error) {
	t := tally{out: bufio.NewWriter(to), quiet: quiet, count: map[plan.Action]int{}, emptied: map[string]int{}}
	for _, note := range file.Notes {
		t.printf("note: %s\n", note)
	}
	i.Report = t.report
	failed := i.Run(ctx, file)
	t.summarize(i.Apply, failed)
	return t.count[plan.Refused], errors.Join(failed, t.err, t.out.Flush())
}

// tally prints the results of an import and counts them.
type tally struct {
	out     *bufio.Writer
	quiet   bool
	count   map[plan.Action]int
	emptied map[string]int
	err     error
}

func (t *tally) printf(format string, args ...any) {
	t.err = cmp.Or(t.err, store.Print(t.out, format, args...))
}

func (t *tally) report(r plan.Result) error {
	t.count[r.Action]++
	for _, field := range r.Emptied() {
		t.emptied[field]++
	}
	if r.Action == plan.Unchanged || (t.quiet && r.Action != plan.Refused) {
		return nil
	}
	place := fmt.Sprintf("line %d", r.Line)
	if r.Item > 0 {
		place += fmt.Sprintf(", item %d", r.Item)
	}
	detail := r.Summary()
	if detail != "" {
		detail = ": " + detail
	}
	t.printf("%s: %s %s%s\n", place, r.Action, r.Who, detail)
	return t.err
}

func (t *tally) summarize(applied bool, failed error) {
	before, after, emptied := "", "", "emptied"
	switch {
	case failed != nil:
		before, after = "stopped after this: ", "; import the file again to continue"
	case !applied:
		before, after, emptied = "would be: ", "; nothing was changed, use -apply to do it", "would empty"
	}
	if len(t.emptied) > 0 {
		t.printf("%s %s; an empty cell empties, a column that is left out keeps what is there\n", emptied, t.emptiedFields())
	}
	t.printf("%s%d created, %d changed, %d unchanged, %d refused%s\n",
		before, t.count[plan.Create], t.count[plan.Change], t.count[plan.Unchanged], t.count[plan.Refused], after)
}

func (t *tally) emptiedFields() string {
	var all []string
	for field, n := range t.emptied {
		if n > 1 {
			field += "s"
		}
		all = append(all, fmt.Sprintf("%d %s", n, field))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
