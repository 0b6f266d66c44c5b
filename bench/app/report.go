package main

import (
	"fmt"
	"slices"

	"github.com/rollcall/rollcall/bench/figures"
)

// Names of actions: functions of actions.js, and visits.
const (
	firstVisit   = "first"
	secondVisit  = "second"
	letterSearch = "letter"
	oneSearch    = "search"
	scrolling    = "scroll"
	jumping      = "jump"
	saving       = "save"
	atLast       = "end"
	pageMemory   = "page's memory"
	hostMemory   = "host's memory"
)

// sample is what one action brought, once.
type sample struct {
	round   int
	people  int
	slower  float64
	action  string
	figures map[string]float64
}

// metric is a row of the table. Goal is the most that is wanted on a fast processor, 0 for
// no goal.
type metric struct {
	said, action, figure string
	goal                 float64
}

func metrics() []metric {
	return []metric{
		{"first visit, first rows, ms", firstVisit, "rows", 0},
		{"first visit, all synced, ms", firstVisit, "all", 6000},
		{"first visit, longest task, ms", firstVisit, "longest", 0},
		{"second visit, first rows, ms", secondVisit, "rows", 0},
		{"second visit, longest task, ms", secondVisit, "longest", 0},
		{"search, a first letter, ms", letterSearch, "ms", 500},
		{"search, a first letter, all counted, ms", letterSearch, "counted", 0},
		{"search, a first letter, longest task, ms", letterSearch, "longest", 50},
		{"search that finds one, ms", oneSearch, "ms", 100},
		{"search that finds one, longest task, ms", oneSearch, "longest", 50},
		{"scroll, frames over 50 ms, %", scrolling, "slow", 0},
		{"scroll, frames without rows, %", scrolling, "blank", 0},
		{"scroll, longest frame, ms", scrolling, "worst", 0},
		{"scroll, longest task, ms", scrolling, "longest", 50},
		{"jump to the middle, ms", jumping, "ms", 100},
		{"jump, longest task, ms", jumping, "longest", 50},
		{"save a person, ms", saving, "ms", 50},
		{"save a person, the first of a visit, ms", saving, "first", 0},
		{"save, longest task, ms", saving, "longest", 50},
		{"WebAssembly's memory in the page at most, MB", pageMemory, "most", 60},
		{"WebAssembly's memory in the host at most, MB", hostMemory, "most", 80},
		{"memory of the renderers, MB", atLast, "memory", 0},
	}
}

// report returns the table in Markdown: a column for each number of people and processor.
func report(samples []sample) string {
	type column struct {
		people int
		slower float64
	}
	var columns []column
	for _, s := range samples {
		if c := (column{s.people, s.slower}); !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	slices.SortFunc(columns, func(a, b column) int {
		if a.slower != b.slower {
			return int(a.slower - b.slower)
		}
		return a.people - b.people
	})
	table := figures.Table{Head: []string{"", "wanted"}}
	for _, c := range columns {
		head := fmt.Sprintf("%d people", c.people)
		if c.slower > 1 {
			head += fmt.Sprintf(", %v× slower", c.slower)
		}
		table.Head = append(table.Head, head)
	}
	for _, m := range metrics() {
		row := []string{m.said, ""}
		if m.goal > 0 {
			row[1] = fmt.Sprintf("≤ %v", m.goal)
		}
		for _, c := range columns {
			var all []float64
			for _, s := range samples {
				if v, ok := s.figures[m.figure]; ok && s.action == m.action && c == (column{s.people, s.slower}) {
					all = append(all, v)
				}
			}
			if m.figure == "most" && len(all) > 0 {
				all = []float64{slices.Max(all)}
			}
			row = append(row, median(all))
		}
		table.Add(row...)
	}
	return table.String()
}

func median(all []float64) string {
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", figures.Median(all))
}
