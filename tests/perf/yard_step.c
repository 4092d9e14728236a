/* Runs a query with bare SQLite and looks at every value.
 *
 *   yard_step DB SQL   prints the rows */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: yard_step DB SQL\n");
    return 2;
  }
  sqlite3* db = NULL;
  sqlite3_stmt* stmt = NULL;
  if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
      sqlite3_exec(db, "PRAGMA mmap_size=268435456", NULL, NULL, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2(db, argv[2], -1, &stmt, NULL) != SQLITE_OK) {
    fprintf(stderr, "yard_step: %s\n", sqlite3_errmsg(db));
    return 1;
  }
  const int columns = sqlite3_column_count(stmt);
  long rows = 0;
  uint64_t sum = 0;
  int code;
  while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
    for (int i = 0; i < columns; ++i) {
      switch (sqlite3_column_type(stmt, i)) {
        case SQLITE_INTEGER:
          sum += (uint64_t)sqlite3_column_int64(stmt, i);
          break;
        case SQLITE_FLOAT:
          sum += (uint64_t)(int64_t)sqlite3_column_double(stmt, i);
          break;
        case SQLITE_NULL:
          break;
        default:
          sum += sqlite3_column_text(stmt, i)[0];
          sum += (uint64_t)sqlite3_column_bytes(stmt, i);
      }
    }
    ++rows;
  }
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  if (code != SQLITE_DONE) return 1;
  printf("%ld %lu\n", rows, (unsigned long)(sum & 0xffff));
  return 0;
}
