package rostertest

import (
	"fmt"
	"maps"
	"strings"
)

// Hard are files of about so many bytes on which a reader, or whoever takes what it reads,
// could spend far more than their size: by looking ahead from each line, by going back, or
// within a line that is long.
func Hard(size int) map[string]string {
	f := filled(size)
	all := f.csv()
	maps.Copy(all, f.json())
	maps.Copy(all, f.cards())
	return all
}

// filled makes texts of so many bytes.
type filled int

func (f filled) fill(head, line string) string {
	return head + strings.Repeat(line, (int(f)-len(head))/len(line))
}

func (f filled) numbered(head, format string) string {
	var b strings.Builder
	b.WriteString(head)
	for n := 0; b.Len() < int(f); n++ {
		fmt.Fprintf(&b, format, n)
	}
	return b.String()
}

// letters are other ones each.
func letters(n int) string {
	var b strings.Builder
	for r := rune(0x4e00); b.Len() < n; r++ {
		b.WriteRune(0x4e00 + (r-0x4e00)%20_000)
	}
	return b.String()
}

// many are so many fields.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\"%05d\":1,", i)
	}
	return b.String() + "\"x\":1"
}

// cell is about as long as a line may be.
const cell = 60_000

func (f filled) csv() map[string]string {
	const csv = "name,email,bio\n"
	return map[string]string{
		"a quote in each line":             f.fill(csv, "a,\"b\n"),
		"quotes that open again":           f.fill(csv, "5\",x,\"\n"),
		"quotes that open again, long":     f.fill(csv, "5\",x,\""+strings.Repeat("x", 900)+"\n"),
		"a quote and no end":               f.fill(csv+"a,\"", "b\n"),
		"quotes that take in many lines":   f.fill("name,email\n", strings.Repeat("a,", cell/4)+"\""+strings.Repeat("\nx,y", cell/8)+"\"\n"),
		"doubled quotes":                   f.fill(csv, "\"\"\"\"\"\",\"\"\n"),
		"spaces before quotes":             f.fill(csv, strings.Repeat(" ", cell)+"\"\n"),
		"cells":                            f.fill(csv, strings.Repeat(",", cell)+"\n"),
		"columns":                          f.fill("email"+strings.Repeat(",", cell)+"\n", "a@x.org,,,,,,,,\n"),
		"marks":                            f.fill(csv, strings.Repeat("\ufeff", cell/3)+"\n"),
		"one line":                         f.fill(csv, "x"),
		"one line of quotes":               f.fill(csv, "\""),
		"empty lines in CR":                f.fill(csv, "\r"),
		"ends of all kinds":                f.fill(csv, "\r\r\n\n\r"),
		"headers":                          f.fill(csv, "email,name,bio\n"),
		"long names":                       f.numbered(csv, strings.Repeat("é", cell/2)+",p%d@x.org,\n"),
		"letters that look broken":         f.numbered(csv, strings.Repeat("Ã", cell/2)+",p%d@x.org,\n"),
		"combining marks":                  f.numbered(csv, strings.Repeat("e\u0301\u0323\u0301", cell/8)+",p%d@x.org,\n"),
		"thousands of marks on a letter":   f.numbered(csv, "e"+strings.Repeat("\u0301\u0323", cell/4)+",p%d@x.org,e"+strings.Repeat("\u0323\u0301", 10)+"\n"),
		"a domain of all letters":          f.fill(csv, "A,a@"+letters(cell/3)+",\n"),
		"domains of all letters":           f.fill(csv, "A,a@"+letters(150)+"."+letters(80)+",\n"),
		"a domain in ASCII of all letters": f.fill(csv, "A,a@xn--"+strings.Repeat("a", cell)+",\n"),
		"labels":                           f.fill(csv, "A,a@"+strings.Repeat("é.", cell/3)+",\n"),
		"ats":                              f.fill(csv, "A,"+strings.Repeat("@", cell)+",\n"),
		"one email":                        f.fill(csv, "A,a@x.org,\n"),
		"people":                           f.numbered(csv, "A,p%d@x.org,x\n"),
	}
}

func (f filled) json() map[string]string {
	return map[string]string{
		"lines of nothing":      f.fill("{}\n", "\n"),
		"objects":               f.fill("", "{\"a\n"),
		"objects in objects":    f.fill("[\n", "{\"version\":\n"),
		"arrays in arrays":      f.fill("", "["),
		"brackets":              f.fill("[", "{"),
		"brackets that close":   f.fill("[", "]"),
		"an object of brackets": f.fill("[{\"version\":", "["),
		"deep":                  f.fill("", "{\"version\":"+strings.Repeat("[", cell/2)+strings.Repeat("]", cell/2)+"}\n"),
		"fields":                f.fill("", "{"+strings.Repeat("\"version\":1,", cell/12)+"}\n"),
		"fields of all names":   f.numbered("", "{\"a%[1]d\":{\"b%[1]d\":[[[1]],{\"c%[1]d\":\"x\"}]}}\n"),
		"many fields of others": f.fill("", "{"+many(cell/10)+"}\n"),
		"an object around all":  f.fill("{\"x\":[{\"y\":\"a@x.org\"},\n", "{\"y\":\"a@x.org\"},\n"),
		"objects around it":     f.fill("", "{\"x\":"),
		"a list of lists":       f.fill("", "{\"x\":"+strings.Repeat("[", cell/2)+strings.Repeat("]", cell/2)+"}\n"),
		"values of one field":   f.fill("", "{\"x\":["+strings.Repeat("1,", cell/2)+"1]}\n"),
		"escapes":               f.fill("", "{\"name\":\""+strings.Repeat("\\u0041", cell/6)+"\"}\n"),
		"backslashes":           f.fill("[\n", "{\"name\":\""+strings.Repeat("\\", cell)+"\n"),
		"no objects":            f.fill("[", "1 "),
	}
}

func (f filled) cards() map[string]string {
	return map[string]string{
		"cards without an end":           f.fill("", "BEGIN:VCARD\n"),
		"lines of no card":               f.fill("BEGIN:VCARD\nFN:A\nEND:VCARD\n", "x\n"),
		"soft line ends":                 f.fill("BEGIN:VCARD\n", "QUOTED-PRINTABLE=\n"),
		"soft line ends of a note":       f.fill("BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:", "=\n"),
		"soft line ends without a value": f.fill("BEGIN:VCARD\nQUOTED-PRINTABLE"+strings.Repeat("x", cell)+"=\n", "=\n"),
		"folds":                          f.fill("BEGIN:VCARD\nNOTE:x", "\n x"),
		"empty folds":                    f.fill("BEGIN:VCARD\nNOTE:x", "\n "),
		"parameters":                     f.fill("BEGIN:VCARD\n", "NOTE"+strings.Repeat(";X=", cell/3)+":x\n"),
		"values of parameters":           f.fill("BEGIN:VCARD\n", "EMAIL;TYPE="+strings.Repeat(",", cell)+":x\n"),
		"notes":                          f.fill("BEGIN:VCARD\n", "NOTE:x\n"),
		"notes, escaped":                 f.fill("BEGIN:VCARD\n", "NOTE:"+strings.Repeat("\\n", cell/2)+"\n"),
		"parts of a name":                f.fill("BEGIN:VCARD\n", "N:"+strings.Repeat(";,", cell/2)+"\n"),
		"agents":                         f.fill("BEGIN:VCARD\n", "AGENT:\nBEGIN:VCARD\n"),
		"properties of no use":           f.numbered("BEGIN:VCARD\n", "X-%d:\n"),
		"cards with other properties":    f.numbered("", "BEGIN:VCARD\nX-%[1]d:\nFN:A\nEMAIL:p%[1]d@x.org\nEND:VCARD\n"),
	}
}
