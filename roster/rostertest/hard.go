package rostertest

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Hard are files of about so many bytes on which a reader, or whoever takes what it reads,
// could spend far more than their size: by looking ahead from each line, by going back, or
// within a line that is long.
func Hard(size int) map[string]string {
	fill := func(head, line string) string { return head + strings.Repeat(line, (size-len(head))/len(line)) }
	long := func(n int) string { return strings.Repeat("x", n) }
	letters := func(n int) string { // all of them others
		var b strings.Builder
		for r := rune(0x4e00); b.Len() < n; r++ {
			b.WriteRune(0x4e00 + (r-0x4e00)%20_000)
		}
		return b.String()
	}
	numbered := func(head, format string) string {
		var b strings.Builder
		b.WriteString(head)
		for n := 0; b.Len() < size; n++ {
			fmt.Fprintf(&b, format, n)
		}
		return b.String()
	}
	const csv = "name,email,bio\n"
	cell := 60_000
	return map[string]string{
		"a quote in each line":             fill(csv, "a,\"b\n"),
		"quotes that open again":           fill(csv, "5\",x,\"\n"),
		"quotes that open again, long":     fill(csv, "5\",x,\""+long(900)+"\n"),
		"a quote and no end":               fill(csv+"a,\"", "b\n"),
		"quotes that take in many lines":   fill("name,email\n", strings.Repeat("a,", cell/4)+"\""+strings.Repeat("\nx,y", cell/8)+"\"\n"),
		"doubled quotes":                   fill(csv, "\"\"\"\"\"\",\"\"\n"),
		"spaces before quotes":             fill(csv, strings.Repeat(" ", cell)+"\"\n"),
		"cells":                            fill(csv, strings.Repeat(",", cell)+"\n"),
		"columns":                          fill("email"+strings.Repeat(",", cell)+"\n", "a@x.org,,,,,,,,\n"),
		"marks":                            fill(csv, strings.Repeat("\ufeff", cell/3)+"\n"),
		"one line":                         fill(csv, "x"),
		"one line of quotes":               fill(csv, "\""),
		"empty lines in CR":                fill(csv, "\r"),
		"ends of all kinds":                fill(csv, "\r\r\n\n\r"),
		"headers":                          fill(csv, "email,name,bio\n"),
		"long names":                       numbered(csv, strings.Repeat("é", cell/2)+",p%d@x.org,\n"),
		"letters that look broken":         numbered(csv, strings.Repeat("Ã", cell/2)+",p%d@x.org,\n"),
		"combining marks":                  numbered(csv, strings.Repeat("e\u0301\u0323\u0301", cell/8)+",p%d@x.org,\n"),
		"thousands of marks on a letter":   numbered(csv, "e"+strings.Repeat("\u0301\u0323", cell/4)+",p%d@x.org,e"+strings.Repeat("\u0323\u0301", 10)+"\n"),
		"a domain of all letters":          fill(csv, "A,a@"+letters(cell/3)+",\n"),
		"domains of all letters":           fill(csv, "A,a@"+letters(150)+"."+letters(80)+",\n"),
		"a domain in ASCII of all letters": fill(csv, "A,a@xn--"+strings.Repeat("a", cell)+",\n"),
		"labels":                           fill(csv, "A,a@"+strings.Repeat("é.", cell/3)+",\n"),
		"ats":                              fill(csv, "A,"+strings.Repeat("@", cell)+",\n"),
		"one email":                        fill(csv, "A,a@x.org,\n"),
		"people":                           numbered(csv, "A,p%d@x.org,x\n"),
		"lines of nothing":                 fill("{}\n", "\n"),
		"objects":                          fill("", "{\"a\n"),
		"objects in objects":               fill("[\n", "{\"version\":\n"),
		"arrays in arrays":                 fill("", "["),
		"brackets":                         fill("[", "{"),
		"brackets that close":              fill("[", "]"),
		"an object of brackets":            fill("[{\"version\":", "["),
		"deep":                             fill("", "{\"version\":"+strings.Repeat("[", cell/2)+strings.Repeat("]", cell/2)+"}\n"),
		"fields":                           fill("", "{"+strings.Repeat("\"version\":1,", cell/12)+"}\n"),
		"escapes":                          fill("", "{\"name\":\""+strings.Repeat("\\u0041", cell/6)+"\"}\n"),
		"backslashes":                      fill("[\n", "{\"name\":\""+strings.Repeat("\\", cell)+"\n"),
		"no objects":                       fill("[", "1 "),
		"cards without an end":             fill("", "BEGIN:VCARD\n"),
		"lines of no card":                 fill("BEGIN:VCARD\nFN:A\nEND:VCARD\n", "x\n"),
		"soft line ends":                   fill("BEGIN:VCARD\n", "QUOTED-PRINTABLE=\n"),
		"soft line ends of a note":         fill("BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:", "=\n"),
		"soft line ends without a value":   fill("BEGIN:VCARD\nQUOTED-PRINTABLE"+long(cell)+"=\n", "=\n"),
		"folds":                            fill("BEGIN:VCARD\nNOTE:x", "\n x"),
		"empty folds":                      fill("BEGIN:VCARD\nNOTE:x", "\n "),
		"parameters":                       fill("BEGIN:VCARD\n", "NOTE"+strings.Repeat(";X=", cell/3)+":x\n"),
		"values of parameters":             fill("BEGIN:VCARD\n", "EMAIL;TYPE="+strings.Repeat(",", cell)+":x\n"),
		"notes":                            fill("BEGIN:VCARD\n", "NOTE:x\n"),
		"notes, escaped":                   fill("BEGIN:VCARD\n", "NOTE:"+strings.Repeat("\\n", cell/2)+"\n"),
		"parts of a name":                  fill("BEGIN:VCARD\n", "N:"+strings.Repeat(";,", cell/2)+"\n"),
		"agents":                           fill("BEGIN:VCARD\n", "AGENT:\nBEGIN:VCARD\n"),
		"properties of no use":             numbered("BEGIN:VCARD\n", "X-%d:\n"),
		"cards with other properties":      numbered("", "BEGIN:VCARD\nX-%[1]d:\nFN:A\nEMAIL:p%[1]d@x.org\nEND:VCARD\n"),
	}
}

// Plain is a file of so many bytes as any program makes it.
func Plain(size int) string { return Hard(size)["people"] }

// Cost is the least time of some tries, so that what else the machine does hardly counts.
func Cost(tries int, run func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range tries {
		began := time.Now()
		run()
		least = min(least, time.Since(began))
	}
	return least
}

// Dear returns the hard files on which run spends over 50 times what it spends on a plain
// one of the same size, however often it is tried; what is bounded by the size takes up to 20
// times as much.
func Dear(size int, run func(text string)) (dear []string) {
	const most, tries = 50, 5
	plain := Cost(3, func() { run(Plain(size)) })
	for name, text := range Hard(size) {
		for try := 1; Cost(1, func() { run(text) }) > most*plain; try++ {
			if try == tries {
				dear = append(dear, name)
				break
			}
		}
	}
	return dear
}
