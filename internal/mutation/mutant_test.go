package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const sample = `package p

type T struct{ N, M int }

func f(a, b bool, xs []int) (n int, ok bool) {
	var t *T = &T{N: 1, M: 2}
	t.N, t.M = 3, 4
	t.N += len(xs)
	t = nil
	for _, x := range xs {
		n += x
	}
	if a && !b {
		g("x")
	}
	switch n {
	case 7:
		return max(n, 1), true
	}
	switch {
	case n > 2:
		n--
	}
	return n, false
}

func g(string) {}
`

// TestMutantsOfEachKind: each change is made once at each place, and only there.
func TestMutantsOfEachKind(t *testing.T) {
	s, err := parse("p.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range s.mutants() {
		kind, _, _ := strings.Cut(strings.TrimPrefix(m.key, "p.go f: "), ":")
		got = append(got, kind+": "+sample[m.start:m.end]+" → "+m.text)
	}
	for _, want := range []string{
		"leave out: N: 1,  → ",
		"leave out: M: 2 → ",
		"remove assignment: t.N → _",
		"remove assignment: t.M → _",
		"remove statement: t.N += len(xs) → _ = len(xs)",
		"remove statement: t = nil → ",
		"never iterate: for _, x := range xs { → for _, x := range xs {\nbreak\n",
		"remove statement: n += x → _ = x",
		"always true: a && !b → (a && !b) || true",
		"always false: a && !b → (a && !b) && false",
		"drop operand: a → ((a) || true)",
		"drop operand: !b → ((!b) || true)",
		"drop negation: !b → b",
		`remove statement: g("x") → `,
		`empty text: "x" → ""`,
		"remove case: case 7:\n\t\treturn max(n, 1), true → ",
		"add one: 7 → 8",
		"always true: n > 2 → (n > 2) || true",
		"always false: n > 2 → (n > 2) && false",
		"turn operator to >=: > → >=",
		"turn operator to <=: > → <=",
		"remove statement: n-- → ",
		"swap min and max: max → min",
		"zero result: max(n, 1) → func() (zero int) { _ = max(n, 1); return }()",
		"negate result: true → !(true)",
		"zero result: n → func() (zero int) { _ = n; return }()",
		"negate result: false → !(false)",
	} {
		n := len(got)
		if got = slices.DeleteFunc(got, func(s string) bool { return s == want }); len(got) != n-1 {
			t.Errorf("%d times: %s", n-len(got), want)
		}
	}
	got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "add one") })
	if len(got) > 0 {
		t.Errorf("also: %s", strings.Join(got, "\n"))
	}
}

func TestKeyStaysWhenLinesComeAndGo(t *testing.T) {
	keys := func(text string) (keys []string) {
		s, err := parse("p.go", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range s.mutants() {
			keys = append(keys, m.key)
		}
		return keys
	}
	before, after := keys(sample), keys(strings.Replace(sample, "type T", "// Something new.\n\ntype T", 1))
	if !slices.Equal(before, after) || !slices.Contains(before, `p.go f: drop operand: if «a» && !b {`) {
		t.Errorf("before %q\nafter %q", before, after)
	}
}

// TestAReplacementKeepingItsRetriesIsTried: it once went unnoticed.
func TestAReplacementKeepingItsRetriesIsTried(t *testing.T) {
	t.Chdir("../..")
	sources, err := target{dir: "wasm/sync", files: []string{"resolve.go"}}.sources()
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"State", "RetryCount", "NextAttemptAt", "LastError"} {
		if !slices.ContainsFunc(sources[0].mutants(), func(m mutant) bool {
			return strings.Contains(m.key, "resolveConflict: remove assignment: ") && strings.Contains(m.key, "«next."+field+"»")
		}) {
			t.Errorf("no mutant keeps %s", field)
		}
	}
}

// TestWhatTheTestsMissIsReported judges a module whose test looks at one of two results.
func TestWhatTheTestsMissIsReported(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module example.org/m\n\ngo 1.26\n",
		"p/p.go":    "package p\n\ntype T struct{}\n\nfunc (T) F(n int, _ string, _ ...int) (int, bool) {\n\tunused := n\n\treturn unused + 1, n > 0\n}\n\nfunc G() {}\n",
		"p/drop.go": "package p\n\nfunc Drop(list []int) []int {\n\tfor len(list) > 0 {\n\t\tlist = list[1:]\n\t}\n\treturn list\n}\n",
		"p/p_test.go": "package p\n\nimport (\"flag\"; \"testing\")\n\nvar _, _, _ = flag.Int(\"rapid.seed\", 0, \"\"), flag.Bool(\"rapid.nofailfile\", false, \"\"), flag.String(\"rapid.shrinktime\", \"\", \"\")\n\n" +
			"func TestF(t *testing.T) {\n\tif n, _ := (T{}).F(2, \"\"); n != 3 {\n\t\tt.Error(n)\n\t}\n}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	verdicts, err := judge(target{dir: "p", files: []string{"p.go"}}, regexp.MustCompile(""), 2)
	if err != nil {
		t.Fatal(err)
	}
	got := count("p", "own", verdicts, equivalents{"p/p.go F: add one: return unused + 1, n > «0»": 1, "gone": 1})
	if want := []string{"p/p.go F: negate result: return unused + 1, «n > 0»"}; !slices.Equal(got.missed, want) || got.noticed != 2 || got.equivalent != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestEquivalentMutantsNeedAReason(t *testing.T) {
	for text, want := range map[string]string{
		"# why\n\na: b\n\tc\n":    "",
		"a: b\n":                  "no reason is given for a: b",
		"a: b\nc: d\n\tbecause\n": "no reason is given for a: b",
	} {
		path := filepath.Join(t.TempDir(), "list")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		known, err := readEquivalent(path)
		if (err == nil) != (want == "") || (err != nil && !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && (!known.use("a: b") || known.use("a: b") || len(known.unused()) > 0) {
			t.Errorf("%q: %v", text, known)
		}
	}
}

func TestFailureSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		tally tally
		known equivalents
		whole bool
		want  []string
	}{
		{"all noticed", tally{noticed: 100}, nil, true, nil},
		{"few equivalent", tally{noticed: 95, equivalent: 5}, nil, true, nil},
		{"one missed", tally{noticed: 99, missed: []string{"m"}}, nil, true, []string{"missed 1 mutants"}},
		{"many equivalent", tally{noticed: 94, equivalent: 6}, nil, true, []string{"less than 95 %"}},
		{"one gone", tally{noticed: 100}, equivalents{"m": 1}, true, []string{"take them out:\nm"}},
		{"one not tried", tally{noticed: 100}, equivalents{"m": 1}, false, nil},
	} {
		err := failure([]tally{c.tally}, c.known, c.whole)
		if (err != nil) != (len(c.want) > 0) {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, want := range c.want {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

func TestFindingsOfGremlinsHaveTheSameKeys(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("p", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("p/p.go", []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	verdicts, err := target{dir: "p"}.findings([]byte(`{"files":[{"file_name":"p.go","mutations":[
		{"line":13,"column":7,"type":"INVERT_LOGICAL","status":"LIVED"},
		{"line":11,"column":5,"type":"REMOVE_SELF_ASSIGNMENTS","status":"KILLED"},
		{"line":21,"column":9,"type":"CONDITIONALS_NEGATION","status":"NOT COVERED"},
		{"line":11,"column":5,"type":"INVERT_ASSIGNMENTS","status":"NOT VIABLE"},
		{"line":8,"column":6,"type":"INVERT_ASSIGNMENTS","status":"NOT COVERED"}]}]}`))
	want := []verdict{
		{"p/p.go f: invert logical: if a «&&» !b {", false},
		{"p/p.go f: remove self assignments: n «+=» x", true},
		{"p/p.go f: invert assignments: t.N «+=» len(xs)", false},
	}
	if err != nil || !slices.Equal(verdicts, want) {
		t.Errorf("got %+v, %v", verdicts, err)
	}
}
