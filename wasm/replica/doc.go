// Package replica keeps the engine's state in memory, over a log and a base in a Database. It
// implements queue.Store, sync.Store and repository.Store. Each tab and host has a replica of
// its own.
//
//	state = fold(base, log)
//
// A transaction adds one record to the log. A record holds effects, not commands: what has
// changed, in full, so that every replica that takes it in comes to the same state and none
// has to decide anything. Transactions that write exclude each other, and each begins with
// what others have added to the log; so decisions are made on the newest state. A read is
// answered from memory, and asks the database only for pages of the base that it needs.
//
// # Between replicas
//
// Options.Publish hands each record to the other replicas, whose Receive takes in the one
// that is next. One that is missing, late or lost costs a read of the log. A replica that has
// heard nothing for a while (maxTrust) asks before it answers.
//
// # Lines
//
// Everything stored is lines: a letter, fields, a sum. See line.go for how they are written.
//
//	h format                   begins a text; of keyState it has the number, too
//	m name value               a named value
//	o outcome                  of an operation that has left the queue
//	f fence, g generation, n last Seq
//	w type was generation id sort version stamp synced document
//	                           the row of an entity without operations and open conflicts, its
//	                           last fields as a leaf has them; was is "=" and what it was
//	                           listed under before, or "-"
//	r type id was sort version stamp synced generation document
//	                           the same, as earlier versions wrote it
//	d type id was              there is none any more
//	s type generation id...    rows that a page of the feed has not changed
//	j type generation number rows sort id sort id
//	                           a leaf that was added to the list, from one key to before another
//	e type id generation       an entity with operations or conflicts, told anew by
//	c type id version stamp synced document, q Seq operation, k conflict
//	a type id seq              its first operation was sent, and nothing else has changed
//	x type id                  it has none left
//	v conflict                 that was reviewed
//	u line                     that was damaged, kept because it may hold an operation
//	b number                   the base has changed; keyState stands for the log up to it
//
// A damaged line counts as absent, and the lines around it keep their meaning. What it held
// comes again from the server, by the comparison of digests; what only this device had is
// kept twice, in keyState and keyTwin, of which the copy with more whole lines counts. One that
// may be such work is told to the person (queue.MetaDamaged). A page that a damaged directory
// does not name is lost with its rows. A line of an unknown letter was written by a newer
// program: the replica then takes in and writes nothing more, queue.ErrOutdated.
//
// How many rows of a leaf are visible, the directory and the log say. As soon as a leaf is read and
// has more or less, it is counted by what was read (state.unchanged), and written anew. So what a
// list shows and how long it is told to be agree, whatever is damaged.
//
// # Base
//
// For each type there are two directories (tree), of pages in the order of the list and of
// pages in the order of the ids:
//
//	list/TYPE, list/TYPE/N     leaves with whole rows
//	text/TYPE/N                what a search looks in, and when they were changed, of the same rows
//	ids/TYPE, ids/TYPE/N       version, hash and place in the list, by id; a line p of the directory is
//	                           of a range with several pages, those behind the first with what came later
//	state/a, state/b           all but rows; entities with operations or open conflicts
//	reserve                    room that gives way to the person's work (room.go)
//
// A page never changes; rewriting gives it another number. Each stands for the log up to a
// number of its own, so that compaction can go on in steps (compact.go). The log is deleted
// up to the least of these numbers, and its last record stays: a replica that was not there
// notices by it. Rounds of the engine have it moved when it has become long, and its host
// when there is nothing else to do (Tidy).
//
// # Memory
//
// In memory are the directories, the entities with operations or conflicts, and the entries:
// what the log has changed since the base (table.go). An entry hides what the base has of an
// entity. Pages are cached up to Options.Cache; nothing reads all of them but a digest, a
// sweep, reindexing, a search and another order than the list's, each part by part. Such an order,
// or a part of the list, is kept until another one is asked for (selection.go).
package replica
