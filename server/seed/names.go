package seed

// Parts of made-up people. Changing a list changes the people of every
// seed.
var (
	givenNames = []string{
		"Aaliyah", "Adaeze", "Ahmed", "Aiko", "Alejandro", "Amara", "Amina", "Ana", "Andrzej", "Anna", "Arjun",
		"Aylin", "Beatriz", "Björn", "Camille", "Carlos", "Chiara", "Chinedu", "Clara", "Daniel", "Daria", "David",
		"Diego", "Elena", "Elif", "Emeka", "Emma", "Esther", "Fatima", "Femi", "Freya", "Gabriela", "Grace", "Hana",
		"Hassan", "Hiroshi", "Ibrahim", "Ines", "Isabel", "Ivan", "James", "Jana", "João", "Jonas", "José", "Jun",
		"Kateryna", "Kenji", "Khadija", "Kwame", "Lars", "Layla", "Leila", "Lena", "Liam", "Lina", "Lucía", "Lukas",
		"Mai", "Malik", "María", "Marta", "Mateo", "Maya", "Mehmet", "Mei", "Mohamed", "Naledi", "Nia", "Nikolai",
		"Noah", "Nour", "Olga", "Oluwaseun", "Omar", "Paulo", "Pedro", "Petra", "Priya", "Rahul", "Rania", "Rosa",
		"Ruth", "Samir", "Sara", "Sofia", "Søren", "Tariq", "Thandiwe", "Tomás", "Uma", "Viktor", "Wanjiru", "Wei",
		"Xin", "Yara", "Yusuf", "Zainab", "Zofia", "Zoë",
	}
	familyNames = []string{
		"Abebe", "Adeyemi", "Ahmad", "Almeida", "Andersen", "Bauer", "Begum", "Bianchi", "Castro", "Chen", "Costa",
		"Da Silva", "Das", "Demir", "Diallo", "Dlamini", "Dubois", "Eriksson", "Fernández", "Ferrari", "Fischer",
		"García", "Gomes", "Haddad", "Hansen", "Hernández", "Horvat", "Ito", "Ivanova", "Jansen", "Jensen", "Jones",
		"Kamau", "Kaya", "Khan", "Kim", "Kovács", "Kowalski", "Kumar", "Larsen", "Le", "Lopes", "Malik", "Martin",
		"Martínez", "Mbeki", "Mensah", "Moreau", "Mwangi", "Müller", "Nakamura", "Ndiaye", "Nguyen", "Novák", "Nowak",
		"O'Brien", "Okafor", "Okoye", "Oliveira", "Osei", "Öztürk", "Park", "Patel", "Pereira", "Petrov", "Popescu",
		"Rahman", "Rossi", "Sánchez", "Santos", "Sato", "Schmidt", "Sharma", "Sithole", "Smith", "Suzuki", "Takahashi",
		"Tanaka", "Torres", "Traoré", "Tran", "Van Dijk", "Virtanen", "Wagner", "Wang", "Weber", "Wójcik", "Yılmaz",
		"Zhang", "Zulu",
	}
	domains = []string{"example.com", "example.net", "example.org", "clinic.example", "field.example", "club.example"}
	roles   = []string{
		"Nurse", "Midwife", "Field coordinator", "Volunteer", "Driver", "Logistics", "Treasurer", "Coach",
		"Interpreter", "Pharmacist", "Registrar", "Event desk", "Surveyor", "Trainer", "Warehouse", "Radio operator",
	}
	places = []string{
		"northern district", "harbour office", "mobile clinic 3", "main hall", "river camp", "hill station",
		"east gate", "county hospital", "training centre", "market square", "night shift", "regional depot",
	}
	notes = []string{
		"Best reached in the morning.", "Prefers text messages.", "Has the keys to the store room.",
		"Speaks four languages.", "First-aid certificate renewed this year.", "Away every second Friday.",
		"Covers for the team lead.", "Joined after the spring exercise.", "Knows the back roads.",
		"Call twice if it doesn't ring through.",
	}
)
