package store

// PageBytes is how many bytes of documents a page has at most, whatever its limit of rows. What
// a client holds of the server's memory depends on it.
const PageBytes = 2 << 20

// fit returns how many of the rows are a page: at most limit of them with at most PageBytes of
// documents, but always one, so that a reader gets on.
func fit(rows []Row, limit int) int {
	var size int
	for i, r := range rows[:min(len(rows), limit)] {
		size += len(r.Document)
		if size > PageBytes && i > 0 {
			return i
		}
	}
	return min(len(rows), limit)
}

// PageSize counts the rows that a store reads for a page.
type PageSize struct{ rows, bytes int }

// Add counts a row, and reports whether the page needs no more, whatever its limit: with the
// last row, it has too many bytes.
func (p *PageSize) Add(r Row) (full bool) {
	p.rows++
	p.bytes += len(r.Document)
	return p.rows > 1 && p.bytes > PageBytes
}
