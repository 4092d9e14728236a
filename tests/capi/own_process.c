/* In a process of its own SQLite counts no memory; beside others it goes on. */
#include <dlfcn.h>
#include <sys/wait.h>

#include "check.h"

typedef long long (*memory_used_fn)(void);

/* NULL: the library holds an SQLite of its own, which nobody else can use. */
static memory_used_fn memory_used(void) {
  memory_used_fn out = NULL;
  *(void**)&out = dlsym(RTLD_DEFAULT, "sqlite3_memory_used");
  return out;
}

/* Does SQLite count? With one more engine that asks for it when it is in use already. */
static int counts(const char* home, uint32_t flags) {
  selftune_engine_t* engine = open_at(home, flags);
  make_store(engine);
  selftune_engine_t* later = open_at(home, SELFTUNE_OWN_PROCESS);
  make_store(later);
  const int out = memory_used()() > 0;
  selftune_close(later);
  selftune_close(engine);
  return out;
}

int main(void) {
  if (memory_used() == NULL) return SKIPPED;
  const char* home = fake_home();
  const pid_t shared = fork();
  CHECK(shared >= 0);
  if (shared == 0) exit(counts(home, 0) ? 0 : 1);
  int status = 0;
  CHECK(waitpid(shared, &status, 0) == shared && status == 0);
  CHECK(!counts(home, SELFTUNE_OWN_PROCESS));
  return 0;
}
