// Package jsoncodec reads and writes JSON without reflection. What it takes and what it
// writes is what encoding/json takes and writes for the same type, but for three things:
//
//   - a member has exactly its name, in upper and lower case;
//   - of two members of one name the last counts, and nothing of the first;
//   - what can't be written is no error: a broken value is null, and a time that RFC 3339
//     doesn't have is the zero time.
//
// The program on a device has it instead of encoding/json: see docs/decisions/039.
package jsoncodec
