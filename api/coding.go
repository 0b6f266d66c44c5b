package api

// A browser sets Accept-Encoding itself. Where something on the way spoils coded answers, a
// client asks the API for plain ones with this header, and for plain files with this
// parameter: no cache has a spoiled one under such an address. Both are CodingIdentity then.
const (
	HeaderAcceptCoding = "Rollcall-Accept-Encoding"
	ParamCoding        = "coding"
	CodingIdentity     = "identity"
)
