/* After fork() the child is told that the engine is not its own, at once and
 * without waiting for threads it does not have; the parent goes on. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "check.h"

#define ENDLESS                                                                               \
  "{\"op\":\"store.query\",\"params\":{\"sql\":\"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL " \
  "SELECT x+1 FROM c) SELECT count(*) FROM c\"}}"

enum { kForks = 20 };

typedef struct {
  selftune_engine_t* engine;
  selftune_job_t* job;
  selftune_sub_t* sub;
  const char* home;
} world_t;

static void on_change(void* user, int64_t clock, uint32_t topics) {
  (void)user;
  (void)clock;
  (void)topics;
}

#define IS_FORKED(call)                                       \
  do {                                                        \
    CHECK((call) == SELFTUNE_E_FAILED_PRECONDITION);          \
    CHECK(strcmp(selftune_error_name(error), "FORKED") == 0); \
    selftune_error_free(error);                               \
  } while (0)

static void in_the_child(const world_t* world) {
  const selftune_str_t request = selftune_str("{\"op\":\"about.version\"}");
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  selftune_error_t* error = NULL;
  selftune_job_t* job = NULL;
  selftune_sub_t* sub = NULL;
  alarm(20); /* a lock that nobody gives back would end the child */
  IS_FORKED(selftune_request(world->engine, request, &reply, &error));
  IS_FORKED(selftune_start(world->engine, request, NULL, &job, &error));
  IS_FORKED(selftune_job_wait(world->job, -1, &reply, &error));
  IS_FORKED(selftune_subscribe(world->engine, 1, on_change, NULL, &sub, &error));
  selftune_set_llm_handler(world->engine, NULL, NULL);
  selftune_job_cancel(world->job);
  selftune_job_release(world->job);
  selftune_unsubscribe(world->sub);
  selftune_close(world->engine);
  /* Nor can it have one of its own: the notes on file locks are the parent's. */
  selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  selftune_engine_t* mine = NULL;
  options.home = selftune_str(world->home);
  IS_FORKED(selftune_open(&options, &mine, &error));
}

/* Forks and waits for a child that does this and ends well. */
static void in_a_child(void (*body)(const world_t*), const world_t* world) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    body(world);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* While no engine is open forking does no harm. */
static void uses_an_engine(const world_t* world) {
  selftune_engine_t* engine = open_at(world->home, 0);
  make_store(engine);
  check_reply(engine, "{\"op\":\"store.info\"}", "\"ok\":true");
  selftune_close(engine);
}

static atomic_int stop;

/* Keeps the locks of the engine busy. */
static void* hammer(void* user) {
  while (!stop) check_reply(user, "{\"op\":\"store.info\",\"deadline_ms\":60000}", "\"ok\":true");
  return NULL;
}

int main(void) {
  world_t world = {NULL, NULL, NULL, fake_home()};
  pthread_t thread;
  selftune_buf_t reply = SELFTUNE_BUF_INIT;
  in_a_child(uses_an_engine, &world);
  uses_an_engine(&world);
  in_a_child(uses_an_engine, &world);
  world.engine = open_at(world.home, 0);
  make_store(world.engine);
  CHECK(selftune_start(world.engine, selftune_str(ENDLESS), NULL, &world.job, NULL) == SELFTUNE_OK);
  CHECK(selftune_subscribe(world.engine, SELFTUNE_TOPIC_ALL, on_change, NULL, &world.sub, NULL) ==
        SELFTUNE_OK);
  CHECK(pthread_create(&thread, NULL, hammer, world.engine) == 0);
  for (int i = 0; i < kForks; ++i) {
    in_a_child(in_the_child, &world);
    check_reply(world.engine, "{\"op\":\"about.version\"}", "\"ok\":true");
  }
  stop = 1;
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(selftune_job_wait(world.job, 0, &reply, NULL) == SELFTUNE_E_DEADLINE); /* still its own */
  selftune_job_cancel(world.job);
  CHECK(selftune_job_wait(world.job, 30000, &reply, NULL) == SELFTUNE_E_CANCELLED);
  selftune_job_release(world.job);
  selftune_unsubscribe(world.sub);
  selftune_close(world.engine);
  return 0;
}
