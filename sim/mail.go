package sim

import (
	"github.com/rollcall/rollcall/wasm/replica"
)

// letter is a record of the log on its way to another replica.
type letter struct {
	to      *slot
	replica *replica.Store // a later one of the slot has not been there
	message replica.Message
	calls   int // of stores that come first
}

// publish sends a record to the other processes on the browser's channel.
func (s *slot) publish(m replica.Message) {
	for _, b := range s.b.browsers {
		if b == nil || b.channel != s.b.channel {
			continue
		}
		if b != s.b {
			s.w.fail(ownWork, "%s tells the processes of account %d of what account %d has saved", s.who, b.account, s.b.account)
		}
		for i, to := range b.slots {
			if to.replica != nil && to != s {
				b.post(to, m, b.luck(m.Seq, i))
			}
		}
	}
}

// luck is a number for a message and its receiver, which looks like chance.
func (b *browser) luck(seq int64, receiver int) uint64 {
	h := b.w.script.Seed + uint64(b.storage)<<40 + uint64(seq)<<8 + uint64(receiver)
	for range 2 { // Stafford's mix of splitmix64
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// post has a message arrive at once or, as luck has it, late, twice, or never.
func (b *browser) post(to *slot, m replica.Message, luck uint64) {
	stats, l := b.w.stats, letter{to: to, replica: to.replica, message: m}
	if b.w.healed || int(luck%100) >= b.config.Mail {
		b.mail = append(b.mail, l)
		return
	}
	luck /= 100
	later := l
	later.calls = 1 + int(luck/4%8)
	switch luck % 4 {
	case 0:
		stats.hit("record lost")
	case 1:
		stats.hit("record doubled")
		b.mail = append(b.mail, l, later)
	case 2:
		stats.hit("record late")
		b.mail = append(b.mail, later)
	case 3:
		stats.hit("record late")
		later.calls *= 8
		b.mail = append(b.mail, later)
	}
}

// deliver lets messages arrive before a call of the store. A frozen process gets them when
// it thaws.
func (b *browser) deliver() {
	kept := b.mail[:0]
	for _, l := range b.mail {
		l.calls--
		if l.calls >= 0 || l.to.frozen {
			kept = append(kept, l)
			continue
		}
		if l.replica == l.to.replica {
			l.replica.Receive(l.message)
		}
	}
	b.mail = kept
}
