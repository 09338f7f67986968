-- The journal as version 1 made it, with one session in it.
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    cwd TEXT NOT NULL,
    python TEXT NOT NULL,
    python_version TEXT NOT NULL,
    venv TEXT,
    pid INTEGER NOT NULL,
    boot TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    ending TEXT,
    active INTEGER NOT NULL,
    intake TEXT NOT NULL DEFAULT '',
    position INTEGER NOT NULL DEFAULT 0,
    places INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    missed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE snippets (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number INTEGER NOT NULL,
    place INTEGER NOT NULL,
    client INTEGER,
    author TEXT NOT NULL,
    code TEXT NOT NULL,
    submitted INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    status TEXT NOT NULL,
    outcome TEXT,
    UNIQUE (session, number)
) STRICT;
CREATE INDEX snippets_by_time ON snippets (submitted);
CREATE TABLE output (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    snippet INTEGER NOT NULL,
    place INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    text TEXT NOT NULL,
    skipped INTEGER NOT NULL
) STRICT;
CREATE INDEX output_by_snippet ON output (session, snippet, place);
CREATE TABLE marks (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    place INTEGER NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX marks_by_place ON marks (session, place);
INSERT INTO sessions (uid, name, cwd, python, python_version, pid, boot, started, ended, ending, active, places)
    VALUES ('0123456789abcdef0123', 'old', '/work', '/usr/bin/python3', '3.11.2', 77, 'boot', 4102444800000,
            4102444800050, 'closed', 4102444800050, 1);
INSERT INTO snippets (session, number, place, author, code, submitted, started, ended, status, outcome)
    VALUES (1, 1, 1, 'you', '6*7', 4102444800010, 4102444800010, 4102444800020, 'ok',
            '{"status":"ok","returncode":0,"result":"42","error":null,"stopped_by":null,"elapsed":{"secs":0,"nanos":342430},"changes":{"added":[],"changed":[],"removed":[]}}');
INSERT INTO output (session, snippet, place, stream, text, skipped) VALUES (1, 1, 1, 0, 'hello' || char(10), 0);
PRAGMA application_id = 0x34684a31;
PRAGMA user_version = 1;
