/* A commit is heard of although its writer was held up, as by a slow disk, between
   writing the log and showing what is in it. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <time.h>

#include "check.h"

static const int kHeldUpMs = 300; /* longer than the looks that follow each other at once */
static const int kSoonMs = 2500;  /* before the look that comes anyway */

static atomic_int calls;
static int held_up; /* of this thread alone, which alone writes */

static void changed(void* user, int64_t clock, uint32_t topics) {
  CHECK(user == NULL && clock > 0 && topics != 0);
  ++calls;
}

static void sleep_ms(int ms) {
  const struct timespec pause = {ms / 1000, ms % 1000 * 1000 * 1000L};
  nanosleep(&pause, NULL);
}

static ssize_t hold_up(ssize_t written) {
  if (held_up) sleep_ms(kHeldUpMs);
  return written;
}

static ssize_t slow_write(int fd, const void* from, size_t size) {
  return hold_up(write(fd, from, size));
}

static ssize_t slow_pwrite(int fd, const void* from, size_t size, off_t at) {
  return hold_up(pwrite(fd, from, size, at));
}

static void run(sqlite3* db, const char* sql) {
  char* message = NULL;
  if (sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK) return;
  fprintf(stderr, "%s: %s\n", sql, message);
  exit(1);
}

int main(void) {
  static char home[600], store[700];
  snprintf(home, sizeof home, "%s", fake_home());
  snprintf(store, sizeof store, "%s/.selftune/selftune.db", home);
  selftune_engine_t* engine = open_at(home, 0);
  make_store(engine);
  selftune_sub_t* sub = NULL;
  CHECK(selftune_subscribe(engine, SELFTUNE_TOPIC_ALL, changed, NULL, &sub, NULL) == SELFTUNE_OK);

  sqlite3_vfs* files = sqlite3_vfs_find(NULL);
  CHECK(files->xSetSystemCall(files, "write", (sqlite3_syscall_ptr)slow_write) == SQLITE_OK);
  CHECK(files->xSetSystemCall(files, "pwrite", (sqlite3_syscall_ptr)slow_pwrite) == SQLITE_OK);
  CHECK(files->xSetSystemCall(files, "pwrite64", (sqlite3_syscall_ptr)slow_pwrite) == SQLITE_OK);
  sqlite3* db = NULL;
  CHECK(sqlite3_open_v2(store, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
  run(db, "BEGIN IMMEDIATE");
  run(db, "UPDATE change_clock SET version = version + 1, topics = 1");
  sleep_ms(200); /* what was told by opening has passed */
  const int before = calls;
  held_up = 1;
  run(db, "COMMIT");
  held_up = 0;
  int waited = 0;
  for (; calls == before && waited < 2 * kSoonMs; waited += 10) sleep_ms(10);
  CHECK(calls > before);
  CHECK(waited < kSoonMs);

  sqlite3_close(db);
  CHECK(files->xSetSystemCall(files, NULL, NULL) == SQLITE_OK);
  selftune_unsubscribe(sub);
  selftune_close(engine);
  return 0;
}
