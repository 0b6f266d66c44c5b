package api

// A browser sets Accept-Encoding itself. Where something on the way spoils coded answers, a
// client asks the API for plain ones with this header, and for plain files with this
// parameter: no cache has a spoiled one under such an address. Both are CodingIdentity then.
const (
	HeaderAcceptCoding = "Rollcall-Accept-Encoding"
	ParamCoding        = "coding"
	CodingIdentity     = "identity"
)

// ParamFrom asks for a file as a patch of the version whose hash it has. The answer is the
// whole file where the server has no patch. MediaPatch is a patch's media type.
const (
	ParamFrom  = "from"
	MediaPatch = "application/vnd.rollcall.patch"
)
