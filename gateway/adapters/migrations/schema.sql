-- 0003
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE actions (
	id TEXT NOT NULL, 
	state TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	door TEXT NOT NULL, 
	audience TEXT NOT NULL, 
	environments TEXT NOT NULL, 
	incident TEXT NOT NULL, 
	plan_digest TEXT NOT NULL, 
	doc_digest TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	decision_digest TEXT NOT NULL, 
	state_digest TEXT NOT NULL, 
	revision TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	created_ms INTEGER NOT NULL, 
	updated_ms INTEGER NOT NULL, 
	fence INTEGER NOT NULL, 
	lease_end_ms INTEGER NOT NULL, 
	undo_until_ms INTEGER NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE documents (
	action TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (action, kind)
)
 STRICT

;
CREATE TABLE sealed (
	action TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (action, kind)
)
 STRICT

;
CREATE TABLE steps (
	action TEXT NOT NULL, 
	step INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	fence INTEGER NOT NULL, 
	code TEXT NOT NULL, 
	PRIMARY KEY (action, step)
)
 WITHOUT ROWID,
 STRICT

;
CREATE INDEX actions_state ON actions (state, id);
CREATE INDEX actions_agent ON actions (agent, id);
CREATE TABLE due (
	action TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	claimed_until_ms INTEGER NOT NULL, 
	PRIMARY KEY (action, kind)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE locks (
	target TEXT NOT NULL, 
	action TEXT NOT NULL, 
	PRIMARY KEY (target)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE nonces (
	action TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	nonce TEXT NOT NULL, 
	fence INTEGER NOT NULL, 
	PRIMARY KEY (action, purpose, nonce, fence)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE requests (
	caller TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	answer TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (caller, request_id)
)
 WITHOUT ROWID,
 STRICT

;
CREATE INDEX due_at ON due (at_ms, claimed_until_ms);
CREATE INDEX locks_action ON locks (action);
CREATE TABLE votes (
	action TEXT NOT NULL, 
	nonce TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	groups TEXT NOT NULL, 
	assurance TEXT NOT NULL, 
	plan_digest TEXT NOT NULL, 
	decision_digest TEXT NOT NULL, 
	state_digest TEXT NOT NULL, 
	comment TEXT NOT NULL, 
	approve INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (action, nonce, subject)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE incidents (
	id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	status TEXT NOT NULL, 
	doc TEXT NOT NULL, 
	alert_ms INTEGER NOT NULL, 
	opened_ms INTEGER NOT NULL, 
	PRIMARY KEY (id)
)
 STRICT

;
CREATE TABLE reads (
	incident TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	action TEXT NOT NULL, 
	hypothesis TEXT NOT NULL, 
	targets TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (incident, seq)
)
 WITHOUT ROWID,
 STRICT

;
CREATE INDEX incidents_status ON incidents (status, id);
CREATE TABLE applied (
	action TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	undone_ms INTEGER NOT NULL, 
	PRIMARY KEY (action)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE applied_targets (
	target TEXT NOT NULL, 
	action TEXT NOT NULL, 
	PRIMARY KEY (target, action)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE switches (
	kind TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	"by" TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (kind, agent, environment)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE revisions (
	revision TEXT NOT NULL, 
	status TEXT NOT NULL, 
	PRIMARY KEY (revision)
)
 WITHOUT ROWID,
 STRICT

;
CREATE INDEX applied_agent ON applied (agent, at_ms);
CREATE INDEX applied_at ON applied (at_ms);
CREATE TABLE leaves (
	idx INTEGER NOT NULL, 
	hash BLOB NOT NULL, 
	body BLOB NOT NULL, 
	completes BLOB NOT NULL, 
	action TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	PRIMARY KEY (idx)
)
 STRICT

;
CREATE TABLE log_head (
	id INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	root BLOB NOT NULL, 
	frontier BLOB NOT NULL, 
	PRIMARY KEY (id)
)
 STRICT

;
CREATE TABLE checkpoints (
	size INTEGER NOT NULL, 
	root BLOB NOT NULL, 
	note TEXT NOT NULL, 
	PRIMARY KEY (size)
)
 STRICT

;
CREATE TABLE cursors (
	sink TEXT NOT NULL, 
	next INTEGER NOT NULL, 
	PRIMARY KEY (sink)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE dead_letters (
	sink TEXT NOT NULL, 
	idx INTEGER NOT NULL, 
	error TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (sink, idx)
)
 WITHOUT ROWID,
 STRICT

;
CREATE INDEX leaves_action ON leaves (action, kind, idx);
CREATE TABLE mishaps (
	action TEXT NOT NULL, 
	environment TEXT NOT NULL, 
	operation TEXT NOT NULL, 
	agent TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	PRIMARY KEY (action, environment, operation)
)
 WITHOUT ROWID,
 STRICT

;
CREATE INDEX mishaps_agent ON mishaps (agent, environment, at_ms);
CREATE INDEX mishaps_operation ON mishaps (operation, environment, at_ms);
CREATE TABLE drift (
	id TEXT NOT NULL, 
	action TEXT NOT NULL, 
	target TEXT NOT NULL, 
	path TEXT NOT NULL, 
	"before" TEXT NOT NULL, 
	"after" TEXT NOT NULL, 
	manager TEXT NOT NULL, 
	name TEXT NOT NULL, 
	file TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	status TEXT NOT NULL, 
	how TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	reference TEXT NOT NULL, 
	step INTEGER NOT NULL, 
	opened_ms INTEGER NOT NULL, 
	due_ms INTEGER NOT NULL, 
	closed_ms INTEGER NOT NULL, 
	PRIMARY KEY (id)
)
 STRICT

;
CREATE INDEX drift_status ON drift (status, id);
CREATE INDEX drift_action ON drift (action, id);
CREATE INDEX drift_target ON drift (target, status);
CREATE INDEX actions_incident ON actions (incident, id) WHERE incident <> '';
INSERT INTO alembic_version (version_num) VALUES ('0003');
