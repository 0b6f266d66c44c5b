package api

// Limits shared by clients and the server. Lengths of text are in Unicode code
// points, sizes of bodies in bytes.
const (
	MaxName  = 200
	MaxEmail = 254 // RFC 5321, section 4.5.3.1.3, without the angle brackets.
	MaxBio   = 2000

	// MaxOperations is the most operations in one batch; MaxChanges the most
	// changes in one page of the feed; MaxUsers the most users in one list page.
	MaxOperations = 100
	MaxChanges    = 1000
	MaxUsers      = 500

	DefaultChanges = 500
	DefaultUsers   = 50

	// MaxBody bounds any request body, MaxUserBody that of a single user.
	MaxBody     = 2 << 20
	MaxUserBody = 64 << 10

	// MaxQuery bounds the text of a search.
	MaxQuery = 200
)
