package exchange

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Print runs the import and prints each line's result and a summary. Quiet prints only the
// refused lines. It returns how many lines were refused.
func (i *Import) Print(ctx context.Context, lines Reader, to io.Writer, quiet bool) (refused int, err error) {
	out := bufio.NewWriter(to)
	count := map[Action]int{}
	i.Report = func(r Result) error {
		count[r.Action]++
		if r.Action == Unchanged || (quiet && r.Action != Refused) {
			return nil
		}
		detail := ""
		if r.Detail != "" {
			detail = ": " + r.Detail
		}
		_, err := fmt.Fprintf(out, "line %d: %s %s%s\n", r.Line, r.Action, printable(r.Who), detail)
		return err
	}
	failed := i.Run(ctx, lines)
	before, after := "", ""
	switch {
	case failed != nil:
		before, after = "stopped after this: ", "; import the file again to continue"
	case !i.Apply:
		before, after = "would be: ", "; nothing was changed, use -apply to do it"
	}
	_, err = fmt.Fprintf(out, "%s%d created, %d changed, %d unchanged, %d refused%s\n",
		before, count[Create], count[Change], count[Unchanged], count[Refused], after)
	return count[Refused], errors.Join(failed, err, out.Flush())
}

// printable replaces the control characters of a file's text, which could drive a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}
