package api

// Limits of clients and the server. Lengths of text are in Unicode code points, sizes of
// bodies in bytes.
const (
	MaxName  = 200
	MaxEmail = 254 // in bytes: RFC 5321, section 4.5.3.1.3, without the angle brackets
	MaxBio   = 2000

	// MaxOperations bounds the operations of a batch, MaxChanges the changes of a page of
	// the feed, and MaxUsers the users of a page of the list.
	MaxOperations = 1000
	MaxChanges    = 1000
	MaxUsers      = 500

	// CommonOperations is how many operations of a batch the servers of every version take.
	CommonOperations = 100

	// Page sizes of a request without a limit.
	DefaultChanges = 500
	DefaultUsers   = 50

	// MaxBody bounds a request body, MaxUserBody that of a single user.
	MaxBody     = 2 << 20
	MaxUserBody = 64 << 10

	// MaxQuery bounds the text of a search.
	MaxQuery = 200
)
