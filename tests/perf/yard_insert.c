/* N prepared inserts of a prompt-sized row: 200 bytes of text, integer keys,
 * two indexes, 2,000 rows a transaction, WAL, synchronous NORMAL.
 *
 *   yard_insert DB [N]   DB must not exist; prints the rows */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void Fail(sqlite3* db, const char* doing) {
  fprintf(stderr, "yard_insert: %s: %s\n", doing, sqlite3_errmsg(db));
  exit(1);
}

static void Exec(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) Fail(db, sql);
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: yard_insert DB [N]\n");
    return 2;
  }
  const long rows = argc > 2 ? atol(argv[2]) : 100000;
  sqlite3* db = NULL;
  if (sqlite3_open(argv[1], &db) != SQLITE_OK) Fail(db, "open");
  Exec(db, "PRAGMA journal_mode=WAL");
  Exec(db, "PRAGMA synchronous=NORMAL");
  Exec(db,
       "CREATE TABLE prompt(id INTEGER PRIMARY KEY, session INTEGER NOT NULL,"
       " at INTEGER NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL);"
       "CREATE INDEX prompt_session ON prompt(session, at);"
       "CREATE INDEX prompt_at ON prompt(at);");
  sqlite3_stmt* insert = NULL;
  if (sqlite3_prepare_v2(db, "INSERT INTO prompt(session, at, kind, text) VALUES(?,?,?,?)", -1,
                         &insert, NULL) != SQLITE_OK) {
    Fail(db, "prepare");
  }
  char text[200];
  memset(text, 'x', sizeof text);
  Exec(db, "BEGIN");
  for (long i = 0; i < rows; ++i) {
    sqlite3_bind_int64(insert, 1, i / 20);
    sqlite3_bind_int64(insert, 2, 1767225600000 + i * 1000);
    sqlite3_bind_int64(insert, 3, i % 3);
    sqlite3_bind_text(insert, 4, text, sizeof text, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE) Fail(db, "insert");
    sqlite3_reset(insert);
    if (i % 2000 == 1999) Exec(db, "COMMIT; BEGIN");
  }
  Exec(db, "COMMIT");
  sqlite3_finalize(insert);
  if (sqlite3_close(db) != SQLITE_OK) Fail(db, "close");
  printf("%ld rows\n", rows);
  return 0;
}
