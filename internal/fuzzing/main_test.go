package main

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestFind(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	got, err := find(fstest.MapFS{
		"b/c/x_test.go":          file("package c\n\nfunc FuzzOne(f *testing.F) {}\nfunc FuzzTwo(f *testing.F) {}\n"),
		"a/y_test.go":            file("package a\n\nfunc TestNot(t *testing.T) { FuzzNot() }\n// func FuzzNot(\nfunc FuzzYes(f *testing.F) {}\n"),
		"a/y.go":                 file("package a\nfunc FuzzNoTest() {}\n"),
		".cache/z_test.go":       file("package z\nfunc FuzzHidden(f *testing.F) {}\n"),
		"node_modules/z_test.go": file("package z\nfunc FuzzOthers(f *testing.F) {}\n"),
	})
	if want := []target{{"a", "FuzzYes"}, {"b/c", "FuzzOne"}, {"b/c", "FuzzTwo"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestJudged(t *testing.T) {
	const counted = "fuzz: elapsed: 3s, execs: 120 (40/sec), new interesting: 1 (total: 2)\nfuzz: elapsed: 6s, execs: 250 (43/sec), new interesting: 1 (total: 2)\n"
	const deadline = "--- FAIL: FuzzA (6.02s)\n    context deadline exceeded\nFAIL\n"
	exit := errors.New("exit status 1")
	for name, c := range map[string]struct {
		out        string
		err        error
		executions int
		failure    string
	}{
		"passed":                  {counted + "PASS\n", nil, 250, ""},
		"an input":                {counted + "    Failing input written to testdata/fuzz/FuzzA/1f\n", exit, 250, "fails with testdata/fuzz/FuzzA/1f"},
		"an input, late":          {counted + deadline + "    Failing input written to testdata/fuzz/FuzzA/1f\n", exit, 250, "fails with testdata/fuzz/FuzzA/1f"},
		"the deadline":            {counted + deadline, exit, 250, ""},
		"the deadline, untried":   {deadline, exit, 0, "failed, see its output: exit status 1"},
		"a seed":                  {"--- FAIL: FuzzA/seed#0\n    wrong\n", exit, 0, "failed, see its output: exit status 1"},
		"a process that vanished": {counted + "fuzzing process hung or terminated unexpectedly\n", exit, 250, "failed, see its output: exit status 1"},
	} {
		if got := (target{"a", "FuzzA"}).judged(c.out, c.err); got.executions != c.executions || got.failure != c.failure {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestReport(t *testing.T) {
	fine := outcome{target{"a", "FuzzA"}, 5, ""}
	table, err := report(time.Minute, []outcome{fine})
	if err != nil || !strings.HasSuffix(table, "| `a` FuzzA | 5 | nothing |\n") {
		t.Errorf("%v, %s", err, table)
	}
	table, err = report(time.Minute, []outcome{fine, {target{"b", "FuzzB"}, 7, "fails with x"}})
	if err == nil || !strings.Contains(err.Error(), "1 of 2 targets failed:\nb FuzzB fails with x") || !strings.Contains(table, "| `b` FuzzB | 7 | fails with x |\n") {
		t.Errorf("%v, %s", err, table)
	}
}
